"""A body's proportions, a body-independent pose, and the joints and frames computed from both.

Units: 1 is the stature of an average person. Axes of a body that faces the camera: x to the person's left (the
picture's right), y up, z out of the picture. Every frame is a 3x3 matrix with columns left, up, front.
"""

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np

SIDES = (("right", -1.0), ("left", 1.0))
Vector = tuple[float, float, float]
Matrix = tuple[float, float, float, float, float, float, float, float, float]
Anchor = Literal["shoulder", "hip", "chest", "head", "knee"]


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
    """Factor of the thickness of arms and legs."""
    legs: float = 1.0
    """Factor of the length of the legs."""
    arms: float = 1.0
    """Factor of the length of the arms."""


@dataclass(frozen=True)
class ArmPose:
    """Position of a wrist relative to an anchor; x points outward (away from the body's middle), y up, z forward.

    target: in arm lengths from the shoulder; in statures from the middle of the hips, from the waist
        ("chest"; there z counts from the body's own front) and from the top of the arm's own knee; in head
        widths from the head.
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
    """Position of an ankle.

    outward, forward: from below its hip; lift: above the ground; all in leg lengths.
    knee: turned outward around the line from hip to ankle; foot: turned outward, in degrees; pitch: heel raised (toes
    raised, if negative), in degrees.
    """

    outward: float = 0.03
    forward: float = 0.0
    lift: float = 0.0
    knee: float = 5.0
    foot: float = 12.0
    pitch: float = 0.0


@dataclass(frozen=True)
class BodyPose:
    """A pose for any body: angles in degrees, and positions of hands and feet."""

    pelvis: Vector = (0.0, 0.0, 0.0)
    """(bow forward, turn to the left, tilt to the left)."""
    spine: Vector = (0.0, 0.0, 0.0)
    neck: Vector = (0.0, 0.0, 0.0)
    right_arm: ArmPose = field(default_factory=ArmPose)
    left_arm: ArmPose = field(default_factory=ArmPose)
    right_leg: LegPose = field(default_factory=LegPose)
    left_leg: LegPose = field(default_factory=LegPose)
    crouch: float = 0.0
    """Lowering of the hips below the height of straight legs, in leg lengths."""
    seat: float | None = None
    """Height of the seat's top, in statures; 0 is the floor; None if the person does not sit."""
    seat_gap: tuple[float, float] = (0.0, 0.0)
    """Distance of the hips (in front of, above) the seat, in statures, while sitting down."""

    def mirrored(self) -> "BodyPose":
        """The mirrored pose: sides exchanged, turned and tilted the other way."""

        def other(angles: Vector) -> Vector:
            return (angles[0], -angles[1], -angles[2])

        return replace(
            self,
            pelvis=other(self.pelvis),
            spine=other(self.spine),
            neck=other(self.neck),
            right_arm=self.left_arm,
            left_arm=self.right_arm,
            right_leg=self.left_leg,
            left_leg=self.right_leg,
        )


@dataclass(frozen=True)
class Figure:
    """A posed body. points: named 3-D positions; frames: named 3x3 matrices. The ground is y = 0.

    A sitting figure has a point "seat", the middle of the seat's top.
    """

    body: Body
    points: dict[str, np.ndarray]
    frames: dict[str, np.ndarray]


# Lengths of an average body, in statures.
UPPER_ARM, FOREARM, HAND = 0.160, 0.140, 0.095
THIGH, SHIN, ANKLE = 0.245, 0.238, 0.047
HIP_X, SHOULDER_X, SHOULDER_Y = 0.052, 0.100, 0.257
WAIST_Y, NECK_Y = 0.115, 0.318
HEEL, TOE, FOOT_WIDTH = -0.028, 0.098, 0.054
"""Extent of the sole behind and in front of the ankle, and its width."""
SEAT_ROOM = 0.050
"""Height of the hips above a seat."""
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


def unit(v: np.ndarray) -> np.ndarray:
    return v / max(float(np.linalg.norm(v)), 1e-9)


def smoothstep(low: float | np.ndarray, high: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    blend: np.ndarray = t * t * (3 - 2 * t)
    return blend


def torso_profile(body: Body, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half widths (side, front, back) of the torso at heights y above the middle of the hips."""
    side, front, back = (_smooth_interp(y, TORSO[:, 0], TORSO[:, c]) for c in (1, 2, 3))

    def around(centre: float, width: float) -> np.ndarray:
        return np.exp(-(((y - centre) / width) ** 2))

    side = side * (1 + (body.hips - 1) * around(0.0, 0.075) + (body.waist - 1) * around(0.115, 0.055))
    side = side * (1 + (body.shoulders - 1) * smoothstep(0.15, 0.22, y) * (1 - smoothstep(0.29, 0.32, y)))
    front = front + body.bust * around(0.208, 0.034) + body.belly * around(0.095, 0.06)
    front = front * (1 + 0.6 * (body.waist - 1) * around(0.115, 0.06))
    back = back * (1 + 0.7 * (body.hips - 1) * around(-0.01, 0.05) + 0.5 * (body.waist - 1) * around(0.11, 0.05))
    return side, front, back


@lru_cache(maxsize=256)
def _profile_table(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Heights (n,) and the torso's half widths (3, n) at them."""
    y = np.linspace(TORSO[0, 0], TORSO[-1, 0], 160)
    return y, np.stack(torso_profile(body, y))


def torso_widths(body: Body, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """torso_profile from a lookup table of the body: a tenth of a millimetre less exact, ten times as fast."""
    heights, table = _profile_table(body)
    side, front, back = (np.interp(y, heights, row) for row in table)
    return side, front, back


def _smooth_interp(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Piecewise cubic through the knots with Catmull-Rom slopes."""
    slopes = np.gradient(ys, xs)
    i = np.clip(np.searchsorted(xs, x) - 1, 0, len(xs) - 2)
    h = xs[i + 1] - xs[i]
    t = np.clip((x - xs[i]) / h, 0.0, 1.0)
    return np.asarray(
        ys[i] * (1 + 2 * t) * (1 - t) ** 2
        + ys[i + 1] * t * t * (3 - 2 * t)
        + h * slopes[i] * t * (1 - t) ** 2
        + h * slopes[i + 1] * t * t * (t - 1)
    )


def torso_frames(figure: Figure, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 3) and frames (n, 3, 3) of the torso at heights y: pelvis below, chest above, smooth between."""
    pelvis, chest = figure.frames["pelvis"], figure.frames["chest"]
    hips = figure.points["mid_hip"]
    waist = hips + pelvis[:, 1] * WAIST_Y
    s = smoothstep(0.02, 0.21, y)[:, None]
    low = hips + y[:, None] * pelvis[:, 1]
    high = waist + (y[:, None] - WAIST_Y) * chest[:, 1]
    frames = (1 - s[..., None]) * pelvis + s[..., None] * chest
    return (1 - s) * low + s * high, frames / np.linalg.norm(frames, axis=1, keepdims=True)


# A pose has a few dozen vectors of three numbers: plain floats are ten times as fast as arrays here.


def _bent(angles: Vector) -> Matrix:
    """(bow forward, turn to the left, tilt to the left) as a matrix, row by row."""
    bow, left, tilt = (math.radians(a) for a in angles)
    cb, sb, cl, sl, ct, st = (
        math.cos(bow), math.sin(bow), math.cos(left), math.sin(left), math.cos(tilt), -math.sin(tilt),
    )  # fmt: skip
    return (
        cl * ct + sl * sb * st, sl * sb * ct - cl * st, sl * cb,
        cb * st, cb * ct, -sb,
        cl * sb * st - sl * ct, sl * st + cl * sb * ct, cl * cb,
    )  # fmt: skip


def _times(a: Matrix, b: Matrix) -> Matrix:
    a0, a1, a2, a3, a4, a5, a6, a7, a8 = a
    b0, b1, b2, b3, b4, b5, b6, b7, b8 = b
    return (
        a0 * b0 + a1 * b3 + a2 * b6, a0 * b1 + a1 * b4 + a2 * b7, a0 * b2 + a1 * b5 + a2 * b8,
        a3 * b0 + a4 * b3 + a5 * b6, a3 * b1 + a4 * b4 + a5 * b7, a3 * b2 + a4 * b5 + a5 * b8,
        a6 * b0 + a7 * b3 + a8 * b6, a6 * b1 + a7 * b4 + a8 * b7, a6 * b2 + a7 * b5 + a8 * b8,
    )  # fmt: skip


def _moved(origin: Vector, m: Matrix, x: float, y: float, z: float) -> Vector:
    """origin + m (x, y, z)."""
    return (
        origin[0] + m[0] * x + m[1] * y + m[2] * z,
        origin[1] + m[3] * x + m[4] * y + m[5] * z,
        origin[2] + m[6] * x + m[7] * y + m[8] * z,
    )


def _normed(x: float, y: float, z: float) -> Vector:
    n = max(math.sqrt(x * x + y * y + z * z), 1e-9)
    return (x / n, y / n, z / n)


_ORIGIN = (0.0, 0.0, 0.0)


def _two_bones(start: Vector, target: Vector, first: float, second: float, pole: Vector) -> tuple[Vector, Vector]:
    """(middle, end) of two bones from `start` towards `target`, the middle on the side of `pole`."""
    x, y, z = target[0] - start[0], target[1] - start[1], target[2] - start[2]
    far = math.sqrt(x * x + y * y + z * z)
    d = min(max(far, 1.08 * abs(first - second) + 0.35 * second), 0.998 * (first + second))
    x, y, z = _normed(x, y, z)
    along = (first * first - second * second + d * d) / (2 * d)
    high = math.sqrt(max(first * first - along * along, 0.0))
    dot = pole[0] * x + pole[1] * y + pole[2] * z
    u, v, w = _normed(pole[0] - dot * x, pole[1] - dot * y, pole[2] - dot * z)
    sx, sy, sz = start
    return (
        (sx + along * x + high * u, sy + along * y + high * v, sz + along * z + high * w),
        (sx + d * x, sy + d * y, sz + d * z),
    )


def ankle_height(pitch: float) -> float:
    """Height of the ankle over a sole whose lowest point is on the ground, for a heel raised by degrees."""
    c, s = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
    return max(ANKLE * c + max(TOE * s, HEEL * s), 0.030)


def sitting_height(body: Body, seat: float) -> float:
    """Height of the hips when sitting on a seat of this height."""
    return seat + SEAT_ROOM * (0.3 + 0.7 * body.limbs)


def pose_body(body: Body, pose: BodyPose) -> Figure:
    """Joints and frames of a body in a pose, standing on the ground or sitting."""
    points: dict[str, Vector] = {}
    frames: dict[str, Matrix] = {"pelvis": _bent(pose.pelvis)}
    _place_legs(body, pose, points, frames)
    pelvis = frames["pelvis"]
    chest = frames["chest"] = _times(pelvis, _bent(pose.spine))
    head = frames["head"] = _times(chest, _bent(pose.neck))
    waist = _moved(points["mid_hip"], pelvis, 0.0, WAIST_Y, 0.0)
    base = points["neck_base"] = _moved(waist, chest, 0.0, NECK_Y - WAIST_Y, 0.0)
    pivot = _moved(base, chest, 0.0, 0.030, 0.004)
    points["head"] = _moved(pivot, head, 0.0, 0.062 * body.head, 0.012 * body.head)
    for side, sign in SIDES:
        arm = pose.right_arm if sign < 0 else pose.left_arm
        _place_arm(body, side, sign, arm, waist, points, frames)
    right, left = points["right_shoulder"], points["left_shoulder"]
    points["neck"] = ((right[0] + left[0]) / 2, (right[1] + left[1]) / 2, (right[2] + left[2]) / 2)
    rx, ry, rz = (r * body.head for r in _HEAD_RADII)
    for name, (x, y, z) in _FACE_JOINTS.items():
        points[name] = _moved(points["head"], head, x * rx, y * ry, z * rz)
    places, matrices = np.array(list(points.values())), np.array(list(frames.values())).reshape(-1, 3, 3)
    return Figure(body, dict(zip(points, places, strict=True)), dict(zip(frames, matrices, strict=True)))


_HEAD_RADII: Vector = tuple(HEAD_RADII.tolist())
# Positions of OpenPose's joints of the head, in head radii.
_FACE_JOINTS: dict[str, Vector] = {
    "nose": (0.0, -0.25, 1.12),
    "right_eye": (-0.37, 0.02, 0.90),
    "left_eye": (0.37, 0.02, 0.90),
    "right_ear": (-1.0, -0.10, -0.05),
    "left_ear": (1.0, -0.10, -0.05),
}


def _place_legs(body: Body, pose: BodyPose, points: dict[str, Vector], frames: dict[str, Matrix]) -> None:
    thigh, shin = THIGH * body.legs, SHIN * body.legs
    length = thigh + shin
    hip_x = HIP_X * body.hips
    turned = pose.pelvis[1]
    heading = _bent((0.0, turned, 0.0))
    legs = (("right", -1.0, pose.right_leg), ("left", 1.0, pose.left_leg))
    height = math.inf
    hips, ankles = [], []
    for _, sign, leg in legs:
        hip = _moved(_ORIGIN, frames["pelvis"], sign * hip_x, 0.0, 0.0)
        x, _, z = _moved(_ORIGIN, heading, sign * (hip_x + leg.outward * length), 0.0, leg.forward * length)
        ankle = (x, leg.lift * length + ankle_height(leg.pitch), z)
        hips.append(hip)
        ankles.append(ankle)
        # the hips are as high as the leg with less reach allows
        across = (x - hip[0]) ** 2 + (z - hip[2]) ** 2
        height = min(height, ankle[1] + math.sqrt(max((0.995 * length) ** 2 - across, 0.01)) - hip[1])
    height -= pose.crouch * length
    if pose.seat is not None:
        ahead, above = pose.seat_gap
        height = sitting_height(body, pose.seat) + above
        points["seat"] = _moved((0.0, pose.seat, 0.0), heading, 0.0, 0.0, -ahead)
    points["mid_hip"] = (0.0, height, 0.0)
    for (side, sign, leg), (x, y, z), ankle in zip(legs, hips, ankles, strict=True):
        start = points[f"{side}_hip"] = (x, y + height, z)
        pole = _knee_way(start, ankle, heading, sign * math.radians(leg.knee))
        points[f"{side}_knee"], points[f"{side}_ankle"] = _two_bones(start, ankle, thigh, shin, pole)
        frames[f"{side}_foot"] = _bent((leg.pitch, turned + sign * leg.foot, 0.0))


def _knee_way(hip: Vector, ankle: Vector, heading: Matrix, outward: float) -> Vector:
    """Direction of the knee, orthogonal to the line from hip to ankle: forward for a leg below the body, up for one in
    front of it; rotated around that line by `outward`, in radians.
    """
    x, y, z = _normed(ankle[0] - hip[0], ankle[1] - hip[1], ankle[2] - hip[2])
    left = (heading[0], heading[3], heading[6])
    u, v, w = _normed(y * left[2] - z * left[1], z * left[0] - x * left[2], x * left[1] - y * left[0])
    c, s = math.cos(outward), math.sin(outward)
    # (u, v, w) x (x, y, z) points to the left
    return (c * u + s * (v * z - w * y), c * v + s * (w * x - u * z), c * w + s * (u * y - v * x))


def _place_arm(
    body: Body,
    side: str,
    sign: float,
    arm: ArmPose,
    waist: Vector,
    points: dict[str, Vector],
    frames: dict[str, Matrix],
) -> None:
    chest = frames["chest"]
    upper, lower = UPPER_ARM * body.arms, FOREARM * body.arms
    x, y, z = arm.target
    x *= sign
    raised = min(max((y + 0.2) / 1.0, 0.0), 1.0) if arm.anchor == "shoulder" else 0.5 if arm.anchor == "head" else 0.0
    # a raised arm raises the shoulder
    across = sign * (SHOULDER_X * body.shoulders - 0.012 * raised)
    shoulder = _moved(waist, chest, across, SHOULDER_Y - WAIST_Y + 0.022 * raised, 0.0)
    if arm.anchor == "shoulder":
        reach = upper + lower
        target = _moved(shoulder, chest, x * reach, y * reach, z * reach)
    elif arm.anchor == "hip":
        target = _moved(points["mid_hip"], frames["pelvis"], x * _width_at(body, 0, y), y, z)
    elif arm.anchor == "chest":
        target = _moved(waist, chest, x, y, z + _width_at(body, 1, y + WAIST_Y))
    elif arm.anchor == "knee":
        target = _moved(points[f"{side}_knee"], frames["pelvis"], x, y + 0.042 * body.limbs, z)
    else:
        width = _HEAD_RADII[0] * body.head
        target = _moved(points["head"], frames["head"], x * width, y * width, z * width)
    pole = _moved(_ORIGIN, chest, sign * arm.pole[0], arm.pole[1], arm.pole[2])
    elbow, wrist = _two_bones(shoulder, target, upper, lower, pole)
    points[f"{side}_shoulder"], points[f"{side}_elbow"], points[f"{side}_wrist"] = shoulder, elbow, wrist
    straight = _normed(wrist[0] - elbow[0], wrist[1] - elbow[1], wrist[2] - elbow[2])
    hand = straight
    if arm.hand is not None:
        hand = _normed(*_moved(_ORIGIN, chest, sign * arm.hand[0], arm.hand[1], arm.hand[2]))
    dx, dy, dz = _normed(*(0.35 * s + 0.65 * h for s, h in zip(straight, hand, strict=True)))
    size = HAND * body.arms
    points[f"{side}_hand"] = (wrist[0] + dx * size, wrist[1] + dy * size, wrist[2] + dz * size)


def _width_at(body: Body, which: int, y: float) -> float:
    """The torso's half width at one height; which: 0 side, 1 front, 2 back."""
    heights, table = _profile_table(body)
    place = (y - float(heights[0])) / float(heights[1] - heights[0])
    i = min(max(int(place), 0), len(heights) - 2)
    t = min(max(place - i, 0.0), 1.0)
    return float(table[which, i]) * (1 - t) + float(table[which, i + 1]) * t
