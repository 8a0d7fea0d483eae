"""A body as numbers: proportions, a pose in words, and the joints and frames that follow from both.

Units: 1 is the stature of an average person. Axes of a body that faces the camera: x to the person's left
    (the
picture's right), y up, z out of the picture. Every frame is a 3x3 matrix with columns left, up, front.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

SIDES = (("right", -1.0), ("left", 1.0))
Vector = tuple[float, float, float]
Anchor = Literal["shoulder", "hip", "chest", "head"]


@dataclass(frozen=True)
class Body:
    """Proportions. Factors are relative to an average adult."""

    stature: float = 1.0
    head: float = 1.0
    shoulders: float = 1.0
    hips: float = 1.0
    waist: float = 1.0
    bust: float = 0.0
    """Forward reach of the bust beyond a flat chest, in statures."""
    belly: float = 0.0
    """Forward reach of the belly beyond a flat one, in statures."""
    limbs: float = 1.0
    """Thickness of arms and legs."""
    legs: float = 1.0
    """Length of the legs."""
    arms: float = 1.0
    """Length of the arms."""


@dataclass(frozen=True)
class ArmPose:
    """Where a wrist is, seen from an anchor; x points outward (away from the body's middle), y up, z forward.

    target: in arm lengths from the shoulder; in statures from the middle of hips or chest; in head widths
        from the head.
        For "hip" the x of 1 is the hip's own side.
    pole: where the elbow points.
    hand: direction of the hand; None continues the forearm.
    """

    target: Vector = (0.12, -0.97, 0.06)
    anchor: Anchor = "shoulder"
    pole: Vector = (0.5, 0.0, -1.0)
    hand: Vector | None = None


@dataclass(frozen=True)
class LegPose:
    """Where an ankle is.

    outward, forward: from below its hip; lift: above the ground; all in leg lengths.
    knee, foot: turned outward, in degrees; pitch: heel raised, in degrees.
    """

    outward: float = 0.03
    forward: float = 0.0
    lift: float = 0.0
    knee: float = 5.0
    foot: float = 12.0
    pitch: float = 0.0


@dataclass(frozen=True)
class BodyPose:
    """A pose that fits every body: angles in degrees, hands and feet by where they are."""

    pelvis: Vector = (0.0, 0.0, 0.0)
    """(bow forward, turn to the left, tilt to the left)."""
    spine: Vector = (0.0, 0.0, 0.0)
    neck: Vector = (0.0, 0.0, 0.0)
    right_arm: ArmPose = field(default_factory=ArmPose)
    left_arm: ArmPose = field(default_factory=ArmPose)
    right_leg: LegPose = field(default_factory=LegPose)
    left_leg: LegPose = field(default_factory=LegPose)
    crouch: float = 0.0
    """How much lower the hips are than straight legs allow, in leg lengths."""


@dataclass(frozen=True)
class Figure:
    """A posed body. points: named 3-D positions; frames: named 3x3 matrices. The ground is y = 0."""

    body: Body
    points: dict[str, np.ndarray]
    frames: dict[str, np.ndarray]


# Lengths of an average body, in statures.
UPPER_ARM, FOREARM, HAND = 0.160, 0.140, 0.095
THIGH, SHIN, ANKLE = 0.245, 0.238, 0.047
HIP_X, SHOULDER_X, SHOULDER_Y = 0.052, 0.100, 0.257
WAIST_Y, NECK_Y = 0.115, 0.318
FOOT_BALL = 0.075
HEAD_RADII = np.array([0.0535, 0.0725, 0.0635])

# Half widths of the torso by height above the middle of the hips: (height, side, front, back).
TORSO = np.array(
    [
        (-0.062, 0.030, 0.030, 0.036),
        (-0.045, 0.078, 0.052, 0.064),
        (-0.015, 0.096, 0.060, 0.075),
        (0.015, 0.099, 0.061, 0.076),
        (0.055, 0.093, 0.059, 0.064),
        (0.110, 0.078, 0.055, 0.049),
        (0.160, 0.084, 0.057, 0.054),
        (0.205, 0.096, 0.061, 0.061),
        (0.240, 0.102, 0.058, 0.062),
        (0.266, 0.102, 0.050, 0.056),
        (0.284, 0.091, 0.043, 0.050),
        (0.300, 0.068, 0.038, 0.044),
        (0.314, 0.046, 0.034, 0.040),
        (0.330, 0.036, 0.032, 0.036),
    ]
)


def turn(axis: int, degrees: float) -> np.ndarray:
    """Rotation about axis 0, 1 or 2 by the right-hand rule."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def bend(angles: Vector) -> np.ndarray:
    """(bow forward, turn to the left, tilt to the left) as a matrix."""
    bow, left, tilt = angles
    return turn(1, left) @ turn(0, bow) @ turn(2, -tilt)


def unit(v: np.ndarray) -> np.ndarray:
    return v / max(float(np.linalg.norm(v)), 1e-9)


def smoothstep(low: float | np.ndarray, high: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def torso_profile(body: Body, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half widths (side, front, back) of the torso at heights y above the middle of the hips."""
    side, front, back = (_smooth_interp(y, TORSO[:, 0], TORSO[:, c]) for c in (1, 2, 3))

    def around(centre: float, width: float) -> np.ndarray:
        return np.exp(-(((y - centre) / width) ** 2))

    side = side * (1 + (body.hips - 1) * around(0.0, 0.075) + (body.waist - 1) * around(0.115, 0.055))
    side = side * (1 + (body.shoulders - 1) * smoothstep(0.15, 0.22, y) * (1 - smoothstep(0.29, 0.32, y)))
    front = front + body.bust * around(0.208, 0.034) + body.belly * around(0.095, 0.06)
    front = front * (1 + 0.6 * (body.waist - 1) * around(0.115, 0.06))
    back = back * (
        1 + 0.7 * (body.hips - 1) * around(-0.01, 0.05) + 0.5 * (body.waist - 1) * around(0.11, 0.05)
    )
    return side, front, back


def _smooth_interp(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Piecewise cubic through the knots with Catmull-Rom slopes."""
    slopes = np.gradient(ys, xs)
    i = np.clip(np.searchsorted(xs, x) - 1, 0, len(xs) - 2)
    h = xs[i + 1] - xs[i]
    t = np.clip((x - xs[i]) / h, 0.0, 1.0)
    return (
        ys[i] * (1 + 2 * t) * (1 - t) ** 2
        + ys[i + 1] * t * t * (3 - 2 * t)
        + h * slopes[i] * t * (1 - t) ** 2
        + h * slopes[i + 1] * t * t * (t - 1)
    )


def torso_frames(figure: Figure, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 3) and frames (n, 3, 3) of the torso at heights y: pelvis below, chest above, a smooth
    bend between.
    """
    pelvis, chest = figure.frames["pelvis"], figure.frames["chest"]
    hips = figure.points["mid_hip"]
    waist = hips + pelvis[:, 1] * WAIST_Y
    s = smoothstep(0.02, 0.21, y)[:, None]
    low = hips + y[:, None] * pelvis[:, 1]
    high = waist + (y[:, None] - WAIST_Y) * chest[:, 1]
    frames = (1 - s[..., None]) * pelvis + s[..., None] * chest
    return (1 - s) * low + s * high, frames / np.linalg.norm(frames, axis=1, keepdims=True)


def two_bones(
    start: np.ndarray, target: np.ndarray, lengths: tuple[float, float], pole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(middle, end) of two bones from `start` towards `target`, the middle on the side of `pole`."""
    first, second = lengths
    reach = target - start
    distance = float(
        np.clip(np.linalg.norm(reach), 1.08 * abs(first - second) + 0.35 * second, 0.998 * (first + second))
    )
    axis = unit(reach)
    along = (first**2 - second**2 + distance**2) / (2 * distance)
    out = unit(pole - axis * (pole @ axis))
    middle = start + axis * along + out * math.sqrt(max(first**2 - along**2, 0.0))
    return middle, start + axis * distance


def pose_body(body: Body, pose: BodyPose) -> Figure:
    """Joints and frames of a body in a pose, standing on the ground."""
    points: dict[str, np.ndarray] = {}
    frames: dict[str, np.ndarray] = {}
    figure = Figure(body, points, frames)
    _place_legs(figure, pose)
    frames["chest"] = frames["pelvis"] @ bend(pose.spine)
    frames["head"] = frames["chest"] @ bend(pose.neck)
    waist = points["mid_hip"] + frames["pelvis"][:, 1] * WAIST_Y
    points["neck_base"] = waist + frames["chest"][:, 1] * (NECK_Y - WAIST_Y)
    pivot = points["neck_base"] + frames["chest"] @ [0.0, 0.030, 0.004]
    points["head"] = pivot + frames["head"] @ (body.head * np.array([0.0, 0.062, 0.012]))
    for side, sign in SIDES:
        _place_arm(figure, side, sign, pose.right_arm if sign < 0 else pose.left_arm, waist)
    points["neck"] = (points["right_shoulder"] + points["left_shoulder"]) / 2
    radii = HEAD_RADII * body.head
    for name, place in _face_points().items():
        points[name] = points["head"] + frames["head"] @ (np.array(place) * radii)
    return figure


def _face_points() -> dict[str, Vector]:
    """In head radii: where OpenPose's joints of the head lie."""
    eye, ear = (0.37, 0.02, 0.90), (1.0, -0.10, -0.05)
    return {
        "nose": (0.0, -0.25, 1.12),
        "right_eye": (-eye[0], *eye[1:]),
        "left_eye": eye,
        "right_ear": (-ear[0], *ear[1:]),
        "left_ear": ear,
    }


def _place_legs(figure: Figure, pose: BodyPose) -> None:
    body, points, frames = figure.body, figure.points, figure.frames
    thigh, shin = THIGH * body.legs, SHIN * body.legs
    length = thigh + shin
    pelvis = frames["pelvis"] = bend(pose.pelvis)
    heading = turn(1, pose.pelvis[1])
    legs = {"right": pose.right_leg, "left": pose.left_leg}
    hips, ankles = {}, {}
    for side, sign in SIDES:
        leg = legs[side]
        hips[side] = pelvis @ [sign * HIP_X * body.hips, 0.0, 0.0]
        ball = FOOT_BALL * math.sin(math.radians(leg.pitch))  # the heel rises while the ball stays
        ankles[side] = heading @ [sign * (HIP_X * body.hips + leg.outward * length), 0, leg.forward * length]
        ankles[side][1] = ANKLE + leg.lift * length + ball
    # the hips are as high as the less able leg allows
    heights = []
    for side, _ in SIDES:
        dx, _, dz = ankles[side] - hips[side]
        heights.append(
            ankles[side][1] + math.sqrt(max((0.995 * length) ** 2 - dx**2 - dz**2, 0.01)) - hips[side][1]
        )
    points["mid_hip"] = np.array([0.0, min(heights) - pose.crouch * length, 0.0])
    for side, sign in SIDES:
        leg = legs[side]
        hip = points[f"{side}_hip"] = points["mid_hip"] + hips[side]
        pole = heading @ turn(1, sign * leg.knee) @ [0.0, 0.0, 1.0]
        points[f"{side}_knee"], points[f"{side}_ankle"] = two_bones(hip, ankles[side], (thigh, shin), pole)
        frames[f"{side}_foot"] = heading @ turn(1, sign * leg.foot) @ turn(0, leg.pitch)


def _place_arm(figure: Figure, side: str, sign: float, arm: ArmPose, waist: np.ndarray) -> None:
    body, points, frames = figure.body, figure.points, figure.frames
    chest, pelvis = frames["chest"], frames["pelvis"]
    upper, lower = UPPER_ARM * body.arms, FOREARM * body.arms
    local = np.array([sign * arm.target[0], *arm.target[1:]])
    if arm.anchor == "shoulder":
        raised = float(np.clip((arm.target[1] + 0.2) / 1.0, 0.0, 1.0))
    else:
        raised = 0.5 if arm.anchor == "head" else 0.0
    # a raised arm takes the shoulder with it
    shoulder = waist + chest @ [
        sign * (SHOULDER_X * body.shoulders - 0.012 * raised),
        SHOULDER_Y - WAIST_Y + 0.022 * raised,
        0.0,
    ]
    if arm.anchor == "shoulder":
        target = shoulder + chest @ local * (upper + lower)
    elif arm.anchor == "hip":
        side_width, _, _ = torso_profile(body, np.array([arm.target[1]]))
        target = points["mid_hip"] + pelvis @ [local[0] * float(side_width[0]), *local[1:]]
    elif arm.anchor == "chest":
        target = waist + chest @ local
    else:
        target = points["head"] + frames["head"] @ (local * HEAD_RADII[0] * body.head)
    pole = chest @ [sign * arm.pole[0], *arm.pole[1:]]
    elbow, wrist = two_bones(shoulder, target, (upper, lower), pole)
    points[f"{side}_shoulder"], points[f"{side}_elbow"], points[f"{side}_wrist"] = shoulder, elbow, wrist
    straight = unit(wrist - elbow)
    hand = straight if arm.hand is None else unit(chest @ [sign * arm.hand[0], *arm.hand[1:]])
    points[f"{side}_hand"] = wrist + unit(0.35 * straight + 0.65 * hand) * HAND * body.arms
