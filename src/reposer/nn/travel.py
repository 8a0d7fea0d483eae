"""A person who goes far from where the photo shows them, or comes nearer: generated there, as large as there, and moved
as a whole.

A crop that shows both shows one of them small, and a network that never saw anybody so small generates nobody.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from reposer.core.canvas import ROOM
from reposer.core.composition import COPIED, KEPT, Composition, Provenance
from reposer.core.framing import between, in_picture, size_of
from reposer.core.images import resized_columns
from reposer.core.pose import Edges, Pose
from reposer.core.retargeting import size_ratio

from .full_size import Composed

FAR = 1.25
"""A crop that has to be this much larger for the way alone is not taken, and nobody is generated who is this much
larger or smaller than in the photo: the person is moved."""
STEPS = 4
"""Scales of a move are powers of 2 by this share, so that in a clip they seldom change."""
OPAQUE = 255
ROWS = 256
"""Rows that are blended at a time, so that a large photo is never converted as a whole."""


@dataclass(frozen=True)
class Move:
    """From where a person is generated to where they are, in pixel edges of the photo: scale * (place + shift)."""

    scale: float = 1.0
    shift: tuple[int, int] = (0, 0)

    def near(self, pose: Pose) -> Pose:
        """The pose, or rows of poses, before the move."""
        return replace(pose, xy=(pose.xy + 0.5) / self.scale - 0.5 - pose.xy.new_tensor(self.shift))

    def of(self, edges: Edges) -> Edges:
        """Where this part of the photo comes to lie, in whole pixels."""
        left, top, right, bottom = edges
        first_x, first_y = (round(self.scale * (a + b)) for a, b in zip((left, top), self.shift, strict=True))
        width, height = (max(1, round(self.scale * length)) for length in (right - left, bottom - top))
        return first_x, first_y, first_x + width, first_y + height

    def undone(self, pose: Pose, edges: Edges) -> Pose:
        """As `near`, to the rounding of what this part of the photo comes to be."""
        return pose.affine(between(self.of(edges), edges), pose.size)


STAYS = Move()


def way(source_pose: Pose, target_pose: Pose, before: Move = STAYS) -> Move:
    """The smallest move, undone, by which one of both poses' boxes lies within the other. Single poses of one photo.

    Undone, the part of the target that the photo has room for stays in the photo, since nothing is composed outside of
    it, with as much room to its border as the source has; along a side of the photo that has no such place the target
    stays where it is.

    before: of the frame before, whose scale is kept while it fits.
    """
    own, reach = in_picture(source_pose), in_picture(target_pose)
    if not own.visible.any() or not reach.visible.any():
        return before
    scale, ratio = before.scale, size_ratio(source_pose, target_pose)
    if ratio is not None and not 1 / FAR <= ratio / scale <= FAR:
        scale = 1.0 if 1 / FAR <= ratio <= FAR else 2 ** (round(STEPS * math.log2(ratio)) / STEPS)
    (own_low, own_high), (low, high) = _corners(own), _corners(reach)
    room = ROOM * max(own_high[0] - own_low[0], own_high[1] - own_low[1])
    sides = []
    for axis, length in ((0, source_pose.size[1]), (1, source_pose.size[0])):
        first, last = min(room, own_low[axis]), length - 1 - min(room, length - 1 - own_high[axis])
        sides.append((max(0.0, first), min(length - 1.0, last)))
        if scale < 1:  # where the photo has room for it
            scale = max(scale, min(1.0, (high[axis] - low[axis] + 2) / max(1.0, last - first - 1)))
    low, high = _corners(Move(scale).near(reach))
    found = []
    for axis, (first, last) in enumerate(sides):
        within = sorted((low[axis] - own_low[axis], high[axis] - own_high[axis]))
        least, most = high[axis] - last, low[axis] - first
        shift = min(max(0.0, within[0]), within[1])
        stays = (low[axis] + high[axis]) / 2 * (1 - scale)  # its middle does
        found.append(round(min(max(shift, least), most) if least <= most else stays))
    return Move(scale, (found[0], found[1]))


def _corners(pose: Pose) -> tuple[list[float], list[float]]:
    """The least and the largest x and y of its visible joints."""
    seen = pose.xy[pose.visible]
    return seen.amin(0).tolist(), seen.amax(0).tolist()


def nobody(composition: Composition) -> Composition:
    """The same picture without its person: the background, filled where the person stood."""
    none = torch.zeros_like
    return replace(
        composition, copied=none(composition.copied), person=none(composition.person), still=none(composition.still)
    )


def set_in(person: Composed, edges: Edges, place: Edges, behind: Composed | None, *, alone: bool = False) -> Composed:
    """The person, moved from one part of the photo to another, in a photo of the same size whose own person is gone.

    person: with alpha. behind: that photo; only for its provenance where the person is wanted alone, else needed.
    Provenance where both have it: what was kept is copied from where it was.
    """
    assert person.alpha is not None and (alone or behind is not None)
    size = (person.alpha.shape[0], person.alpha.shape[1])
    there, here = _inside(place, size)
    layer = _layer(person, edges, size_of(place), here)
    origin = None
    if person.provenance is not None and behind is not None and behind.provenance is not None:
        known = behind.provenance
        origin = Provenance(known.kind.clone(), known.place.clone(), known.photo.clone())
        _enter(origin, there, person.provenance, layer)
    if alone or behind is None:
        picture, alpha = torch.full_like(person.picture, OPAQUE), torch.zeros_like(person.alpha)
        picture[there], alpha[there] = layer.picture, layer.alpha
        return Composed(picture, alpha, origin)
    picture = behind.picture.clone()
    below = picture[there]
    for some in torch.arange(len(below)).split(ROWS):
        if bool(layer.alpha[some].any()):
            below[some] = _over(layer.picture[some], layer.alpha[some], below[some])
    return Composed(picture, None, origin)


@dataclass(frozen=True)
class _Layer:
    """A part of a person's picture, resized, as far as it is shown; nothing of it lies outside of the photo.

    rows, columns: of the photo, that each of its own shows; -1 outside.
    """

    picture: UInt8[Tensor, "H W 3"]
    alpha: UInt8[Tensor, "H W"]
    rows: Int[Tensor, "H"]
    columns: Int[Tensor, "W"]


def _layer(person: Composed, edges: Edges, size: tuple[int, int], shown: tuple[slice, slice]) -> _Layer:
    """size: of the whole part after it was resized. shown: which of its rows and columns are wanted."""
    assert person.alpha is not None
    left, top, right, bottom = edges
    height, width = person.alpha.shape
    own = size_of(edges)
    inside = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    inner = slice(inside[0].start - top, inside[0].stop - top), slice(inside[1].start - left, inside[1].stop - left)
    picture, alpha = torch.zeros(*own, 3, dtype=torch.uint8), torch.zeros(own, dtype=torch.uint8)
    picture[inner], alpha[inner] = person.picture[inside], person.alpha[inside]
    places = []
    for first, count, wanted, end in ((top, own[0], size[0], height), (left, own[1], size[1], width)):
        place = first + torch.div((2 * torch.arange(wanted) + 1) * count, 2 * wanted, rounding_mode="floor")
        places.append(place.masked_fill((place < 0) | (place >= end), -1))
    rows, columns = places[0][shown[0]], places[1][shown[1]]
    if size == own:
        return _Layer(picture[shown], alpha[shown], rows, columns)
    return _Layer(*_resized(picture, alpha, size, shown), rows, columns)


def _resized(
    picture: UInt8[Tensor, "h w 3"], alpha: UInt8[Tensor, "h w"], size: tuple[int, int], shown: tuple[slice, slice]
) -> tuple[UInt8[Tensor, "H W 3"], UInt8[Tensor, "H W"]]:
    """Colours and alpha at another size, some columns at a time; what is not the person does not bleed in."""
    box = shown[1].start, shown[0].start, shown[1].stop, shown[0].stop
    high, wide = box[3] - box[1], box[2] - box[0]
    colours, levels = torch.empty(high, wide, 3, dtype=torch.uint8), torch.empty(high, wide, dtype=torch.uint8)
    if not high or not wide:
        return colours, levels
    half = alpha.float() / (2 * OPAQUE)  # half: a sharp edge overshoots by less, so that nothing is clipped
    layers = torch.cat([picture.movedim(-1, 0).float() / OPAQUE * half, half[None]])[None]
    for columns, part in resized_columns(layers, size, box):
        colour, level = part[0, :3] / part[0, 3].clamp(min=0.1 / OPAQUE), 2 * part[0, 3]
        levels[:, columns] = (OPAQUE * level.clamp(0, 1)).round().to(torch.uint8)
        colours[:, columns] = (OPAQUE * colour.clamp(0, 1)).round().movedim(0, -1).to(torch.uint8)
    return colours, levels


def _inside(place: Edges, size: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The rows and columns of the photo that a part covers, and those of the part that lie there."""
    there, here = [], []
    for first, last, length in ((place[1], place[3], size[0]), (place[0], place[2], size[1])):
        start, stop = min(max(first, 0), length), min(max(last, 0), length)
        there.append(slice(start, stop))
        here.append(slice(start - first, stop - first))
    return (there[0], there[1]), (here[0], here[1])


def _over(
    colours: UInt8[Tensor, "h w 3"], levels: UInt8[Tensor, "h w"], behind: UInt8[Tensor, "h w 3"]
) -> UInt8[Tensor, "h w 3"]:
    level = levels[..., None].int()
    return ((colours.int() * level + behind.int() * (OPAQUE - level) + OPAQUE // 2) // OPAQUE).to(torch.uint8)


def _enter(origin: Provenance, there: tuple[slice, slice], own: Provenance, layer: _Layer) -> None:
    """Enters where the person's pixels come from, where they are more than half of a pixel."""
    shown = (layer.alpha > OPAQUE // 2) & (layer.rows >= 0)[:, None] & (layer.columns >= 0)
    at = layer.rows.clamp(min=0)[:, None], layer.columns.clamp(min=0)
    kind = own.kind[at]
    origin.kind[there] = torch.where(shown, kind.masked_fill(kind == KEPT, COPIED), origin.kind[there])
    origin.photo[there] = torch.where(shown, own.photo[at], origin.photo[there])
    origin.place[there] = torch.where(shown[..., None], own.place[at], origin.place[there])
