"""Arms are copied as wholes, upper arms and forearms with their hand: a flow that turns them smears them, most of all
before the body.

Nothing is learned here. The network says where in the photo an arm is, and whether the target shows one; where it lies
there is what both poses say. What the network takes for an arm and is none is what lies behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.truth import PARTS
from reposer.nn.filling import filled
from reposer.nn.layout import at_least_float32
from reposer.nn.windows import narrowest, widest

from .copying import Whole, ramp, unlike
from .geometry import Body, inside, large, sample
from .hands import FOREARM, SIDES, TIP, UPPER_ARM, WIDE, ArmPart, arm_part, shared_lengths

OWN = 0.3, 0.6
"""How surely the network takes something in the photo for this forearm or hand."""
WANTED = 0.15, 0.4
"""The same of the target, where it need not be as sure: what it takes for an arm is wider than one."""
WIDTH, COMPLETE = (0.1, 0.05), (0.65, 0.85)
"""Half the width of a forearm at the elbow and at the wrist, at least, and what share of it the photo has to show for
the arm to be copied: not at all, and surely. Lengths are in those of the longest part of an arm."""
WHOLE = 0.85, 0.97
"""The same share for what the network takes for the rest of it to be none."""
CORE, LIKE = 0.07, (-0.1, 0.3)
"""Half the width of what surely has a forearm's own colours; and how much more like them than like what is behind the
person something is: the rim of the network's mask counts as far as it is."""
RIM = 0.012
"""Width of that rim, as a share of the picture's height."""
PALM, SHOWN = (0.08, 0.3), (0.4, 0.7)
"""Where a palm is, along the forearm from the wrist, and what share of it has to be shown."""
ELBOW = 0.2
"""Over how much of the way from the elbow the upper arm becomes the forearm."""
AROUND = 0.15
"""How far beside where a part of an arm may be something is taken for it."""
UPPER_WIDTH, UPPER_WIDE, ROUND = 0.1, 0.36, 0.18
"""Half the width of what surely is an upper arm, and of where it may be; and how far beyond its elbow, where it ends in
a disc, so that a bent arm has no gap."""
SHOULDER = 0.2
"""Over how much of the way from the shoulder the trunk becomes the upper arm."""
RAISED, TURNED = (0.0, 0.4), (0.15, 0.5)
"""How far above the shoulder an elbow of the photo is (the cosine towards the head), and how far the upper arm turns (1
minus the cosine): a raised arm that is lowered would show its armpit and a sleeve that has slipped."""
_UPPER_ARMS = [[PARTS.index(f"{side}_{part}") for part in ("upper_arm", "lower_arm")] for side in SIDES]
_FOREARMS = [[PARTS.index(f"{side}_{part}") for part in ("lower_arm", "hand")] for side in SIDES]
_ARMS = [PARTS.index(f"{side}_{part}") for side in SIDES for part in ("upper_arm", "lower_arm", "hand")]


@dataclass(frozen=True)
class SourceArm:
    """One arm of a source; of one row.

    own: where the network finds its forearm with the hand. hand: its mask. upper: where it finds the upper arm, and
    whole: with the forearm. colours: the picture's, softened. ground: those of the background.
    """

    pose: Pose
    side: int
    own: Float[Tensor, "1 1 H W"]
    hand: Float[Tensor, "1 1 H W"]
    upper: Float[Tensor, "1 1 H W"]
    whole: Float[Tensor, "1 1 H W"]
    colours: Float[Tensor, "1 3 H W"]
    ground: Float[Tensor, "1 3 H W"]
    _shown: dict[float, Tensor] = field(default_factory=dict, init=False)
    _shown_upper: dict[float, Tensor] = field(default_factory=dict, init=False)

    def shown(self, arm: ArmPart) -> Float[Tensor, "1 1 H W"]:
        """How surely a pixel is the forearm or hand. It is found once for each of its lengths, which are few: which
        parts of the arms the target shows too says what it is measured by."""
        if arm.length not in self._shown:
            own = _its_own(arm, self.own, self.colours, self.ground)
            self._shown[arm.length] = torch.maximum(own, self.hand)
        return self._shown[arm.length]

    def shown_upper(self, arm: ArmPart) -> Float[Tensor, "1 1 H W"]:
        """How surely a pixel is the upper arm, or near the elbow the arm. It is found once, too."""
        if arm.length not in self._shown_upper:
            along, _ = arm.coordinates((self.own.shape[-2], self.own.shape[-1]))
            own = torch.lerp(self.upper, self.whole, ramp(along, -2 * UPPER_WIDTH, -UPPER_WIDTH))
            self._shown_upper[arm.length] = _its_own(arm, own, self.colours, self.ground)
        return self._shown_upper[arm.length]


def source_arms(
    source: Float[Tensor, "B 3 H W"],
    body: Body,
    person: Float[Tensor, "B 1 h w"],
    hands: Float[Tensor, "B 2 H W"],
    pose: Pose,
) -> Sequence[Sequence[SourceArm]]:
    """Of each row, the right and the left one. body, pose: of the source. person, hands: its masks."""
    size = (hands.shape[-2], hands.shape[-1])
    colours = F.avg_pool2d(at_least_float32(source), 3, 1, 1, count_include_pad=False)
    grounds = filled(colours, 1 - ramp(large(widest(person, 2), size), 0.05, 0.2))

    def found(group: list[int]) -> Tensor:
        return ramp(large(body.shares[:, group].sum(1, True) * person, size), *OWN)

    own, upper, whole = map(found, _FOREARMS), [found(group[:1]) for group in _UPPER_ARMS], map(found, _UPPER_ARMS)
    maps = [(*a, colours, grounds) for a in zip(own, hands.split(1, 1), upper, whole, strict=True)]
    return [
        [SourceArm(pose[b : b + 1], k, *(a[b : b + 1] for a in maps[k])) for k in range(len(SIDES))]
        for b in range(len(source))
    ]


class Placed(NamedTuple):
    """A part of an arm in the target, of one row.

    along, across: of every pixel, from its end in the target. start: where it starts there. place: in the source. seen:
    how surely that shows it.
    """

    along: Float[Tensor, "H W"]
    across: Float[Tensor, "H W"]
    start: float
    place: Float[Tensor, "1 2 H W"]
    seen: Float[Tensor, "1 1 H W"]
    sure: Float[Tensor, ""]

    def share(self, where: Bool[Tensor, "H W"], least: tuple[float, float]) -> Float[Tensor, ""]:
        """How surely the source shows enough of it there."""
        return self.sure * ramp((self.seen * where).sum() / where.sum().clamp(min=1), *least)


def moved_arms(
    sources: Sequence[Sequence[SourceArm]], target_pose: Pose, parts: Float[Tensor, "B P h w"]
) -> Sequence[Whole]:
    """The right and the left upper arm in the target, then both forearms with their hands, which lie on these. sources:
    of each row. parts: scores of the target's."""
    size = (sources[0][0].own.shape[-2], sources[0][0].own.shape[-1])
    wanted = at_least_float32(parts).softmax(1)
    arms = wanted[:, _ARMS].sum(1, True)
    behind = filled((1 - arms - wanted[:, :1]) / (1 - arms).clamp(min=1e-3), 1 - ramp(arms, *WANTED))
    behind = large(behind, size)
    found = []
    for joints, groups in ((UPPER_ARM, _UPPER_ARMS), (FOREARM, _FOREARMS)):
        for k, group in enumerate(groups):
            others = _FOREARMS[1 - k] if joints == FOREARM else [part for part in _ARMS if part != group[0]]
            now = ramp(large(widest(wanted[:, group].sum(1, True), 1), size), *WANTED)
            other = ramp(large(wanted[:, others].sum(1, True), size), *OWN)
            found.append(_of_rows(joints, [arms[k] for arms in sources], target_pose, now, other, behind))
    return found


def _of_rows(
    joints: tuple[str, str],
    sources: Sequence[SourceArm],
    target_pose: Pose,
    now: Float[Tensor, "B 1 H W"],
    other: Float[Tensor, "B 1 H W"],
    behind: Float[Tensor, "B 1 H W"],
) -> Whole:
    """A part of an arm of each row. now: where the target has it. other: where it has what may lie over or beside it.
    behind: how surely something of the body is there in the target, and not the background, if no arm is."""
    rows = []
    for b, source in enumerate(sources):
        placed = _placed(source, target_pose[b : b + 1], joints)
        if placed is None:
            nothing = torch.zeros_like(source.own)
            rows.append(Whole(nothing.repeat(1, 2, 1, 1), nothing, nothing, nothing))
            continue
        shown, rest = _forearm(placed) if joints == FOREARM else _upper_arm(placed)
        rest = rest * now[b : b + 1] * (1 - other[b : b + 1])
        there = behind[b : b + 1]
        rows.append(Whole(placed.place, shown * now[b : b + 1], rest * (1 - there), rest * there))
    return Whole(*(torch.cat(maps) for maps in zip(*rows, strict=True)))


def _placed(source: SourceArm, target_pose: Pose, joints: tuple[str, str]) -> Placed | None:
    """A part of an arm; None where a pose does not say where it is."""
    pose, side = source.pose, source.side
    lengths = shared_lengths(pose, target_pose)
    here, there = (
        arm_part(p, SIDES[side], joints, length) for p, length in zip((pose, target_pose), lengths, strict=True)
    )
    if here is None or there is None:
        return None
    size = (source.own.shape[-2], source.own.shape[-1])
    along, across = there.coordinates(size)
    before, after = (_seeming(arm, p, side, joints) for arm, p in ((here, pose), (there, target_pose)))
    stretched = torch.where(along < 0, along / after * before, along)  # beyond its end nothing is stretched
    place = here.end + here.length * (stretched[..., None] * here.along + across[..., None] * here.across)
    place = place.movedim(-1, 0)[None].to(source.own)
    own = source.shown(here) if joints == FOREARM else source.shown_upper(here)
    seen = sample(own, place) * inside(place, size)
    return Placed(along, across, -after, place, seen, here.sure * there.sure * _not_lowered(here, there, pose, joints))


def _not_lowered(here: ArmPart, there: ArmPart, pose: Pose, joints: tuple[str, str]) -> Tensor | float:
    """See RAISED."""
    if joints != UPPER_ARM:
        return 1.0
    ends = [f"{side}_{joint}" for joint in ("shoulder", "hip") for side in SIDES]
    down = pose.xy.new_tensor([0.0, 1.0])
    if all(joint in pose.skeleton and bool(pose.visible[0, pose.skeleton.index(joint)]) for joint in ends):
        right, left, right_hip, left_hip = (pose.xy[0, pose.skeleton.index(joint)] for joint in ends)
        down = F.normalize(right_hip + left_hip - right - left, dim=0)
    return 1 - ramp(-here.along @ down, *RAISED) * ramp(1 - here.along @ there.along, *TURNED)


def _forearm(placed: Placed) -> tuple[Float[Tensor, "1 1 H W"], Float[Tensor, "1 1 H W"]]:
    """Where a forearm is shown with its hand, and where around it what is taken for one is none."""
    along, across, seen = placed.along, placed.across, placed.seen
    width = WIDTH[1] + (WIDTH[0] - WIDTH[1]) * (along / placed.start).clamp(0, 1)
    middle = (across.abs() < width) & (along > ELBOW + placed.start) & (along < -WIDTH[1])
    sure, whole = (placed.share(middle, least) for least in (COMPLETE, WHOLE))
    in_palm = (across.abs() < width) & (along > PALM[0]) & (along < PALM[1])
    palm = ramp((seen * in_palm).sum() / in_palm.sum().clamp(min=1), *SHOWN)
    start = ramp(along, placed.start, ELBOW + placed.start)
    zone = (along < TIP) * (across.abs() < WIDE)
    around = start * (along < TIP + AROUND) * (across.abs() < WIDE + AROUND)
    return sure * start * seen * zone, whole * around * (1 - seen * zone) * torch.where(along > 0, palm, 1.0)


def _upper_arm(placed: Placed) -> tuple[Float[Tensor, "1 1 H W"], Float[Tensor, "1 1 H W"]]:
    """The same of an upper arm, with what lies around its elbow."""
    along, across, seen = placed.along, placed.across, placed.seen
    middle = (across.abs() < UPPER_WIDTH) & (along > placed.start) & (along < -UPPER_WIDTH / 2)
    sure, whole = (placed.share(middle, least) for least in (COMPLETE, WHOLE))
    start = ramp(along, placed.start, placed.start * (1 - SHOULDER))
    zone = torch.where(along < 0, across.abs() < UPPER_WIDE, torch.hypot(along, across) < ROUND)
    around = start * (along < 0) * (across.abs() < UPPER_WIDE + AROUND)
    return sure * start * seen * zone, whole * around * (1 - seen * zone)


def _its_own(
    arm: ArmPart, own: Float[Tensor, "1 1 H W"], source: Float[Tensor, "1 3 H W"], ground: Float[Tensor, "1 3 H W"]
) -> Float[Tensor, "1 1 H W"]:
    """The network's mask of a forearm without the background at its rim."""
    along, across = arm.coordinates((own.shape[-2], own.shape[-1]))
    core = own * ((across.abs() < CORE) & (along > -1.2) & (along < TIP))
    if float(core.sum()) < 1:
        return own
    to_own, to_ground = unlike(source, filled(source, core)), unlike(source, ground)
    like = ramp((to_ground - to_own) / (to_ground + to_own).clamp(min=1e-3), *LIKE)
    inner = narrowest(own, max(1, round(RIM * own.shape[-2])))
    return torch.maximum(own * like, inner * (across.abs() < CORE))


def _seeming(arm: ArmPart, pose: Pose, side: int, joints: tuple[str, str]) -> float:
    """How long a part of an arm seems, in lengths of the longest one."""
    start = pose.xy[0, pose.skeleton.index(f"{SIDES[side]}_{joints[0]}")]
    return float((arm.end - start).norm()) / arm.length
