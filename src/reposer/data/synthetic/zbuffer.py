"""Triangles to pixels: a z-buffer over the fragments of all pictures at once."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Hits:
    """What the pixels of B pictures see; S is the number of pixels that see something.

    pixel: where they are, as an index into B x H x W, rising. face: the triangle seen there.
    weights: barycentric. depth: (B, H, W), -inf where nothing is seen.
    """

    pixel: Int64[Tensor, "S"]
    face: Int64[Tensor, "S"]
    weights: Float[Tensor, "S 3"]
    depth: Float[Tensor, "B H W"]


def rasterise(
    points: Float[Tensor, "V 3"],
    faces: Int64[Tensor, "F 3"],
    picture: Int64[Tensor, "F"],
    num_pictures: int,
    size: tuple[int, int],
) -> Hits:
    """The nearest front face under every pixel centre.

    points: x right, y down in pixels of their picture, z towards the camera. faces: anticlockwise seen from outside.
    picture: the picture in which each face is.
    """
    h, w = size
    flat = points[:, :2].T.contiguous()
    i, j, k = faces.unbind(1)
    x, y = flat
    ax, ay, bx, by = x[j] - x[i], y[j] - y[i], x[k] - x[i], y[k] - y[i]
    area = ax * by - bx * ay
    # y points down: a front face runs clockwise in numbers
    front = torch.nonzero(area < -1e-9)[:, 0]
    corners = flat[:, faces[front]]
    low, high = corners.amin(2).ceil_().clamp_(min=0), corners.amax(2).floor_()
    high[0].clamp_(max=w - 1)
    high[1].clamp_(max=h - 1)
    wide, tall = (high - low + 1).int()
    hit = torch.nonzero((wide > 0) & (tall > 0))[:, 0]
    keep = front[hit]
    wide, tall, (x0, y0) = wide[hit], tall[hit], low[:, hit]
    count = wide * tall
    # per face: width of its box, barycentric weights and depth as affine functions of the place in it
    area, i, j, k = area[keep], i[keep], j[keep], k[keep]
    a1, b1, a2, b2 = by[keep] / area, -bx[keep] / area, -ay[keep] / area, ax[keep] / area
    dx, dy = x0 - x[i], y0 - y[i]
    z = points[:, 2]
    z0, z1, z2 = z[i], z[j] - z[i], z[k] - z[i]
    row = torch.stack([wide.float(), a1 * dx + b1 * dy, a1, b1, a2 * dx + b2 * dy, a2, b2], 1)
    height = torch.stack([z0, z1, z2], 1)
    first_pixel = (picture[keep] * (h * w) + y0.long() * w + x0.long()).int()

    face = torch.repeat_interleave(torch.arange(len(keep), device=points.device), count)
    first = torch.cumsum(count, 0) - count
    step = (torch.arange(len(face), device=points.device) - first[face]).float()
    width, w1, a1, b1, w2, a2, b2 = row[face].unbind(1)
    down = (step / width + 1e-4).floor()
    across = step - down * width
    w1 = w1 + a1 * across + b1 * down
    w2 = w2 + a2 * across + b2 * down
    inside = torch.nonzero((w1 >= -1e-4) & (w2 >= -1e-4) & (w1 + w2 <= 1 + 1e-4))[:, 0]
    face, w1, w2 = face[inside], w1[inside], w2[inside]
    pixel = (first_pixel[face] + (down[inside] * w + across[inside]).int()).long()
    z0, z1, z2 = height[face].unbind(1)
    depth = z0 + w1 * z1 + w2 * z2

    nearest = points.new_full((num_pictures * h * w,), -torch.inf)
    nearest.scatter_reduce_(0, pixel, depth, "amax")
    wins = torch.nonzero(depth == nearest[pixel])[:, 0]
    # of two faces at the very same depth the later one wins, on every device
    owner = torch.full((num_pictures * h * w,), -1, device=points.device)
    owner.scatter_reduce_(0, pixel[wins], wins, "amax")
    seen = torch.nonzero(owner >= 0)[:, 0]
    fragment = owner[seen]
    w1, w2 = w1[fragment], w2[fragment]
    weights = torch.stack([1 - w1 - w2, w1, w2], 1)
    return Hits(seen, keep[face[fragment]], weights, nearest.view(num_pictures, h, w))
