"""Maps between their pixels, by splines: a part of an enlargement at a time."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

Spline = tuple[tuple[int, ...], ...]
SMOOTH: Spline = (1, 4, 1, 0), (-3, 0, 3, 0), (3, -6, 3, 0), (-1, 3, -3, 1)
SHARP: Spline = (0, 2, 0, 0), (-1, 0, 1, 0), (2, -5, 4, -1), (-1, 3, -3, 1)
LINEAR: Spline = (0, 1, 0, 0), (0, -1, 1, 0), (0, 0, 0, 0), (0, 0, 0, 0)
"""A B-spline, Catmull and Rom's spline, and straight lines: the weights of four pixels by powers of the place between
the inner two; together they have to make 1."""
SplineWeights = tuple[slice, tuple[Float[Tensor, "n k"], ...]]


def spline_weights(small: int, large: int, part: slice, *splines: Spline) -> SplineWeights:
    """For the pixels `part` of `large`: which of the `small` pixels they need, and their weights in these splines; at
    the border the edge pixel repeats."""
    return _weights_of(small, large, part.start, part.stop, splines)


@lru_cache(maxsize=256)  # all tiles of a row, and all frames of a clip, need the same
def _weights_of(small: int, large: int, start: int, stop: int, splines: tuple[Spline, ...]) -> SplineWeights:
    place = (torch.arange(start, stop, dtype=torch.float64) + 0.5) * small / large - 0.5
    first = place.floor()
    t = (place - first)[:, None]
    powers = torch.cat([torch.ones_like(t), t, t * t, t**3], 1)
    taps = (first[:, None] + torch.arange(-1, 3)).clamp(0, small - 1).long()
    low, high = int(taps.min()), int(taps.max()) + 1
    found = []
    for spline in splines:
        basis = torch.tensor(spline, dtype=torch.float64) / sum(spline[0])
        weights = torch.zeros(len(place), high - low, dtype=torch.float64)
        found.append(weights.scatter_add_(1, taps - low, powers @ basis).float())
    return slice(low, high), tuple(found)
