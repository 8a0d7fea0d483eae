"""What a photo hides of a body, from the side that it shows: a shirt's back looks much like its front, a left leg like
the right one.

Nothing is learned here. The geometry says where on the body at rest every pixel of both pictures lies; what is hidden
is looked up at its mirror image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from reposer.core import Pose
from reposer.core.truth import PARTS
from reposer.nn.windows import widest

from .copying import forearms, shrunk, torn
from .geometry import MAP, Body, enlarged, sample


@dataclass(frozen=True)
class Mirror:
    """A reflection of the body at rest. signs: of (x to the person's left, y up, z to the front). sides: whether left
    and right are exchanged."""

    signs: tuple[float, float, float]
    sides: bool


MIRRORS = (Mirror((1, 1, -1), False), Mirror((-1, 1, -1), True), Mirror((-1, 1, 1), True))
"""Front and back; both; left and right: in this order, each where those before show nothing."""

_TRUNK = ("neck", "torso", "hips", "skirt", "outer")
_ARM, _LEG = ("upper_arm", "lower_arm", "hand"), ("upper_leg", "lower_leg", "shoe")
_NAMES = (_TRUNK, *(tuple(f"{side}_{part}" for part in limb) for limb in (_ARM, _LEG) for side in ("right", "left")))
_PARTS = [[PARTS.index(part) for part in group] for group in _NAMES]
_HEAD = [PARTS.index("hair"), PARTS.index("face")]
_EXCHANGED = (0, 2, 1, 4, 3)
_ARMS = (1, 2)
"""What is looked up among itself: the trunk, both arms, both legs. A head has a face on one side only."""

SMOOTH = 2.0
"""Standard deviation, in pixels at 1/2 of the picture, by which the target's places on the body are smoothed."""
BEYOND = 2
"""Radius of the square around what is hidden in which places are looked up, too: where they would end, they would
jump."""
AROUND = 0.025
"""Statures: the standard deviation of the distance on the body of what a place is estimated from."""
RIDGE = 2e-5
"""Squared statures that steady the estimate where what is around lies on a line."""
REACH = 0.03
"""Statures: how far beyond what is around the estimate goes."""
NEAR = 0.05, 0.11
"""Statures from the mirror image to the nearest place that the source shows: up to the first it is shown, from the
second on it is not."""
MISSING = 0.3, 0.5
"""The share of the trunk or of a limb that is hidden: up to the first it is left to the network, from the second on it
is copied from the other side."""


AT_A_TIME = 1024
"""Places that are looked up together, each beside all that the source shows of its part: memory."""


class OtherSide(NamedTuple):
    """A further copy of a source. place: (x, y) in pixels of the source. shown: how surely it is there."""

    place: Float[Tensor, "B 2 H W"]
    shown: Float[Tensor, "B 1 H W"]


class SourceSide(NamedTuple):
    """What of a group a source shows, at 1/2 of the picture; of one row.

    shown: how surely each pixel is of it. cells: see `_cells`.
    """

    shown: Float[Tensor, "h w"]
    cells: "tuple[Float[Tensor, 'S 3'], Float[Tensor, 'S 2'], Float[Tensor, 'S']] | None"


def source_sides(source: Body, pose: Pose) -> Sequence[Sequence[SourceSide]]:
    """Of each row, every group."""
    half = (source.parts.shape[-2], source.parts.shape[-1])
    groups = _groups(source) * source.person
    arms = torch.cat([forearms(pose[b : b + 1].resize(half)) for b in range(len(groups))])
    others = [group for group in range(len(_NAMES)) if group not in _ARMS]
    groups[:, others] = groups[:, others] * (1 - arms)
    inner = shrunk(source.person, 1)[:, 0]
    return [
        [SourceSide(shown, _cells(surface, shown * inside)) for shown in row]
        for row, surface, inside in zip(groups, source.surface, inner, strict=True)
    ]


def other_sides(
    sources: Sequence[Sequence[SourceSide]],
    target: Body,
    place: Float[Tensor, "B 2 h w"],
    hidden: Float[Tensor, "B 1 H W"],
) -> Sequence[OtherSide]:
    """One for each of MIRRORS. sources: of each row. place: of a match, at 1/2. hidden: how much of a pixel of the
    target's person nothing is copied for; elsewhere, nothing is looked up."""
    size, half = (hidden.shape[-2], hidden.shape[-1]), (target.parts.shape[-2], target.parts.shape[-1])
    asked = widest(F.adaptive_max_pool2d(hidden, half), BEYOND)[:, 0] > 0.02
    groups, heads = _groups(target), target.shares[:, _HEAD].sum(1)
    missing = (F.adaptive_avg_pool2d(hidden, half) * groups).sum((2, 3)) / groups.sum((2, 3)).clamp(min=1)
    needed = ((missing - MISSING[0]) / (MISSING[1] - MISSING[0])).clamp(0, 1)
    wanted = [_wanted(*row) for row in zip(target.surface, groups, heads, strict=True)]
    found = []
    for mirror in MIRRORS:
        rows = [_row(*row, mirror) for row in zip(sources, place, wanted, asked, needed, strict=True)]
        places, shown = (torch.stack(maps) for maps in zip(*rows, strict=True))
        places = enlarged(places, size, size)
        shown = F.interpolate(shown, size, mode="bilinear", align_corners=False) * (1 - torn(places))
        found.append(OtherSide(places, shown))
        asked = asked & (F.adaptive_avg_pool2d(shown, half)[:, 0] < 0.98)
    return found


def _groups(body: Body) -> Float[Tensor, "B G h w"]:
    return torch.stack([body.shares[:, group].sum(1) for group in _PARTS], 1)


class _Wanted(NamedTuple):
    """What a target shows: the group of each pixel at 1/2 (-1: none), and for each that is there the places on the
    body."""

    group: Int64[Tensor, "h w"]
    surface: Mapping[int, Float[Tensor, "3 h w"]]


def _wanted(surface: Float[Tensor, "3 h w"], scores: Float[Tensor, "G h w"], head: Float[Tensor, "h w"]) -> _Wanted:
    around, near_head = widest(scores, BEYOND), widest(head, BEYOND)
    there = (around.amax(0) > 0.15) & ((near_head < 0.5) | (scores.amax(0) > 0.5))
    group = torch.where(there, (scores + 0.01 * around).argmax(0), -1)
    return _Wanted(group, {k: _smoothed(surface, scores[k]) for k in range(len(_NAMES)) if bool((group == k).any())})


def _row(
    source: Sequence[SourceSide],
    matched: Float[Tensor, "2 h w"],
    wanted: _Wanted,
    asked: Bool[Tensor, "h w"],
    needed: Float[Tensor, " groups"],
    mirror: Mirror,
) -> tuple[Float[Tensor, "2 h w"], Float[Tensor, "1 h w"]]:
    """Of one row: places, and how surely they show the mirror image, at 1/2; elsewhere the places that were matched."""
    place, shown = matched.clone(), torch.zeros_like(source[0].shown[None])
    for group, surface in wanted.surface.items():
        here = asked & (wanted.group == group) & (needed[group] > 0)
        theirs, cells = source[_EXCHANGED[group] if mirror.sides else group]
        if cells is None or not bool(here.any()):
            continue
        own = surface[:, here].mT * surface.new_tensor(mirror.signs)
        looked = [_looked_up(part, *cells) for part in own.split(AT_A_TIME)]
        at, distance = (torch.cat(found) for found in zip(*looked, strict=True))
        place[:, here] = at.mT * MAP + (MAP - 1) / 2
        grid = place.new_zeros(1, *place.shape)
        grid[0][:, here] = at.mT
        seen = sample(theirs[None, None], grid)[0, 0][here]
        near = 1 - ((distance - NEAR[0]) / (NEAR[1] - NEAR[0])).clamp(0, 1)
        shown[0, here] = needed[group] * near * ((seen - 0.3) / 0.25).clamp(0, 1)
    return place, shown


def _smoothed(surface: Float[Tensor, "3 h w"], weight: Float[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    """Places on the body, smoothed within a group."""
    reach = round(3 * SMOOTH)
    steps = torch.arange(-reach, reach + 1, device=surface.device, dtype=surface.dtype)
    kernel = torch.exp(-(steps**2) / (2 * SMOOTH**2))
    maps = torch.cat([surface * weight, weight[None]])[:, None]
    maps = F.conv2d(maps, kernel.view(1, 1, -1, 1), padding=(reach, 0))
    maps = F.conv2d(maps, kernel.view(1, 1, 1, -1), padding=(0, reach))
    return maps[:3, 0] / maps[3:, 0].clamp(min=1e-4)


def _cells(
    surface: Float[Tensor, "3 h w"], weight: Float[Tensor, "h w"]
) -> tuple[Float[Tensor, "S 3"], Float[Tensor, "S 2"], Float[Tensor, "S"]] | None:
    """Pixels of a source that show a group: their places on the body, in the picture (x, y), and how surely they do.
    None: too few."""
    h, w = weight.shape
    y, x = torch.meshgrid(*(torch.arange(n, device=weight.device, dtype=weight.dtype) for n in (h, w)), indexing="ij")
    kept = weight > 0.5
    if int(kept.sum()) < 12:
        return None
    return surface[:, kept].mT, torch.stack([x, y])[:, kept].mT, weight[kept]


def _looked_up(
    wanted: Float[Tensor, "T 3"], body: Float[Tensor, "S 3"], place: Float[Tensor, "S 2"], weight: Float[Tensor, "S"]
) -> tuple[Float[Tensor, "T 2"], Float[Tensor, "T"]]:
    """Where in the picture places on the body lie, by an affine fit to what is around each of them (moving least
    squares), and how far on the body the nearest is."""
    squared = torch.cdist(wanted, body).square()
    near = torch.softmax(weight.log() - squared / (2 * AROUND**2), 1)
    products = (body[:, :, None] * torch.cat([body, place], 1)[:, None]).flatten(1)
    means = near @ torch.cat([body, place, products], 1)
    middle, at = means[:, :3], means[:, 3:5]
    moments = means[:, 5:].unflatten(1, (3, 5)) - middle[:, :, None] * means[:, None, :5]
    spread = moments[:, :, :3] + RIDGE * torch.eye(3, device=body.device, dtype=body.dtype)
    slope = torch.linalg.solve(spread, moments[:, :, 3:])
    way = wanted - middle
    way = way * (REACH / way.norm(dim=1, keepdim=True).clamp(min=1e-6)).clamp(max=1)
    return at + (way[:, None] @ slope)[:, 0], squared.amin(1).sqrt()
