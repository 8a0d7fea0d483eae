"""Parts of a picture that are composed at a time."""

from jaxtyping import Float
from torch import Tensor

NOTHING = 1 / 512
"""A share that changes no byte."""


def around_any(share: Float[Tensor, "t u"]) -> tuple[slice, slice]:
    """The rows and columns between which some of it is."""
    found = []
    for axis in (1, 0):
        some = share.amax(axis).nonzero()[:, 0]
        found.append(slice(int(some[0]), int(some[-1]) + 1) if len(some) else slice(0, 0))
    return found[0], found[1]


def within(part: slice, inner: slice) -> slice:
    return slice(part.start + inner.start, part.start + inner.stop)


def ramp(values: Tensor, low: float, high: float) -> Tensor:
    """0 up to `low`, 1 from `high`."""
    return ((values - low) / (high - low)).clamp(0, 1)
