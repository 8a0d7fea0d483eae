"""Rasterisation of triangles: a z-buffer over the fragments of all pictures at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Hits:
    """What the pixels of B pictures show; S is the number of non-empty pixels.

    pixel: indices of the S pixels into B x H x W, ascending. face: the triangle shown by each.
    weights: barycentric. depth: (B, H, W), -inf in empty pixels.
    """

    pixel: Int64[Tensor, "S"]
    face: Int64[Tensor, "S"]
    weights: Float[Tensor, "S 3"]
    depth: Float[Tensor, "B H W"]


def pick(values: Tensor, index: Tensor) -> Tensor:
    """values[index], but five times as fast on the CPU for scalar values."""
    return values.index_select(0, index)


def columns(*values: Shaped[Tensor, "S"]) -> Shaped[Tensor, "S C"]:
    """torch.stack(values, 1), but three times as fast on the CPU for floats."""
    out = values[0].new_empty(len(values[0]), len(values))
    for i, column in enumerate(values):
        out[:, i] = column
    return out


def quick(values: Tensor) -> Any:
    """The same numbers, on the CPU as an array of NumPy, whose comparisons are ten times as fast as torch's there."""
    return values.numpy() if values.device.type == "cpu" else values


def true_places(mask: Any) -> Int64[Tensor, "K"]:
    """Indices of the true values of a comparison of `quick` numbers (N,), ascending."""
    return torch.nonzero(mask)[:, 0] if isinstance(mask, Tensor) else torch.from_numpy(np.flatnonzero(mask))


def rasterise(
    points: Float[Tensor, "V 3"],
    faces: Int64[Tensor, "F 3"],
    picture: Int64[Tensor, "F"],
    num_pictures: int,
    size: tuple[int, int],
) -> Hits:
    """The nearest front face under every pixel centre.

    points: x right, y down in pixels of their picture, z towards the camera. faces: anticlockwise seen from outside.
    picture: index of each face's picture.
    """
    h, w = size
    x, y, z = points.T.contiguous()
    i, j, k = faces.T.contiguous()
    x0, x1, x2 = pick(x, i), pick(x, j), pick(x, k)
    y0, y1, y2 = pick(y, i), pick(y, j), pick(y, k)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    # y points down: a front face runs clockwise in numbers
    keep = true_places(quick(area) < -1e-9)
    x0, x1, x2, y0, y1, y2, area = (pick(v, keep) for v in (x0, x1, x2, y0, y1, y2, area))
    left = torch.minimum(torch.minimum(x0, x1), x2).ceil_().clamp_(min=0)
    right = torch.maximum(torch.maximum(x0, x1), x2).floor_().clamp_(max=w - 1)
    top = torch.minimum(torch.minimum(y0, y1), y2).ceil_().clamp_(min=0)
    bottom = torch.maximum(torch.maximum(y0, y1), y2).floor_().clamp_(max=h - 1)
    # a face that covers no pixel centre has an empty box
    wide = (right - left + 1).clamp_(min=0)
    count = (wide * (bottom - top + 1).clamp_(min=0)).long()
    # barycentric weights as affine functions of the place in a face's box
    a1, b1, a2, b2 = (y2 - y0) / area, (x0 - x2) / area, (y0 - y1) / area, (x1 - x0) / area
    start1, start2 = a1 * (left - x0) + b1 * (top - y0), a2 * (left - x0) + b2 * (top - y0)
    first_pixel = pick(picture, keep) * (h * w) + top.long() * w + left.long()

    # one fragment for each pixel of each face's box
    face = torch.repeat_interleave(count)
    first = (torch.cumsum(count, 0) - count).int()
    step = torch.arange(len(face), device=points.device, dtype=torch.int32).sub_(pick(first, face)).float()
    width = pick(wide, face)
    # a quotient of integers below 2^24 is never rounded up to the next one: float division is exact, and faster
    down = (step / width).floor_()
    across = step.addcmul_(down, width, value=-1)
    w1 = pick(start1, face).addcmul_(pick(a1, face), across).addcmul_(pick(b1, face), down)
    w2 = pick(start2, face).addcmul_(pick(a2, face), across).addcmul_(pick(b2, face), down)
    inside = true_places((quick(torch.minimum(w1, w2)) >= -1e-4) & (quick(w1 + w2) <= 1 + 1e-4))
    face, w1, w2, across, down = (pick(v, inside) for v in (face, w1, w2, across, down))
    pixel = pick(first_pixel, face) + (down.long() * w + across.long())
    z0, z1, z2 = (pick(pick(z, v), keep) for v in (i, j, k))
    depth = pick(z0, face).addcmul_(w1, pick(z1 - z0, face)).addcmul_(w2, pick(z2 - z0, face))

    nearest = points.new_full((num_pictures * h * w,), -torch.inf)
    nearest.scatter_reduce_(0, pixel, depth, "amax")
    wins = true_places(quick(depth) == quick(pick(nearest, pixel)))
    # of two faces at the very same depth the later one wins, on every device
    owner = torch.full((num_pictures * h * w,), -1, device=points.device)
    owner.scatter_reduce_(0, pick(pixel, wins), wins, "amax")
    seen = true_places(quick(owner) >= 0)
    fragment = pick(owner, seen)
    w1, w2 = pick(w1, fragment), pick(w2, fragment)
    weights = columns(1 - w1 - w2, w1, w2)
    return Hits(seen, pick(keep, pick(face, fragment)), weights, nearest.view(num_pictures, h, w))
