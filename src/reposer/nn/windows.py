"""The largest value around each pixel, several times faster than by pooling, which also says where it was found."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def widest(values: Float[Tensor, "*B h w"], radius: int) -> Float[Tensor, "*B h w"]:
    """The largest of the square of 2 radius + 1 pixels around each; beyond the border there is nothing."""
    across, width = (radius, radius), 2 * radius + 1
    for axis, sides in ((-2, (0, 0, *across)), (-1, across)):
        values, size = F.pad(values, sides, value=-torch.inf), 1
        while size < width:  # of 1, 2, 4, ... values, and in the end of two such runs that overlap
            step = min(size, width - size)
            left = values.shape[axis] - step
            values, size = torch.maximum(values.narrow(axis, 0, left), values.narrow(axis, step, left)), size + step
    return values


def narrowest(values: Float[Tensor, "*B h w"], radius: int) -> Float[Tensor, "*B h w"]:
    """The same of the smallest."""
    return -widest(-values, radius)
