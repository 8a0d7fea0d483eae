"""Forearms are copied as a whole, with their hand: a flow that turns them smears them, most of all before the body.

Nothing is learned here. The network says where in the photo a forearm is, and whether the target shows one; where it
lies there is what both poses say. What the network takes for an arm and is none is what lies behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.truth import PARTS
from reposer.nn.filling import filled
from reposer.nn.layout import at_least_float32
from reposer.nn.windows import narrowest, widest

from .copying import Whole, ramp, unlike
from .geometry import Body, inside, large, sample
from .hands import SIDES, TIP, WIDE, Forearm, forearms_of, shared_lengths

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
"""How far beside where a forearm may be something is taken for it."""
_FOREARMS = [[PARTS.index(f"{side}_{part}") for part in ("lower_arm", "hand")] for side in SIDES]
_ARMS = [PARTS.index(f"{side}_{part}") for side in SIDES for part in ("upper_arm", "lower_arm", "hand")]


@dataclass(frozen=True)
class SourceArm:
    """One forearm of a source, with its hand; of one row.

    own: where the network finds it. hand: its mask. colours: the picture's, softened. ground: those of the background.
    """

    pose: Pose
    side: int
    own: Float[Tensor, "1 1 H W"]
    hand: Float[Tensor, "1 1 H W"]
    colours: Float[Tensor, "1 3 H W"]
    ground: Float[Tensor, "1 3 H W"]
    _shown: dict[float, Tensor] = field(default_factory=dict, init=False)

    def shown(self, arm: Forearm) -> Float[Tensor, "1 1 H W"]:
        """How surely a pixel is the forearm or hand. It is found once for each of its lengths, which are few: which
        parts of the arms the target shows too says what it is measured by."""
        if arm.length not in self._shown:
            own = _its_own(arm, self.own, self.colours, self.ground)
            self._shown[arm.length] = torch.maximum(own, self.hand)
        return self._shown[arm.length]


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
    own = [ramp(large(body.shares[:, group].sum(1, True) * person, size), *OWN) for group in _FOREARMS]
    return [
        [
            SourceArm(pose[b : b + 1], k, *(a[b : b + 1] for a in (own[k], hands[:, [k]], colours, grounds)))
            for k in range(len(SIDES))
        ]
        for b in range(len(source))
    ]


def moved_forearms(
    sources: Sequence[Sequence[SourceArm]], target_pose: Pose, parts: Float[Tensor, "B P h w"]
) -> Sequence[Whole]:
    """Both forearms, with their hands, in the target. sources: of each row. parts: scores of the target's."""
    size = (sources[0][0].own.shape[-2], sources[0][0].own.shape[-1])
    wanted = at_least_float32(parts).softmax(1)
    arms = wanted[:, _ARMS].sum(1, True)
    behind = filled((1 - arms - wanted[:, :1]) / (1 - arms).clamp(min=1e-3), 1 - ramp(arms, *WANTED))
    both = []
    for k, group in enumerate(_FOREARMS):
        now = ramp(large(widest(wanted[:, group].sum(1, True), 1), size), *WANTED)
        other = ramp(large(wanted[:, _FOREARMS[1 - k]].sum(1, True), size), *OWN)
        maps = now, other, large(behind, size)
        rows = [_moved(own[k], target_pose[b : b + 1], *(a[b : b + 1] for a in maps)) for b, own in enumerate(sources)]
        both.append(Whole(*(torch.cat(maps) for maps in zip(*rows, strict=True))))
    return both


def _moved(
    source: SourceArm,
    target_pose: Pose,
    now: Float[Tensor, "1 1 H W"],
    other: Float[Tensor, "1 1 H W"],
    behind: Float[Tensor, "1 1 H W"],
) -> Whole:
    """Of one row. now, other: this and the other one in the target. behind: how surely something of the body is there
    in the target, and not the background, if no arm is."""
    pose, side, own = source.pose, source.side, source.own
    size, nothing = (own.shape[-2], own.shape[-1]), torch.zeros_like(own)
    lengths = shared_lengths(pose, target_pose)
    here, there = (forearms_of(p, length)[side] for p, length in zip((pose, target_pose), lengths, strict=True))
    if here is None or there is None:
        return Whole(nothing.repeat(1, 2, 1, 1), nothing, nothing, nothing)
    along, across = there.coordinates(size)
    before, after = (_seeming(arm, p, side) for arm, p in ((here, pose), (there, target_pose)))
    stretched = torch.where(along < 0, along / after * before, along)  # a hand keeps its length
    place = here.wrist + here.length * (stretched[..., None] * here.along + across[..., None] * here.across)
    place = place.movedim(-1, 0)[None].to(own)
    seen = sample(source.shown(here), place) * inside(place, size)
    width = WIDTH[1] + (WIDTH[0] - WIDTH[1]) * (-along / after).clamp(0, 1)

    def share(first: float, last: float, least: tuple[float, float]) -> Tensor:
        where = (across.abs() < width) & (along > first) & (along < last)
        return ramp((seen * where).sum() / where.sum().clamp(min=1), *least)

    sure, whole = (here.sure * there.sure * share(ELBOW - after, -WIDTH[1], least) for least in (COMPLETE, WHOLE))
    palm = share(*PALM, SHOWN)
    start = ramp(along, -after, ELBOW - after)
    zone = (along < TIP) * (across.abs() < WIDE)
    shown = sure * start * seen * zone * now
    around = start * (along < TIP + AROUND) * (across.abs() < WIDE + AROUND)
    rest = whole * around * now * (1 - seen * zone) * torch.where(along > 0, palm, 1.0) * (1 - other)
    return Whole(place, shown, rest * (1 - behind), rest * behind)


def _its_own(
    arm: Forearm, own: Float[Tensor, "1 1 H W"], source: Float[Tensor, "1 3 H W"], ground: Float[Tensor, "1 3 H W"]
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


def _seeming(arm: Forearm, pose: Pose, side: int) -> float:
    """How long a forearm seems, in lengths of the longest part of an arm."""
    elbow = pose.xy[0, pose.skeleton.index(f"{SIDES[side]}_elbow")]
    return float((arm.wrist - elbow).norm()) / arm.length
