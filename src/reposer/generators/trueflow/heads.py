"""Heads are copied as a whole, and the nape of one that is turned away from the camera is no throat: a network of this
size blurs a head's outline, and a photo from the front shows chin and beard where a back has neither.

Nothing is learned here. A head that looks where it looks in the photo moves, turns and grows as its joints do. A head
whose face the photo shows and the pose hides has the photo's hair (see `hair`); its nape has the colour of the face,
where no long hair lies on it. A head has a direction where neck and both ears, both eyes or one ear are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.truth import PARTS
from reposer.nn.filling import filled
from reposer.nn.layout import at_least_float32
from reposer.nn.windows import narrowest, widest

from .copying import Whole, mean_colour, ramp, reached, unlike
from .geometry import Body, inside, large, sample
from .hair import NAPE, FrontHair, Hair, front_hair, hair_from_behind, no_hair
from .head_axis import SPREAD, HeadAxis, all_pixels, as_complex, head_axis, point_of

FACIAL, EARS = ("nose", "right_eye", "left_eye"), ("right_ear", "left_ear")
HEAD = [PARTS.index(part) for part in ("hair", "face")]
ARMS = [PARTS.index(f"{side}_{part}") for side in ("right", "left") for part in ("upper_arm", "lower_arm", "hand")]
HAIR, FACE, NECK = (PARTS.index(part) for part in ("hair", "face", "neck"))
BENT = 0.12, 0.22
"""What is left of the joints' distances when a head is moved as a whole, as a share of its joints' spread: a head that
looks elsewhere leaves more than the second."""
GROWN = 0.15, 0.35
"""How much larger or smaller a head may get, as a logarithm of base 10, surely and at most: one joint that is far off
would make it so."""
CHIN, COLLAR = (0.45, 0.7), (0.85, 1.0)
"""Where a head ends and where a neck does, on the way from between the ears (0) to the neck's joint (1)."""
FEW = 20
"""Pixels: of less, the colour is not known."""
HAIR_ABOVE, HAIR_BESIDE = 1.2, 0.7
"""How far above and beside the middle hair is looked for."""
BEHIND = 1.3, 0.9
"""From how far above and beside it what is no person is what hair lies in front of."""
AWAY = 0.2, 0.5
"""How far the shoulders have to be exchanged for somebody to be seen from behind, in their distances in the source."""


class BackOfHead(NamedTuple):
    """What of the target is the back of a head whose face a source shows: of it the nape and its colour, and hair."""

    head: Float[Tensor, "B 1 H W"]
    nape: Float[Tensor, "B 1 H W"]
    colour: Float[Tensor, "B 3 1 1"]
    hair: Hair


def hair_masks(
    source: Float[Tensor, "B 3 H W"], parts: Float[Tensor, "B P h w"], person: Float[Tensor, "B 1 h w"], pose: Pose
) -> Float[Tensor, "B 1 H W"]:
    """How surely a pixel is of the head, with the hair that the network misses: it looks more like the hair that the
    network finds than like what is behind, and is connected with the head. parts: scores. person: the network's
    mask."""
    size = (source.shape[-2], source.shape[-1])
    scores = at_least_float32(parts).softmax(1)
    maps = [large(a, size) for a in (scores[:, [HAIR]] * person, scores[:, HEAD].sum(1, True) * person, person)]
    rows = [
        _hair(pose[b : b + 1], at_least_float32(source[b : b + 1]), *(a[b : b + 1] for a in maps))
        for b in range(len(source))
    ]
    return torch.cat(rows)


def _hair(
    pose: Pose,
    source: Float[Tensor, "1 3 H W"],
    hair: Float[Tensor, "1 1 H W"],
    head: Float[Tensor, "1 1 H W"],
    person: Float[Tensor, "1 1 H W"],
) -> Float[Tensor, "1 1 H W"]:
    axis = head_axis(pose)
    if axis is None:
        return torch.zeros_like(hair)
    at = axis.coordinates(all_pixels((hair.shape[-2], hair.shape[-1]), hair))
    known = ramp(hair, 0.4, 0.7)
    zone = (at.real > -HAIR_ABOVE) & (at.real < CHIN[0]) & (at.imag.abs() < HAIR_BESIDE)
    behind = ((at.real < -BEHIND[0]) | (at.imag.abs() > BEHIND[1])) * (person < 0.1)
    if float(known.sum()) < FEW or float(behind.sum()) < FEW:
        return torch.zeros_like(hair)
    colours = F.avg_pool2d(source, 3, 1, 1, count_include_pad=False)
    to_hair, to_others = (unlike(colours, filled(colours, weight.to(colours))) for weight in (known, behind))
    like = ramp((to_others - to_hair) / (to_others + to_hair).clamp(min=1e-3), 0.0, 0.35) * ramp(-to_hair, -0.5, -0.3)
    start = ramp(head, 0.4, 0.7)
    found = torch.maximum(like * zone, start)
    opened = widest(narrowest(found, 1), 1)
    found = reached(torch.minimum(start, opened), opened)
    return found * (at.real < CHIN[0])


class SourceHead(NamedTuple):
    """A source's head and its person: how surely a pixel is theirs; of each row."""

    pose: Pose
    head: Float[Tensor, "B 1 H W"]
    person: Float[Tensor, "B 1 H W"]


def source_head(
    source: Body, person: Float[Tensor, "B 1 h w"], hands: Float[Tensor, "B 2 H W"], pose: Pose
) -> SourceHead:
    """person, hands: the source's masks."""
    size = (hands.shape[-2], hands.shape[-1])
    maps = source.shares[:, HEAD].sum(1, True) * person, source.shares[:, ARMS].sum(1, True), person
    head, arms, mask = (large(a, size) for a in maps)
    arms = torch.maximum(arms, hands.amax(1, True))
    rows = [_head(pose[b : b + 1], *(a[b : b + 1] for a in (head, arms, mask))) for b in range(len(person))]
    return SourceHead(pose, torch.cat(rows), mask)


def _head(
    pose: Pose, head: Float[Tensor, "1 1 H W"], arms: Float[Tensor, "1 1 H W"], person: Float[Tensor, "1 1 H W"]
) -> Float[Tensor, "1 1 H W"]:
    """Of one row; nothing where its axis is not known."""
    axis = head_axis(pose)
    if axis is None:
        return torch.zeros_like(head)
    own = axis.coordinates(all_pixels((head.shape[-2], head.shape[-1]), head))
    upper = (1 - ramp(own.real, *CHIN)) * axis.near(own)
    mask = torch.maximum(ramp(head, 0.3, 0.7), ramp(person, 0.3, 0.7) * (1 - ramp(arms, 0.2, 0.5))) * upper
    return reached(mask * ramp(head, 0.4, 0.8), mask)


def moved_head(source: SourceHead, target_pose: Pose, parts: Float[Tensor, "B P h w"]) -> Whole:
    """The head of each row in the target, where it looks where it looks in the source. parts: scores of the
    target's."""
    pose, head, person = source
    size = (head.shape[-2], head.shape[-1])
    wanted = at_least_float32(parts).softmax(1)
    now = [large(wanted[:, group].sum(1, True), size) for group in (HEAD, ARMS)]
    rows = [
        _moved(pose[b : b + 1], target_pose[b : b + 1], *(a[b : b + 1] for a in (head, person, *now)))
        for b in range(len(person))
    ]
    return Whole(*(torch.cat(maps) for maps in zip(*rows, strict=True)))


def _moved(
    pose: Pose,
    target_pose: Pose,
    head: Float[Tensor, "1 1 H W"],
    person: Float[Tensor, "1 1 H W"],
    wanted: Float[Tensor, "1 1 H W"],
    wanted_arms: Float[Tensor, "1 1 H W"],
) -> Whole:
    """Of one row. head, person: of the source."""
    nothing = torch.zeros_like(head)
    size = (head.shape[-2], head.shape[-1])
    names = [name for name in (*FACIAL, *EARS) if name in pose.skeleton]
    joints = [k for k in map(pose.skeleton.index, names) if pose.visible[0, k] and target_pose.visible[0, k]]
    now_axis = head_axis(target_pose)
    if len(joints) < 3 or head_axis(pose) is None or now_axis is None:
        return Whole(nothing.repeat(1, 2, 1, 1), nothing, nothing, nothing)
    was, now = (as_complex(one.xy[0, joints]) for one in (pose, target_pose))
    here, there = was - was.mean(), now - now.mean()
    spread = here.abs().square().sum()
    grown = (here.conj() * there).sum() / spread
    if float(spread) < len(joints) * SPREAD**2 or not float(grown.abs()) > 0:
        return Whole(nothing.repeat(1, 2, 1, 1), nothing, nothing, nothing)
    left = ((there - grown * here).abs().square().sum() / spread).sqrt() / grown.abs()
    sure = (1 - ramp(left, *BENT)) * (1 - ramp(grown.abs().log10().abs(), *GROWN))
    pixels = all_pixels(size, head)
    wanted_at = now_axis.coordinates(pixels)
    at = was.mean() + (pixels - now.mean()) / grown
    place = torch.stack([at.real, at.imag])[None].to(head)
    seen = inside(place, size)
    shown = sample(head, place) * seen * (1 - ramp(wanted_arms, 0.3, 0.6))
    # too much is what the source shows to be its background: what it hides or cuts stays
    around = (1 - ramp(wanted_at.real, CHIN[0] - 0.35, CHIN[0] - 0.2)) * now_axis.near(wanted_at) * seen
    beyond = wanted * around * (1 - ramp(sample(person, place), 0.1, 0.4)) * (1 - widest(shown, 1))
    return Whole(place, sure * shown, sure * beyond, nothing)


@dataclass(frozen=True)
class SourceFace:
    """A source's face, and its hair as it is seen from the front; of one row.

    face, person: how surely a pixel is theirs.
    """

    pose: Pose
    picture: Float[Tensor, "1 3 H W"]
    face: Float[Tensor, "1 1 H W"]
    person: Float[Tensor, "1 1 H W"]

    @cached_property
    def axis(self) -> HeadAxis | None:
        return head_axis(self.pose)

    @cached_property
    def skin(self) -> Float[Tensor, "1 3 1 1"] | None:
        """The face's colour; None where too little of one is seen."""
        assert self.axis is not None
        here = self.axis.coordinates(all_pixels((self.face.shape[-2], self.face.shape[-1]), self.face))
        seen = ramp(self.face, 0.6, 0.9) * (here.real < 0.2)
        return None if float(seen.sum()) < FEW else mean_colour(self.picture, seen)

    @cached_property
    def hair(self) -> FrontHair:
        assert self.axis is not None and self.skin is not None
        return front_hair(self.picture, self.face, self.person, self.axis, self.skin)


def source_faces(
    source: Float[Tensor, "B 3 H W"], body: Body, person: Float[Tensor, "B 1 h w"], pose: Pose
) -> Sequence[SourceFace]:
    """Of each row. body, person: of the source."""
    size = (source.shape[-2], source.shape[-1])
    maps = [at_least_float32(source), large(body.shares[:, [FACE]], size), large(person, size)]
    return [SourceFace(pose[b : b + 1], *(a[b : b + 1] for a in maps)) for b in range(len(source))]


def back_of_head(sources: Sequence[SourceFace], target_pose: Pose, parts: Float[Tensor, "B P h w"]) -> BackOfHead:
    """The back of each row's head, where the source shows the face. sources: of each row. parts: scores of the
    target's."""
    size = (sources[0].face.shape[-2], sources[0].face.shape[-1])
    wanted = at_least_float32(parts).softmax(1)
    maps = [large(a, size) for a in (wanted[:, HEAD].sum(1, True), wanted[:, [NECK]])]
    rows = [_back(own, target_pose[b : b + 1], *(a[b : b + 1] for a in maps)) for b, own in enumerate(sources)]
    heads, napes, colours, hairs = zip(*rows, strict=True)
    hair = Hair(*(torch.cat(maps) for maps in zip(*hairs, strict=True)))
    return BackOfHead(torch.cat(heads), torch.cat(napes), torch.cat(colours), hair)


def _back(
    source: SourceFace, target_pose: Pose, head: Float[Tensor, "1 1 H W"], neck: Float[Tensor, "1 1 H W"]
) -> BackOfHead:
    """Of one row. head, neck: of the target."""
    now = head_axis(target_pose)
    away = _turned_away(source.pose, target_pose)
    if source.axis is None or now is None or away == 0 or (skin := source.skin) is None:
        return _no_back(source.picture)
    there = now.coordinates(all_pixels((head.shape[-2], head.shape[-1]), head))
    back = away * (head + neck) * (1 - ramp(there.real, *COLLAR)) * now.near(there)
    hair = hair_from_behind(source.hair, head, now, away)
    return BackOfHead(back, back * (1 - hair.covers) * ramp(there.real, *NAPE), skin, hair)


def _no_back(source: Float[Tensor, "1 3 H W"]) -> BackOfHead:
    nothing = torch.zeros_like(source[:, :1])
    return BackOfHead(nothing, nothing, torch.zeros_like(source[:, :, :1, :1]), no_hair(source))


def _turned_away(source: Pose, target: Pose) -> float:
    """How surely one shows a face and the other its back: 0 to 1."""
    if any(point_of(target, name) is not None for name in FACIAL) or point_of(source, "nose") is None:
        return 0.0
    for joint in ("shoulder", "ear"):
        ends = [point_of(pose, f"{side}_{joint}") for pose in (source, target) for side in ("right", "left")]
        if all(end is not None for end in ends):
            right, left, right_now, left_now = ends
            assert right is not None and left is not None and right_now is not None and left_now is not None
            across = left - right
            return float(ramp(-((left_now - right_now) / across).real, *AWAY)) if float(across.abs()) > 1 else 0.0
    return 0.0
