"""Light on a rendered person: smoothed normals, lamp and sky, ambient occlusion, contours; for all pictures at once."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int16
from torch import Tensor

from reposer.synthetic.zbuffer import pick


@dataclass(frozen=True)
class Lamp:
    """The light of each of B pictures. direction: towards it, unit length, in the camera's axes."""

    direction: Float[Tensor, "B 3"]
    ambient: Float[Tensor, "B"]
    warmth: Float[Tensor, "B"]

    def to(self, device: torch.device | str) -> "Lamp":
        return Lamp(self.direction.to(device), self.ambient.to(device), self.warmth.to(device))


def shine(
    colour: Float[Tensor, "S 3"],
    folds: Float[Tensor, "S"],
    gloss: Float[Tensor, "S"],
    normal: Float[Tensor, "3 B H W"],
    group: Int16[Tensor, "B H W"],
    depth: Float[Tensor, "B H W"],
    seen: Bool[Tensor, "B H W"],
    pixel: Tensor,
    lamp: Lamp,
    reach: float,
) -> Float[Tensor, "S 3"]:
    """Colours in [0, 1] of the S pixels that see a surface.

    normal: in the camera's axes, 0 in empty pixels; it is modified in place. group: surfaces that are one cloth, 0 for
    none. depth: towards the camera, in statures, far below everything else in empty pixels. pixel: indices of the S
    pixels in B x H x W. reach: pixels of a typical stature, which scales the neighbourhoods used for light.
    """
    h, w = normal.shape[2:]
    _smooth(normal, group, depth, reach)
    n = torch.stack([pick(axis, pixel) for axis in normal.flatten(1)], 1)
    n = n / n.norm(dim=1, keepdim=True).clamp(min=1e-6)
    row = pixel // (h * w)
    direction = pick(lamp.direction, row)
    lit = (0.5 + 0.5 * (n * direction).sum(1)).clamp(0, 1) ** 1.35
    sky = 0.5 + 0.5 * n[:, 1]
    # occlusion is smooth: a quarter of the pixels is enough
    coarse = _hollows(depth[:, 1::2, 1::2], reach / 2)
    hidden = pick(coarse.flatten(), (row * (h // 2) + pixel // w % h // 2) * (w // 2) + pixel % w // 2)
    ambient = pick(lamp.ambient, row)
    bright = (ambient + (1 - ambient) * lit + 0.10 * sky) * hidden * folds
    warm = pick(lamp.warmth, row)
    # shadows keep some colour: they turn a little blue and saturated, not grey
    tint = torch.stack([bright**1.06 * (1 + warm), bright**1.08, bright * (1 - warm)], 1)
    half = direction + direction.new_tensor([0, 0, 1.0])
    half = half / half.norm(dim=1, keepdim=True)
    highlight = (n * half).sum(1).clamp(0, 1) ** 24
    line = pick(_contours(depth, group, seen, reach).flatten(), pixel)
    shaded: Tensor = ((colour * tint + (gloss * highlight * hidden)[:, None]) * (1 - line)[:, None]).clamp(0, 1)
    return shaded


def _pair(size: int, step: int) -> tuple[slice, slice]:
    return slice(0, size - step), slice(step, size)


def _smooth(normal: Tensor, group: Tensor, depth: Tensor, reach: float) -> None:
    """Average normals with near neighbours of the same cloth at about the same depth, which hides seams."""
    h, w = depth.shape[1:]
    for share in (0.012, 0.006, 0.003):
        step = max(1, round(share * reach))
        total = normal.clone()
        for axis, size in ((1, h), (2, w)):
            if size <= step:
                continue
            a: list[slice] = [slice(None)] * 3
            b = list(a)
            a[axis], b[axis] = _pair(size, step)
            ga, da = group[tuple(a)], depth[tuple(a)]
            near = (ga == group[tuple(b)]) & ((da - depth[tuple(b)]).abs_() < 0.022) & (ga < 10)
            weight = near.to(normal.dtype)
            for axis_total, axis_normal in zip(total, normal, strict=True):
                axis_total[tuple(a)].addcmul_(axis_normal[tuple(b)], weight)
                axis_total[tuple(b)].addcmul_(axis_normal[tuple(a)], weight)
        normal.copy_(total)


class _Shifted:
    """A map whose values at (y + dy, x + dx) can be read without copying; its edges are repeated."""

    def __init__(self, a: Tensor, reach: int) -> None:
        self.reach, self.size = reach, a.shape[1:]
        self.padded = F.pad(a[:, None].float(), (reach,) * 4, mode="replicate")[:, 0]

    def __call__(self, dy: int, dx: int) -> Tensor:
        top, left = self.reach + dy, self.reach + dx
        return self.padded[:, top : top + self.size[0], left : left + self.size[1]]


HOLLOWS = (
    (-0.026, 0.010),
    (-0.026, -0.010),
    (-0.012, 0.024),
    (-0.012, -0.024),
    (0.016, 0.02),
    (0.016, -0.02),
    (-0.05, 0.0),
)
"""Offsets at which a point is tested for occluders, (down, right) in statures."""


def _hollows(depth: Tensor, reach: float) -> Tensor:
    """Light that reaches a point, in (0, 1]: less if something nearby is in front of it."""
    at = _Shifted(depth, math.ceil(0.05 * reach) + 1)
    dark = torch.zeros_like(depth)
    for dy, dx in HOLLOWS:
        above = at(round(dy * reach), round(dx * reach)) - depth
        # an occluder in front shades; one very far in front does not
        dark += ((above - 0.012) / 0.03).clamp_(0, 1).mul_((1.4 - above / 0.22).clamp_(0, 1))
    step = max(1, round(0.006 * reach))
    for dy, dx in ((step, 0), (0, step)):  # the few steps would show as bands
        at = _Shifted(dark, step)
        dark = (at(dy, dx) + 2 * dark + at(-dy, -dx)) / 4
    return 1 - (0.64 / len(HOLLOWS)) * dark


def _contours(depth: Tensor, group: Tensor, seen: Tensor, reach: float) -> Tensor:
    """Darkness of the thin contour where a part is in front of another."""
    step = max(1, round(0.0028 * reach))
    depth_at, group_at = _Shifted(depth, step), _Shifted(group, step)
    line = torch.zeros_like(depth)
    for dy, dx in ((0, step), (0, -step), (step, 0), (-step, 0)):
        jump = (depth_at(dy, dx) - depth).abs_().sub_(0.02).mul_(50).clamp_(0, 1).mul_(0.38)
        line = torch.maximum(line, jump.add_(group_at(dy, dx) != group, alpha=0.16))
    return line.clamp_(max=0.42) * seen
