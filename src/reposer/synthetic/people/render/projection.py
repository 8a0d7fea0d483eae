"""Projection of a posed person from body space to pixels."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..body.cameras import Camera
from ..body.figure import Figure, turn
from .scenes import Ground

# The lowest point that a crop shows, as (point of the figure, how much lower, in statures).
_LOWEST = {"three-quarter": ("knees", 0.0), "half": ("mid_hip", 0.10), "bust": ("mid_hip", -0.11)}


@dataclass(frozen=True)
class Projection:
    """x_pixel = left + scale X, y_pixel = top - scale Y, depth = scale Z of points after rotation and perspective.

    turn: from the body's axes to the camera's. middle: the camera's target. stature: of the person, in units of an
    average one. scale: pixels per unit.
    """

    turn: Float[np.ndarray, "3 3"]
    middle: Float[np.ndarray, "3"]
    stature: float
    distance: float
    scale: float
    left: float
    top: float
    elevation: float

    @property
    def unit(self) -> float:
        """Pixels of this person's stature."""
        return self.scale * self.stature

    def __call__(self, points: Float[Tensor, "*V 3"]) -> Float[Tensor, "*V 3"]:
        """(x to the right, y down, depth towards the camera), all in pixels."""
        out = torch.empty_like(points)
        for i, values in enumerate(self.planes(points)):
            out[..., i] = values
        return out

    def planes(self, points: Float[Tensor, "*V 3"]) -> tuple[Tensor, Tensor, Tensor]:
        """x, y and depth of the same."""
        axes = torch.from_numpy((self.stature * self.turn.T).astype(np.float32)).to(points)
        middle = torch.from_numpy(self.middle.astype(np.float32)).to(points)
        x, y, z = ((points - middle) @ axes).unbind(-1)
        near = self.scale * self.distance / (self.distance - z)
        return self.left + x * near, self.top - y * near, z * self.scale

    def ground(self) -> Ground:
        """The same camera's view of the room."""
        height = float(self.middle[1]) * self.stature
        return Ground(self.left, self.top, self.scale, height, self.distance, self.elevation)


def project(camera: Camera, points: Float[Tensor, "V 3"], figure: Figure, size: tuple[int, int]) -> Projection:
    """The projection that places a person with these surface points in a picture of `size` according to the camera."""
    h, w = size
    axes = axes_of(camera)
    stature = figure.body.stature
    middle = np.array([0.0, figure.points["mid_hip"][1], 0.0])
    raw = Projection(axes, middle, stature, camera.distance, 1.0, 0.0, 0.0, camera.elevation)
    x, y, _ = raw.planes(points)
    low, high = [float(x.min()), -float(y.max())], [float(x.max()), -float(y.min())]
    cut = camera.crop != "full"
    if cut:
        name, lower = _LOWEST[camera.crop]
        places = [figure.points[n] for n in (("right_knee", "left_knee") if name == "knees" else (name,))]
        heights = [-float(raw(torch.from_numpy(p.astype(np.float32)))[1]) for p in places]
        low[1] = max(low[1], max(heights) - lower * stature)
        scale = camera.height * h / (high[1] - low[1] + 0.03)
    else:
        scale = min(camera.height * h, 0.96 * h / (high[1] - low[1]))
        scale = max(min(scale, 0.94 * w / (high[0] - low[0])), 0.86 * scale)
    centre = [(low[0] + high[0]) / 2, high[1] - 0.47 * h / scale if cut else (low[1] + high[1]) / 2]
    return Projection(
        axes,
        middle,
        stature,
        camera.distance,
        scale,
        (w - 1) / 2 + camera.shift[0] * w - scale * centre[0],
        (h - 1) / 2 + camera.shift[1] * h + scale * centre[1],
        camera.elevation,
    )


def axes_of(camera: Camera, turned: float = 0.0) -> Float[np.ndarray, "3 3"]:
    """Rotation to the camera's axes, for a body turned `turned` degrees to its left beyond the camera's yaw."""
    axes: np.ndarray = turn(2, -camera.roll) @ turn(0, camera.elevation) @ turn(1, camera.yaw + turned)
    return axes


def lamp_direction(light: tuple[float, float, float]) -> list[float]:
    length = math.sqrt(sum(c * c for c in light))
    return [c / length for c in light]
