"""Pose maps, computed from coordinates inside the model, in a batch, on the pose's device."""

import colorsys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from reposer.core import SKELETONS, BadInput, Pose
from reposer.core.skeleton import BODY_LINES

Coordinates = Literal["exact", "truncated"]
"""Position of a joint: exact, or (as in published systems) truncated to whole pixels, towards zero."""
CLOSING = 5  # pixels, side of the square that closes a pose mask
OUT_OF_SIGHT = 1e9  # pixels; its square is still a float32
FAINTEST = -80.0  # logarithm of what is left of a line far away


@dataclass(frozen=True)
class JointMaps:
    """How a generator sees a pose: one map per joint of a skeleton."""

    coordinates: Coordinates = "exact"
    """"exact"; or "truncated" (most published systems): joint positions are rounded towards zero to whole pixels."""
    skeleton: str = "openpose18"
    """Name of the poses' skeleton."""

    def __post_init__(self) -> None:
        SKELETONS[self.skeleton]  # refuses an unknown name


@dataclass(frozen=True)
class PoseMaps(JointMaps):
    """One Gaussian bump per joint."""

    sigma: float = 6.0
    """Standard deviation of a joint's bump, in pixels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma <= 0:
            raise BadInput(f"The sigma of pose maps is above 0, not {self.sigma}.")

    def of(self, pose: Pose, picture: Float[Tensor, "B _ H W"]) -> Float[Tensor, "B K H W"]:
        """The maps of a picture's pose, on its device and in its dtype."""
        return heatmaps(pose.to(picture.device), self.sigma, coordinates=self.coordinates).to(picture.dtype)


@dataclass(frozen=True)
class PoseDiscs(JointMaps):
    """One disc per joint."""

    radius: float = 4.0
    """Radius of a joint's disc, in pixels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.radius <= 0:
            raise BadInput(f"The radius of pose maps is above 0, not {self.radius}.")

    def of(self, pose: Pose, picture: Float[Tensor, "B _ H W"]) -> Float[Tensor, "B K H W"]:
        """The maps of a picture's pose, on its device and in its dtype."""
        return discs(pose.to(picture.device), self.radius, coordinates=self.coordinates).to(picture.dtype)


def heatmaps(pose: Pose, sigma: float, *, coordinates: Coordinates = "exact") -> Float[Tensor, "B K H W"]:
    """One Gaussian bump of height 1 per visible joint; `sigma` in pixels. The bump of a joint outside may reach in.

    coordinates: "truncated" rounds positions to whole pixels first, towards 0, as the published system did.
    """
    rows, columns = bumps(pose, sigma, coordinates=coordinates)
    return rows[..., :, None] * columns[..., None, :]


def bumps(
    pose: Pose, sigma: float, *, coordinates: Coordinates = "exact"
) -> tuple[Float[Tensor, "B K H"], Float[Tensor, "B K W"]]:
    """The columns and rows whose products are `heatmaps`."""
    x, y = _positions(pose)
    if coordinates == "truncated":
        x, y = x.trunc(), y.trunc()
    down, across = (torch.exp(-d.square() / (2 * sigma**2)) for d in _offsets(x, y, pose.size))
    return down, across


def discs(pose: Pose, radius: float, *, coordinates: Coordinates = "exact") -> Float[Tensor, "B K H W"]:
    """+1 within `radius` pixels of a visible joint, -1 elsewhere. `coordinates` as in `heatmaps`."""
    if coordinates == "truncated":
        pose = replace(pose, xy=pose.xy.trunc())
    inside = _joint_squares(pose) <= radius**2
    return inside.to(pose.xy.dtype) * 2 - 1


def limb_mask(pose: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """1 within `radius` pixels of a visible joint or of a limb between two visible joints, 0 elsewhere."""
    nearest = reduce(torch.minimum, _limb_squares(pose), _joint_squares(pose).amin(1))
    return (nearest <= radius**2)[:, None].to(pose.xy.dtype)


def limb_maps(pose: Pose, sigma: float) -> tuple[Float[Tensor, "B L H W"], Float[Tensor, "B L H W"]]:
    """(line, way) of each limb of the skeleton, 0 where an end is missing.

    line: a soft line of height 1, Gaussian across; `sigma` in pixels. way: the same, times -1 at the limb's start to 1
    at its end. The channels are last in memory.
    """
    start, end = torch.tensor(pose.skeleton.limb_indices, device=pose.xy.device).T
    present = pose.visible[:, start] & pose.visible[:, end]
    places = torch.where(pose.visible[..., None], pose.xy, 0.0)
    (ax, ay), (bx, by) = (places[:, ends].permute(2, 0, 1)[:, :, None, None] for ends in (start, end))
    dx, dy = bx - ax, by - ay
    height, width = pose.size
    right = torch.arange(width, device=ax.device, dtype=ax.dtype)[:, None] - ax
    down = torch.arange(height, device=ax.device, dtype=ax.dtype)[:, None, None] - ay
    share = ((right * dx + down * dy) / (dx.square() + dy.square()).clamp(min=1e-6)).clamp(0, 1)
    squares = (right - share * dx).square() + (down - share * dy).square()
    # far away it is 0; numbers that are nearly too small for float32 take ten times as long
    line = torch.exp((squares / (-2 * sigma**2)).clamp(min=FAINTEST)) * present[:, None, None]
    return line.permute(0, 3, 1, 2), (line * (2 * share - 1)).permute(0, 3, 1, 2)


def pose_mask(pose: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """PG2's mask of a person: discs along BODY_LINES, closed by a square of 5 pixels; 1 inside, 0 elsewhere.

    Joints and discs lie at whole pixels, rounded towards 0. A joint adds nothing unless one of its partners is visible
    too. A line n times as long as the radius has n - 1 discs between its ends.
    """
    centres, present = _stamps(pose, radius)
    reach = int(radius)  # a disc outside may reach in
    height, width = pose.size[0] + 2 * reach, pose.size[1] + 2 * reach
    column, row = (centres + reach).unbind(-1)
    present = present & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    places = torch.where(present, row * width + column, 0)
    canvas = pose.xy.new_zeros(len(pose), height * width).scatter_add_(1, places, present.to(pose.xy.dtype))
    steps = torch.arange(-reach, reach + 1, device=pose.xy.device)
    disc = (steps[:, None].square() + steps.square() <= radius**2).to(pose.xy.dtype)
    stamped = (F.conv2d(canvas.view(-1, 1, height, width), disc[None, None]) > 0.5).to(pose.xy.dtype)
    return _closed(stamped)


def polygon_mask(pose: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """PATN's and GFLA's mask of a person: rectangles along BODY_LINES and a disc around every visible joint, closed by
    a square of 5 pixels; 1 inside, 0 elsewhere.

    A rectangle ends at its two joints and reaches `radius` pixels to either side, its edges included; a disc contains
    pixels nearer than `radius`. A joint without a visible partner has only its disc, one outside of the picture only
    the part that reaches in.
    """
    squares = _joint_squares(pose)
    inside = (squares < radius**2).any(1)
    for along, across, squared_length in _line_places(pose):
        long, wide = squared_length[:, None, None], radius**2 * squared_length[:, None, None]
        inside |= (long > 0) & (along >= 0) & (along <= long) & (across.square() <= wide)
    return _closed(inside[:, None].to(pose.xy.dtype))


def stick_picture(pose: Pose, thickness: float | None = None) -> Float[Tensor, "B 3 H W"]:
    """The skeleton as a picture in [-1, 1]: each limb in its own colour, joints white, anti-aliased, on black.

    thickness: of a limb, in pixels; None = a fiftieth of the picture's larger side.
    """
    thickness = max(pose.size) / 50 if thickness is None else thickness
    picture = pose.xy.new_full((len(pose), 3, *pose.size), -1.0)
    colours = _limb_colours(len(pose.skeleton.limbs))
    for squared, colour in zip(_limb_squares(pose), colours, strict=True):
        colour_of_pixel = pose.xy.new_tensor(colour)[:, None, None]
        picture = torch.lerp(picture, colour_of_pixel, _cover(squared, thickness / 2)[:, None])
    joints = _cover(_joint_squares(pose).amin(1, keepdim=True), 0.6 * thickness)
    return torch.lerp(picture, pose.xy.new_tensor(1.0), joints)


def _closed(mask: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
    """Dilated, then eroded, by a square of 5 pixels; anything beyond the picture is ignored."""
    grown = F.max_pool2d(mask, CLOSING, stride=1, padding=CLOSING // 2)
    return -F.max_pool2d(-grown, CLOSING, stride=1, padding=CLOSING // 2)


def _line_places(
    pose: Pose,
) -> Iterator[tuple[Float64[Tensor, "B H W"], Float64[Tensor, "B H W"], Float64[Tensor, "B"]]]:
    """For each line of BODY_LINES, every pixel's place along and across it, times the line's length, and the square of
    that length, which is 0 where an end is missing. Exact where joints are whole pixels."""
    height, width = pose.size
    xy = torch.where(pose.visible[..., None], pose.xy, 0.0).double()
    down = torch.arange(height, device=xy.device, dtype=torch.float64)[:, None]
    right = torch.arange(width, device=xy.device, dtype=torch.float64)
    for a, b in BODY_LINES:
        if a not in pose.skeleton or b not in pose.skeleton:
            continue
        start, end = pose.skeleton.index(a), pose.skeleton.index(b)
        present = pose.visible[:, start] & pose.visible[:, end]
        dx, dy = ((xy[:, end] - xy[:, start]) * present[:, None]).unbind(-1)
        x, y = (v[:, None, None] for v in xy[:, start].unbind(-1))
        dx, dy = dx[:, None, None], dy[:, None, None]
        yield (
            (right - x) * dx + (down - y) * dy,
            (down - y) * dx - (right - x) * dy,
            (dx.square() + dy.square())[:, 0, 0],
        )


def _cover(squared_distance: Tensor, radius: float) -> Tensor:
    """Approximate share of a pixel within `radius` of a line or point at that distance."""
    return (0.5 + radius - squared_distance.sqrt()).clamp(0, 1)


def _positions(pose: Pose) -> tuple[Float[Tensor, "B K"], Float[Tensor, "B K"]]:
    """x and y; a missing joint is moved far out of the picture, whatever its xy contains."""
    assert pose.xy.dim() == 3, "maps are of a batch of poses"
    xy = torch.where(pose.visible[..., None], pose.xy, OUT_OF_SIGHT)
    return xy[..., 0], xy[..., 1]


def _offsets(
    x: Float[Tensor, "B K"], y: Float[Tensor, "B K"], size: tuple[int, int]
) -> tuple[Float[Tensor, "B K H"], Float[Tensor, "B K W"]]:
    """From every joint to every row (down) and to every column (right) of pixels."""
    height, width = size
    rows = torch.arange(height, device=y.device, dtype=y.dtype) - y[..., None]
    columns = torch.arange(width, device=x.device, dtype=x.dtype) - x[..., None]
    return rows, columns


def _joint_squares(pose: Pose) -> Float[Tensor, "B K H W"]:
    """Square of the distance from every pixel to every joint."""
    rows, columns = _offsets(*_positions(pose), pose.size)
    return rows.square()[..., :, None] + columns.square()[..., None, :]


def _stamps(pose: Pose, radius: float) -> tuple[Int64[Tensor, "B N 2"], Bool[Tensor, "B N"]]:
    """Centres of `pose_mask`'s discs along BODY_LINES, (x, y) in whole pixels, and which of them are present."""
    skeleton = pose.skeleton
    lines = [[skeleton.index(a), skeleton.index(b)] for a, b in BODY_LINES if a in skeleton and b in skeleton]
    ends = torch.tensor(lines, dtype=torch.int64, device=pose.xy.device).view(-1, 2)
    present = pose.visible[:, ends].all(-1)
    xy = torch.where(pose.visible[..., None], pose.xy.detach(), 0.0).long()
    a, b = xy[:, ends[:, 0]], xy[:, ends[:, 1]]
    count = ((b - a).square().sum(-1).double().sqrt() / radius).long() * present
    n = torch.arange(1, max(2, int(count.max())) if lines else 2, device=pose.xy.device)
    share, whole = n[:, None], count.clamp(min=1)[:, :, None, None]
    between = torch.div(a[:, :, None] * (whole - share) + b[:, :, None] * share, whole, rounding_mode="trunc")
    centres = torch.cat([a, b, between.flatten(1, 2)], 1)
    return centres, torch.cat([present, present, (n < count[..., None]).flatten(1)], 1)


def _limb_squares(pose: Pose) -> Iterator[Float[Tensor, "B H W"]]:
    """For each limb, the square of the distance from every pixel to the segment between its ends."""
    x, y = _positions(pose)
    for start, end in pose.skeleton.limb_indices:
        present = pose.visible[:, start] & pose.visible[:, end]  # otherwise both ends are out of sight
        ax, ay, bx, by = (
            torch.where(present, p, OUT_OF_SIGHT) for p in (x[:, start], y[:, start], x[:, end], y[:, end])
        )
        dx, dy = (bx - ax)[:, None], (by - ay)[:, None]
        down, right = (offset[:, 0] for offset in _offsets(ax[:, None], ay[:, None], pose.size))
        squared_length = (dx.square() + dy.square()).clamp(min=torch.finfo(x.dtype).tiny)
        # the foot of the perpendicular, as a share of the way from start to end
        foot = ((down * dy / squared_length)[:, :, None] + (right * dx / squared_length)[:, None, :]).clamp_(0, 1)
        across = torch.addcmul(right[:, None, :], foot, dx[..., None], value=-1)
        along = torch.addcmul(down[:, :, None], foot, dy[..., None], value=-1)
        yield across.square_().addcmul_(along, along)


def _limb_colours(count: int) -> list[tuple[float, ...]]:
    """Colours in [-1, 1], once around the hue circle; neighbours also differ in brightness."""
    colours = [colorsys.hsv_to_rgb(n / count, 0.85, 1.0 if n % 2 == 0 else 0.72) for n in range(count)]
    return [tuple(2 * channel - 1 for channel in colour) for colour in colours]
