"""How far a mean could have come out elsewhere, had the pairs been drawn again."""

import math
from collections.abc import Sequence

import numpy as np

from reposer.core.rng import numpy_stream

CELLS = 4_000_000  # drawn numbers held at a time


def bootstrap_interval(
    values: Sequence[float], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of the finite `values`; (NaN, NaN) if there are none.

    It depends on the values alone, not on their order. Pairs are drawn, each by itself: the interval is about
    other pairs of the same people. Pairs that share pictures are not independent, so it is narrow for few
    people and says nothing about new ones.
    """
    finite = np.sort(np.array([v for v in values if math.isfinite(v)], dtype=np.float64))
    if len(finite) == 0:
        return (math.nan, math.nan)
    stream = numpy_stream(seed, 0xB007, len(finite))
    at_once = max(1, CELLS // len(finite))
    means = []
    for start in range(0, resamples, at_once):
        drawn = stream.integers(len(finite), size=(min(at_once, resamples - start), len(finite)))
        means.append(finite[drawn].mean(1))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return (float(low), float(high))
