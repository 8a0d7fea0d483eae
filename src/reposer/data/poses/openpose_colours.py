"""OpenPose's skeleton of 18 joints as a picture: the colours that ControlNet's users know, rendered."""

import colorsys
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18

LIMBS: tuple[tuple[str, str], ...] = (
    ("neck", "right_shoulder"), ("neck", "left_shoulder"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("neck", "right_hip"), ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
    ("neck", "left_hip"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    ("neck", "nose"),
    ("nose", "right_eye"), ("right_eye", "right_ear"), ("nose", "left_eye"), ("left_eye", "left_ear"),
)  # fmt: skip
"""In the order of rendering; limb n has the colour of joint n, darker."""
COLOURS: tuple[tuple[int, int, int], ...] = tuple(
    tuple(int(255 * c + 1e-6) for c in colorsys.hsv_to_rgb(n / 18, 1, 1))  # type: ignore[misc]
    for n in range(18)
)
"""Of the joints: once around the circle of hues."""
DARKER = 0.6
RADIUS = 4.0
"""Pixels: of a joint's disc, and half of a limb's largest width, in pictures of up to 512 pixels."""
USUAL_SIDE = 512


def radius_for(size: tuple[int, int]) -> float:
    """Of joints and limbs in a picture of this size, in pixels."""
    return RADIUS * max(1.0, min(size) / USUAL_SIDE)


def openpose_picture(
    people: Sequence[Pose], size: tuple[int, int], ground: UInt8[Tensor, "H W 3"] | None = None
) -> UInt8[Tensor, "H W 3"]:
    """The skeletons of single poses of this size, all limbs first, on black or over a picture."""
    canvas = np.zeros((*size, 3)) if ground is None else ground.numpy().astype(np.float64)
    radius = radius_for(size)
    poses = [pose.convert(OPENPOSE_18) for pose in people]
    for pose in poses:
        for (a, b), colour in zip(LIMBS, COLOURS, strict=False):
            start, end = OPENPOSE_18.index(a), OPENPOSE_18.index(b)
            if pose.visible[start] and pose.visible[end]:
                places = pose.xy[[start, end]].double().numpy()
                _paint(canvas, places, radius, DARKER * np.array(colour), _limb_distance(places, radius))
    for pose in poses:
        for k, colour in enumerate(COLOURS):
            if pose.visible[k]:
                place = pose.xy[k].double().numpy()
                _paint(canvas, place[None], radius, np.array(colour), _disc_distance(place))
    return torch.from_numpy(canvas.round().clip(0, 255).astype(np.uint8))


def _disc_distance(place: Float[np.ndarray, "2"]):  # type: ignore[no-untyped-def]
    return lambda x, y: np.hypot(x - place[0], y - place[1])


def _limb_distance(places: Float[np.ndarray, "2 2"], radius: float):  # type: ignore[no-untyped-def]
    """An ellipse between both ends, as a distance that equals `radius` on its edge."""
    middle, way = places.mean(0), places[1] - places[0]
    half = max(float(np.hypot(*way)) / 2, 1e-6)
    along = way / (2 * half)

    def distance(x, y):  # type: ignore[no-untyped-def]
        u = (x - middle[0]) * along[0] + (y - middle[1]) * along[1]
        v = (y - middle[1]) * along[0] - (x - middle[0]) * along[1]
        return radius * np.hypot(u / max(half, radius), v / radius)

    return distance


def _paint(canvas: Float[np.ndarray, "H W 3"], places, radius: float, colour, distance) -> None:  # type: ignore[no-untyped-def]
    """Colour the pixels within `radius`, with a soft edge of one pixel."""
    low = np.floor(places.min(0) - radius - 2).clip(0).astype(int)
    high = np.minimum(np.ceil(places.max(0) + radius + 3), canvas.shape[1::-1]).astype(int)
    if (high <= low).any():
        return
    x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    cover = (0.5 + radius - distance(x, y)).clip(0, 1)[..., None]
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part += cover * (colour - part)
