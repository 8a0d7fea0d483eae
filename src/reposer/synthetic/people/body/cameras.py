"""Cameras: viewpoint and framing of a person, and whether the person looks at the camera."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from .figure import BodyPose

Crop = Literal["full", "three-quarter", "half", "bust"]
View = Literal["front", "back", "side", "any"]
CROPS: dict[Crop, float] = {"full": 0.80, "three-quarter": 0.07, "half": 0.08, "bust": 0.05}
"""Sampling weight of each crop."""
VIEWS: dict[View, float] = {"front": 0.48, "back": 0.18, "side": 0.14, "any": 0.20}
"""Sampling weight of each view."""


@dataclass(frozen=True)
class Camera:
    """Viewpoint and framing of a person.

    yaw: how far the person turns to their left, in degrees; 0 faces the camera, 90 the picture's right.
    elevation: of the camera, in degrees; roll: of the picture, clockwise, in degrees.
    height: share of the picture's height that the cropped person fills, if they then fit.
    shift: of the person, as shares of the picture's (width, height).
    crop: how much of the person is shown: down to the feet, the knees, the hips or the chest.
    distance: of the camera, in statures; shorter distances have stronger perspective.
    """

    yaw: float = 0.0
    elevation: float = 4.0
    height: float = 0.84
    shift: tuple[float, float] = (0.0, 0.0)
    crop: Crop = "full"
    roll: float = 0.0
    distance: float = 5.5


Name = TypeVar("Name", bound=str)


def choose(table: Mapping[Name, float], stream: np.random.Generator) -> Name:
    """Sample a name in proportion to its weight."""
    mark = stream.random() * sum(table.values())
    for name, weight in table.items():
        mark -= weight
        if mark < 0:
            return name
    return next(reversed(list(table)))


def sample_yaw(stream: np.random.Generator, kind: View | None = None) -> float:
    """Sample the yaw of a person, in degrees: mostly towards the camera, often away or sideways, sometimes any."""
    match kind or choose(VIEWS, stream):
        case "front":
            return float(stream.normal(0, 24))
        case "back":
            return float(180 + stream.normal(0, 24))
        case "side":
            return float((1 if stream.random() < 0.5 else -1) * 80 + stream.normal(0, 14))
    return float(stream.uniform(-180, 180))


def sample_camera(stream: np.random.Generator, *, kind: View | None = None) -> Camera:
    """Sample a photographer's camera: mostly level and upright, sometimes from below or above, near or far.

    kind: side from which the person is seen; None samples it by VIEWS.
    """
    yaw = sample_yaw(stream, kind)
    crop = choose(CROPS, stream)
    elevation = float(stream.normal(4, 3))
    if stream.random() < 0.08:  # from below or from above
        elevation = float(stream.uniform(-10, 22))
    roll = float(np.clip(stream.normal(0, 0.8), -3, 3))
    distance = float(np.clip(np.exp(stream.normal(np.log(5.0), 0.35)), 2.6, 10.0))
    height = float(stream.uniform(0.78, 0.90))
    shift = (float(stream.normal(0, 0.02)), float(stream.normal(0, 0.006)))
    return Camera(yaw, elevation, height, shift, crop, roll, distance)


def look_at(pose: BodyPose, camera: Camera) -> BodyPose:
    """The pose with the face turned to the camera as far as the neck allows."""
    bow, left, _ = (p + s for p, s in zip(pose.pelvis, pose.spine, strict=True))
    away = (camera.yaw + left + 180) % 360 - 180
    turn = float(np.clip(-0.85 * away, -60, 60))
    # look up to a raised camera; compensate for a bent back
    nod = float(np.clip(-0.7 * bow - 0.6 * camera.elevation, -30, 20))
    return replace(pose, neck=(nod, turn, float(np.clip(0.4 * pose.neck[2], -10, 10))))


def sample_look(pose: BodyPose, camera: Camera, stream: np.random.Generator) -> BodyPose:
    """Turn half of the people whose face is visible towards the camera."""
    facing = (camera.yaw + pose.pelvis[1] + pose.spine[1] + 180) % 360 - 180
    return look_at(pose, camera) if stream.random() < 0.5 and abs(facing) < 110 else pose
