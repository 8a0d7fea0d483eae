"""Dense optical flow between two pictures: pyramidal Lucas-Kanade (Lucas and Kanade 1981; Bouguet 2001), in plain
torch.

At each pixel a window's brightness must agree after the shift: the linearised equations of all its pixels and colours
are solved by least squares, from the coarsest level of a pyramid to the finest, several times on each. Where a window
has no texture, the shift of the coarser level stays. The median after each level (Sun, Roth and Black 2010) preserves
motion edges.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from .warp import warp

WINDOW = 2.5
"""Standard deviation of the Gaussian window, in pixels of its level."""
ITERATIONS = 5
COARSEST = 12
"""Minimum length of the coarsest level's shorter side, in pixels."""
DAMPING = 1e-4
"""Variance of the gradient, of pictures in [-1, 1], below which a window counts as having no texture."""
MEDIAN = 2
"""Radius of the median filter, in pixels."""


@torch.no_grad()
def lucas_kanade(source: Float[Tensor, "B 3 H W"], target: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 2 H W"]:
    """Backward flow in pixels: `target(p)` is like `source(p + flow(p))`. Pictures in [-1, 1].

    Deterministic; row b depends on row b alone. It does not find motion of more than an eighth of the picture, nor
    places that the other picture does not show.
    """
    pyramid = [(source, target)]
    while min(pyramid[-1][0].shape[-2:]) >= 2 * COARSEST:
        height, width = pyramid[-1][0].shape[-2:]
        half = (math.ceil(height / 2), math.ceil(width / 2))
        first, second = (F.interpolate(p, half, mode="bilinear", antialias=True) for p in pyramid[-1])
        pyramid.append((first, second))
    flow = source.new_zeros(len(source), 2, *pyramid[-1][0].shape[-2:])
    for level_source, level_target in reversed(pyramid):
        size = level_source.shape[-2:]
        if flow.shape[-2:] != size:
            scale = flow.new_tensor([size[1] / flow.shape[-1], size[0] / flow.shape[-2]]).view(1, 2, 1, 1)
            flow = F.interpolate(flow, size, mode="bilinear") * scale
        for _ in range(ITERATIONS):
            flow = flow + _step(warp(level_source, flow), level_target)
        flow = _median(flow)
    return flow


def agree(flow: Float[Tensor, "B 2 H W"], back: Float[Tensor, "B 2 H W"]) -> Bool[Tensor, "B H W"]:
    """Where following both flows ends near the start, and stays inside the picture.

    flow: from the target to the source; back: from the source to the target. A pixel that only one of them shows has no
    match to return from. The tolerance is that of Sundaram, Brox and Keutzer 2010: |sum|^2 below 0.01 (|flow|^2 +
    |back|^2) + 0.5 pixels^2.
    """
    returned = warp(back, flow)
    miss = (flow + returned).square().sum(1)
    tolerance = 0.01 * (flow.square().sum(1) + returned.square().sum(1)) + 0.5
    return (miss < tolerance) & inside(flow)


def inside(flow: Float[Tensor, "B 2 H W"]) -> Bool[Tensor, "B H W"]:
    """Where p + flow(p) is between the centres of the picture's pixels."""
    height, width = flow.shape[-2:]
    x = flow[:, 0] + torch.arange(width, device=flow.device)
    y = flow[:, 1] + torch.arange(height, device=flow.device)[:, None]
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _step(moved: Float[Tensor, "B 3 H W"], target: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 2 H W"]:
    """The shift, at most a pixel each way, that brings `moved` nearer to `target`: least squares in each window."""
    gx, gy = _gradient((moved + target) / 2)
    gt = target - moved
    sums = torch.stack([gx * gx, gx * gy, gy * gy, gx * gt, gy * gt], 1).sum(2)  # over colours
    xx, xy, yy, xt, yt = _blur(sums).unbind(1)
    xx, yy = xx + DAMPING, yy + DAMPING
    determinant = xx * yy - xy * xy  # positive: the damping is
    shift = torch.stack([yy * xt - xy * yt, xx * yt - xy * xt], 1) / determinant[:, None]
    return shift.clamp(-1, 1)


def _gradient(picture: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
    """Central differences per pixel; borders repeat."""
    padded = F.pad(picture, (1, 1, 1, 1), mode="replicate")
    across = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
    down = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
    return across, down


def _blur(planes: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Gaussian window, one axis after the other; borders repeat."""
    radius = math.ceil(2.5 * WINDOW)
    taps = torch.arange(-radius, radius + 1, device=planes.device, dtype=planes.dtype)
    weights = (-taps.square() / (2 * WINDOW**2)).exp()
    weights = weights / weights.sum()
    batch, channels, height, width = planes.shape
    rows = F.pad(planes.reshape(-1, 1, height, width), (radius, radius, radius, radius), mode="replicate")
    blurred = F.conv2d(F.conv2d(rows, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
    return blurred.view(batch, channels, height, width)


def _median(flow: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B 2 H W"]:
    """The median of each component over a square around each pixel."""
    batch, _, height, width = flow.shape
    padded = F.pad(flow, (MEDIAN,) * 4, mode="replicate").view(-1, 1, height + 2 * MEDIAN, width + 2 * MEDIAN)
    around = F.unfold(padded, 2 * MEDIAN + 1).view(batch, 2, -1, height, width)
    return around.median(2).values
