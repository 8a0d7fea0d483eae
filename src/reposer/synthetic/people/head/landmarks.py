"""The 68 landmarks of a face (FACE_68) on the surface of a head."""

import math
from functools import lru_cache

import numpy as np

from ..body.figure import HEAD_RADII, Figure
from .faces import Face
from .surface import face_points as on_surface

_PLAIN = Face(skin=(0, 0, 0), eye_rgb=(0, 0, 0), brow_rgb=(0, 0, 0), lip_rgb=(0, 0, 0))


def face_places(face: Face = _PLAIN) -> np.ndarray:
    """(68, 2) positions (left, up) in head radii, as directions from the head's middle, at which `face` is painted."""
    jaw = []
    for angle in np.linspace(math.radians(6), math.radians(174), 17):
        # down the contour: wide at the ears, flat at the chin
        jaw.append((-0.985 * math.cos(angle), -0.05 - 0.90 * math.sin(angle) ** 0.9))
    eye = 0.37 * face.eye_spacing
    brow = np.linspace(0.9, -0.9, 5)  # from outside to inside
    height = 0.235 + face.brow_height + 0.02 * face.eye_size
    arch = height + 0.04 * face.brow_arch * (1 - (brow - 0.25) ** 2) + face.brow_tilt * brow
    right_brow = np.stack([-(eye + 0.01 + 0.235 * brow), arch], 1)
    bridge = np.array([(0.0, y) for y in (0.05, -0.05, -0.15, -0.25)])
    base = np.array(
        [
            (x * face.nose_width, y)
            for x, y in ((-0.13, -0.35), (-0.07, -0.375), (0, -0.385), (0.07, -0.375), (0.13, -0.35))
        ]
    )
    w, h = 0.165 * face.eye_size, 0.088 * face.eye_size * face.eye_open
    # from the outer corner over the top to the inner corner and back below
    along = w * np.array([1.0, 0.4, -0.4, -1.0, -0.4, 0.4])
    up = h * np.array([0.0, 0.87, 0.87, 0.0, -0.65, -0.65])
    right_eye = np.stack([-(eye + along), 0.03 + up + 0.5 * face.eye_tilt * along / w], 1)
    left_eye = (right_eye * (-1, 1))[[3, 2, 1, 0, 5, 4]]
    return np.concatenate(
        [jaw, right_brow, right_brow[::-1] * (-1, 1), bridge, base, right_eye, left_eye, _mouth(face)]
    )


def _mouth(face: Face) -> np.ndarray:
    """(20, 2): the lips' outline, clockwise from the right corner, then their inner line."""
    width = 0.25 * face.mouth_width

    def line(x: np.ndarray, thick: float) -> np.ndarray:
        t = x / width
        middle = -0.545 + face.mouth_height + 0.055 * face.smile * t**2
        return np.stack([x, middle + thick * np.sqrt(np.maximum(1 - t**2, 0))], 1)

    outer, inner = np.linspace(-width, width, 7), np.linspace(-0.8 * width, 0.8 * width, 5)
    return np.concatenate(
        [
            line(outer, 0.055 * face.lip_upper),
            line(outer[-2:0:-1], -0.080 * face.lip_lower - face.opening),
            line(inner, 0.008),
            line(inner[-2:0:-1], -0.012 - face.opening),
        ]
    )


@lru_cache(maxsize=256)
def _surface(face: Face) -> np.ndarray:
    """(68, 3) positions of the landmarks on the head, in head radii."""
    xy = face_places(face)
    z = np.sqrt(np.maximum(1 - (xy**2).sum(1), 0.0))
    return on_surface(np.concatenate([xy, z[:, None]], 1), face)


def face_points(figure: Figure, face: Face = _PLAIN) -> np.ndarray:
    """(68, 3) positions of the landmarks of FACE_68 on the figure's head."""
    radii = HEAD_RADII * figure.body.head
    return np.asarray(figure.points["head"] + (_surface(face) * radii) @ figure.frames["head"].T)
