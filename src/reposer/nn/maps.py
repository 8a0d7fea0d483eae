"""Pose maps: drawn by the model, in a batch, on the pose's device, from coordinates."""

import colorsys
from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose

Coordinates = Literal["exact", "truncated"]


def heatmaps(pose: Pose, sigma: float, *, coordinates: Coordinates = "exact") -> Float[Tensor, "B K H W"]:
    """One Gaussian bump of height 1 per visible joint; `sigma` in pixels. A joint outside leaves its tail.

    coordinates: "truncated" cuts positions to whole pixels first, towards 0, as the published system did.
    """
    x, y = _positions(pose)
    if coordinates == "truncated":
        x, y = x.trunc(), y.trunc()
    rows, columns = _offsets(x, y, pose.size)
    rows = torch.exp(-rows.square() / (2 * sigma**2)) * pose.visible[..., None]
    columns = torch.exp(-columns.square() / (2 * sigma**2))
    return rows[..., :, None] * columns[..., None, :]  # a Gaussian bump is a column times a row


def discs(pose: Pose, radius: float) -> Float[Tensor, "B K H W"]:
    """+1 within `radius` pixels of a visible joint, -1 elsewhere."""
    inside = (_joint_distances(pose) <= radius) & pose.visible[..., None, None]
    return inside.to(pose.xy.dtype) * 2 - 1


def limb_mask(pose: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """1 within `radius` pixels of a visible joint or of a limb between two visible joints, 0 elsewhere."""
    mask = (discs(pose, radius) > 0).any(1)
    for distance in _limb_distances(pose):
        mask |= distance <= radius
    return mask[:, None].to(pose.xy.dtype)


def stick_picture(pose: Pose, thickness: float | None = None) -> Float[Tensor, "B 3 H W"]:
    """The skeleton as a picture in [-1, 1]: limbs in a colour each, joints white, anti-aliased, on black.

    thickness: of a limb, in pixels; None = a fiftieth of the picture's larger side.
    """
    thickness = max(pose.size) / 50 if thickness is None else thickness
    picture = pose.xy.new_full((len(pose), 3, *pose.size), -1.0)
    colours = _limb_colours(len(pose.skeleton.limbs))
    for distance, colour in zip(_limb_distances(pose), colours, strict=True):
        cover = (0.5 + thickness / 2 - distance).clamp(0, 1)  # how much of a pixel lies inside
        picture = torch.lerp(picture, pose.xy.new_tensor(colour)[:, None, None], cover[:, None])
    cover = (0.5 + 0.6 * thickness - _joint_distances(pose)).clamp(0, 1) * pose.visible[..., None, None]
    return torch.lerp(picture, pose.xy.new_tensor(1.0), cover.amax(1, keepdim=True))


def _positions(pose: Pose) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K"]]:
    """x and y, with 0 in place of whatever a missing joint holds."""
    assert pose.xy.dim() == 3, "maps are drawn of a batch of poses"
    xy = torch.where(pose.visible[..., None], pose.xy, 0.0)
    return xy[..., 0], xy[..., 1]


def _offsets(
    x: Float[Tensor, "B K"], y: Float[Tensor, "B K"], size: tuple[int, int]
) -> tuple[Float[Tensor, "B K H"], Float[Tensor, "B K W"]]:
    """From every joint to every row (down) and to every column (right) of pixels."""
    height, width = size
    rows = torch.arange(height, device=y.device, dtype=y.dtype) - y[..., None]
    columns = torch.arange(width, device=x.device, dtype=x.dtype) - x[..., None]
    return rows, columns


def _joint_distances(pose: Pose) -> Float[Tensor, "B K H W"]:
    rows, columns = _offsets(*_positions(pose), pose.size)
    return torch.hypot(rows[..., :, None], columns[..., None, :])


def _limb_distances(pose: Pose) -> Iterator[Float[Tensor, "B H W"]]:
    """Limb by limb, from every pixel to the segment between its ends; infinite where an end is missing."""
    x, y = _positions(pose)
    rows, columns = _offsets(x, y, pose.size)
    for start, end in pose.skeleton.limb_indices:
        right, down = columns[:, start, None, :], rows[:, start, :, None]  # from the start to the pixel
        dx, dy = (x[:, end] - x[:, start])[:, None, None], (y[:, end] - y[:, start])[:, None, None]
        squared_length = (dx.square() + dy.square()).clamp(min=torch.finfo(x.dtype).tiny)
        along = ((right * dx + down * dy) / squared_length).clamp(0, 1)
        distance = torch.hypot(right - along * dx, down - along * dy)
        present = (pose.visible[:, start] & pose.visible[:, end])[:, None, None]
        yield torch.where(present, distance, torch.inf)


def _limb_colours(count: int) -> list[tuple[float, ...]]:
    """Colours in [-1, 1], once round the circle of hues; neighbours also differ in brightness."""
    colours = [colorsys.hsv_to_rgb(n / count, 0.85, 1.0 if n % 2 == 0 else 0.72) for n in range(count)]
    return [tuple(2 * channel - 1 for channel in colour) for colour in colours]
