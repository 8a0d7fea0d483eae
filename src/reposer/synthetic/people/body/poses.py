"""Poses: arm and leg positions, kinds of pose, and a sampler that mixes and varies them until they are plausible."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .cameras import choose, sample_yaw
from .figure import SHIN, THIGH, ArmPose, Body, BodyPose, Figure, LegPose, Vector, pose_body
from .limits import balance, centre_of_mass, plausible, support

__all__ = ["DEMO_POSES", "KINDS", "Kind", "KindName", "plausible", "sample_pose", "sample_yaw"]

# ------------------------------------------------------------------------------------------- arms

HANGING = ArmPose()
RELAXED = ArmPose((0.16, -0.93, 0.22), pole=(0.6, 0.0, -1.0))
ON_HIP = ArmPose((1.28, 0.085, 0.030), "hip", pole=(1.0, 0.1, -0.55), hand=(-0.75, -0.25, 0.7))
IN_POCKET = ArmPose((1.12, 0.015, 0.030), "hip", pole=(0.9, 0.1, -1.0), hand=(-0.2, -1.0, 0.25))
BEHIND_BACK = ArmPose((0.72, 0.044, -0.102), "hip", pole=(1.0, 0.0, -0.7), hand=(-1.0, 0.05, 0.0))
BEHIND_BACK_BELOW = ArmPose((0.46, 0.002, -0.122), "hip", pole=(1.0, 0.0, -0.7), hand=(-1.0, -0.6, -0.05))
IN_FRONT = ArmPose((0.25, 0.0, 0.125), "hip", pole=(1.0, 0.1, -0.4), hand=(-0.7, -0.8, 0.2))
TO_CHIN = ArmPose((0.42, -2.55, 1.50), "head", pole=(0.6, -1.0, 0.1), hand=(-0.22, 0.95, 0.12))
TO_EAR = ArmPose((2.05, -1.40, 0.60), "head", pole=(0.8, -1.0, 0.1), hand=(-0.10, 1.0, -0.30))
IN_HAIR = ArmPose((2.15, 0.70, 0.0), "head", pole=(1.0, 0.2, 0.3), hand=(-0.8, 0.75, -0.2))
WAVE = ArmPose((0.62, 0.52, 0.22), pole=(0.8, -0.9, -0.2), hand=(0.1, 1.0, 0.1))
RAISED = ArmPose((0.30, 0.92, 0.08), pole=(1.0, 0.1, 0.1))
HOLDING_UP = ArmPose((0.10, 0.80, 0.30), pole=(1.0, 0.0, 0.5), hand=(-0.2, 0.9, 0.4))
SIDEWAYS = ArmPose((0.96, 0.05, 0.05), pole=(0.1, -0.6, -1.0))
DIAGONAL = ArmPose((0.66, -0.68, 0.08), pole=(0.3, 0.0, -1.0))
REACHING = ArmPose((0.12, -0.05, 0.93), pole=(0.5, -1.0, -0.2))
REACHING_UP = ArmPose((0.18, 0.68, 0.66), pole=(0.8, -0.6, 0.0))
REACHING_DOWN = ArmPose((0.12, -0.72, 0.62), pole=(0.6, -0.3, -1.0))
HOLDING = ArmPose((0.02, -0.38, 0.62), pole=(0.6, -0.8, -0.4), hand=(-0.1, 0.7, 0.6))
FLEXED = ArmPose((0.72, 0.18, 0.15), pole=(0.8, -1.0, -0.1), hand=(-0.3, 1.0, 0.0))
BENT = ArmPose((0.22, -0.58, 0.48), pole=(0.5, -0.4, -1.0))
SWUNG_FORWARD = ArmPose((0.08, -0.38, 0.52), pole=(0.45, -0.7, -1.0))
SWUNG_BACK = ArmPose((0.20, -0.68, -0.20), pole=(0.5, 0.1, -1.0))
ON_KNEE = ArmPose((0.005, 0.024, -0.060), "knee", pole=(1.0, -0.2, -0.6), hand=(0.0, -0.22, 0.95))
ON_THIGH = ArmPose((0.010, 0.036, -0.125), "knee", pole=(1.0, -0.2, -0.7), hand=(-0.15, 0.15, 0.95))
IN_LAP = ArmPose((0.40, 0.075, 0.150), "hip", pole=(1.0, 0.1, -0.6), hand=(-0.85, -0.1, 0.5))
BESIDE = ArmPose((0.34, -0.86, -0.06), pole=(0.4, 0.0, -1.0))
OVER_CHEST = ArmPose((-0.012, 0.000, 0.072), "chest", pole=(1.0, -0.9, -0.1), hand=(-1.0, 0.35, 0.0))
UNDER_CHEST = ArmPose((-0.004, -0.034, 0.040), "chest", pole=(1.0, -0.9, -0.1), hand=(-1.0, 0.0, 0.15))

Weights = Mapping[str, float]
ARMS: dict[str, ArmPose] = {
    "hanging": HANGING,
    "relaxed": RELAXED,
    "on_hip": ON_HIP,
    "in_pocket": IN_POCKET,
    "behind_back": BEHIND_BACK,
    "in_front": IN_FRONT,
    "to_chin": TO_CHIN,
    "to_ear": TO_EAR,
    "in_hair": IN_HAIR,
    "wave": WAVE,
    "raised": RAISED,
    "holding_up": HOLDING_UP,
    "sideways": SIDEWAYS,
    "diagonal": DIAGONAL,
    "reaching": REACHING,
    "reaching_up": REACHING_UP,
    "reaching_down": REACHING_DOWN,
    "holding": HOLDING,
    "flexed": FLEXED,
    "bent": BENT,
    "on_knee": ON_KNEE,
    "on_thigh": ON_THIGH,
    "in_lap": IN_LAP,
    "beside": BESIDE,
}
CALM: Weights = {
    "hanging": 3.0,
    "relaxed": 2.6,
    "on_hip": 2.0,
    "in_pocket": 0.8,
    "behind_back": 0.25,
    "in_front": 0.6,
    "to_chin": 0.5,
    "in_hair": 0.5,
    "wave": 0.5,
    "diagonal": 0.8,
    "holding": 0.8,
    "bent": 0.8,
}
LIVELY: Weights = {
    "raised": 1.0,
    "sideways": 1.0,
    "diagonal": 1.0,
    "wave": 0.8,
    "flexed": 0.8,
    "on_hip": 0.7,
    "in_hair": 0.6,
    "reaching_up": 0.6,
    "holding_up": 0.4,
    "bent": 0.7,
    "reaching": 0.4,
}

# ------------------------------------------------------------------------------------------- legs

Legs = tuple[LegPose, LegPose]
STANDING: Legs = (LegPose(), LegPose())
RESTING: Legs = (LegPose(outward=-0.01, foot=8), LegPose(outward=0.12, forward=0.10, knee=22, foot=26))
STRIDE: Legs = (
    LegPose(outward=-0.02, forward=0.30, foot=6),
    LegPose(outward=-0.02, forward=-0.26, pitch=38, knee=4, foot=8),
)
SHORT_STRIDE: Legs = (
    LegPose(outward=-0.02, forward=0.17, foot=6),
    LegPose(outward=-0.01, forward=-0.17, pitch=20, knee=4, foot=10),
)
HEEL_STRIKE: Legs = (
    LegPose(outward=-0.02, forward=0.36, foot=5, pitch=-16),
    LegPose(outward=-0.02, forward=-0.24, pitch=36, knee=4, foot=8),
)
SWING: Legs = (
    LegPose(outward=-0.045, forward=0.0, foot=6),
    LegPose(outward=-0.02, forward=-0.12, lift=0.13, pitch=30, knee=4, foot=6),
)
WIDE: Legs = (LegPose(outward=0.17, knee=14, foot=20), LegPose(outward=0.17, knee=14, foot=20))
CROSSED: Legs = (LegPose(outward=-0.12, forward=-0.15, foot=-2), LegPose(outward=-0.145, forward=0.095, knee=6, foot=3))
TURNED_OUT: Legs = (LegPose(outward=0.0, forward=-0.02, foot=8), LegPose(outward=0.06, forward=0.05, knee=34, foot=48))
STEP_UP: Legs = (LegPose(outward=-0.03, foot=8), LegPose(outward=0.04, forward=0.32, lift=0.34, knee=8, foot=8))
LUNGE: Legs = (
    LegPose(outward=0.05, forward=0.42, foot=8),
    LegPose(outward=0.03, forward=-0.40, pitch=48, knee=4, foot=8),
)
SIDE_LUNGE: Legs = (LegPose(outward=0.10, knee=28, foot=28), LegPose(outward=0.48, knee=24, foot=24))
ON_TIPTOE: Legs = (LegPose(pitch=38, foot=10), LegPose(pitch=38, foot=10, forward=0.03))
KICK: Legs = (LegPose(outward=-0.05, foot=12), LegPose(outward=0.10, forward=0.62, lift=0.36, knee=6, foot=6, pitch=10))
ARABESQUE: Legs = (
    LegPose(outward=-0.06, foot=16),
    LegPose(outward=0.04, forward=-0.52, lift=0.22, knee=6, foot=12, pitch=60),
)
TREE: Legs = (
    LegPose(outward=-0.07, foot=10),
    LegPose(outward=-0.03, forward=0.03, lift=0.40, knee=78, foot=62, pitch=46),
)
RUN_PUSH: Legs = (
    LegPose(outward=-0.02, forward=-0.36, pitch=50, knee=2, foot=4),
    LegPose(outward=0.0, forward=0.26, lift=0.36, knee=4, foot=4, pitch=12),
)
RUN_LAND: Legs = (
    LegPose(outward=-0.03, forward=0.18, knee=4, foot=4),
    LegPose(outward=0.0, forward=-0.40, lift=0.34, knee=2, foot=4, pitch=66),
)
RUN_FLY: Legs = (
    LegPose(outward=-0.01, forward=0.42, lift=0.22, knee=4, foot=4, pitch=-8),
    LegPose(outward=0.0, forward=-0.48, lift=0.26, knee=2, foot=4, pitch=58),
)
SQUAT: Legs = (LegPose(outward=0.12, knee=28, foot=26), LegPose(outward=0.12, knee=28, foot=26))
# kneeling: the knee is below the hip, the shin lies behind it, the toes are tucked
_BACK = SHIN / (THIGH + SHIN)
KNEELING: Legs = (
    LegPose(outward=0.02, forward=-0.985 * _BACK, pitch=74, knee=4, foot=2),
    LegPose(outward=0.03, forward=0.50, knee=8, foot=10),
)
BOTH_KNEES: Legs = (
    LegPose(outward=0.03, forward=-0.985 * _BACK, pitch=74, knee=6, foot=2),
    LegPose(outward=0.03, forward=-0.985 * _BACK, pitch=74, knee=6, foot=2),
)
SEATED: Legs = (
    LegPose(outward=0.05, forward=0.50, knee=8, foot=10),
    LegPose(outward=0.05, forward=0.50, knee=8, foot=10),
)
SEATED_OPEN: Legs = (
    LegPose(outward=0.18, forward=0.44, knee=24, foot=24),
    LegPose(outward=0.18, forward=0.44, knee=24, foot=24),
)
SEATED_STEP: Legs = (
    LegPose(outward=0.04, forward=0.36, knee=8, foot=8),
    LegPose(outward=0.05, forward=0.66, knee=6, foot=10),
)
SEATED_ANKLES: Legs = (
    LegPose(outward=-0.10, forward=0.45, knee=16, foot=-4),
    LegPose(outward=-0.20, forward=0.67, knee=12, foot=4),
)
CROSS_LEGGED: Legs = (
    LegPose(outward=-0.15, forward=0.33, knee=80, foot=-45, pitch=8),
    LegPose(outward=-0.15, forward=0.50, knee=78, foot=-45, pitch=8),
)
LONG_SIT: Legs = (
    LegPose(outward=0.06, forward=0.95, pitch=-78, knee=8, foot=8),
    LegPose(outward=0.06, forward=0.95, pitch=-78, knee=8, foot=8),
)
KNEE_UP: Legs = (
    LegPose(outward=0.06, forward=0.93, pitch=-74, knee=8, foot=8),
    LegPose(outward=0.05, forward=0.66, knee=8, foot=8),
)
KNEES_UP: Legs = (
    LegPose(outward=0.06, forward=0.72, knee=8, foot=8),
    LegPose(outward=0.06, forward=0.66, knee=8, foot=8),
)

# ------------------------------------------------------------------------------------------ kinds

Range = tuple[float, float]
KindName = Literal[
    "standing", "walking", "turning", "sitting", "floor", "squatting", "kneeling", "reaching", "running",
    "dancing", "arms_crossed", "pockets", "phone", "holding_up",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of pose, and how much it is varied.

    weight: sampling weight. legs: one of these. arms: weights of ARMS; pairs: or these pairs, right and left.
    bow, twist, tilt: of the spine: (mean, spread), spread, spread, in degrees; lean: of the pelvis, forward.
    crouch, seat: range, as in BodyPose. lift: largest height of a foot above the ground, in leg lengths.
    balanced: least distance of the centre of mass inside its support, in statures; None for a moving body.
    same: how often both arms do the same.
    """

    weight: float
    legs: tuple[Legs, ...]
    arms: Weights
    pairs: tuple[tuple[ArmPose, ArmPose], ...] = ()
    bow: Range = (0.0, 4.0)
    twist: float = 8.0
    tilt: float = 3.0
    lean: float = 1.0
    turn: float = 6.0
    look: float = 20.0
    crouch: Range = (0.0, 0.0)
    seat: Range | None = None
    balanced: float | None = 0.0
    same: float = 0.35
    bare: bool = True
    """Whether a short skirt allows it."""


_SIT: Weights = {
    "on_knee": 1.6,
    "on_thigh": 2.4,
    "in_lap": 1.2,
    "to_chin": 0.6,
    "holding": 0.7,
    "wave": 0.3,
    "bent": 0.4,
}
_CROSSED_ARMS = ((OVER_CHEST, UNDER_CHEST),)
_SWINGING = ((SWUNG_BACK, SWUNG_FORWARD),)
_UPRIGHT = (STANDING, RESTING, RESTING, WIDE, CROSSED, TURNED_OUT)

KINDS: dict[KindName, Kind] = {
    "standing": Kind(
        0.28, (*_UPRIGHT, STEP_UP), CALM, ((BEHIND_BACK, BEHIND_BACK_BELOW),), same=0.38, crouch=(0.0, 0.03)
    ),
    "walking": Kind(
        0.16,
        (STRIDE, SHORT_STRIDE, HEEL_STRIKE, SWING),
        {"hanging": 1.0, "relaxed": 1.0, "in_pocket": 0.6, "holding": 0.4},
        bow=(2.0, 3.0),
        balanced=-0.09,
    ),
    "turning": Kind(
        0.06, (TURNED_OUT, SHORT_STRIDE, RESTING), CALM, bow=(1.0, 3.0), twist=20.0, turn=16.0, look=32.0, same=0.2
    ),
    "sitting": Kind(
        0.11,
        (SEATED, SEATED_OPEN, SEATED_STEP, SEATED_ANKLES),
        _SIT,
        _CROSSED_ARMS,
        bow=(5.0, 8.0),
        lean=-3.0,
        seat=(0.205, 0.275),
        same=0.5,
    ),
    "floor": Kind(
        0.03,
        (CROSS_LEGGED, CROSS_LEGGED, LONG_SIT, KNEE_UP, KNEES_UP),
        {**_SIT, "on_thigh": 1.0},
        bow=(10.0, 7.0),
        lean=-8.0,
        seat=(0.0, 0.0),
        same=0.6,
        bare=False,
    ),
    "squatting": Kind(
        0.025,
        (SQUAT,),
        {"reaching": 1.0, "on_knee": 1.0, "holding": 0.7, "in_front": 0.2, "bent": 0.7},
        bow=(18.0, 7.0),
        lean=24.0,
        crouch=(0.18, 0.46),
        same=0.7,
        bare=False,
    ),
    "kneeling": Kind(
        0.025,
        (KNEELING, KNEELING, BOTH_KNEES),
        {"hanging": 1.0, "relaxed": 1.0, "on_hip": 0.8, "holding": 0.8, "bent": 0.6, "wave": 0.4, "to_chin": 0.3},
        ((HANGING, ON_KNEE), (ON_HIP, ON_KNEE), (RELAXED, ON_THIGH)),
        bow=(3.0, 5.0),
        balanced=-0.015,
        bare=False,
    ),
    "reaching": Kind(
        0.06,
        (*_UPRIGHT, SHORT_STRIDE, ON_TIPTOE, SIDE_LUNGE, LUNGE),
        {"reaching": 1.0, "reaching_up": 1.2, "reaching_down": 0.8, "hanging": 0.8, "relaxed": 0.8, "raised": 0.6},
        bow=(6.0, 9.0),
        twist=12.0,
        tilt=6.0,
        crouch=(0.0, 0.06),
    ),
    "running": Kind(
        0.04,
        (RUN_PUSH, RUN_LAND, RUN_FLY),
        {"bent": 1.0},
        _SWINGING,
        bow=(9.0, 4.0),
        lean=5.0,
        look=10.0,
        balanced=None,
        bare=False,
    ),
    "dancing": Kind(
        0.08,
        (WIDE, CROSSED, TURNED_OUT, LUNGE, SIDE_LUNGE, STEP_UP, ON_TIPTOE, KICK, ARABESQUE, TREE),
        LIVELY,
        bow=(2.0, 8.0),
        twist=12.0,
        tilt=9.0,
        crouch=(0.0, 0.05),
        balanced=-0.01,
        bare=False,
    ),
    "arms_crossed": Kind(0.04, _UPRIGHT, {}, _CROSSED_ARMS),
    "pockets": Kind(0.04, (*_UPRIGHT, SHORT_STRIDE), {"in_pocket": 1.0}, same=0.8, balanced=-0.03),
    "phone": Kind(
        0.03, (*_UPRIGHT, SHORT_STRIDE), {}, ((TO_EAR, HANGING), (TO_EAR, IN_POCKET), (TO_EAR, RELAXED)), balanced=-0.03
    ),
    "holding_up": Kind(
        0.02, (STANDING, WIDE, RESTING), {"holding_up": 1.0, "reaching_up": 0.4, "raised": 0.4}, same=0.8, bow=(-2, 4)
    ),
}

# Clear, different targets for a demonstration: (pose, yaw).
DEMO_POSES: tuple[tuple[BodyPose, float], ...] = (
    (BodyPose(right_arm=ON_HIP, left_arm=RELAXED, right_leg=RESTING[0], left_leg=RESTING[1]), -30.0),
    (BodyPose(right_arm=RAISED, left_arm=RAISED, right_leg=WIDE[0], left_leg=WIDE[1]), 5.0),
    (
        BodyPose(
            right_arm=ArmPose((0.08, -0.86, -0.36)),
            left_arm=ArmPose((0.10, -0.84, 0.42), pole=(0.4, 0, -1)),
            right_leg=STRIDE[0],
            left_leg=STRIDE[1],
        ),
        75.0,
    ),
    (BodyPose(right_arm=ON_HIP, left_arm=ON_HIP, right_leg=STANDING[0], left_leg=STANDING[1]), 180.0),
    (BodyPose(right_arm=HANGING, left_arm=WAVE, right_leg=RESTING[0], left_leg=RESTING[1]), 20.0),
    (BodyPose(right_arm=DIAGONAL, left_arm=DIAGONAL, right_leg=CROSSED[0], left_leg=CROSSED[1]), -145.0),
)

# ---------------------------------------------------------------------------------------- sampler


def _clip(x: float, low: float, high: float) -> float:
    return min(max(float(x), low), high)


def _loosen(v: Vector, stream: np.random.Generator, amount: float) -> Vector:
    x, y, z = stream.normal(0, amount, 3).tolist()
    return (v[0] + x, v[1] + y, v[2] + z)


_LOOSE = {"shoulder": 0.06, "hip": 0.012, "chest": 0.004, "head": 0.06, "knee": 0.006}


def _arm(arm: ArmPose, stream: np.random.Generator) -> ArmPose:
    target = _loosen(arm.target, stream, _LOOSE[arm.anchor])
    if arm.anchor == "shoulder":  # keep a hanging hand outside the hip
        target = (max(target[0], 0.08 if target[1] < -0.6 else -0.05), *target[1:])
    return ArmPose(target, arm.anchor, _loosen(arm.pole, stream, 0.12), arm.hand)


def _leg(leg: LegPose, stream: np.random.Generator, max_lift: float) -> LegPose:
    a, b, c, d = stream.normal(0, 1, 4).tolist()
    lift, pitch = stream.uniform(0.7, 1.15, 2).tolist()
    return LegPose(
        outward=leg.outward + 0.015 * a,
        forward=leg.forward + 0.02 * b,
        lift=min(leg.lift * lift, max_lift),
        knee=leg.knee + 5 * c,
        foot=leg.foot + 6 * d,
        pitch=leg.pitch if abs(leg.pitch) > 60 else leg.pitch * pitch,
    )


def _sample(kind: Kind, stream: np.random.Generator, max_lift: float) -> BodyPose:
    """Sample a pose of the kind, plausible or not."""
    legs = kind.legs[int(stream.integers(len(kind.legs)))]
    total = sum(kind.arms.values())
    if kind.pairs and stream.random() * (total + 1.0) >= total:
        right_arm, left_arm = kind.pairs[int(stream.integers(len(kind.pairs)))]
    else:
        right_arm, left_arm = (ARMS[choose(kind.arms, stream)] for _ in range(2))
        if stream.random() < kind.same:
            left_arm = right_arm
    walking = legs in (STRIDE, SHORT_STRIDE, HEEL_STRIKE, SWING)
    if walking and not kind.pairs and stream.random() < 0.75:  # arms swing against the legs
        swing = (legs[0].forward - legs[1].forward) * float(stream.uniform(0.35, 0.65))
        right_arm = ArmPose((0.10, -0.90, 0.06 - swing), pole=(0.4, 0.0, -1.0))
        left_arm = ArmPose((0.10, -0.90, 0.06 + swing), pole=(0.4, 0.0, -1.0))
    elif legs is RUN_PUSH or legs is RUN_LAND or legs is RUN_FLY:
        # the arm swings with the other leg
        right_arm, left_arm = (SWUNG_BACK, SWUNG_FORWARD)
        if legs is RUN_PUSH:
            right_arm, left_arm = left_arm, right_arm
    n = stream.normal(0, 1, 9).tolist()
    hip_tilt = _clip(4 * n[0], -9, 9) if legs is RESTING else 1.2 * n[0]
    bow = kind.bow[0] + kind.bow[1] * n[1]
    lean = kind.lean + (2 + 0.15 * abs(kind.lean)) * n[2]
    twist = _clip(kind.twist * n[3], -34, 34)
    bent = 0.45 * (bow + lean) if bow + lean > 15 else 0.0  # someone who bends looks up a little
    pose = BodyPose(
        pelvis=(lean, _clip(kind.turn * n[4], -30, 30), hip_tilt),
        spine=(bow, twist, _clip(kind.tilt * n[5] - hip_tilt, -22, 22)),
        neck=(
            _clip(6 * n[6] - bent, -28, 20),
            _clip(kind.look * n[7] + 0.3 * twist, -58, 58),
            _clip(5 * n[8], -14, 14),
        ),
        right_arm=_arm(right_arm, stream),
        left_arm=_arm(left_arm, stream),
        right_leg=_leg(legs[0], stream, max_lift),
        left_leg=_leg(legs[1], stream, max_lift),
    )
    if legs in (KNEELING, BOTH_KNEES):
        pose = replace(pose, crouch=kneel_crouch(legs))
    elif kind.crouch[1] > 0 and (kind.crouch[0] > 0 or stream.random() < 0.4):
        pose = replace(pose, crouch=float(stream.uniform(*kind.crouch)))
    if kind.seat is not None:
        pose = replace(pose, seat=float(stream.uniform(*kind.seat)))
    return pose.mirrored() if stream.random() < 0.5 else pose


def kneel_crouch(legs: Legs) -> float:
    """The crouch that puts the knee of KNEELING or BOTH_KNEES on the ground."""
    return 0.363 if legs is KNEELING else 0.497


def under_the_body(body: Body, pose: BodyPose, figure: Figure | None = None) -> BodyPose:
    """The pose with both feet moved until the centre of mass is over the middle of its support."""
    figure = figure or pose_body(body, pose)
    places = support(figure)
    knees = min(figure.points["right_knee"][1], figure.points["left_knee"][1])
    if not len(places) or knees < 0.055:  # someone who kneels cannot move a foot
        return pose
    away = centre_of_mass(figure)[::2] - (places.min(0) + places.max(0)) / 2
    heading = figure.frames["pelvis"]
    length = (THIGH + SHIN) * body.legs
    x = float(away @ heading[::2, 0]) / length
    z = float(away @ heading[::2, 2]) / length
    right, left = pose.right_leg, pose.left_leg
    return replace(
        pose,
        right_leg=replace(right, outward=right.outward - x, forward=right.forward + z),
        left_leg=replace(left, outward=left.outward + x, forward=left.forward + z),
    )


def sample_pose(
    body: Body, stream: np.random.Generator, *, max_lift: float = 1.0, kind: KindName | None = None
) -> BodyPose:
    """Sample poses until one is plausible for this body; fall back to standing.

    max_lift: how high a foot may be raised, in leg lengths; a skirt allows little, and then no squatting or
        kneeling either.
    kind: one of KINDS; None samples it by their weights.
    """
    if kind is None:
        kind = choose({n: k.weight for n, k in KINDS.items() if k.bare or max_lift > 0.2}, stream)
    choice = KINDS[kind]
    for _ in range(40):
        pose = _sample(choice, stream, max_lift)
        figure = pose_body(body, pose)
        if choice.balanced is not None and pose.seat is None and balance(figure) < choice.balanced + 0.01:
            pose = under_the_body(body, pose, figure)
            figure = pose_body(body, pose)
        if plausible(figure, balanced=choice.balanced):
            return pose
    return BodyPose(right_arm=DIAGONAL, left_arm=DIAGONAL)
