"""The 68 landmarks of a face (FACE_68) on the surface of a head."""

import math

import numpy as np

from .body import HEAD_RADII, Figure
from .clothes import Face
from .shapes import head_points

_PLAIN = Face(skin=(0, 0, 0), eye_rgb=(0, 0, 0), brow_rgb=(0, 0, 0), lip_rgb=(0, 0, 0))


def face_places(face: Face = _PLAIN) -> np.ndarray:
    """(68, 2) places (left, up) in head radii, as directions from the head's middle: where `face` is painted."""
    jaw = []
    for angle in np.linspace(math.radians(6), math.radians(174), 17):
        # down the contour: wide at the ears, flat at the chin
        jaw.append((-0.985 * math.cos(angle), -0.05 - 0.90 * math.sin(angle) ** 0.9))
    eye = 0.37 * face.eye_spacing
    brow = np.linspace(0.9, -0.9, 5)  # from outside to inside, as in Face: bx
    arch = 0.235 + 0.02 * face.eye_size + 0.03 * (1 - brow**2) + face.brow_tilt * brow
    right_brow = np.stack([-(eye + 0.01 + 0.235 * brow), arch], 1)
    bridge = np.array([(0.0, y) for y in (0.05, -0.05, -0.15, -0.25)])
    base = np.array(
        [(x, y) for x, y in ((-0.13, -0.35), (-0.07, -0.375), (0, -0.385), (0.07, -0.375), (0.13, -0.35))]
    )
    w, h = 0.165 * face.eye_size, 0.090 * face.eye_size
    around = np.radians([180, 120, 60, 0, -60, -120])  # outer, over the top, inner, under
    right_eye = np.stack([-eye + w * np.cos(around), 0.03 + h * np.sin(around)], 1)
    left_eye = np.stack([eye + w * np.cos(around), 0.03 + h * np.sin(around)], 1)
    return np.concatenate(
        [jaw, right_brow, right_brow[::-1] * (-1, 1), bridge, base, right_eye, left_eye, _mouth(face)]
    )


def _mouth(face: Face) -> np.ndarray:
    """(20, 2): the lips' outline, clockwise from the right corner, then their inner line."""
    width = 0.25 * face.mouth_width

    def line(x: np.ndarray, thick: float) -> np.ndarray:
        t = x / width
        return np.stack([x, -0.545 + 0.055 * face.smile * t**2 + thick * np.sqrt(np.maximum(1 - t**2, 0))], 1)

    outer, inner = np.linspace(-width, width, 7), np.linspace(-0.8 * width, 0.8 * width, 5)
    return np.concatenate(
        [
            line(outer, 0.055),
            line(outer[-2:0:-1], -0.075),
            line(inner, 0.008),
            line(inner[-2:0:-1], -0.012),
        ]
    )


def face_points(figure: Figure, face: Face = _PLAIN) -> np.ndarray:
    """(68, 3) positions of the landmarks of FACE_68 on the figure's head."""
    xy = face_places(face)
    z = np.sqrt(np.maximum(1 - (xy**2).sum(1), 0.0))
    surface = head_points(np.concatenate([xy, z[:, None]], 1), nose=face.nose, jaw=face.jaw)
    radii = HEAD_RADII * figure.body.head
    return np.asarray(figure.points["head"] + (surface * radii) @ figure.frames["head"].T)
