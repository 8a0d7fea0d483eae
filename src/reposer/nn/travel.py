"""A person who goes far from where the photo shows them: generated there, and moved as a whole.

A crop that shows both places shows the person small, and a network that never saw anybody so small generates nobody.
"""

from dataclasses import replace

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core.canvas import ROOM
from reposer.core.composition import COPIED, KEPT, Composition, Provenance
from reposer.core.framing import in_picture
from reposer.core.pose import Pose

from .full_size import Composed

FAR = 1.25
"""A crop that has to be this much larger for the way alone is not taken: the person is moved."""
LEVELS = 255
ROWS = 256
"""Rows that are blended at a time, so that a large photo is never converted as a whole."""

Shift = tuple[int, int]
"""How far the person is moved, right and down, in whole pixels of the photo."""


def way(source_pose: Pose, target_pose: Pose) -> Shift:
    """The smallest move of the target, undone, by which one of both poses' boxes lies within the other. Single poses of
    one photo.

    Undone, the part of the target that the photo has room for stays in the photo, since nothing is composed outside of
    it; along a side of the photo that has no such place the target stays where it is.
    """
    own, reach = in_picture(source_pose), in_picture(target_pose)
    if not own.visible.any() or not reach.visible.any():
        return 0, 0
    (own_low, own_high), (low, high) = (
        (pose.xy[pose.visible].amin(0).tolist(), pose.xy[pose.visible].amax(0).tolist()) for pose in (own, reach)
    )
    room = ROOM * max(high[0] - low[0], high[1] - low[1])
    found = []
    for axis, length in ((0, source_pose.size[1]), (1, source_pose.size[0])):
        within = sorted((low[axis] - own_low[axis], high[axis] - own_high[axis]))
        least, most = high[axis] + room - (length - 1), low[axis] - room
        move = min(max(0.0, within[0]), within[1])
        found.append(round(min(max(move, least), most)) if least <= most else 0)
    return found[0], found[1]


def moved_back(pose: Pose, shift: Shift) -> Pose:
    """The pose before it was moved."""
    return replace(pose, xy=pose.xy - pose.xy.new_tensor(shift))


def nobody(composition: Composition) -> Composition:
    """The same picture without its person: the background, filled where the person stood."""
    none = torch.zeros_like
    return replace(
        composition, copied=none(composition.copied), person=none(composition.person), still=none(composition.still)
    )


def set_in(person: Composed, shift: Shift, behind: Composed | None) -> Composed:
    """The person, moved, in a photo of the same size whose own person is gone; None = alone.

    person: with alpha. Provenance where both have it: what was kept is copied from where it was.
    """
    assert person.alpha is not None
    size = (person.alpha.shape[0], person.alpha.shape[1])
    there, here = _overlap(size, shift)
    if behind is None:
        picture, alpha = torch.full_like(person.picture, LEVELS), torch.zeros_like(person.alpha)
        picture[there], alpha[there] = person.picture[here], person.alpha[here]
        origin = None if person.provenance is None else Provenance.untouched(size)
        if origin is not None:
            _enter(origin, person, there, here)
        return Composed(picture, alpha, origin)
    picture = behind.picture.clone()
    part, colours, levels = picture[there], person.picture[here], person.alpha[here]
    for rows in torch.arange(len(part)).split(ROWS):
        if bool(levels[rows].any()):
            part[rows] = _over(colours[rows], levels[rows], part[rows])
    origin = None
    if person.provenance is not None and behind.provenance is not None:
        known = behind.provenance
        origin = Provenance(known.kind.clone(), known.place.clone(), known.photo.clone())
        _enter(origin, person, there, here)
    return Composed(picture, None, origin)


def _overlap(size: tuple[int, int], shift: Shift) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The rows and columns that a moved picture of this size covers, and those of it that lie there."""
    there, here = [], []
    for length, move in ((size[0], shift[1]), (size[1], shift[0])):
        first, last = min(max(move, 0), length), max(min(length + move, length), 0)
        there.append(slice(first, max(first, last)))
        here.append(slice(first - move, max(first, last) - move))
    return (there[0], there[1]), (here[0], here[1])


def _over(
    colours: UInt8[Tensor, "h w 3"], levels: UInt8[Tensor, "h w"], behind: UInt8[Tensor, "h w 3"]
) -> UInt8[Tensor, "h w 3"]:
    level = levels[..., None].int()
    return ((colours.int() * level + behind.int() * (LEVELS - level) + LEVELS // 2) // LEVELS).to(torch.uint8)


def _enter(origin: Provenance, person: Composed, there: tuple[slice, slice], here: tuple[slice, slice]) -> None:
    """Enters where the person's pixels come from, where they are more than half of a pixel."""
    assert person.alpha is not None and person.provenance is not None
    shown, own = person.alpha[here] > LEVELS // 2, person.provenance
    kind = own.kind[here]
    kind = torch.where(kind == KEPT, COPIED, kind).to(torch.uint8)
    origin.kind[there] = torch.where(shown, kind, origin.kind[there])
    origin.photo[there] = torch.where(shown, own.photo[here], origin.photo[there])
    origin.place[there] = torch.where(shown[..., None], own.place[here], origin.place[there])
