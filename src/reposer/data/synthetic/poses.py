"""Poses: a small library of named ones and a sampler that mixes and loosens them, within the joints'
limits.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from .body import (
    ANKLE,
    ArmPose,
    Body,
    BodyPose,
    Figure,
    LegPose,
    Vector,
    pose_body,
    smoothstep,
    torso_profile,
)

HANGING = ArmPose()
RELAXED = ArmPose((0.16, -0.93, 0.22), pole=(0.6, 0.0, -1.0))
ON_HIP = ArmPose((1.28, 0.085, 0.030), "hip", pole=(1.0, 0.1, -0.55), hand=(-0.75, -0.25, 0.7))
IN_POCKET = ArmPose((1.12, 0.015, 0.030), "hip", pole=(0.9, 0.1, -1.0), hand=(-0.2, -1.0, 0.25))
BEHIND_BACK = ArmPose((0.35, 0.02, -0.105), "hip", pole=(1.0, 0.0, -0.7), hand=(-1.0, -0.3, 0.0))
IN_FRONT = ArmPose((0.25, 0.0, 0.125), "hip", pole=(1.0, 0.1, -0.4), hand=(-0.7, -0.8, 0.2))
TO_CHIN = ArmPose((0.30, -1.75, 1.55), "head", pole=(0.45, -1.0, 0.1), hand=(-0.3, 0.9, 0.1))
IN_HAIR = ArmPose((1.95, 0.45, 0.2), "head", pole=(1.0, 0.2, 0.3), hand=(-0.9, 0.5, -0.1))
WAVE = ArmPose((0.62, 0.52, 0.22), pole=(0.8, -0.9, -0.2), hand=(0.1, 1.0, 0.1))
RAISED = ArmPose((0.30, 0.92, 0.08), pole=(1.0, 0.1, 0.1))
SIDEWAYS = ArmPose((0.96, 0.05, 0.05), pole=(0.1, -0.6, -1.0))
DIAGONAL = ArmPose((0.66, -0.68, 0.08), pole=(0.3, 0.0, -1.0))
REACHING = ArmPose((0.12, -0.05, 0.93), pole=(0.5, -1.0, -0.2))
HOLDING = ArmPose((0.02, -0.38, 0.62), pole=(0.6, -0.8, -0.4), hand=(-0.1, 0.7, 0.6))
FLEXED = ArmPose((0.72, 0.18, 0.15), pole=(0.8, -1.0, -0.1), hand=(-0.3, 1.0, 0.0))

ARMS: dict[str, tuple[ArmPose, float]] = {
    "hanging": (HANGING, 3.0),
    "relaxed": (RELAXED, 2.6),
    "on_hip": (ON_HIP, 2.0),
    "in_pocket": (IN_POCKET, 1.1),
    "behind_back": (BEHIND_BACK, 0.4),
    "in_front": (IN_FRONT, 0.6),
    "to_chin": (TO_CHIN, 0.6),
    "in_hair": (IN_HAIR, 0.6),
    "wave": (WAVE, 0.7),
    "raised": (RAISED, 0.7),
    "sideways": (SIDEWAYS, 0.5),
    "diagonal": (DIAGONAL, 1.0),
    "reaching": (REACHING, 0.5),
    "holding": (HOLDING, 0.8),
    "flexed": (FLEXED, 0.35),
}

STANDING = (LegPose(), LegPose())
RESTING = (LegPose(outward=-0.01, foot=8), LegPose(outward=0.12, forward=0.10, knee=22, foot=26))
STRIDE = (
    LegPose(outward=-0.02, forward=0.30, foot=6),
    LegPose(outward=-0.02, forward=-0.26, pitch=38, knee=4, foot=8),
)
WIDE = (LegPose(outward=0.17, knee=14, foot=20), LegPose(outward=0.17, knee=14, foot=20))
CROSSED = (
    LegPose(outward=-0.05, forward=0.02, foot=8),
    LegPose(outward=-0.155, forward=0.17, knee=6, foot=4),
)
STEP_UP = (LegPose(outward=0.0, foot=8), LegPose(outward=0.04, forward=0.32, lift=0.34, knee=8, foot=8))
LUNGE = (
    LegPose(outward=0.05, forward=0.42, foot=8),
    LegPose(outward=0.03, forward=-0.40, pitch=48, knee=4, foot=8),
)

LEGS: dict[str, tuple[tuple[LegPose, LegPose], float]] = {
    "standing": (STANDING, 3.0),
    "resting": (RESTING, 3.0),
    "stride": (STRIDE, 2.2),
    "wide": (WIDE, 1.3),
    "crossed": (CROSSED, 0.7),
    "step_up": (STEP_UP, 0.35),
    "lunge": (LUNGE, 0.35),
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


def _loosen(v: Vector, stream: np.random.Generator, amount: float) -> Vector:
    x, y, z = np.asarray(v) + stream.normal(0, amount, 3)
    return (float(x), float(y), float(z))


def _choose(table: dict[str, tuple[Any, float]], stream: np.random.Generator) -> Any:
    weights = np.array([w for _, w in table.values()])
    return list(table.values())[int(stream.choice(len(weights), p=weights / weights.sum()))][0]


def _arm(arm: ArmPose, stream: np.random.Generator) -> ArmPose:
    amount = {"shoulder": 0.06, "hip": 0.012, "chest": 0.01, "head": 0.06}[arm.anchor]
    target = _loosen(arm.target, stream, amount)
    if arm.anchor == "shoulder":  # a hanging hand stays outside the hip
        target = (max(target[0], 0.08 if target[1] < -0.6 else -0.05), *target[1:])
    return ArmPose(target, arm.anchor, _loosen(arm.pole, stream, 0.12), arm.hand)


def _leg(leg: LegPose, stream: np.random.Generator) -> LegPose:
    n = stream.normal
    return LegPose(
        outward=leg.outward + float(n(0, 0.015)),
        forward=leg.forward + float(n(0, 0.02)),
        lift=leg.lift * float(stream.uniform(0.6, 1.3)),
        knee=leg.knee + float(n(0, 5)),
        foot=leg.foot + float(n(0, 6)),
        pitch=float(np.clip(leg.pitch * stream.uniform(0.6, 1.15), 0, 55)),
    )


def _draw(stream: np.random.Generator) -> BodyPose:
    n = stream.normal
    right_arm, left_arm = _choose(ARMS, stream), _choose(ARMS, stream)
    if stream.random() < 0.38:
        left_arm = right_arm
    legs = _choose(LEGS, stream)
    if stream.random() < 0.5:
        legs = legs[::-1]
    walking = legs[0].pitch > 0 or legs[1].pitch > 0
    if walking and stream.random() < 0.7:  # arms swing against the legs
        swing = 0.9 * legs[0].forward
        right_arm = ArmPose((0.10, -0.90, -swing + 0.08), pole=(0.4, 0.0, -1.0))
        left_arm = ArmPose((0.10, -0.90, swing + 0.08), pole=(0.4, 0.0, -1.0))
    lean = float(n(0, 4))
    tilt = float(np.clip(n(0, 4), -9, 9)) if legs in (RESTING, RESTING[::-1]) else float(n(0, 1.2))
    return BodyPose(
        pelvis=(float(n(1, 2)), float(n(0, 6)), tilt),
        spine=(
            lean + float(stream.random() < 0.08) * float(stream.uniform(8, 24)),
            float(n(0, 9)),
            float(n(0, 4)) - tilt,
        ),
        neck=(
            float(np.clip(n(0, 6), -16, 18)),
            float(np.clip(n(0, 20), -55, 55)),
            float(np.clip(n(0, 5), -14, 14)),
        ),
        right_arm=_arm(right_arm, stream),
        left_arm=_arm(left_arm, stream),
        right_leg=_leg(legs[0], stream),
        left_leg=_leg(legs[1], stream),
        crouch=float(stream.random() < 0.12) * float(stream.uniform(0.02, 0.12)),
    )


def plausible(figure: Figure) -> bool:
    """No arm runs through the torso or the head, no knee through the other, both feet above the ground."""
    points, frames = figure.points, figure.frames
    for side, other in (("right", "left"), ("left", "right")):
        shoulder, elbow = points[f"{side}_shoulder"], points[f"{side}_elbow"]
        wrist, hand = points[f"{side}_wrist"], points[f"{side}_hand"]
        s = np.linspace(0, 1, 6)[:, None]
        samples = np.concatenate(
            [shoulder + (elbow - shoulder) * s[3:], elbow + (wrist - elbow) * s, wrist + (hand - wrist) * s]
        )
        if _inside_torso(figure, samples).any() or _inside_head(figure, samples):
            return False
        if points[f"{side}_ankle"][1] < 0.8 * ANKLE:
            return False
        crossing = points[f"{other}_hand"] - hand
        if np.linalg.norm(crossing) < 0.03:
            return False
    knees = (points["left_knee"] - points["right_knee"]) @ frames["pelvis"]
    ankles = (points["left_ankle"] - points["right_ankle"]) @ frames["pelvis"]
    return all(np.hypot(d[0], d[2]) > 0.065 and (d[0] > 0.045 or abs(d[2]) > 0.075) for d in (knees, ankles))


def _inside_torso(figure: Figure, samples: np.ndarray) -> np.ndarray:
    """Which points are deeper inside the torso than a limb may press."""
    hips, pelvis, chest = figure.points["mid_hip"], figure.frames["pelvis"], figure.frames["chest"]
    waist = hips + pelvis[:, 1] * 0.115
    low, high = (samples - hips) @ pelvis, (samples - waist) @ chest + [0, 0.115, 0]
    s = smoothstep(0.02, 0.21, low[:, 1])[:, None]
    local = (1 - s) * low + s * high
    side, front, back = torso_profile(figure.body, np.clip(local[:, 1], -0.06, 0.3))
    depth = np.where(local[:, 2] > 0, front, back)
    room = 0.013
    radius = (local[:, 0] / (side + room)) ** 2 + (local[:, 2] / (depth + room)) ** 2
    return (radius < 1) & (local[:, 1] > -0.05) & (local[:, 1] < 0.29)


def _inside_head(figure: Figure, samples: np.ndarray) -> bool:
    local = (
        (samples - figure.points["head"])
        @ figure.frames["head"]
        / (np.array([0.066, 0.085, 0.076]) * figure.body.head)
    )
    return bool(((local**2).sum(1) < 1).any())


def sample_pose(body: Body, stream: np.random.Generator, *, max_lift: float = 1.0) -> BodyPose:
    """A pose that this body can take: drawn again until it is plausible; at last a plain stand.

    max_lift: how high a foot may be raised, in leg lengths; a skirt allows little.
    """
    for _ in range(24):
        pose = _draw(stream)
        right, left = (replace(leg, lift=min(leg.lift, max_lift)) for leg in (pose.right_leg, pose.left_leg))
        pose = replace(pose, right_leg=right, left_leg=left)
        if plausible(pose_body(body, pose)):
            return pose
    return BodyPose()


def sample_yaw(stream: np.random.Generator) -> float:
    """The direction a person faces: mostly towards the camera, often away or to a side, sometimes any.

    In degrees.
    """
    kind = stream.random()
    if kind < 0.48:
        return float(stream.normal(0, 24))
    if kind < 0.66:
        return float(180 + stream.normal(0, 24))
    if kind < 0.80:
        return float((1 if stream.random() < 0.5 else -1) * 80 + stream.normal(0, 14))
    return float(stream.uniform(-180, 180))
