"""Small random moves of pictures and their contents."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core.framing import square
from reposer.core.pose import rotation_about


def random_move(
    stream: np.random.Generator, size: tuple[int, int], angle: float, shift: tuple[float, float], scale: float
) -> Float[Tensor, "2 3"]:
    """A random rotation of up to `angle` degrees and scale of 1 +- `scale` about the picture's centre, then a shift of
    up to `shift` (x, y) pixels.
    """
    centre = ((size[1] - 1) / 2, (size[0] - 1) / 2)
    turn, x, y, grow = stream.uniform(-1, 1, 4).tolist()
    return rotation_about(centre, angle * turn, 1 + scale * grow, (shift[0] * x, shift[1] * y))


def move_pictures(
    pictures: Float[Tensor, "*T C H W"], matrix: Float[Tensor, "2 3"], fill: float | None
) -> Float[Tensor, "*T C H W"]:
    """Move each pixel p to `matrix @ p`, by nearest neighbour; outside the picture `fill`, or if None the nearest
    edge pixel.
    """
    height, width = pictures.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)], -1).double() @ torch.linalg.inv(square(matrix)).T
    column, row = places[..., 0].round().long(), places[..., 1].round().long()
    moved = pictures[..., row.clamp(0, height - 1), column.clamp(0, width - 1)]
    if fill is None:
        return moved
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return torch.where(inside, moved, fill)
