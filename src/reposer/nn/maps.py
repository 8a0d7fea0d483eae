"""Pose maps: drawn by the model, in a batch, on the pose's device, from coordinates."""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose

Coordinates = Literal["exact", "truncated"]


def heatmaps(pose: Pose, sigma: float, *, coordinates: Coordinates = "exact") -> Float[Tensor, "B K H W"]:
    """One Gaussian bump of height 1 per visible joint; `sigma` in pixels. A joint outside leaves its tail.

    coordinates: "truncated" cuts positions to whole pixels first, as the published system did.
    """
    x, y = _seen_positions(pose)
    if coordinates == "truncated":
        x, y = x.trunc(), y.trunc()
    height, width = pose.size
    # a Gaussian bump is a product of a column and a row
    rows = torch.exp(-(_pixels(height, y) - y[..., None]).square() / (2 * sigma**2))
    columns = torch.exp(-(_pixels(width, x) - x[..., None]).square() / (2 * sigma**2))
    rows = rows * pose.visible[..., None]
    return rows[..., :, None] * columns[..., None, :]


def discs(pose: Pose, radius: float) -> Float[Tensor, "B K H W"]:
    """+1 within `radius` pixels of a visible joint, -1 elsewhere."""
    x, y = _seen_positions(pose)
    height, width = pose.size
    squared = (_pixels(height, y) - y[..., None]).square()[..., :, None]
    squared = squared + (_pixels(width, x) - x[..., None]).square()[..., None, :]
    inside = (squared <= radius**2) & pose.visible[..., None, None]
    return inside.to(x.dtype) * 2 - 1


def limb_mask(pose: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """1 within `radius` pixels of a visible joint or of a limb between two visible joints, 0 elsewhere."""
    distance = _limb_distances(pose)
    near_joint = (discs(pose, radius) > 0).any(1, keepdim=True)
    return ((distance <= radius).any(1, keepdim=True) | near_joint).to(pose.xy.dtype)


def stick_picture(pose: Pose, thickness: float | None = None) -> Float[Tensor, "B 3 H W"]:
    """The skeleton as a picture: anti-aliased limbs, each in its own colour, on black.

    thickness: of a limb, in pixels; None = a fiftieth of the picture's height.
    """
    thickness = pose.size[0] / 50 if thickness is None else thickness
    cover = (thickness / 2 + 0.5 - _limb_distances(pose)).clamp(0, 1)
    picture = pose.xy.new_zeros(pose.xy.shape[0], 3, *pose.size)
    for limb in range(cover.shape[1]):
        colour = picture.new_tensor(_rainbow(limb / max(cover.shape[1], 1)))[:, None, None]
        picture = torch.lerp(picture, colour.expand_as(picture), cover[:, limb : limb + 1])
    x, y = _seen_positions(pose)
    rows, columns = _pixels(pose.size[0], y) - y[..., None], _pixels(pose.size[1], x) - x[..., None]
    distance = (rows.square()[..., :, None] + columns.square()[..., None, :]).sqrt()
    dots = (0.7 * thickness + 0.5 - distance).clamp(0, 1) * pose.visible[..., None, None]
    return torch.lerp(picture, torch.ones_like(picture), dots.amax(1, keepdim=True)) * 2 - 1


def _seen_positions(pose: Pose) -> tuple[Tensor, Tensor]:
    """x and y (B, K), with 0 in place of what a missing joint holds."""
    assert pose.xy.dim() == 3, "maps are drawn of a batch of poses"
    xy = torch.where(pose.visible[..., None], pose.xy, 0.0)
    return xy[..., 0], xy[..., 1]


def _pixels(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, device=like.device, dtype=like.dtype)


def _limb_distances(pose: Pose) -> Float[Tensor, "B L H W"]:
    """From every pixel to every limb's segment, in pixels; infinite where an end is missing."""
    x, y = _seen_positions(pose)
    limbs = torch.tensor(pose.skeleton.limb_indices, device=x.device)
    start, end = limbs[:, 0], limbs[:, 1]
    ax, ay = x[:, start, None, None], y[:, start, None, None]
    dx, dy = x[:, end, None, None] - ax, y[:, end, None, None] - ay
    px = _pixels(pose.size[1], x)[None, None, None, :] - ax
    py = _pixels(pose.size[0], y)[None, None, :, None] - ay
    along = ((px * dx + py * dy) / (dx.square() + dy.square()).clamp(min=1e-9)).clamp(0, 1)
    distance = ((px - along * dx).square() + (py - along * dy).square()).sqrt()
    present = (pose.visible[:, start] & pose.visible[:, end])[..., None, None]
    return torch.where(present, distance, torch.inf)


def _rainbow(place: float) -> list[float]:
    """A bright colour for a place in [0, 1) on the colour circle, each channel in [0, 1]."""
    return [0.5 + 0.5 * math.cos(2 * math.pi * (place - turn / 3)) for turn in range(3)]
