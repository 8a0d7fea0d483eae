"""Cyclic motions: a pose for every phase of walking, running, turning, waving, sitting down and dancing."""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from .figure import (
    ANKLE,
    HEEL,
    HIP_X,
    SHIN,
    THIGH,
    TOE,
    ArmPose,
    Body,
    BodyPose,
    LegPose,
    Vector,
    pose_body,
    sitting_height,
)
from .poses import HANGING, RELAXED

CycleName = Literal["walk", "run", "turn", "wave", "sit", "dance"]


@dataclass(frozen=True)
class Style:
    """Personal style of motion. Factors are relative to a neutral one."""

    stride: float = 1.0
    swing: float = 1.0
    """Factor of the arms' swing."""
    sway: float = 1.0
    """Factor of the sway of hips and spine."""
    bounce: float = 1.0
    lean: float = 0.0
    """Forward lean, in degrees."""
    seat: float = 0.235
    """Height of the seat, in statures."""
    mirrored: bool = False
    """Whether left and right are exchanged."""


class Moment(NamedTuple):
    """One phase of a motion.

    yaw: how far the person has turned to their left, in degrees; shift: position of their hips (left, up,
        front), in statures, before that turn; the pose contains the height of the hips, so `up` is 0.
    """

    pose: BodyPose
    yaw: float
    shift: Vector


def sample_style(stream: np.random.Generator) -> Style:
    n = stream.normal(0, 1, 5)
    return Style(
        stride=float(np.clip(1 + 0.12 * n[0], 0.7, 1.25)),
        swing=float(np.clip(1 + 0.25 * n[1], 0.4, 1.5)),
        sway=float(np.clip(1 + 0.3 * n[2], 0.3, 1.7)),
        bounce=float(np.clip(1 + 0.3 * n[3], 0.3, 1.6)),
        lean=float(np.clip(2.5 * n[4], -4, 6)),
        seat=float(stream.uniform(0.215, 0.265)),
        mirrored=bool(stream.random() < 0.5),
    )


def cycle(name: CycleName, phase: float, body: Body, style: Style | None = None) -> Moment:
    """The moment at `phase` of a motion; phase 1 is phase 0 again."""
    style = style or Style()
    pose, yaw, shift = CYCLES[name](phase % 1.0, body, style)
    if style.mirrored:
        return Moment(pose.mirrored(), -yaw, (-shift[0], shift[1], shift[2]))
    return Moment(pose, yaw, shift)


class _Track:
    """Values over a phase: a smooth closed curve through (phase, *values)."""

    def __init__(self, *knots: tuple[float, ...]) -> None:
        first, last = knots[0], knots[-1]
        assert first[0] >= 0 and last[0] < first[0] + 1 and all(a[0] < b[0] for a, b in pairwise(knots))
        before, after = (last[0] - 1, *last[1:]), (first[0] + 1, *first[1:])
        ring = (before, *knots, after)
        slopes = [
            tuple((b - a) / (after[0] - before[0]) for a, b in zip(before[1:], after[1:], strict=True))
            for before, after in zip(ring, ring[2:], strict=False)
        ]
        self.knots = ring
        self.slopes = (slopes[-1], *slopes, slopes[0])

    def __call__(self, phase: float) -> tuple[float, ...]:
        phase %= 1.0
        i = min(bisect_right([k[0] for k in self.knots], phase) - 1, len(self.knots) - 2)
        (start, *p), (end, *q) = self.knots[i], self.knots[i + 1]
        h = end - start
        t = (phase - start) / h
        a, b = (1 + 2 * t) * (1 - t) ** 2, t * t * (3 - 2 * t)
        c, d = h * t * (1 - t) ** 2, h * t * t * (t - 1)
        return tuple(
            a * x + b * y + c * u + d * v for x, y, u, v in zip(p, q, self.slopes[i], self.slopes[i + 1], strict=True)
        )


def _sin(phase: float) -> float:
    return math.sin(2 * math.pi * phase)


def _cos(phase: float) -> float:
    return math.cos(2 * math.pi * phase)


def _ease(low: float, high: float, x: float) -> float:
    """0 before `low`, 1 after `high`, smooth between."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * t * (10 - 15 * t + 6 * t * t)


def _between(a: Vector, b: Vector, t: float) -> Vector:
    return (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2]))


def _length(body: Body) -> float:
    return (THIGH + SHIN) * body.legs


def _rolled(pitch: float) -> float:
    """Forward offset of the ankle when the foot rolls over its contact instead of staying flat, in statures."""
    c, s = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
    return (TOE if pitch > 0 else HEEL) * (1 - c) + ANKLE * s


def _stepping(
    track: _Track, phase: float, body: Body, stride: float, *, outward: float, foot: float, lift: float = 1.0
) -> LegPose:
    """A leg whose sole follows a track of (forward, lift, heel raised) and never goes below the ground."""
    forward, high, pitch = track(phase)
    return LegPose(
        outward=outward,
        forward=forward * stride + _rolled(pitch) / _length(body),
        lift=max(high, 0.0) * lift,
        knee=4.0,
        foot=foot,
        pitch=pitch,
    )


def _swung(angle: float, reach: float, outward: float = 0.10) -> ArmPose:
    """An arm swung forward by `angle` degrees."""
    a = math.radians(angle)
    return ArmPose((outward, -reach * math.cos(a), reach * math.sin(a)), pole=(0.45, 0.0, -1.0))


# ------------------------------------------------------------------------------------------- walk

# Starting at heel strike: (phase, sole forward and lifted in leg lengths, heel raised in degrees).
_WALK = _Track(
    (0.00, 0.320, 0.000, -16.0),
    (0.09, 0.225, 0.000, -1.0),
    (0.20, 0.110, 0.000, 0.0),
    (0.32, -0.015, 0.000, 1.0),
    (0.44, -0.140, 0.000, 7.0),
    (0.55, -0.255, 0.000, 26.0),
    (0.62, -0.320, 0.008, 42.0),
    (0.72, -0.190, 0.055, 38.0),
    (0.82, 0.090, 0.050, 8.0),
    (0.92, 0.315, 0.030, -14.0),
)


def _walk(phase: float, body: Body, style: Style) -> Moment:
    turn, beat = 5.0 * style.stride * _cos(phase), _sin(phase)
    arms = [
        _swung(7 - 22 * style.swing * sign * _cos(phase - 0.02), 0.945 - 0.03 * sign * _cos(phase) * style.swing)
        for sign in (1, -1)
    ]
    right, left = (_stepping(_WALK, phase + late, body, style.stride, outward=-0.045, foot=7.0) for late in (0.0, 0.5))
    # the hip of the swinging leg drops
    tilt = 3.0 * style.sway * _sin(phase - 0.05)
    lean = 1.5 + style.lean
    pose = BodyPose(
        pelvis=(0.5 * lean, turn, -tilt),
        spine=(0.5 * lean, -2.1 * turn, 1.2 * tilt),
        neck=(-0.6 * lean, 1.1 * turn, -0.2 * tilt),
        right_arm=arms[0],
        left_arm=arms[1],
        right_leg=right,
        left_leg=left,
        crouch=0.008 + 0.004 * style.bounce * _cos(2 * phase - 0.15),
    )
    return Moment(pose, 0.0, (-0.012 * style.sway * beat, 0.0, 0.0))


# -------------------------------------------------------------------------------------------- run

_RUN = _Track(
    (0.00, 0.170, 0.000, -4.0),
    (0.08, 0.060, 0.000, 0.0),
    (0.17, -0.065, 0.000, 6.0),
    (0.26, -0.190, 0.000, 24.0),
    (0.34, -0.310, 0.012, 48.0),
    (0.44, -0.430, 0.180, 68.0),
    (0.56, -0.330, 0.310, 66.0),
    (0.68, 0.000, 0.330, 34.0),
    (0.80, 0.280, 0.240, 10.0),
    (0.91, 0.320, 0.090, -4.0),
)


def _run(phase: float, body: Body, style: Style) -> Moment:
    turn = 7.0 * _cos(phase - 0.05)
    right, left = (
        _stepping(_RUN, phase + late, body, style.stride, outward=-0.06, foot=4.0, lift=style.stride)
        for late in (0.0, 0.5)
    )

    def arm(sign: float) -> ArmPose:
        forward = 0.5 - 0.5 * sign * _cos(phase - 0.06)  # 1: the hand is in front of the chest
        amount = 0.5 + (forward - 0.5) * min(style.swing, 1.25)
        target = _between((0.24, -0.66, -0.14), (0.02, -0.34, 0.56), amount)
        return ArmPose(target, pole=_between((0.5, 0.1, -1.0), (0.5, -0.8, -1.0), amount))

    lean = 9.0 + style.lean
    pose = BodyPose(
        pelvis=(0.4 * lean, turn, -2.5 * _sin(phase)),
        spine=(0.6 * lean, -2.2 * turn, 2.5 * _sin(phase)),
        neck=(-0.7 * lean, 1.2 * turn, 0.0),
        right_arm=arm(1.0),
        left_arm=arm(-1.0),
        right_leg=right,
        left_leg=left,
        crouch=0.065 + 0.025 * style.bounce * _cos(2 * (phase - 0.17)),
    )
    return Moment(pose, 0.0, (-0.006 * style.sway * _sin(phase), 0.0, 0.0))


# ------------------------------------------------------------------------------------------- turn

_STEPS = 6  # steps of each foot in a full turn


def _turn(phase: float, body: Body, style: Style) -> Moment:
    """A full turn to the left on the spot, foot by foot."""
    beat = phase * _STEPS
    length, hip = _length(body), HIP_X * body.hips
    legs = {}
    for side, sign, late in (("left", 1.0, 0.0), ("right", -1.0, 0.5)):
        step = math.floor(beat - late)
        u = beat - late - step
        ahead = (step + _ease(0.02, 0.50, u) + late + 0.25 - beat) * 360 / _STEPS  # of the body
        a = math.radians(ahead)
        wide = hip + 0.03 * length
        legs[side] = LegPose(
            outward=(wide * math.cos(a) - hip) / length,
            forward=-sign * wide * math.sin(a) / length,
            lift=0.055 * style.bounce * math.sin(math.pi * min(max((u - 0.02) / 0.48, 0.0), 1.0)) ** 2,
            knee=6 + 0.5 * sign * ahead,
            foot=10 + sign * ahead,
        )
    swing = 5.0 * style.swing * _sin(beat)
    tilt = 2.0 * style.sway * _sin(beat - 0.25)
    pose = BodyPose(
        pelvis=(0.0, 0.0, tilt),
        spine=(1.0 + style.lean, 9.0 + 2 * _sin(beat), -1.3 * tilt),
        neck=(0.0, 16.0 + 3 * _sin(beat), 0.0),
        right_arm=_swung(10 + swing, 0.955, 0.16),
        left_arm=_swung(2 - swing, 0.955, 0.16),
        right_leg=legs["right"],
        left_leg=legs["left"],
        crouch=0.02,
    )
    return Moment(pose, 360.0 * phase, (-0.006 * style.sway * _sin(beat - 0.25), 0.0, 0.0))


# ------------------------------------------------------------------------------------------- wave


def _wave(phase: float, body: Body, style: Style) -> Moment:
    """The right hand goes up, waves and comes down."""
    up = _ease(0.0, 0.34, phase) * (1 - _ease(0.66, 1.0, phase))
    sway = _ease(0.22, 0.36, phase) * (1 - _ease(0.64, 0.78, phase)) * _sin(5 * phase)
    target = _between(
        _between(HANGING.target, (0.62, -0.30, 0.50), up), _between((0.62, -0.30, 0.50), (0.60, 0.50, 0.24), up), up
    )
    target = (target[0] + 0.13 * sway * style.swing, target[1], target[2])
    hand = _between(
        _between((0.12, -1.0, 0.06), (0.5, 0.2, 0.9), up), _between((0.5, 0.2, 0.9), (0.05, 1.0, 0.1), up), up
    )
    hand = (hand[0] + 0.35 * sway * style.swing, hand[1], hand[2])
    arm = ArmPose(target, pole=_between(HANGING.pole, (0.8, -0.9, -0.25), up), hand=hand)
    breath = _sin(phase)
    tilt = 3.0 * style.sway
    pose = BodyPose(
        pelvis=(0.0, 0.0, tilt),
        spine=(style.lean + 0.5 * breath, 3 * up, -tilt + 3.0 * up),
        neck=(-2.0 * up, 0.0, 4.0 * up + 1.5 * sway),
        right_arm=arm,
        left_arm=RELAXED,
        right_leg=LegPose(outward=0.06, forward=0.03, knee=10, foot=14),
        left_leg=LegPose(outward=0.0, foot=8),
    )
    return Moment(pose, 0.0, (0.0, 0.0, 0.0))


# -------------------------------------------------------------------------------------------- sit


def _sit(phase: float, body: Body, style: Style) -> Moment:
    """Sit down on a seat and stand up again, without moving the feet."""
    down = _ease(0.02, 0.44, phase) * (1 - _ease(0.56, 0.98, phase))
    length = _length(body)
    feet = LegPose(outward=0.05, forward=0.03, knee=8, foot=12)
    standing = float(pose_body(body, BodyPose(right_leg=feet, left_leg=feet)).points["mid_hip"][1]) - 0.004
    seated = sitting_height(body, style.seat)
    ahead = 0.46 * length * (1 - down)
    above = (standing - seated) * (1 - down)
    leg = replace(feet, forward=0.03 + 0.46 * down)
    bow = math.sin(math.pi * down) ** 2
    reach = _between((0.14, -0.96, 0.06), (0.06, 0.30 * body.limbs - 0.912, 0.48), down)
    arm = ArmPose(
        (reach[0], reach[1] + 0.04 * bow, reach[2] + 0.22 * bow),
        pole=_between((0.5, 0.0, -1.0), (1.0, -0.1, -0.7), down),
        hand=_between((0.1, -1.0, 0.1), (-0.1, 0.0, 1.0), down),
    )
    pose = BodyPose(
        pelvis=(28 * bow - 2 * down, 0.0, 0.0),
        spine=(22 * bow + 5 * down + style.lean, 0.0, 0.0),
        neck=(-22 * bow, 6 * style.sway * _sin(phase), 0.0),
        right_arm=arm,
        left_arm=arm,
        right_leg=leg,
        left_leg=leg,
        seat=style.seat,
        seat_gap=(ahead, above),
    )
    return Moment(pose, 0.0, (0.0, 0.0, ahead))


# ------------------------------------------------------------------------------------------ dance


def _dance(phase: float, body: Body, style: Style) -> Moment:
    """A step to the left, a touch, a step to the right, a touch."""
    length, hip = _length(body), HIP_X * body.hips
    step = 0.20 * length * style.stride
    hips = -0.5 * step * _cos(phase)
    legs = {}
    for side, sign, out, back in (("left", 1.0, 0.00, 0.75), ("right", -1.0, 0.25, 0.50)):
        moved = _ease(out, out + 0.25, phase) * (1 - _ease(back, back + 0.25, phase))
        place = (moved - 0.5) * step + sign * (hip + 0.045 * length)
        u = min(max((phase - out) / 0.25, 0.0), 1.0) + min(max((phase - back) / 0.25, 0.0), 1.0)
        lift = math.sin(math.pi * u) ** 2
        legs[side] = LegPose(
            outward=(sign * (place - hips) - hip) / length,
            forward=0.02 + 0.03 * lift,
            lift=0.06 * style.bounce * lift,
            knee=14,
            foot=16,
            pitch=10 * lift,
        )

    def arm(sign: float) -> ArmPose:
        swing = 0.5 + 0.5 * sign * _sin(phase) * min(style.swing, 1.2)
        target = _between((0.30, -0.60, 0.40), (0.66, 0.06, 0.36), swing)
        return ArmPose(target, pole=(0.9, -0.8, -0.5), hand=_between((-0.1, 0.0, 1.0), (-0.1, 0.9, 0.3), swing))

    tilt = 7.0 * style.sway * _cos(phase)
    bob = _cos(4 * phase)
    pose = BodyPose(
        pelvis=(2 + style.lean, 6 * style.sway * _sin(phase), tilt),
        spine=(2 + 2 * bob, -9 * style.sway * _sin(phase), -1.5 * tilt),
        neck=(-3 - 3 * bob, 6 * _sin(phase), 0.5 * tilt),
        right_arm=arm(1.0),
        left_arm=arm(-1.0),
        right_leg=legs["right"],
        left_leg=legs["left"],
        crouch=0.045 + 0.018 * style.bounce * bob,
    )
    return Moment(pose, 0.0, (hips, 0.0, 0.0))


CYCLES: Mapping[CycleName, Callable[[float, Body, Style], Moment]] = {
    "walk": _walk,
    "run": _run,
    "turn": _turn,
    "wave": _wave,
    "sit": _sit,
    "dance": _dance,
}
