"""Prints: marks, invented words, numbers and small pictures on cloth."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .colours import Colour
from .lettering import ink
from .patterns import cell, frac

LogoName = Literal[
    "disc", "heart", "star", "bars", "ring", "diamond", "triangle", "sun", "bolt", "flower", "moon",
    "smile", "waves", "cross", "badge",
]  # fmt: skip
LOGOS: tuple[LogoName, ...] = LogoName.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Print:
    """A print on a chest.

    logo: a mark of half size `size`; lines: words or numbers; picture: a small landscape in a frame.
    at: (way round, height) of its middle. back: text on the back, in large letters.
    """

    logo: LogoName | None = None
    lines: tuple[str, ...] = ()
    picture: bool = False
    rgb: Colour = (1.0, 1.0, 1.0)
    second: Colour = (0.2, 0.2, 0.2)
    size: float = 0.04
    at: tuple[float, float] = (0.0, 0.205)
    weight: float = 0.45
    slant: float = 0.0
    ground: bool = False
    """Whether the lines are on a box of the second colour."""
    back: str = ""

    def paint(self, q: np.ndarray, out: np.ndarray) -> None:
        near = np.flatnonzero((np.abs(q[:, 2]) < 0.5) & (np.abs(q[:, 1] - self.at[1]) < 0.13))
        if len(near):
            x, y = q[near, 0] - self.at[0], q[near, 1] - self.at[1]
            ground = out[near]
            self._front(x, y, ground)
            out[near] = ground
        if self.back:
            near = np.flatnonzero((np.abs(q[:, 2]) > 0.6) & (np.abs(q[:, 1] - 0.2) < 0.05))
            x = -0.108 * np.sin(np.pi * q[near, 2])  # as seen from behind
            out[near[_line(self.back, x, q[near, 1] - 0.2, 0.062, 0.13, weight=0.4)]] = self.rgb

    def _front(self, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
        s = self.size
        y0 = 0.0
        if self.picture:
            _landscape(x / s, y / s, out, self.rgb, self.second)
            y0 = -1.35 * s
        if self.logo is not None:
            if self.logo == "badge":
                out[np.hypot(x, y) < s] = self.second
                out[np.abs(np.hypot(x, y) - 0.86 * s) < 0.05 * s] = self.rgb
                out[logo_ink("star", x / (0.7 * s), y / (0.7 * s))] = self.rgb
            else:
                out[logo_ink(self.logo, x / s, y / s)] = self.rgb
            y0 = -1.45 * s
        if not self.lines:
            return
        if self.logo is None and not self.picture:
            y0 = 0.55 * s * (len(self.lines) - 1)
        height = 0.8 * s if self.logo is None and not self.picture else 0.42 * s
        if self.ground:
            middle = y0 - 0.55 * s * (len(self.lines) - 1)
            half = 0.62 * height + 0.55 * s * (len(self.lines) - 1)
            out[(np.abs(x) < 0.074) & (np.abs(y - middle) < half + 0.006)] = self.second
        for k, line in enumerate(self.lines):
            share = 1.0 if k == 0 else 0.8
            inked = _line(line, x, y - y0 + 1.1 * s * k, height * share, 0.128, weight=self.weight, slant=self.slant)
            out[inked] = self.rgb if k == 0 or self.ground else self.second


def _line(
    text: str, x: np.ndarray, y: np.ndarray, height: float, room: float, *, weight: float, slant: float = 0.0
) -> np.ndarray:
    """A line of letters, no wider than `room`."""
    height = min(height, room * 7 / (6 * len(text)))
    return ink(text, x, y, height, weight=weight, slant=slant)


def _landscape(x: np.ndarray, y: np.ndarray, out: np.ndarray, sun: Colour, hill: Colour) -> None:
    """A picture of half size 1: a sky with a sun over two ranges of hills, in a white frame."""
    out[(np.abs(x) < 1.12) & (np.abs(y) < 1.12)] = (0.96, 0.95, 0.92)
    box = (np.abs(x) < 1) & (np.abs(y) < 1)
    sky = 0.5 + 0.4 * np.clip(y[box], -1, 1)
    a, b = np.array((0.98, 0.80, 0.62), np.float32), np.array((0.45, 0.68, 0.86), np.float32)
    out[box] = a + sky[:, None] * (b - a)
    out[box & ((x - 0.3) ** 2 + (y - 0.35) ** 2 < 0.1)] = sun
    far = box & (y < 0.15 - 0.9 * np.abs(cell(0.9 * x + 0.2)))
    out[far] = hill
    out[far & (y > 0.0 - 0.9 * np.abs(cell(0.9 * x + 0.2)))] = (0.95, 0.95, 0.96)
    out[box & (y < -0.45 + 0.15 * np.sin(4 * x))] = (0.22, 0.33, 0.27)


def logo_ink(name: LogoName, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ink of a mark of half size 1."""
    mark: np.ndarray
    radius = np.hypot(x, y)
    match name:
        case "disc":
            mark = radius < 0.75
        case "ring":
            mark = (radius < 0.85) & (radius > 0.5)
        case "heart":
            h = y + 0.25
            mark = (x**2 + (1.15 * h - 0.7 * np.sqrt(np.abs(x)) - 0.05) ** 2) < 0.62
        case "star":
            tip = np.abs(frac(np.arctan2(x, y) / (2 * np.pi / 5) + 0.5) - 0.5) * 2
            mark = radius < 0.95 - 0.55 * tip
        case "bars":
            mark = (np.abs(x) < 1.1) & (np.abs(y) < 0.6) & (frac(y * 2.5 + 0.25) < 0.5)
        case "diamond":
            mark = np.abs(x) + np.abs(y) < 0.9
        case "triangle":
            outer = (y > -0.7) & (np.abs(x) < 0.55 * (0.9 - y))
            mark = outer & ~((y > -0.42) & (np.abs(x) < 0.55 * (0.35 - y)))
        case "sun":
            rays = (radius > 0.62) & (radius < 0.98) & (np.cos(12 * np.arctan2(y, x)) > 0.2)
            mark = (radius < 0.5) | rays
        case "bolt":
            s = x + 0.25 * y
            upper, lower = (y > -0.1) & (y < 1), (y < 0.1) & (y > -1)
            mark = (upper & (s > -0.3) & (s < 0.3)) | (lower & (np.abs(x - 0.1 * y) < 0.32 * (y + 1)))
        case "flower":
            mark = (radius < 0.62 + 0.3 * np.cos(6 * np.arctan2(y, x))) & (radius > 0.2)
        case "moon":
            mark = (radius < 0.9) & (np.hypot(x - 0.4, y - 0.15) > 0.72)
        case "smile":
            eyes = np.hypot(np.abs(x) - 0.3, y - 0.25) < 0.12
            mouth = (np.abs(radius - 0.55) < 0.08) & (y < -0.12)
            mark = (radius < 0.9) & ~eyes & ~mouth
        case "waves":
            mark = (np.abs(x) < 1) & (np.abs(y) < 0.75) & (frac(2.2 * y + 0.3 * np.sin(6.3 * x)) < 0.45)
        case "cross":
            bar = np.minimum(np.abs(x), np.abs(y)) < 0.2
            mark = bar & (np.maximum(np.abs(x), np.abs(y)) < 0.85)
        case "badge":
            mark = radius < 1
    return mark
