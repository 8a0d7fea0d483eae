"""Colours and materials of objects."""

import colorsys
from collections.abc import Sequence

import numpy as np

from .mesh import Colour, Finish

WOODS = ("c89b65", "a5713f", "7a4a28", "55331f", "dcb98a", "8f5d3a", "b6824f", "3d2a20", "e3cda6", "6b3a22")
FABRICS = (
    "b23a3a", "d0703c", "d9a441", "5f8a4c", "2f6e63", "3f7fa6", "2d4373", "6b4a8a", "a8587f", "8c8a84",
    "4a4c52", "c9bfae", "e3d9c6", "7d5b45", "1f2a36", "95b3c9", "b8c29a", "d98f87",
)  # fmt: skip
LEATHERS = ("3a2a22", "6e3f26", "22201f", "8c5a36", "d8c9b0", "5b1f1f", "f0ece4")
PLASTICS = ("e8e6e0", "d43d2f", "f0b429", "2f7d4f", "2a5fa5", "202224", "f2f2f0", "e27d9a", "56b0a8", "9aa0a6")
PAINTS = (
    "b5171f", "1c3f8c", "20242a", "e9e9e6", "a8adb3", "2f6b45", "d8a81e", "6d1f2b", "3d7fb8", "e0681f",
    "4a4f57", "7f93a3", "c9b48c", "123c3a", "8a9a3a", "5a2f6d", "8fc3d8", "f0e2c0",
)  # fmt: skip

CHROME = Finish((0.62, 0.64, 0.67), 0.85)
STEEL = Finish((0.50, 0.51, 0.53), 0.45)
BLACK_METAL = Finish((0.10, 0.10, 0.11), 0.30)
BRASS = Finish((0.72, 0.56, 0.26), 0.60)
RUBBER = Finish((0.085, 0.085, 0.09), 0.06)
BLACK_PLASTIC = Finish((0.13, 0.13, 0.14), 0.20)


def rgb(code: str) -> Colour:
    """A colour from six hexadecimal digits."""
    return (int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255)


def pick(numbers: np.random.Generator, codes: Sequence[str], spread: float = 0.03) -> Colour:
    """Sample one of the colours and jitter it."""
    hue, value, saturation = numbers.normal(0, spread, 3)
    h, s, v = colorsys.rgb_to_hsv(*rgb(codes[int(numbers.integers(len(codes)))]))
    s = s * (1 + 2 * saturation) if s > 0.05 else s
    return colorsys.hsv_to_rgb((h + 0.5 * hue) % 1, float(np.clip(s, 0, 1)), float(np.clip(v * (1 + value), 0, 1)))


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """Blend `a` towards `b` by `share`."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def wood(numbers: np.random.Generator, axis: int = 0) -> Finish:
    """Wood with its grain along an axis."""
    colour = np.asarray(pick(numbers, WOODS))
    phase, pitch = numbers.uniform(0, 6), numbers.uniform(90, 150)
    others = [k for k in range(3) if k != axis]

    def grain(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        across = points[:, others[0]] + 0.8 * points[:, others[1]]
        wave = np.sin(pitch * across + 1.5 * np.sin(5 * points[:, axis] + phase) + phase)
        wave = wave + 0.6 * np.sin(2.3 * pitch * across + 2 * np.sin(3 * points[:, axis] - phase))
        return np.asarray(colour * (1 + 0.035 * wave[:, None]))

    return Finish(grain, 0.16)


def striped(a: Colour, b: Colour, pitch: float, axis: int, gloss: float = 0.03) -> Finish:
    """Stripes of two colours across an axis, `pitch` metres apart."""

    def paint(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        share = np.clip(0.5 + 4 * np.sin(2 * np.pi * points[:, axis] / pitch), 0, 1)[:, None]
        return np.asarray(a) * (1 - share) + np.asarray(b) * share

    return Finish(paint, gloss)


def fabric(numbers: np.random.Generator) -> Finish:
    """Cloth, sometimes striped."""
    colour = pick(numbers, FABRICS)
    if numbers.random() < 0.2:
        return striped(colour, mixed(colour, (1, 1, 1), 0.5), float(numbers.uniform(0.05, 0.10)), 0)
    return Finish(colour, 0.02)


def upholstery(numbers: np.random.Generator) -> Finish:
    """Cloth or leather."""
    return fabric(numbers) if numbers.random() < 0.65 else Finish(pick(numbers, LEATHERS), 0.28)


def plastic(numbers: np.random.Generator) -> Finish:
    return Finish(pick(numbers, PLASTICS), 0.25)


def metal(numbers: np.random.Generator) -> Finish:
    return (CHROME, STEEL, BLACK_METAL, BRASS)[int(numbers.choice(4, p=[0.35, 0.2, 0.35, 0.1]))]
