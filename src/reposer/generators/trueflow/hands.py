"""Hands are copied as a whole, turned with their forearm: fingers are not in a pose, and a network of this size
generates mittens.

Nothing is learned here. A hand is what has the colour of the face, and not that of what is around, and is connected
with its wrist.
"""

from collections.abc import Sequence
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

from .copying import ARMS, Whole, arm_lengths, longest_of_arms, mean_colour, ramp, reached, unlike
from .geometry import sample

SIDES = ("right", "left")
BACK, TIP, WIDE = 0.12, 0.72, 0.33
"""Where a hand may be, from its wrist: back and forth along its forearm, and to both sides. All lengths here are in
those of the longest part of an arm, which is foreshortened least."""
FORESHORTENED = 0.3, 0.5
"""A forearm that seems shorter than the first has no direction; one that seems as long as the second surely has."""
LEAST, MOST = 0.05, 0.35
"""Areas between which something is a hand."""
OPEN = 0.04
"""The share of a hand that may lie at the ends of where it may be: what goes on beyond is no hand, or is cut by the
photo's edge."""
FACE, FEW = PARTS.index("face"), 60
"""A face of fewer pixels has no known colour."""
SLEEVE = 0.5
"""A forearm that is less like the face has a sleeve."""
_BESIDE = [PARTS.index("background"), *ARMS]
"""Parts that a hand may lie over."""
APART = 0.35, 0.65
"""The share of a hand beside the rest of the body up to which it is not copied, and from which it is: in front of the
body it would be laid over a mitten."""


class ArmPart(NamedTuple):
    """A forearm or an upper arm.

    end: its wrist or elbow (x, y). along, across: unit vectors, towards the end and to the right of that. length: of
    the longest part of an arm. sure: how surely it has a direction.
    """

    end: Float[Tensor, "2"]
    along: Float[Tensor, "2"]
    across: Float[Tensor, "2"]
    length: float
    sure: Float[Tensor, ""]

    def coordinates(self, size: tuple[int, int]) -> tuple[Float[Tensor, "H W"], Float[Tensor, "H W"]]:
        """Along and across it, from its end, of every pixel."""
        y, x = torch.meshgrid(*(torch.arange(n).to(self.end) for n in size), indexing="ij")
        way = torch.stack([x, y], -1) - self.end
        return way @ self.along / self.length, way @ self.across / self.length

    def meets(self, other: "ArmPart | None") -> bool:
        """Whether the other hand is so near that both cannot be told apart."""
        if other is None:
            return False
        tips = [hand.end + TIP / 2 * hand.length * hand.along for hand in (self, other)]
        return float((tips[0] - tips[1]).norm()) < TIP * self.length


FOREARM, UPPER_ARM = ("elbow", "wrist"), ("shoulder", "elbow")
"""Where a part of an arm starts and ends."""


def arm_part(pose: Pose, side: str, joints: tuple[str, str], length: float) -> ArmPart | None:
    """Of one pose (a batch of 1); None if its direction is not known. length: of the longest part of an arm, pixels."""
    names = [f"{side}_{joint}" for joint in joints]
    if any(name not in pose.skeleton for name in names):
        return None
    start, end = (pose.skeleton.index(name) for name in names)
    way = pose.xy[0, end] - pose.xy[0, start]
    seen = bool(pose.visible[0, start]) and bool(pose.visible[0, end])
    if not seen or float(way.norm()) <= FORESHORTENED[0] * length:
        return None
    along = way / way.norm()
    sure = ramp(way.norm() / length, *FORESHORTENED)
    return ArmPart(pose.xy[0, end], along, torch.stack([-along[1], along[0]]), length, sure)


def forearms_of(pose: Pose, length: float) -> list[ArmPart | None]:
    """The right and the left one."""
    return [arm_part(pose, side, FOREARM, length) for side in SIDES]


def shared_lengths(source_pose: Pose, target_pose: Pose) -> tuple[float, float]:
    """Of single poses: pixels of the longest part of an arm in each, of those that both show. Of other parts, an arm
    that is seen in some frames alone would tell."""
    was, now = arm_lengths(source_pose), arm_lengths(target_pose)
    shared = [part for part in was if part in now]
    return max((was[part] for part in shared), default=0.0), max((now[part] for part in shared), default=0.0)


def hand_masks(
    source: Float[Tensor, "B 3 H W"], parts: Float[Tensor, "B P h w"], pose: Pose
) -> Float[Tensor, "B 2 H W"]:
    """How surely a pixel is the right hand, and the left; 0 where that cannot be told. parts: scores."""
    return torch.stack([_masks(source[b : b + 1], parts[b : b + 1], pose[b : b + 1]) for b in range(len(source))])


def _masks(source: Float[Tensor, "1 3 H W"], parts: Float[Tensor, "1 P h w"], pose: Pose) -> Float[Tensor, "2 H W"]:
    size = (source.shape[-2], source.shape[-1])
    found = torch.zeros(2, *size, device=source.device)
    scores = at_least_float32(parts).softmax(1)[:, [FACE]]
    face = ramp(F.interpolate(scores, size, mode="bilinear", align_corners=False), 0.6, 0.9)
    if face.sum().item() < FEW:
        return found
    colours = F.avg_pool2d(at_least_float32(source), 3, 1, 1, count_include_pad=False)
    skin = mean_colour(colours, face)
    forearms = forearms_of(pose, longest_of_arms(pose))
    for k, forearm in enumerate(forearms):
        if forearm is not None and not forearm.meets(forearms[1 - k]):
            mask = _mask(colours, skin, *forearm.coordinates(size))
            area = float(mask.sum()) / forearm.length**2
            found[k] = mask * (LEAST < area < MOST)
    return found


def _mask(
    colours: Float[Tensor, "1 3 H W"],
    skin: Float[Tensor, "1 3 1 1"],
    along: Float[Tensor, "H W"],
    across: Float[Tensor, "H W"],
) -> Float[Tensor, "H W"]:
    bare = ((along > -0.5) & (along < -0.1) & (across.abs() < 0.08)).to(colours)[None, None]
    known = [skin]
    if float(bare.sum()) > 4 and float(unlike(own := mean_colour(colours, bare), skin)) < SLEEVE:
        known.append(own)
    to_skin = torch.stack([unlike(colours, one) for one in known]).amin(0)
    outside = (along < -0.25) | (along > 1.0) | (across.abs() > 0.5)
    arm = (along < 0.1) & (along > -1.3) & (across.abs() < 0.25)
    to_others = unlike(colours, filled(colours, (outside & ~arm).to(colours)[None, None]))
    like = ramp((to_others - to_skin) / (to_others + to_skin).clamp(min=1e-3), -0.1, 0.3) * ramp(-to_skin, -0.7, -0.4)
    like = like * ((along > -BACK) & (along < TIP) & (across.abs() < WIDE))
    opened = widest(narrowest(like, 1), 1)  # what hangs on by a thread is no finger
    wrist = (along.abs() < 0.2) & (across.abs() < 0.15)
    mask = reached(opened * wrist, opened)[0, 0]
    ends = (along > TIP - 0.05) | (across.abs() > WIDE - 0.04)
    return mask * (float((mask * ends).sum()) < OPEN * float(mask.sum()))


def moved_hands(
    masks: Float[Tensor, "B 2 H W"], source_pose: Pose, target_pose: Pose, parts: Float[Tensor, "B P h w"]
) -> Sequence[Whole]:
    """Both hands in the target. masks: of the source. parts: scores of the target's."""
    size = (masks.shape[-2], masks.shape[-1])
    others = 1 - at_least_float32(parts).softmax(1)[:, _BESIDE].sum(1, True)
    body = F.interpolate(widest(others, 2), size, mode="bilinear", align_corners=False)
    rows = [_moved(masks[b], source_pose[b : b + 1], target_pose[b : b + 1], body[b, 0]) for b in range(len(masks))]
    return [Whole(*(torch.stack(maps) for maps in zip(*hands, strict=True))) for hands in zip(*rows, strict=True)]


def _moved(
    masks: Float[Tensor, "2 H W"], source_pose: Pose, target_pose: Pose, body: Float[Tensor, "H W"]
) -> Sequence[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Of one row, the Whole of both sides."""
    size, nothing = (masks.shape[-2], masks.shape[-1]), torch.zeros_like(masks[:1])
    lengths = shared_lengths(source_pose, target_pose)
    was, now = (forearms_of(pose, n) for pose, n in zip((source_pose, target_pose), lengths, strict=True))
    found = []
    for k, (mask, here, there) in enumerate(zip(masks, was, now, strict=True)):
        if here is None or there is None or not bool(mask.any()):
            found.append((nothing.repeat(2, 1, 1), nothing, nothing, nothing))
            continue
        along, across = there.coordinates(size)
        place = here.end + here.length * (along[..., None] * here.along + across[..., None] * here.across)
        inside = ((place >= 0) & (place <= place.new_tensor([size[1] - 1, size[0] - 1]))).all(-1)
        place = place.movedim(-1, 0)
        around = (along < TIP + 0.15) & (across.abs() < WIDE + 0.15)
        shown = sample(mask[None, None], place[None])[0, 0] * inside * around * ramp(along, -BACK, BACK)
        beside = (shown * (1 - body)).sum() / shown.sum().clamp(min=1)
        sure = ramp(beside, *APART) * here.sure * there.sure  # in a clip it comes and goes gradually
        other = 0.0 if (forearm := now[1 - k]) is None else _near(*forearm.coordinates(size))
        beyond = around * ramp(along, BACK, 2 * BACK) * (1 - shown) * (1 - body) * (1 - other)
        found.append((place, (sure * shown)[None], (sure * beyond)[None], nothing))
    return found


def _near(along: Float[Tensor, "H W"], across: Float[Tensor, "H W"]) -> Float[Tensor, "H W"]:
    """Where a forearm and its hand are."""
    return ((along > -1.2) & (along < TIP) & (across.abs() < WIDE)).to(along)
