"""Colours: tables from which a person's skin, hair, eyes and clothes are sampled."""

import colorsys
from typing import Literal

import numpy as np

Colour = tuple[float, float, float]
ColourName = Literal[
    "black",
    "white",
    "grey",
    "beige",
    "brown",
    "red",
    "pink",
    "orange",
    "yellow",
    "green",
    "teal",
    "blue",
    "navy",
    "purple",
]
COLOUR_NAMES: tuple[ColourName, ...] = ColourName.__args__  # type: ignore[attr-defined]

# The ten tones of the Monk scale, from light to dark.
MONK_SCALE = ("f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a", "292420")
# A few dyes of cloth for each colour name.
DYES: dict[ColourName, tuple[str, ...]] = {
    "black": ("1a1b1e", "232428"),
    "white": ("f4f3ef", "ecebe6", "fafafa"),
    "grey": ("8b8f96", "c2c5ca", "595d65", "a7a6a3"),
    "beige": ("e0d2b4", "d8bf9a", "cbb491"),
    "brown": ("7a5236", "5b3b28", "94663f", "6a5a44"),
    "red": ("b5302f", "7a1f2c", "d0413a"),
    "pink": ("d9718a", "f0bccb", "e39fb4"),
    "orange": ("d98a2f", "c65a2e", "ec9a5a"),
    "yellow": ("d9c23f", "f0dd8a", "e8b93a"),
    "green": ("2f6b3c", "7fae5a", "6b7040", "4e5a3a", "a9c9a0"),
    "teal": ("1f6f6b", "4fa79a", "8fcfc6"),
    "blue": ("2f5d9b", "6d9fd3", "a9cbe6", "3f74c4"),
    "navy": ("22345c", "1b2745", "2b3a5a"),
    "purple": ("8a4f9e", "b8a3d6", "5b3f6a"),
}
DENIM = ("2b3a5a", "3f5f8f", "6f8fb5", "9db4cf", "222a3d", "4d6c94")
LEATHER = ("3a2619", "1c1c1f", "6a4a2c", "8d6238")


def rgb(code: str) -> Colour:
    """The colour of a six-digit hexadecimal code."""
    r, g, b = (int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return (r, g, b)


def jitter(colour: Colour, stream: np.random.Generator, amount: float = 1.0) -> Colour:
    """A random colour near `colour`."""
    h, s, v = colorsys.rgb_to_hsv(*colour)
    dh, ds, dv = stream.standard_normal(3).tolist()
    h += 0.010 * dh * amount
    s = min(max(s * (1 + 0.10 * ds * amount), 0.0), 1.0)
    v = min(max(v * (1 + 0.05 * dv * amount), 0.05), 0.99)
    return colorsys.hsv_to_rgb(h % 1.0, s, v)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Blend of `a` and `b`, with `share` of `b`."""
    r, g, c = ((1 - share) * x + share * y for x, y in zip(a, b, strict=True))
    return (r, g, c)


def scaled(colour: Colour, factor: float) -> Colour:
    """A darker (factor < 1) or lighter colour."""
    r, g, b = (min(1.0, x * factor) for x in colour)
    return (r, g, b)


def lightness(colour: Colour) -> float:
    """Perceived lightness in [0, 1]."""
    return 0.30 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]
