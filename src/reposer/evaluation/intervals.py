"""How far a number could differ with other pairs: the percentile bootstrap."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from reposer.core.rng import numpy_stream

CELLS = 4_000_000  # sampled numbers in memory at a time
OF_PAIRS = 0xB007


def bootstrap(
    count: int,
    statistic: Callable[[Int64[np.ndarray, "R N"]], Float64[Tensor, "R D"]],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    address: int = OF_PAIRS,
) -> tuple[Float64[Tensor, "D"], Float64[Tensor, "D"]]:
    """The ends of the intervals of D numbers over `count` pairs; a resample in which a number is NaN does not count for
    it.

    statistic: the D numbers of each of R resamples, given the N pairs that each takes, with repetition. Pairs are
        sampled one by one: the interval is about other pairs of the same people. Pairs that share pictures are not
        independent, so it is narrow for few people and says nothing about new ones.
    address: of the random numbers; one for what is sampled.
    """
    stream = numpy_stream(seed, address, count)
    at_once = max(1, CELLS // count)
    found = [
        statistic(stream.integers(count, size=(min(at_once, resamples - start), count)))
        for start in range(0, resamples, at_once)
    ]
    tail = (1 - confidence) / 2
    ends = torch.tensor([tail, 1 - tail], dtype=torch.float64)
    low, high = torch.cat(found).nanquantile(ends, dim=0)
    return low, high


def bootstrap_interval(
    values: Sequence[float], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The interval of the mean of the finite `values`, independent of their order; (NaN, NaN) if there are none."""
    finite = np.sort(np.array([v for v in values if math.isfinite(v)], dtype=np.float64))
    if len(finite) == 0:
        return (math.nan, math.nan)
    low, high = bootstrap(
        len(finite),
        lambda taken: torch.from_numpy(finite[taken].mean(1, keepdims=True)),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    return low.item(), high.item()


def ratios(
    above: Float64[Tensor, "N D"], below: Float64[Tensor, "N D"]
) -> tuple[Float64[Tensor, "D"], Float64[Tensor, "D"], Float64[Tensor, "D"]]:
    """D numbers over N pairs, sum(above) / sum(below), with the ends of their 95 % intervals.

    For a mean over pairs, `below` is 1. NaN where `below` sums to 0. The intervals depend on the order of the pairs:
    sort them.
    """
    pairs, numbers = above.shape
    assert pairs > 0, "nothing is known about no pairs"
    both = torch.cat([above, below], 1).numpy()

    def statistic(taken: Int64[np.ndarray, "R N"]) -> Float64[Tensor, "R D"]:
        rows = len(taken)
        places = (taken + pairs * np.arange(rows)[:, None]).ravel()
        times = np.bincount(places, minlength=rows * pairs).reshape(rows, pairs)  # how often each pair was sampled
        sums = torch.from_numpy(times.astype(np.float64) @ both)
        return _quotient(sums[:, :numbers], sums[:, numbers:])

    return _quotient(above.sum(0), below.sum(0)), *bootstrap(pairs, statistic)


def _quotient(above: Float64[Tensor, "*N"], below: Float64[Tensor, "*N"]) -> Float64[Tensor, "*N"]:
    """Division with NaN, not infinity, where `below` is 0."""
    return (above / below).where(below != 0, torch.nan)
