"""Fit a pose of one person to the body of another: size, proportions and place. Pure geometry on poses.

In a picture a limb that points to the camera looks short, so a short bone alone says nothing about a body. The longest
of a person's bones, measured against those of an average adult, tell the size; a bone that is about as long as that
size lets expect lies across the view, and its length is the person's own. So are those of legs on which somebody
stands, however short: pose estimators put hips lower than the body that is the average here, and many a photo is taken
from above. Only bones that do so in both pictures get the length they have in the photo; all others are scaled with the
person.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .body import AVERAGE, BONES, NECK, ROOT, SIDES, point
from .choices import HeadChoice
from .joint_limits import within_limits
from .pose import Pose
from .skeleton import Skeleton

LONG = ("torso", "upper_arm", "forearm", "thigh", "shin")
"""The groups that tell a person's size."""
LONGEST = 3
"""How many of them: those that are the longest for an average body."""
ACROSS = {"upper_arm": 0.95, "forearm": 0.95}
LEAST_ACROSS, MOST_ACROSS = 0.88, 1.2
"""Range of a bone's length, as a share of what the person's size lets expect, in which it lies across the view. Arms
point anywhere: for them (ACROSS) it begins later."""
LEGS = ("thigh", "shin")
STRAIGHT, DOWN = 25.0, 30.0
"""Degrees: knees of a leg that stands are bent by less, and the leg and the trunk point down to this."""
OFTEN = 0.15
"""Least share of a clip's frames in which somebody stands, so that SURE_FRAMES of the lengths are those of standing."""
SHORTEST = 0.5
"""Least share of what a size lets expect that the bones of a standing leg have: shorter ones point to the camera."""
ALIKE = 0.7
"""Least ratio of the shares of a standing leg's thigh and shin: a thigh that points to the camera, as of somebody who
sits, is shortened alone."""
LIMIT = 1.3
"""Longest bone, as a share of an average body's: a longer one is a joint in the wrong place, and is shortened to it."""
SURE_FRAMES = 0.9
"""Of a clip, the quantile of a bone's lengths that counts as its own length."""
INFERRED_SCORE = 0.3
MIRRORED = 15.0
"""Degrees: a missing joint is taken from the other side if what is seen of its limb mirrors the other so closely."""
HEAD = 0.146
"""Statures from the neck to the middle of the head's joints, about (mean of the presets)."""
FACING = 0.7
"""Cosine from which on a body is turned to the camera, or away from it: at most 45 degrees off."""
NECK_TURNS = 100.0
"""Degrees by which a head can look away from where its body faces, the eyes' and the trunk's part included."""
TURNED_AWAY = -0.3
"""Cosine below which a body is turned too far away to show a face."""
INTO_CAMERA = 15.0
"""Degrees: a head that is turned by less does not say to which side its body is."""
NOSE = {"ear": 1.3, "eye": 0.67}
"""How far the nose is in front of the middle of both ears, or eyes, in halves of their distance."""
PROFILE = 75.0
"""Degrees by which a head is turned of which only one ear or eye is seen."""
UPRIGHT = 0.8
"""A trunk that is seen at least this long, as a share of what the person's size lets expect, shows how far it leans."""


@dataclass(frozen=True)
class Fit:
    """How poses of one person become those of another: one fit for a picture, or for a whole clip.

    scale: of all positions. ratios: of the bones by group, beside the scale. shift: (x, y) after both, in pixels, of
    the hips; ground: the shift in y of the lower ankle instead, where both show one. limits: longest bones by group, in
    pixels of the result. size: (height, width) of the result's picture.
    """

    scale: float
    ratios: Mapping[str, float]
    shift: tuple[float, float]
    ground: float | None
    limits: Mapping[str, float]
    size: tuple[int, int]

    def apply(self, poses: Pose) -> Pose:
        """A pose, or rows of poses, fitted."""
        return self._applied(poses, self.shift[1])[0]

    def along(self, poses: Iterable[Pose]) -> Iterator[Pose]:
        """The poses of a clip one after another, fitted; one that shows no ankle stands where the one before stood."""
        before = self.shift[1]
        for pose in poses:
            placed, shift = self._applied(pose, before)
            before = float(shift)
            yield placed

    def _applied(self, poses: Pose, without_ankle: float) -> tuple[Pose, Float[Tensor, "*B"]]:
        """The fitted poses, and their shifts in y. without_ankle: the shift of those that show none."""
        x = poses.xy.double()
        moved = self.scale * (x + _moves(poses, self.ratios, {g: v / self.scale for g, v in self.limits.items()}))
        shift = moved.new_tensor(self.shift).expand(*moved.shape[:-2], 2).clone()
        if self.ground is not None:
            before, shown = _lower_ankle(replace(poses, xy=self.scale * x))
            after, _ = _lower_ankle(replace(poses, xy=moved))
            shift[..., 1] = torch.where(shown, before + self.ground - after, without_ankle)
        xy = torch.where(poses.visible[..., None], (moved + shift[..., None, :]).to(poses.xy), poses.xy)
        return replace(poses, xy=xy, size=self.size), shift[..., 1]


@dataclass(frozen=True)
class Retargeted:
    """The result of `retarget`. inferred: names of joints that the wanted pose did not have."""

    pose: Pose
    fit: Fit
    inferred: Sequence[str] = field(default_factory=tuple)


def retarget(source: Pose, target: Pose, *, infer: bool = True, head: HeadChoice = "keep") -> Retargeted:
    """The target pose with the size, the proportions and the place of the source's person. Single poses.

    The result is in pixels of the source's picture: the middle of the hips lies at the source's x, and the lower foot
    on the same ground (the hips at the same height, where one shows no ankle). The source's own pose comes back
    unchanged, and so does a result, unless a knee is bent backwards in it (see `joint_limits`).
    infer: add missing joints below the head where the other side or the source makes them plausible (see `inferred`),
    with a score of INFERRED_SCORE.
    head: "keep" = as in the source, where the target's neck can turn it there (see `keeps_head`).
    """
    assert source.skeleton == target.skeleton, "convert one of them first"
    fit = fitted(source, target)
    pose = within_limits(fit.apply(target))
    if head == "keep" and keeps_head(source, pose):
        pose = _with_head_of(source, pose)
    names: Sequence[str] = ()
    if infer:
        pose, names = inferred(source, pose)
    return Retargeted(pose, fit, names)


def fitted(source: Pose, targets: Pose, reference: int = 0) -> Fit:
    """The fit of a person's poses to the source's person.

    targets: a single pose, or the rows of a clip: its bones are measured over all frames, and the person has the
    source's size and place in the frame `reference`.
    """
    rows = targets if targets.xy.dim() == 3 else Pose.stack([targets])
    one = rows[reference]
    own, own_size = _lengths(source)
    other, other_size = _lengths_of_clip(rows, reference)
    standing = bool(_stands(source)), float(_stands(rows).double().mean()) >= OFTEN
    limits: dict[str, float] = {}
    if own_size is None or other_size is None:
        scale, ratios = _ratio_of_boxes(source, one), dict.fromkeys(BONES, 1.0)
    else:
        for group in BONES:
            most = LIMIT * AVERAGE[group] * own_size if group in LONG else math.inf
            limits[group] = max(most, own.get(group, 0.0))
        scale, ratios = _scale_and_ratios(own, own_size, other, other_size, limits, standing)
    bare = Fit(scale, ratios, (0.0, 0.0), None, limits, source.size)
    placed = bare.apply(one)
    at, to = _anchor(placed, source), _anchor(source, placed)
    shift = (float(to[0] - at[0]), float(to[1] - at[1]))
    before, shown = _lower_ankle(replace(one, xy=scale * one.xy.double()))
    ground = None
    if bool(shown) and bool(_lower_ankle(source)[1]):
        after, _ = _lower_ankle(placed)
        ground = float(after - before) + shift[1]
    return Fit(scale, ratios, shift, ground, limits, source.size)


def _scale_and_ratios(
    own: Mapping[str, float],
    own_size: float,
    other: Mapping[str, float],
    other_size: float,
    limits: Mapping[str, float],
    standing: tuple[bool, bool],
) -> tuple[float, dict[str, float]]:
    """The scale of the whole, and of each group beside it. standing: whether the source's person and the other do.

    Groups that lie across in both get the source's length; the scale, for all others, is the torso's ratio if it does,
    and else the mean of the ratios. Fitting changes which groups do, so it is repeated until no further one is found.
    """
    across: set[str] = set()
    measured: set[str] = set()  # those of them that are not taken to lie across since somebody stands
    lengths, size = dict(other), other_size
    for _ in range(len(BONES)):
        sure = {g for g in BONES if _is_across(g, own, own_size) and _is_across(g, lengths, size)}
        more = sure | {
            g for g in BONES if _is_across(g, own, own_size, standing[0]) and _is_across(g, lengths, size, standing[1])
        }
        more -= across
        if not more and across:
            break
        across, measured = across | more, measured | sure
        long = [g for g in LONG if g in measured]
        if not any(g in across for g in LONG):
            return own_size / other_size, dict.fromkeys(BONES, 1.0)
        body = ["torso"] if "torso" in long else long
        scale = own_size / other_size
        if body:
            scale = math.exp(sum(math.log(own[g] / other[g]) for g in body) / len(body))
        ratios = {g: own[g] / other[g] / scale if g in across else 1.0 for g in BONES}
        lengths = {g: min(length * scale * ratios[g], limits[g]) for g, length in other.items()}
        size = _size_of(lengths) or size
        if not more:
            break
    return scale, ratios


def _is_across(group: str, lengths: Mapping[str, float], size: float, stands: bool = False) -> bool:
    """stands: whether bones of legs may be shorter."""
    share = lengths.get(group, 0.0) / (AVERAGE[group] * size)
    least = SHORTEST if stands and group in LEGS else ACROSS.get(group, LEAST_ACROSS)
    return least <= share <= MOST_ACROSS


def arms_alone(source: Pose, target: Pose, *, head: HeadChoice = "keep") -> Pose | None:
    """The source's pose with the arms of the target, as `retarget` fits them, at its own shoulders; all else stays
    where it is. None where that does not fit: unless trunk and legs are seen whole, and both bodies are upright and
    turned to the camera, or both away from it. Single poses.

    head: "pose" = on the source's neck, as in the target.
    """
    skeleton, alike = source.skeleton, _face_alike(_facing(source), _facing(target))
    bound = _indices(source, _TRUNK_AND_LEGS)
    whole = len(bound) == len(_TRUNK_AND_LEGS) and bool(source.visible[bound].all())
    if not (alike and whole and bool(_upright(source)) and bool(_upright(target))):
        return None
    fit = retarget(source, target, head=head).pose
    xy, visible, moved = source.xy.clone(), source.visible.clone(), []
    for side in SIDES:
        wrist = f"{side}_wrist"
        arm = _indices(source, (f"{side}_elbow", wrist))
        arm += [k for k, joint in enumerate(skeleton.joints) if _hangs_on(joint, skeleton) == wrist]
        moved.append((skeleton.index(f"{side}_shoulder"), arm))
    if head == "pose" or not keeps_head(source, fit):
        moved.append((skeleton.index(NECK), _head(skeleton)))
    scores = [torch.ones_like(xy[:, 0]) if pose.score is None else pose.score.to(xy) for pose in (source, fit)]
    score = scores[0].clone()
    for start, joints in moved:
        xy[joints] = (fit.xy[joints] + source.xy[start] - fit.xy[start]).to(xy)
        visible[joints], score[joints] = fit.visible[joints], scores[1][joints]
    known = source.score is not None or fit.score is not None
    return replace(fit, xy=xy, visible=visible, score=score if known else None)


def _upright(poses: Pose) -> Bool[Tensor, "*B"]:
    (neck, has_neck), (root, has_root) = point(poses, NECK), point(poses, ROOT)
    down = root.new_tensor([0.0, 1.0])
    return has_neck & has_root & (_between(root - neck, down.expand_as(root)) <= DOWN)


def _stands(poses: Pose) -> Bool[Tensor, "*B"]:
    """Whether the person stands, or walks, on a leg that is seen whole: trunk and leg point down, and the leg is
    straight."""
    upright = _upright(poses)
    stands, down = torch.zeros_like(upright), poses.xy.new_tensor([0.0, 1.0]).double()
    for side in SIDES:
        (hip, one), (knee, two), (ankle, three) = (
            point(poses, f"{side}_{joint}") for joint in ("hip", "knee", "ankle")
        )
        thigh, shin = ((b - a).norm(dim=-1) / AVERAGE[g] for a, b, g in ((hip, knee, "thigh"), (knee, ankle, "shin")))
        straight = _between(knee - hip, ankle - knee) <= STRAIGHT
        below = _between(ankle - hip, down.expand_as(hip)) <= DOWN
        alike = torch.minimum(thigh, shin) >= ALIKE * torch.maximum(thigh, shin)
        stands |= one & two & three & straight & below & alike
    return upright & stands


def _between(one: Float[Tensor, "*B 2"], other: Float[Tensor, "*B 2"]) -> Float[Tensor, "*B"]:
    """The angle of each two directions, in degrees; 180 where one has no length."""
    lengths = one.norm(dim=-1) * other.norm(dim=-1)
    cosine = torch.where(lengths > 0, (one * other).sum(-1) / lengths.clamp(min=1e-9), -1.0)
    return torch.rad2deg(cosine.clamp(-1, 1).acos())


# The head


def keeps_head(source: Pose, target: Pose) -> bool:
    """Whether the source's head fits on the target's body as it is: both bodies are turned to the camera, or both away
    from it, or the face looks where a neck can turn it on the target's body. Both show a neck and something of a head.
    Single poses."""
    one, other = _facing(source), _facing(target)
    if not all(bool(pose.visible[_head(pose.skeleton)].any() and point(pose, NECK)[1]) for pose in (source, target)):
        return False
    if _face_alike(one, other):
        return True
    looks, side = _looks(source), _looks(target)
    if other is None or other < TURNED_AWAY or looks is None or side is None:
        return False
    turned = math.degrees(math.acos(other))
    bodies = [turned, -turned] if abs(side) < INTO_CAMERA else [math.copysign(turned, side)]
    return all(abs(looks - body) <= NECK_TURNS for body in bodies)


def _looks(pose: Pose) -> float | None:
    """Degrees by which a face is turned from the camera, to the right of a picture with the neck up: -90 to 90. None
    where it shows no nose, or nothing beside it."""
    nose, seen = point(pose, "nose")
    if not bool(seen):
        return None
    ends = {name: [point(pose, f"{side}_{name}") for side in SIDES] for name in NOSE}
    for name, ((right, has_right), (left, has_left)) in ends.items():
        if bool(has_right) and bool(has_left):
            across = _across_head((right + left) / 2, pose)
            beside, half = float((nose - (right + left) / 2) @ across), float((right - left) @ across) / 2
            return math.degrees(math.atan2(beside, NOSE[name] * abs(half))) if beside or half else None
    single = next((xy for pair in ends.values() for xy, shown in pair if bool(shown)), None)
    if single is None:
        return None
    return math.copysign(PROFILE, float((nose - single) @ _across_head(single, pose)))


def _across_head(middle: Tensor, pose: Pose) -> Tensor:
    """The direction to the right of a head, tilted as it is, of length 1. middle: of the head."""
    neck, seen = point(pose, NECK)
    up = middle - neck
    if not bool(seen) or float(up.norm()) < 1:
        return _to_the_right(pose)
    across: Tensor = torch.stack([-up[1], up[0]]) / up.norm()
    return across


def turned_head(source: Pose, target: Pose) -> float:
    """How far the target pose, fitted, has its head from where `keep` puts it: the largest distance of a joint, in
    widths of an average body's shoulders of the source's size; 1 where only one of the two shows a joint. Single
    poses."""
    pose = fitted(source, target).apply(target)
    if not keeps_head(source, pose):
        return 0.0
    kept, joints = _with_head_of(source, pose), _head(pose.skeleton)
    if bool((kept.visible[joints] != pose.visible[joints]).any()):
        return 1.0
    way = (kept.xy[joints] - pose.xy[joints])[kept.visible[joints]].norm(dim=-1)
    size = _lengths(source)[1] or _size_by_head(source)
    return float(way.amax()) / (AVERAGE["shoulders"] * size) if size else 1.0


def _facing(pose: Pose) -> float | None:
    """The cosine of the angle by which a body is turned: 1 faces the camera, -1 turns its back; None if unknown.

    By shoulders and hips, across the spine, whichever is wider for an average body of the person's size.
    """
    size, to_the_right = _lengths(pose)[1] or _size_by_head(pose), _to_the_right(pose)
    if size is None:
        return None
    widths = []
    for group in ("shoulders", "hips"):
        ((right, left),) = BONES[group]
        (start, there), (end, too) = point(pose, right), point(pose, left)
        if bool(there) and bool(too):
            widths.append(float((end - start) @ to_the_right) / (AVERAGE[group] * size))
    return max(-1.0, min(1.0, max(widths, key=abs))) if widths else None


def _face_alike(one: float | None, other: float | None) -> bool:
    """Whether two bodies face the camera, or both turn their backs to it. one, other: see `_facing`."""
    return one is not None and other is not None and (min(one, other) >= FACING or max(one, other) <= -FACING)


def _to_the_right(pose: Pose) -> Tensor:
    """The direction to the right in a picture with the neck up, of length 1. A bust is upright."""
    axis = _axis(pose)
    if axis is None:
        axis = torch.tensor([0.0, -1.0], dtype=torch.float64)
    return torch.stack([-axis[1], axis[0]])


def _size_by_head(pose: Pose) -> float | None:
    """The stature of whom a single pose shows no long bone, by neck and head; None if these are not shown."""
    head, (neck, shown) = [k for k in _head(pose.skeleton) if pose.visible[k]], point(pose, NECK)
    if not head or not bool(shown):
        return None
    return float((pose.xy[head].double().mean(0) - neck).norm()) / HEAD or None


def _head(skeleton: Skeleton) -> list[int]:
    """The joints of the head: those that hang on the neck."""
    return [k for k, joint in enumerate(skeleton.joints) if joint != NECK and _hangs_on(joint, skeleton) == NECK]


def _with_head_of(source: Pose, pose: Pose) -> Pose:
    """The fitted pose with the source's head on its neck, tilted by as much as the trunk leans further."""
    joints, tilt = _head(pose.skeleton), _lean(pose) - _lean(source)
    turn = torch.tensor([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]], dtype=torch.float64)
    (before, _), (after, _) = point(source, NECK), point(pose, NECK)
    xy, visible = pose.xy.clone(), pose.visible.clone()
    xy[joints] = ((source.xy[joints].double() - before) @ turn + after).to(xy)
    visible[joints] = source.visible[joints]
    score = pose.score
    if score is not None:
        score = score.clone()
        score[joints] = 1.0 if source.score is None else source.score[joints]
    return replace(pose, xy=xy, visible=visible, score=score)


def _lean(pose: Pose) -> float:
    """The angle of the trunk to the vertical, in radians, clockwise; 0 where it points to the camera or is not seen."""
    lengths, size = _lengths(pose)
    axis = _axis(pose)
    if axis is None or size is None or lengths["torso"] < UPRIGHT * AVERAGE["torso"] * size:
        return 0.0
    return math.atan2(float(axis[0]), -float(axis[1]))


# Points and lengths


def _lengths_by_frame(rows: Pose) -> dict[str, Float[Tensor, "T"]]:
    """Lengths of the bones in each frame, in pixels: the longer side's; NaN where neither was found."""
    lengths = {}
    for group, bones in BONES.items():
        sides = []
        for a, b in bones:
            (start, there), (end, too) = point(rows, a), point(rows, b)
            length = (end - start).norm(dim=-1)
            sides.append(torch.where(there & too & (length > 0), length, -torch.inf))
        longest = torch.stack(sides).amax(0)
        lengths[group] = torch.where(longest > 0, longest, torch.nan)
    return lengths


def _lengths(pose: Pose) -> tuple[dict[str, float], float | None]:
    """Lengths of the bones that a single pose shows, in pixels, and its person's stature."""
    lengths = {g: float(v) for g, v in _lengths_by_frame(Pose.stack([pose])).items() if not v.isnan()}
    return lengths, _size_of(lengths)


def _lengths_of_clip(rows: Pose, reference: int) -> tuple[dict[str, float], float | None]:
    """The same of a clip, as large as the person is in the frame `reference`."""
    own, size = _lengths(rows[reference])
    if len(rows) == 1 or size is None:
        return own, size
    by_frame = _lengths_by_frame(rows)
    # sizes compare only between frames that show the same bones
    comparable = torch.stack([~by_frame[g].isnan() for g in LONG if g in own]).all(0)
    sizes = torch.full((len(rows),), math.nan, dtype=torch.float64)
    for t in comparable.nonzero()[:, 0].tolist():
        sizes[t] = _size_of({g: float(by_frame[g][t]) for g in LONG if g in own}) or math.nan
    lengths = {}
    for group, values in by_frame.items():
        shares = (values / sizes)[~(values / sizes).isnan()]
        if len(shares):
            lengths[group] = float(shares.quantile(SURE_FRAMES)) * size
    return lengths, _size_of(lengths)


def _size_of(lengths: Mapping[str, float]) -> float | None:
    """The stature of which these would be an average body's bones, by the longest; None if none is known."""
    statures = sorted((lengths[g] / AVERAGE[g] for g in LONG if g in lengths), reverse=True)[:LONGEST]
    return sum(statures) / len(statures) if statures else None


ENOUGH_BONES = 3
"""A median of fewer may be of those alone that point at the camera."""


def size_ratio(source: Pose, target: Pose) -> float | None:
    """How many times as large as the source's person the target's is: the median of the ratios of the long bones that
    both show, since some may point at the camera; None if they share fewer than three. Single poses of one
    skeleton."""
    own, other = _lengths(source)[0], _lengths(target)[0]
    ratios = [other[g] / own[g] for g in LONG if g in own and g in other]
    return median(ratios) if len(ratios) >= ENOUGH_BONES else None


# Moving joints


_CHAIN: Sequence[tuple[str, str, str]] = (
    *((f"{side}_hip", ROOT, "hips") for side in SIDES),
    *((f"{side}_knee", f"{side}_hip", "thigh") for side in SIDES),
    *((f"{side}_ankle", f"{side}_knee", "shin") for side in SIDES),
    *((f"{side}_shoulder", NECK, "shoulders") for side in SIDES),
    *((f"{side}_elbow", f"{side}_shoulder", "upper_arm") for side in SIDES),
    *((f"{side}_wrist", f"{side}_elbow", "forearm") for side in SIDES),
)
"""Each joint with the one that it hangs on, and its bone's group."""


def _moves(pose: Pose, ratios: Mapping[str, float], limits: Mapping[str, float]) -> Float[Tensor, "*B K 2"]:
    """How far every joint moves, before scaling, when the bones get these ratios, but no more than these lengths.

    The hips stay. A joint whose own bone's start is missing hangs on the next one that was found.
    """
    moves = torch.zeros_like(pose.xy.double())
    root, has_root = point(pose, ROOT)
    neck, has_neck = point(pose, NECK)
    root = torch.where(has_root[..., None], root, neck)
    there: dict[str, tuple[Tensor, Tensor]] = {ROOT: (root, torch.zeros_like(root))}
    lift = _move(root, neck, ratios["torso"], limits.get("torso"), has_root)
    nothing = torch.zeros_like(root)
    whole = {ROOT: has_root, NECK: has_neck}
    there[NECK] = (
        torch.where(has_neck[..., None], neck, root),
        torch.where((has_neck & has_root)[..., None], lift, nothing),
    )
    for joint, start, group in _CHAIN:
        place, move = there[start]
        if joint not in pose.skeleton:
            there[joint], whole[joint] = (place, move), torch.zeros_like(has_root)
            continue
        k = pose.skeleton.index(joint)
        end, seen = pose.xy[..., k, :].double(), pose.visible[..., k, None]
        own = move + _move(place, end, ratios[group], limits.get(group), whole[start])
        whole[joint] = seen[..., 0]
        moves[..., k, :] = torch.where(seen, own, 0.0)
        there[joint] = (torch.where(seen, end, place), torch.where(seen, own, move))
    for k, joint in enumerate(pose.skeleton.joints):
        hung = _hangs_on(joint, pose.skeleton)
        if hung is not None:
            place, move = there[hung]
            head = hung == NECK  # as large as the trunk
            moves[..., k, :] = move + ((ratios["torso"] - 1) * (pose.xy[..., k, :].double() - place) if head else 0.0)
    return moves


def _move(start: Tensor, end: Tensor, ratio: float, limit: float | None, whole: Tensor) -> Tensor:
    """How far a bone's end moves when the bone gets `ratio` times as long.

    limit: of its length, where it is `whole`: where its own start was found.
    """
    bone = end - start
    if limit is None:
        return (ratio - 1) * bone
    length = bone.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    most = torch.where(whole[..., None], limit / length, torch.inf)
    return (torch.clamp(most, max=ratio) - 1) * bone


def _hangs_on(joint: str, skeleton: Skeleton) -> str | None:
    """What a joint outside of the chain moves with: feet with the ankle, hands with the wrist, the head with the
    neck."""
    if joint == ROOT or any(joint == name for name, _, _ in _CHAIN):
        return None
    if joint == "spine":
        return ROOT
    side = joint.split("_")[0]
    if side in SIDES and any(word in joint for word in ("toe", "heel")):
        return f"{side}_ankle"
    if side in SIDES and any(w in joint for w in ("hand", "thumb", "index", "middle", "ring", "pinky")):
        return f"{side}_wrist"
    return NECK


# Place


def _lower_ankle(pose: Pose) -> tuple[Float[Tensor, "*B"], Bool[Tensor, "*B"]]:
    """The y of the lower ankle, and whether one was found."""
    ends = [pose.skeleton.index(f"{side}_ankle") for side in SIDES if f"{side}_ankle" in pose.skeleton]
    if not ends:
        return pose.xy.new_zeros(pose.xy.shape[:-2]).double(), pose.visible.new_zeros(pose.visible.shape[:-1])
    y, seen = pose.xy[..., ends, 1].double(), pose.visible[..., ends]
    return torch.where(seen, y, -torch.inf).amax(-1), seen.any(-1)


def _anchor(pose: Pose, other: Pose) -> Float[Tensor, "2"]:
    """The point of a single pose that comes to lie on the other's: the hips, or else the middle of the joints' box."""
    hips = [[k for k in _indices(p, ("right_hip", "left_hip", ROOT)) if p.visible[k]] for p in (pose, other)]
    left, top, right, bottom = pose.box()
    place = torch.tensor([(left + right) / 2, (top + bottom) / 2], dtype=torch.float64)
    if all(hips):
        place = pose.xy[hips[0]].double().mean(0)
    (own, shown), (_, others) = _lower_ankle(pose), _lower_ankle(other)
    if bool(shown) and bool(others):
        place[1] = own
    return place


def _indices(pose: Pose, names: Sequence[str]) -> list[int]:
    return [pose.skeleton.index(name) for name in names if name in pose.skeleton]


def _ratio_of_boxes(source: Pose, target: Pose) -> float:
    """How many times larger the source is, by the boxes around the joints that both show, or around all."""
    shared = source.visible & target.visible
    sides = []
    for pose in (source, target):
        seen = pose.xy[shared if int(shared.sum()) > 1 else pose.visible].double()
        sides.append(float((seen.amax(0) - seen.amin(0)).amax()))
    return sides[0] / sides[1] if min(sides) > 0 else 1.0


# Missing joints


def inferred(source: Pose, pose: Pose) -> tuple[Pose, tuple[str, ...]]:
    """The fitted pose with joints that it misses, and their names; they get the score INFERRED_SCORE.

    A shoulder is the other one mirrored at the neck. An elbow, wrist, knee or ankle is the other side's, mirrored,
    where what is seen of its limb mirrors the other side closely. Legs of which nothing is seen are the source's, moved
    to the pose's hips: a picture that ends at the hips says nothing about them. Joints of the head are never inferred:
    one that is missing is turned away.
    """
    xy, visible = pose.xy.clone(), pose.visible.clone()
    names: list[str] = []

    def put(joint: str, place: Tensor) -> None:
        k = pose.skeleton.index(joint)
        xy[k], visible[k] = place.to(xy), True
        names.append(joint)

    def seen(joint: str) -> Tensor | None:
        if joint not in pose.skeleton or not visible[pose.skeleton.index(joint)]:
            return None
        return xy[pose.skeleton.index(joint)].double()

    neck, axis = seen(NECK), _axis(replace(pose, xy=xy, visible=visible))
    for side, other in (SIDES, SIDES[::-1]):
        shoulder = seen(f"{other}_shoulder")
        missing = f"{side}_shoulder" in pose.skeleton and seen(f"{side}_shoulder") is None
        if missing and shoulder is not None and neck is not None:
            put(f"{side}_shoulder", 2 * neck - shoulder)
    for side, other in (SIDES, SIDES[::-1]):
        for first, middle, last in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")):
            own = [seen(f"{side}_{joint}") for joint in (first, middle, last)]
            others = [seen(f"{other}_{joint}") for joint in (first, middle, last)]
            if own[2] is None and own[1] is not None and own[0] is not None and None not in others:
                bone = mirrored(others[1] - others[0], axis)  # type: ignore[operator]
                if axis is not None and float(_between(own[1] - own[0], bone)) <= MIRRORED:
                    put(f"{side}_{last}", own[1] + mirrored(others[2] - others[1], axis))  # type: ignore[operator]
    if not shows_legs(replace(pose, visible=visible)):
        for joint, offset in own_legs(source).items():
            hip = seen(f"{joint.split('_')[0]}_hip")
            if hip is not None and joint in pose.skeleton:
                put(joint, hip + offset)
    if not names:
        return pose, ()
    score = torch.ones_like(xy[:, 0]) if pose.score is None else pose.score.clone()
    score[_indices(pose, names)] = INFERRED_SCORE
    return replace(pose, xy=xy, visible=visible, score=score), tuple(names)


_LEGS = tuple(f"{side}_{joint}" for side in SIDES for joint in ("knee", "ankle"))
_TRUNK_AND_LEGS = (NECK, *(f"{side}_{joint}" for side in SIDES for joint in ("shoulder", "hip")), *_LEGS)


def shows_legs(poses: Pose) -> bool:
    """Whether a pose, or a row of poses, shows a knee or an ankle."""
    return bool(poses.visible[..., _indices(poses, _LEGS)].any())


def own_legs(source: Pose) -> dict[str, Float[Tensor, "2"]]:
    """Where the knees and ankles that a single pose shows lie, seen from the hip of their side."""
    found = {}
    for joint in _LEGS:
        (place, shown), (hip, has_hip) = point(source, joint), point(source, f"{joint.split('_')[0]}_hip")
        if bool(shown) and bool(has_hip):
            found[joint] = place - hip
    return found


def _axis(pose: Pose) -> Tensor | None:
    """The direction of the spine, of length 1; None if hips or shoulders are missing."""
    (root, has_root), (neck, has_neck) = point(pose, ROOT), point(pose, NECK)
    if not (bool(has_root) and bool(has_neck)) or float((neck - root).norm()) < 1:
        return None
    axis: Tensor = (neck - root) / (neck - root).norm()
    return axis


def mirrored(bone: Tensor, axis: Tensor | None) -> Tensor:
    """The bone mirrored at an axis."""
    return bone if axis is None else 2 * (bone @ axis) * axis - bone
