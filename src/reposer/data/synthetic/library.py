"""Poses with a name: each fits every body, and can be asked for by what it shows."""

from . import poses as p
from .body import ArmPose, Body, BodyPose, Vector
from .poses import Legs, under_the_body


def _pose(
    right: ArmPose,
    left: ArmPose,
    legs: Legs = p.STANDING,
    *,
    pelvis: Vector = (0.0, 0.0, 0.0),
    spine: Vector = (0.0, 0.0, 0.0),
    neck: Vector = (0.0, 0.0, 0.0),
    crouch: float = 0.0,
    seat: float | None = None,
) -> BodyPose:
    """A pose on the ground or on a seat; who stands has the feet under the body's weight."""
    pose = BodyPose(pelvis, spine, neck, right, left, *legs, crouch, seat)
    return pose if seat is not None or legs in p.IN_MOTION else under_the_body(Body(), pose)


_SWING_FORWARD = ArmPose((0.10, -0.86, 0.40), pole=(0.4, 0.0, -1.0))
_SWING_BACK = ArmPose((0.10, -0.90, -0.30), pole=(0.4, 0.0, -1.0))

NAMED_POSES: dict[str, BodyPose] = {
    "stand": _pose(p.HANGING, p.HANGING),
    "stand_relaxed": _pose(p.RELAXED, p.HANGING, p.RESTING, pelvis=(0, 0, 5), spine=(1, 0, -5)),
    "a_pose": _pose(p.DIAGONAL, p.DIAGONAL, p.WIDE),
    "t_pose": _pose(p.SIDEWAYS, p.SIDEWAYS),
    "hands_on_hips": _pose(p.ON_HIP, p.ON_HIP, p.WIDE),
    "hand_on_hip": _pose(p.HANGING, p.ON_HIP, p.RESTING, pelvis=(0, 0, 5), spine=(0, 0, -5), neck=(0, 8, -4)),
    "arms_crossed": _pose(p.OVER_CHEST, p.UNDER_CHEST, p.RESTING),
    "hands_in_pockets": _pose(p.IN_POCKET, p.IN_POCKET, p.RESTING),
    "hands_behind_back": _pose(p.BEHIND_BACK, p.BEHIND_BACK_BELOW),
    "hand_to_chin": _pose(p.TO_CHIN, p.HANGING, p.RESTING, neck=(2, -4, 3)),
    "hand_in_hair": _pose(p.ON_HIP, p.IN_HAIR, p.RESTING, neck=(0, 0, 6)),
    "phone": _pose(p.TO_EAR, p.HANGING, p.RESTING, neck=(2, 0, -5)),
    "wave": _pose(p.WAVE, p.HANGING, p.RESTING),
    "point": _pose(p.HANGING, p.REACHING, spine=(0, 8, 0), neck=(0, 12, 0)),
    "hold_in_front": _pose(p.HOLDING, p.HOLDING),
    "hold_up": _pose(p.HOLDING_UP, p.HOLDING_UP, neck=(-14, 0, 0)),
    "cheer": _pose(p.RAISED, p.RAISED, p.WIDE),
    "reach_up": _pose(p.HANGING, p.REACHING_UP, p.ON_TIPTOE, neck=(-16, 10, 0)),
    "bend_forward": _pose(
        p.REACHING_DOWN, p.REACHING_DOWN, p.WIDE, pelvis=(28, 0, 0), spine=(36, 0, 0), neck=(-12, 0, 0)
    ),
    "flex": _pose(p.FLEXED, p.FLEXED, p.WIDE),
    "legs_crossed": _pose(p.ON_HIP, p.HANGING, p.CROSSED),
    "look_back": _pose(
        p.HANGING, p.RELAXED, p.TURNED_OUT, pelvis=(0, 12, 0), spine=(2, 26, 0), neck=(0, 52, 0)
    ),
    "walk": _pose(_SWING_BACK, _SWING_FORWARD, p.STRIDE, spine=(2, -4, 0)),
    "run": _pose(
        p.SWUNG_BACK, p.SWUNG_FORWARD, p.RUN_LAND, pelvis=(5, 0, 0), spine=(9, -6, 0), neck=(-6, 4, 0)
    ),
    "lunge": _pose(p.ON_HIP, p.ON_HIP, p.LUNGE),
    "side_lunge": _pose(p.ON_HIP, p.SIDEWAYS, p.SIDE_LUNGE),
    "kick": _pose(p.DIAGONAL, p.BENT, p.KICK, spine=(-4, 0, 0)),
    "arabesque": _pose(p.REACHING_UP, p.SIDEWAYS, p.ARABESQUE, pelvis=(18, 0, 0), spine=(-10, 0, 0)),
    "tree": _pose(p.RAISED, p.RAISED, p.TREE),
    "squat": _pose(
        p.REACHING, p.REACHING, p.SQUAT, pelvis=(24, 0, 0), spine=(16, 0, 0), neck=(-18, 0, 0), crouch=0.40
    ),
    "kneel": _pose(p.HANGING, p.ON_THIGH, p.KNEELING, spine=(3, 0, 0), crouch=p.kneel_crouch(p.KNEELING)),
    "kneel_on_both": _pose(p.HANGING, p.HANGING, p.BOTH_KNEES, crouch=p.kneel_crouch(p.BOTH_KNEES)),
    "sit": _pose(p.ON_THIGH, p.ON_THIGH, p.SEATED, spine=(4, 0, 0), seat=0.235),
    "sit_leaning": _pose(
        p.ON_KNEE, p.ON_KNEE, p.SEATED_OPEN, pelvis=(8, 0, 0), spine=(16, 0, 0), neck=(-14, 0, 0), seat=0.235
    ),
    "sit_ankles_crossed": _pose(p.ON_THIGH, p.BENT, p.SEATED_ANKLES, spine=(6, 0, 0), seat=0.235),
    "sit_cross_legged": _pose(
        p.ON_KNEE, p.ON_KNEE, p.CROSS_LEGGED, pelvis=(-8, 0, 0), spine=(12, 0, 0), seat=0.0
    ),
    "sit_on_floor": _pose(p.ON_THIGH, p.ON_THIGH, p.LONG_SIT, pelvis=(-8, 0, 0), spine=(12, 0, 0), seat=0.0),
}
"""About forty poses by name: standing, gestures, walking and running, exercise, kneeling and sitting."""

IN_MOTION: frozenset[str] = frozenset({"walk", "run"})
"""The names of those that nobody could hold: their balance is in the motion."""
