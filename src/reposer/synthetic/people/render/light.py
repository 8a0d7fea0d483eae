"""Light on a rendered person: smoothed normals, lamp and sky, ambient occlusion, contours; for all pictures at once."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int16, Int64
from torch import Tensor

from reposer.synthetic.zbuffer import pick, quick


@dataclass(frozen=True)
class Lamp:
    """The light of each of B pictures. direction: towards it, unit length, in the camera's axes."""

    direction: Float[Tensor, "B 3"]
    ambient: Float[Tensor, "B"]
    warmth: Float[Tensor, "B"]

    def to(self, device: torch.device | str) -> "Lamp":
        return Lamp(self.direction.to(device), self.ambient.to(device), self.warmth.to(device))


def shine(
    texel: Float[Tensor, "S 4"],
    shade: Float[Tensor, "S"],
    gloss: Float[Tensor, "S"],
    normal: Float[Tensor, "3 B H W"],
    group: Int16[Tensor, "B H W"],
    depth: Float[Tensor, "B H W"],
    where: tuple[Int64[Tensor, "S"], Int64[Tensor, "S"], Int64[Tensor, "S"]],
    lamp: Lamp,
    reach: float,
) -> list[Float[Tensor, "S"]]:
    """Red, green and blue in [0, 1] of the S pixels that see a surface.

    texel: their colours without light, and the brightness of folds; shade: of the insides of sleeves and hems. normal:
    in the camera's axes, 0 in empty pixels. group: surfaces that are one cloth, 0 for none. depth: towards the camera,
    in statures, far below everything else in empty pixels. where: picture, row and column of the S pixels. reach:
    pixels of a typical stature, which scales the neighbourhoods used for light.
    """
    h, w = depth.shape[1:]
    row, y, x = where
    pixel = (row * h + y) * w + x
    across, up, ahead = (pick(axis, pixel) for axis in _smoothed(normal, group, depth, reach).flatten(1))
    # in float64: torch's float32 square root is not always the nearest number
    length = (across * across).addcmul_(up, up).addcmul_(ahead, ahead).double().sqrt_().float().clamp_(min=1e-6)
    across, up, ahead = across.div_(length), up.div_(length), ahead.div_(length)
    half = lamp.direction + lamp.direction.new_tensor([0, 0, 1.0])
    half = half / half.norm(dim=1, keepdim=True)

    def towards(direction: Tensor) -> Tensor:
        dx, dy, dz = (pick(axis, row) for axis in direction.T.contiguous())
        return (across * dx).add_(up * dy).add_(ahead * dz)

    lit = towards(lamp.direction).mul_(0.5).add_(0.5).clamp_(0, 1).pow_(1.35)
    sky = up * 0.5 + 0.5
    # occlusion is smooth: a quarter of the pixels is enough
    coarse = _hollows(depth[:, 1::2, 1::2].contiguous(), reach / 2)
    hidden = pick(coarse.flatten(), (row * (h // 2) + (y >> 1)) * (w // 2) + (x >> 1))
    ambient, warm = pick(lamp.ambient, row), pick(lamp.warmth, row)
    bright = ((1 - ambient).mul_(lit).add_(ambient)).add_(0.10 * sky).mul_(hidden).mul_(texel[:, 3] * shade)
    # shadows keep some colour: they turn a little blue and saturated, not grey
    tints = bright**1.06 * (1 + warm), bright**1.08, bright * (1 - warm)
    highlight = towards(half).clamp_(0, 1).pow_(24).mul_(gloss).mul_(hidden)
    clear = 1 - pick(_contours(depth, group, reach).flatten(), pixel)
    return [(texel[:, i] * tint).add_(highlight).mul_(clear).clamp_(0, 1) for i, tint in enumerate(tints)]


def _pairs(maps: Tensor, step: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The maps without their last rows, and without their first ones; then the same with columns."""
    for axis in (-2, -1):
        length = maps.shape[axis] - step
        if length > 0:
            yield maps.narrow(axis, 0, length), maps.narrow(axis, step, length)


def _as_float(mask: Any) -> Tensor:
    """1 where a comparison of `quick` numbers is true, else 0."""
    return mask.float() if isinstance(mask, Tensor) else torch.from_numpy(mask.astype(np.float32))


def _smoothed(normal: Tensor, group: Tensor, depth: Tensor, reach: float) -> Tensor:
    """Average normals with near neighbours of the same cloth at about the same depth, which hides seams."""
    for share in (0.012, 0.006, 0.003):
        total = normal.clone()
        step = max(1, round(share * reach))
        for cloth, far, old, new in zip(*(_pairs(maps, step) for maps in (group, depth, normal, total)), strict=True):
            first, second = (quick(side) for side in cloth)
            near = (first == second) & (quick((far[0] - far[1]).abs_()) < 0.022) & (first < 10)
            weight = _as_float(near)
            new[0].addcmul_(old[1], weight)
            new[1].addcmul_(old[0], weight)
        normal = total
    return normal


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


def _contours(depth: Tensor, group: Tensor, reach: float) -> Tensor:
    """Darkness of the thin contour where a part is in front of another."""
    line = torch.zeros_like(depth)
    step = max(1, round(0.0028 * reach))
    for far, part, dark in zip(*(_pairs(maps, step) for maps in (depth, group, line)), strict=True):
        jump = (far[0] - far[1]).abs_().sub_(0.02).mul_(50).clamp_(0, 1).mul_(0.38)
        jump.add_(_as_float(quick(part[0]) != quick(part[1])), alpha=0.16)
        for side in dark:
            torch.maximum(side, jump, out=side)
    return line.clamp_(max=0.42)
