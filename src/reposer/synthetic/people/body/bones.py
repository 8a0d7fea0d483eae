"""Bones: the frames that carry a person's surface, and the skinning weights.

Every person has the same bones. A limb has nine: one for each half and seven that rotate around the bend between them,
so that a bent elbow keeps its thickness. The torso bends in the same way from pelvis to chest.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .figure import WAIST_Y, ArmPose, Body, BodyPose, Figure, LegPose, pose_body, smoothstep

LIMBS = ("right_arm", "left_arm", "right_leg", "left_leg")
CORNER = 0.16
"""Half of the stretch of a limb that bends, in bone lengths."""
BEND = np.linspace(1 - CORNER, 1 + CORNER, 9)
"""Positions of a limb's bones along it (1 = elbow or knee); the first and the last are rigid."""
SPINE = np.linspace(0.02, 0.21, 9)
"""Heights above the middle of the hips where the torso's bones are; below is the pelvis, above the chest."""
RIGID = ("head", "right_hand", "left_hand", "right_foot", "left_foot")

START: dict[str, int] = {name: 9 * i for i, name in enumerate(("torso", *LIMBS))}
START |= {name: 45 + i for i, name in enumerate(RIGID)}
NUM_BONES = 45 + len(RIGID)

# What the bones are computed from.
POINTS = (
    "mid_hip",
    "head",
    *(
        f"{side}_{joint}"
        for side in ("right", "left")
        for joint in ("shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle")
    ),
)
FRAMES = ("pelvis", "chest", "head", "right_foot", "left_foot")


class Hold:
    """Skinning of points: (..., 4) bone indices, and weights that sum to one."""

    def __init__(self, bones: np.ndarray, weights: np.ndarray) -> None:
        self.bones, self.weights = bones, weights

    @staticmethod
    def rigid(name: str, shape: tuple[int, ...]) -> "Hold":
        """Bind all points to one rigid bone."""
        weights = np.zeros((*shape, 4), np.float32)
        weights[..., 0] = 1
        return Hold(np.full((*shape, 4), START[name]), weights)

    @staticmethod
    def chain(name: str, place: np.ndarray) -> "Hold":
        """Bind points to the two nearest bones of a limb (`place` 0 to 2) or of the torso (`place` is a height)."""
        knots = SPINE if name == "torso" else BEND
        position = np.interp(place, knots, np.arange(len(knots)))
        low = np.minimum(position.astype(int), len(knots) - 2)
        share = position - low
        bones = np.stack([START[name] + low, START[name] + low + 1, 0 * low, 0 * low], -1)
        weights = np.stack([1 - share, share, 0 * share, 0 * share], -1)
        return Hold(bones, weights.astype(np.float32))

    def mixed(self, other: "Hold", share: np.ndarray) -> "Hold":
        """Blend with `other` by `share`, keeping the four bones with the largest weights."""
        share = np.broadcast_to(share, self.weights.shape[:-1])[..., None]
        bones = np.concatenate([self.bones, np.broadcast_to(other.bones, self.bones.shape)], -1)
        weights = np.concatenate([self.weights * (1 - share), other.weights * share], -1)
        order = np.argsort(-weights, -1, kind="stable")[..., :4]
        bones, weights = np.take_along_axis(bones, order, -1), np.take_along_axis(weights, order, -1)
        return Hold(bones, (weights / weights.sum(-1, keepdims=True)).astype(np.float32))

    def broadcast(self, shape: tuple[int, ...]) -> "Hold":
        return Hold(np.broadcast_to(self.bones, (*shape, 4)), np.broadcast_to(self.weights, (*shape, 4)))


def rest_figure(body: Body) -> Figure:
    """The body in the rest pose for which clothes are cut: standing, legs slightly apart, arms away from the body."""
    arm = ArmPose((0.42, -0.88, 0.03), pole=(0.3, 0.0, -1.0))
    leg = LegPose(outward=0.055, foot=8.0)
    return pose_body(body, BodyPose(right_arm=arm, left_arm=arm, right_leg=leg, left_leg=leg))


def stacked(figures: Sequence[Figure]) -> tuple[Float[Tensor, "B J 3"], Float[Tensor, "B F 3 3"]]:
    """Stack the points and frames from which bones are computed, for many figures."""
    points = np.array([[f.points[name] for name in POINTS] for f in figures], np.float32)
    frames = np.array([[f.frames[name] for name in FRAMES] for f in figures], np.float32)
    return torch.from_numpy(points), torch.from_numpy(frames)


def bone_frames(
    points: Float[Tensor, "B J 3"], frames: Float[Tensor, "B F 3 3"]
) -> tuple[Float[Tensor, "B N 3 3"], Float[Tensor, "B N 3"]]:
    """Axes (as columns) and origins of all bones."""
    point = {name: points[:, i] for i, name in enumerate(POINTS)}
    frame = {name: frames[:, i] for i, name in enumerate(FRAMES)}
    axes, origins = _torso(point["mid_hip"], frame["pelvis"], frame["chest"])
    chest, pelvis, sides = frame["chest"], frame["pelvis"], ("right", "left")
    # the four limbs at once, in the order of LIMBS: of so few numbers an operation costs the same for one
    names = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
    joints = torch.stack([torch.stack([point[f"{side}_{j}"] for j in j3], 1) for j3 in names for side in sides], 1)
    feet = torch.stack([frame[f"{side}_foot"] for side in sides], 1)
    fronts = _unit((0.5 * feet[..., 2] + pelvis[:, None, :, 2]).contiguous())
    hanging = -torch.stack([chest[..., 1], chest[..., 1], pelvis[..., 1], pelvis[..., 1]], 1)
    front = torch.cat([chest[:, None, :, 2].expand_as(fronts), fronts], 1)
    limbs = [t.unflatten(0, joints.shape[:2]) for t in _limb(*(t.flatten(0, 1) for t in (joints, hanging, front)))]
    wrists = joints[:, :2, 2]
    tips = torch.stack([point[f"{side}_hand"] for side in sides], 1)
    hands = _frame(_unit(tips - wrists), limbs[0][:, :2, -1, :, 2])
    return (
        torch.cat([axes, limbs[0].flatten(1, 2), frame["head"][:, None], hands, feet], 1),
        torch.cat([origins, limbs[1].flatten(1, 2), point["head"][:, None], wrists, joints[:, 2:, 2]], 1),
    )


def _torso(mid_hip: Tensor, pelvis: Tensor, chest: Tensor) -> tuple[Tensor, Tensor]:
    y = torch.from_numpy(SPINE.astype(np.float32)).to(mid_hip)
    s = torch.from_numpy(smoothstep(SPINE[0], SPINE[-1], SPINE).astype(np.float32)).to(mid_hip)[None, :, None]
    waist = mid_hip + pelvis[..., 1] * WAIST_Y
    low = mid_hip[:, None] + y[:, None] * pelvis[:, None, :, 1]
    high = waist[:, None] + (y[:, None] - WAIST_Y) * chest[:, None, :, 1]
    axes = (1 - s[..., None]) * pelvis[:, None] + s[..., None] * chest[:, None]
    up = _unit(axes[..., 1])
    return _frame(up, axes[..., 2]), (1 - s) * low + s * high


def _limb(joints: Tensor, hanging: Tensor, front: Tensor) -> tuple[Tensor, Tensor]:
    """Nine bones of a bent line; `front` is the front of the hanging limb."""
    a, b, c = joints.unbind(1)
    first = _unit(b - a)
    front = _turned(front, hanging, first)
    upper = _frame(first, front)
    s = torch.linspace(0, 1, len(BEND), device=joints.device)[None, :, None]
    p, q = (torch.lerp(a, b, 1 - CORNER))[:, None], torch.lerp(b, c, CORNER)[:, None]
    b = b[:, None]
    origins = (1 - s) ** 2 * p + 2 * s * (1 - s) * b + s**2 * q
    tangents = _unit((1 - s) * (b - p) + s * (q - b))
    turned = [_turned(upper[:, None, :, i], first[:, None], tangents) for i in (0, 2)]
    return torch.stack([turned[0], tangents, turned[1]], -1), origins


def _unit(v: Tensor) -> Tensor:
    unit: Tensor = v / v.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    return unit


def _frame(along: Tensor, front: Tensor) -> Tensor:
    """Columns (side, along, front), with `front` made orthogonal to `along`."""
    front = _unit(front - along * (front * along).sum(-1, keepdim=True))
    return torch.stack([torch.linalg.cross(along, front), along, front], -1)


def _turned(v: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """Rotate v by the smallest rotation from `before` to `after`, as two reflections."""
    half = _unit(before + after)
    v = v - half * (2 * (half * v).sum(-1, keepdim=True))
    return v - after * (2 * (after * v).sum(-1, keepdim=True))
