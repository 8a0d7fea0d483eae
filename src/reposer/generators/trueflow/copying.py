"""What of a match is copied: rules that need no training."""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.truth import PARTS
from reposer.nn.filling import filled
from reposer.nn.layout import at_least_float32
from reposer.nn.maps import limb_mask
from reposer.nn.windows import narrowest, widest

from .geometry import MAP, Body, Geometry, large, sample


class Whole(NamedTuple):
    """What of a source is copied as a whole, in the target and at the picture's size.

    place: (x, y) in pixels of the source. shown: where it is. beyond: what the target's person has too much of there,
    where the background is. before: the same where something else of the person is.
    """

    place: Float[Tensor, "B 2 H W"]
    shown: Float[Tensor, "B 1 H W"]
    beyond: Float[Tensor, "B 1 H W"]
    before: Float[Tensor, "B 1 H W"]


MOVED = (0.003, 0.008)
"""Of the picture's height: a joint that moves less is still, one that moves more has moved."""
NEAR = 9
"""Side of the square around a pixel, at 1/2 of the picture, in which nothing may have moved."""
FAR_OFF = 8.0
"""Pixels: a larger error at rest is a mistaken match, not an offset."""

_HEAD, _TRUNK = ("nose", "neck", "eye", "ear"), ("neck", "shoulder", "hip")
JOINTS_OF = {
    "hair": _HEAD, "face": _HEAD, "neck": ("neck", "nose", "shoulder"), "torso": _TRUNK, "hips": ("hip",),
    "skirt": ("hip", "knee"), "upper_arm": ("shoulder", "elbow"), "lower_arm": ("elbow", "wrist"),
    "hand": ("elbow", "wrist"), "upper_leg": ("hip", "knee"), "lower_leg": ("knee", "ankle"),
    "shoe": ("knee", "ankle"), "outer": _TRUNK,
}  # fmt: skip
"""The joints that a part of the body moves with, of its own side."""


def parts_moved(source_pose: Pose, target_pose: Pose) -> Float[Tensor, "B P"]:
    """How surely each of PARTS has moved, by the joints it moves with: 0 to 1. A joint that only one of both poses
    shows, or a part without any joint, counts as moved; the background never does."""
    both, neither = source_pose.visible & target_pose.visible, ~(source_pose.visible | target_pose.visible)
    way = (target_pose.xy - source_pose.xy).norm(dim=-1) / source_pose.size[0]
    joint = torch.where(both, ((way - MOVED[0]) / (MOVED[1] - MOVED[0])).clamp(0, 1), 1.0).masked_fill(neither, 0)
    columns = [torch.zeros_like(joint[:, 0])]
    for part in PARTS[1:]:
        side, _, name = part.partition("_") if part.startswith(("left_", "right_")) else ("", "", part)
        own = [
            k
            for k, other in enumerate(source_pose.skeleton.joints)
            if other.split("_")[-1] in JOINTS_OF[name] and (not side or other.startswith(side))
        ]
        unknown = neither[:, own].all(1)
        columns.append(torch.where(unknown, 1.0, joint[:, own].amax(1)) if own else torch.ones_like(joint[:, 0]))
    return torch.stack(columns, 1)


def still_share(geometry: Geometry, source_pose: Pose, target_pose: Pose) -> Float[Tensor, "B 1 h w"]:
    """How surely nothing has moved near a pixel, in the source or in the target: there its own pixel is the answer."""
    moved = parts_moved(source_pose, target_pose)[..., None, None]
    shares = [(body.shares * moved).sum(1, True) for body in (geometry.source, geometry.target)]
    near = widest(torch.maximum(*shares), NEAR // 2)
    return 1 - F.avg_pool2d((3 * near - 0.3).clamp(0, 1), 5, 1, 2, count_include_pad=False)


def connected(person: Float[Tensor, "B 1 h w"], pose: Pose) -> Float[Tensor, "B 1 h w"]:
    """The person's mask without what is not connected to the limbs: each pixel's value is at most the least on the
    best way there. The network's mask has specks in the background, in a grid of its coarsest cells."""
    limbs = limb_mask(pose.resize((person.shape[-2], person.shape[-1])), person.shape[-2] / 64).to(person)
    return reached(torch.minimum(person, limbs), person)


def reached(start: Float[Tensor, "B 1 h w"], within: Float[Tensor, "B 1 h w"]) -> Float[Tensor, "B 1 h w"]:
    """`within` as far as it is connected with `start`, which is at most that."""
    reached = start
    for _ in range(max(start.shape[-2:])):
        further = torch.minimum(within, widest(reached, 1))
        if torch.equal(further, reached):
            break
        reached = further
    return reached


def own_error(resting: Geometry) -> Float[Tensor, "B 2 h w"]:
    """How far off the geometry puts each pixel of its source when nothing moves: an answer that is known. In pixels of
    the picture, smooth, from where the match is sure."""
    place = resting.match.place
    y, x = torch.meshgrid(*(torch.arange(n, device=place.device) for n in place.shape[-2:]), indexing="ij")
    error = place - (torch.stack([x, y]).to(place) * MAP + (MAP - 1) / 2)
    sure = resting.match.visible.sigmoid() * resting.target.person * resting.source.person
    sure = (sure * (error.norm(dim=1, keepdim=True) < FAR_OFF)).clamp(min=1e-4)

    def around(values: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(values, (4, 4, 4, 4), mode="replicate"), 9, 1)

    return around(error * sure) / around(sure)


def corrected(place: Float[Tensor, "B 2 H W"], error: Float[Tensor, "B 2 h w"]) -> Float[Tensor, "B 2 H W"]:
    """The places that, when nothing moves, the geometry would have put at `place`: `place - error(there)`."""
    there = place
    for _ in range(3):
        there = place - sample(error, (there - (MAP - 1) / 2) / MAP)
    return there


PREFERRED = 1.5
"""How much surer another source has to be than the first that it shows a pixel, as a logit."""


def shrunk(person: Float[Tensor, "B 1 h w"], by: int) -> Float[Tensor, "B 1 h w"]:
    """A person's mask without its outermost cells."""
    return narrowest(person, by)


RIM = 1
"""Width of a person's rim, in cells of a body."""


def without_rim(source: Float[Tensor, "B 1 h w"], size: tuple[int, int]) -> Float[Tensor, "B 1 H W"]:
    """The source's person without the rim, at the picture's size."""
    return large(shrunk(source, RIM), size)


def rims_inside(
    target: Float[Tensor, "B 1 h w"], source: Float[Tensor, "B 1 H W"], place: Float[Tensor, "B 2 H W"]
) -> Float[Tensor, "B 1 H W"]:
    """How much a pixel of the target's inside shows the rim of the source's person: its shading and a mixture with the
    background, which would be a crack there. target: its person. source: its own, `without_rim`."""
    inside = large(shrunk(target, 3), (place.shape[-2], place.shape[-1]))
    return inside * (2 - 2 * sample(source, place)).clamp(0, 1)


LIMBS = 50
"""What is this share of the picture's height away from the joints' lines is a limb's own."""
TEAR = (4.0, 8.0)
"""Pixels by which the places of neighbours are apart: what no body is stretched by, and what is surely a jump."""


def torn(place: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B 1 H W"]:
    """How surely the places jump beside a pixel, from one part of the source to another: what lies between them there
    would be copied as a thread."""
    down, across = (
        torch.hypot(step[:, :1], step[:, 1:])
        for step in (place[:, :, 1:] - place[:, :, :-1], place[..., 1:] - place[..., :-1])
    )
    apart = F.pad(torch.maximum(F.pad(down, (0, 0, 1, 0)), F.pad(across, (1, 0))), (0, 1, 0, 1))
    apart = F.max_pool2d(apart, 2, 1)  # of both sides
    return ((apart - TEAR[0]) / (TEAR[1] - TEAR[0])).clamp(0, 1)


ARMS = [PARTS.index(f"{side}_{part}") for side in ("right", "left") for part in ("lower_arm", "hand")]
"""Parts that hang in front of the rest of the body."""


def shown_arms(source: Body, size: tuple[int, int]) -> Float[Tensor, "B 1 H W"]:
    """How surely a pixel of the source is a forearm or hand, at the picture's size."""
    return large(source.shares[:, ARMS].sum(1, True), size)


def arms_elsewhere(
    target: Body, source: Float[Tensor, "B 1 H W"], place: Float[Tensor, "B 2 H W"]
) -> Float[Tensor, "B 1 H W"]:
    """How much a pixel of the target that is no forearm or hand shows one of the source, in front of what belongs
    there. source: its `shown_arms`."""
    wanted = large(widest(target.shares[:, ARMS].sum(1, True), 2), (place.shape[-2], place.shape[-1]))
    return (5 * sample(source, place) - 0.75).clamp(0, 1) * (1.5 - 4 * wanted).clamp(0, 1)


def arms_left_behind(target: Body, source: Float[Tensor, "B 1 H W"], target_pose: Pose) -> Float[Tensor, "B 1 H W"]:
    """How surely a pixel at the edge of the target's person, and on none of its limbs, only shows where a forearm or
    hand of the source hung. source: its `shown_arms`."""
    size = (source.shape[-2], source.shape[-1])
    here = torch.stack(torch.meshgrid(*(torch.arange(n, device=source.device) for n in size), indexing="ij")[::-1])
    there = arms_elsewhere(target, source, here[None].expand(len(source), -1, -1, -1).to(source))
    limbs = limb_mask(target_pose.resize((size[0] // MAP, size[1] // MAP)), size[0] / MAP / LIMBS)
    own = torch.maximum(shrunk(target.person, 2), limbs)
    return there * (1 - large(own, size))


HAND, THICK = 0.7, 0.25
"""Length of a hand, and how far from the line of forearm and hand a pixel may be theirs: in lengths of the longest part
of an arm, which is foreshortened least."""
SURELY, AT_MOST = 0.6, 1.4
"""The shares of both that surely are theirs, and that may be."""
SKIN = [[PARTS.index("face")], ARMS]
"""Parts of which a hand has the colour, each by itself: a sleeve is not skin."""
TRUNK = [PARTS.index(part) for part in ("torso", "hips", "skirt", "outer", "right_upper_leg", "left_upper_leg")]
"""What hands are in front of."""
FEW = 24
"""Pixels at 1/2 of the picture: of a part that shows less, the colour is not known."""


def forearms(pose: Pose, share: float = 1.0) -> Float[Tensor, "1 1 h w"]:
    """Where both forearms and hands of one pose may be, in front of something else. share: of HAND and THICK."""
    xy, kept, length = pose.xy.clone(), torch.zeros_like(pose.visible), longest_of_arms(pose)
    for _, elbow, wrist in _arms(pose):
        if pose.visible[0, elbow] and pose.visible[0, wrist]:
            kept[0, [elbow, wrist]] = True
            along = xy[0, wrist] - xy[0, elbow]
            xy[0, wrist] += share * HAND * length * along / along.norm().clamp(min=1e-3)
    return limb_mask(replace(pose, xy=xy, visible=kept), max(share * THICK * length, 1.0))


def longest_of_arms(pose: Pose) -> float:
    """Pixels of the longest upper arm or forearm that one pose shows: the one that is foreshortened least; 0 if it
    shows none."""
    return max(arm_lengths(pose).values(), default=0.0)


def arm_lengths(pose: Pose) -> dict[tuple[int, int], float]:
    """Pixels of each upper arm and forearm that one pose shows, by the joints between which it lies."""
    seen, xy = pose.visible[0].tolist(), pose.xy[0]
    pairs = [pair for arm in _arms(pose) for pair in pairwise(arm)]
    return {(a, b): float((xy[a] - xy[b]).norm()) for a, b in pairs if seen[a] and seen[b]}


def _arms(pose: Pose) -> list[list[int]]:
    """Shoulder, elbow and wrist of the arms that the skeleton has."""
    joints = [[f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist")] for side in ("right", "left")]
    return [[pose.skeleton.index(joint) for joint in arm] for arm in joints if all(j in pose.skeleton for j in arm)]


def covering_hands(
    source: Float[Tensor, "B 3 H W"],
    parts: Float[Tensor, "B P h w"],
    near: Float[Tensor, "B 1 h w"],
    zone: Float[Tensor, "B 1 h w"],
) -> Float[Tensor, "B 1 h w"]:
    """How surely a pixel of a source that the network takes for the trunk is a hand or forearm in front of it: it
    has the colour of skin, and not that of the clothes around.

    parts: scores. near: where forearms and hands mostly are. zone: what of them is connected with that lies in it.
    """
    half = (parts.shape[-2], parts.shape[-1])
    scores = at_least_float32(parts).softmax(1)
    colours = F.adaptive_avg_pool2d(at_least_float32(source), half)
    trunk = scores[:, TRUNK].sum(1, True)
    clothes = filled(colours, ((trunk - 0.6) / 0.3).clamp(0, 1) * (1 - zone))
    found = torch.zeros_like(trunk)
    for group in SKIN:
        own = ((scores[:, group].sum(1, True) - 0.6) / 0.3).clamp(0, 1)
        many = own.sum((2, 3), True)
        skin = (colours * own).sum((2, 3), True) / many.clamp(min=1)
        to_skin, to_clothes = (unlike(colours, other) for other in (skin, clothes))
        likely = ((to_clothes - to_skin) / (to_clothes + to_skin).clamp(min=1e-3) * 4).clamp(0, 1)
        known = (many > FEW) & (unlike(skin, clothes) > 0.15)
        found = torch.maximum(found, likely * known)
    found = reached(found * near * (trunk > 0.5), found * zone * (trunk > 0.5))
    return F.avg_pool2d(widest(found, 2), 3, 1, 1)


def _forearms_of_rows(pose: Pose, size: tuple[int, int], share: float) -> Float[Tensor, "B 1 h w"]:
    return torch.cat([forearms(pose[b : b + 1].resize(size), share) for b in range(len(pose))])


def hands_in_front(source: Float[Tensor, "B 3 H W"], body: Body, pose: Pose) -> Float[Tensor, "B 1 H W"]:
    """The `covering_hands` of a source, at its size. body, pose: of its person."""
    half = (body.parts.shape[-2], body.parts.shape[-1])
    near, zone = (_forearms_of_rows(pose, half, share) for share in (1.0, AT_MOST))
    return large(covering_hands(source, body.parts, near, zone), (source.shape[-2], source.shape[-1]))


def hands_left_behind(
    target: Body, source: Float[Tensor, "B 1 H W"], target_pose: Pose, place: Float[Tensor, "B 2 H W"]
) -> Float[Tensor, "B 1 H W"]:
    """How much a pixel of the target that is no arm shows a hand of the source in front of what belongs there. source:
    its `hands_in_front`."""
    half = (target.parts.shape[-2], target.parts.shape[-1])
    now = _forearms_of_rows(target_pose, half, SURELY)
    wanted = torch.maximum(widest(target.shares[:, ARMS].sum(1, True), 2), now)
    return sample(source, place) * (1 - large(wanted, (place.shape[-2], place.shape[-1])))


def unlike(one: Float[Tensor, "B 3 #h #w"], other: Float[Tensor, "B 3 #h #w"]) -> Tensor:
    """How different two colours are: their tints count more than their brightness, which changes with the light."""
    apart = one - other
    brightness = apart.mean(1, True)
    return ((apart - brightness).square().sum(1, True) * 4 + brightness.square()).sqrt()


def mean_colour(colours: Float[Tensor, "1 3 H W"], weight: Float[Tensor, "1 1 H W"]) -> Float[Tensor, "1 3 1 1"]:
    """Of a weight that is at least 1 in sum."""
    return (colours * weight).sum((2, 3), True) / weight.sum().clamp(min=1)


def ramp(values: Tensor, low: float, high: float) -> Tensor:
    """0 up to `low`, 1 from `high`."""
    return ((values - low) / (high - low)).clamp(0, 1)


def best_shown(
    visible: Float[Tensor, "B S 1 H W"], own: Float[Tensor, "B S 1 H W"], present: Bool[Tensor, "B S"]
) -> Float[Tensor, "B S 1 H W"]:
    """The share of each source in what is copied: nearly all of the one that most surely shows the pixel.

    visible: logits that it does. own: how surely that is its person. The first source is preferred, by PREFERRED.
    """
    sure = F.logsigmoid(visible) + (own + 1e-3).log()
    first = torch.zeros_like(sure)
    first[:, 0] = PREFERRED
    return (4 * (sure + first)).masked_fill(~present[..., None, None, None], -torch.inf).softmax(1)


_LIMBS = [
    f"{side}_{part}" for side in ("right", "left") for part in ("upper_arm", "lower_arm", "upper_leg", "lower_leg")
]
_PLAIN = [("torso", "outer"), ("hips", "skirt"), *((limb,) for limb in _LIMBS)]
PLAIN = [[PARTS.index(part) for part in group] for group in _PLAIN]
"""What has the colours of its neighbourhood where it is invented. Heads, hands and shoes are not plain."""
ENOUGH = 1 / 3
"""The share of one of PLAIN that has to be copied for the rest to have its colours."""


def in_own_colours(
    invented: Float[Tensor, "B 3 H W"],
    target: Float[Tensor, "B P h w"],
    copied: Float[Tensor, "B 3 H W"],
    share: Float[Tensor, "B 1 H W"],
) -> Float[Tensor, "B 3 H W"]:
    """What is invented, with the tint of what is copied around it in the same part of the body: a network of this size
    tints white clothes with what stood behind them.

    target: scores of parts. copied: what is copied, where share is above 0.
    """
    half, size = (target.shape[-2], target.shape[-1]), (invented.shape[-2], invented.shape[-1])
    scores = at_least_float32(target).softmax(1)
    colours, sure = (F.adaptive_avg_pool2d(a, half) for a in (copied * share, share))
    colours = colours / sure.clamp(min=1e-3)
    here = torch.cat([scores[:, group].sum(1, True) for group in PLAIN])  # all groups at once, as rows
    known = ((sure - 0.5) / 0.4).clamp(0, 1).repeat(len(PLAIN), 1, 1, 1) * ((here - 0.6) / 0.3).clamp(0, 1)
    enough = known.sum((2, 3), True) / here.sum((2, 3), True).clamp(min=1) / ENOUGH
    weights = F.interpolate(here * enough.clamp(max=1), size, mode="bilinear", align_corners=False)
    plains = filled(colours.repeat(len(PLAIN), 1, 1, 1), known)
    plains = F.interpolate(plains, size, mode="bilinear", align_corners=False)
    for weight, plain in zip(weights.chunk(len(PLAIN)), plains.chunk(len(PLAIN)), strict=True):
        tint = (plain - plain.mean(1, True)) - (invented - invented.mean(1, True))  # its brightness is its shading
        invented = invented + weight * tint
    return invented
