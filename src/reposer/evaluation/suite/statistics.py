"""Numbers over pairs that are a sum divided by a sum, and how far each could have come out with other pairs."""

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from reposer.core.rng import numpy_stream
from reposer.evaluation.intervals import CELLS


def ratios(
    above: Float64[Tensor, "N D"],
    below: Float64[Tensor, "N D"],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[Float64[Tensor, "D"], Float64[Tensor, "D"], Float64[Tensor, "D"]]:
    """D numbers over N pairs, sum(above) / sum(below), with the ends of their percentile bootstrap intervals.

    A mean over pairs has 1 below. Whole pairs are drawn, the same for all D numbers; a draw in which nothing is
    below says nothing. NaN where nothing is below at all. It depends on the order of the pairs: sort them first.
    """
    pairs, numbers = above.shape
    assert pairs > 0, "nothing is known about no pairs"
    both = torch.cat([above, below], 1).numpy()
    stream = numpy_stream(seed, 0xB007, pairs)
    at_once = max(1, CELLS // pairs)
    drawn = []
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        chosen = stream.integers(pairs, size=(rows, pairs)) + pairs * np.arange(rows)[:, None]
        times = np.bincount(chosen.ravel(), minlength=rows * pairs).reshape(
            rows, pairs
        )  # each pair was drawn
        drawn.append(torch.from_numpy(times.astype(np.float64) @ both))
    sums = torch.cat(drawn)
    tail = (1 - confidence) / 2
    ends = torch.tensor([tail, 1 - tail], dtype=torch.float64)
    low, high = _quotient(sums[:, :numbers], sums[:, numbers:]).nanquantile(ends, dim=0)
    return _quotient(above.sum(0), below.sum(0)), low, high


def _quotient(above: Float64[Tensor, "*N"], below: Float64[Tensor, "*N"]) -> Float64[Tensor, "*N"]:
    """NaN, not infinity, where nothing is below."""
    return (above / below).where(below != 0, torch.nan)
