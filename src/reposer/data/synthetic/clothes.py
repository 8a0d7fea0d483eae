"""Cloth, skin, hair and faces: materials that colour a point of a surface from its own coordinates.

A material reads surface coordinates only, so a pattern turns and bends with the body it is on.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from .body import smoothstep

Colour = tuple[float, float, float]
PatternName = Literal[
    "plain", "stripes", "pinstripes", "checks", "plaid", "dots", "blocks", "gradient", "zigzag", "florals"
]
PATTERNS: tuple[PatternName, ...] = PatternName.__args__  # type: ignore[attr-defined]
LogoName = Literal["disc", "heart", "star", "bars", "ring", "diamond", "number"]
LOGOS: tuple[LogoName, ...] = LogoName.__args__  # type: ignore[attr-defined]


@runtime_checkable
class Material(Protocol):
    """Colours in [0, 1] of points by their surface coordinates; gloss is the strength of the highlight."""

    @property
    def gloss(self) -> float: ...

    def colour(self, q: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Plain:
    """One colour."""

    rgb: Colour
    gloss: float = 0.05

    def colour(self, q: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.array(self.rgb, np.float32), (len(q), 3)).copy()


@dataclass(frozen=True)
class Cloth:
    """A pattern of up to three colours. period: size of one repeat, in statures."""

    pattern: PatternName
    first: Colour
    second: Colour
    third: Colour
    period: float = 0.03
    phase: float = 0.0
    gloss: float = 0.03

    def colour(self, q: np.ndarray) -> np.ndarray:
        a, b, c = (np.array(rgb, np.float32) for rgb in (self.first, self.second, self.third))
        u, v = q[:, 0] / self.period, q[:, 1] / self.period + self.phase
        base = np.broadcast_to(a, (len(q), 3))
        match self.pattern:
            case "plain":
                out = base
            case "stripes":
                out = np.where((v % 1 < 0.45)[:, None], b, a)
            case "pinstripes":
                out = np.where((u % 1 < 0.22)[:, None], b, a)
            case "checks":
                weight = 0.5 * (u % 1 < 0.5) + 0.5 * (v % 1 < 0.5)
                out = a + weight[:, None].astype(np.float32) * (b - a)
            case "plaid":
                wide = 0.4 * ((u / 2) % 1 < 0.4) + 0.4 * ((v / 2) % 1 < 0.4)
                thin = ((u / 2 + 0.3) % 1 < 0.06) | ((v / 2 + 0.3) % 1 < 0.06)
                out = np.where(thin[:, None], c, a + wide[:, None].astype(np.float32) * (b - a))
            case "dots":
                row = np.floor(v)
                out = np.where((_cell(u + 0.5 * (row % 2)) ** 2 + _cell(v) ** 2 < 0.07)[:, None], b, a)
            case "blocks":
                level = np.floor(q[:, 1] / 0.085 + self.phase) % 3
                out = np.select([(level == 0)[:, None], (level == 1)[:, None]], [a, b], c)
            case "gradient":
                t = smoothstep(0.0, 0.26, q[:, 1]).astype(np.float32)[:, None]
                out = b + t * (a - b)
            case "zigzag":
                wave = np.abs(_cell(u)) * 0.9
                out = np.where(((v + wave) % 1 < 0.4)[:, None], b, a)
            case "florals":
                row = np.floor(v / 1.2)
                x, y = _cell(u / 1.2 + 0.5 * (row % 2)), _cell(v / 1.2)
                radius, angle = np.hypot(x, y), np.arctan2(y, x) + row * 1.7
                petals = radius < 0.27 + 0.10 * np.cos(5 * angle)
                out = np.where((radius < 0.11)[:, None], c, np.where(petals[:, None], b, a))
        return np.array(out, dtype=np.float32)


def _cell(x: np.ndarray) -> np.ndarray:
    """Place inside a cell of width 1, from its middle."""
    return x - np.floor(x) - 0.5


@dataclass(frozen=True)
class Top:
    """A cloth on the torso with what is sewn and printed on it.

    Coordinates: (way round, height, angle / pi).
    """

    cloth: Cloth
    logo: LogoName | None = None
    logo_rgb: Colour = (1.0, 1.0, 1.0)
    logo_size: float = 0.04
    number: int = 0
    closure: Literal["none", "buttons", "zip"] = "none"
    pocket: bool = False
    hem: float | None = None
    """Height of the lower edge, where a band of the third colour is knitted on; None for no band."""
    neckline: Literal["crew", "scoop", "v", "collar", "none"] = "crew"
    lapels: float | None = None
    """Half angle / pi of an open jacket's front, whose edges are trimmed; None if it is no jacket."""
    gloss: float = 0.03

    def colour(self, q: np.ndarray) -> np.ndarray:
        out = self.cloth.colour(q)
        x, y, angle = q[:, 0], q[:, 1], q[:, 2]
        front = np.abs(angle) < 0.5
        if self.hem is not None:
            out[y < self.hem + 0.018] = self.cloth.third
        if self.logo is not None:
            size = self.logo_size
            ink = front & _logo(self.logo, x / size, (y - 0.205) / size, self.number)
            out[ink] = self.logo_rgb
        if self.pocket:
            px, py = x - 0.045, y - 0.222
            inside = front & (np.abs(px) < 0.019) & (np.abs(py) < 0.02)
            edge = inside & ((np.abs(px) > 0.0165) | (np.abs(py) > 0.0175))
            out[edge] *= 0.72
        if self.closure == "buttons":
            out[front & (np.abs(x) < 0.0012 + 0.0004)] *= 0.8
            dots = front & (x**2 + (_cell(y / 0.042) * 0.042) ** 2 < 0.0042**2)
            out[dots] = (
                np.array([0.93, 0.92, 0.88]) if sum(self.cloth.first) < 2.2 else np.array([0.35, 0.33, 0.35])
            )
        elif self.closure == "zip":
            out[front & (np.abs(x) < 0.0035)] *= 0.55
            out[front & (np.abs(x) < 0.0012)] = (0.75, 0.75, 0.78)
        if self.lapels is not None:
            edge = np.abs(angle) - self.lapels
            width = 0.05 * smoothstep(0.1, 0.28, y)
            out[(edge < width) & (y > 0.12)] *= 0.78
            out[(edge < 0.012)] *= 0.7
            pockets = front & (np.abs(y - 0.045) < 0.003) & (np.abs(np.abs(angle) - 0.3) < 0.08)
            out[pockets] *= 0.6
        return out


def _logo(name: LogoName, x: np.ndarray, y: np.ndarray, number: int) -> np.ndarray:
    """Where a mark of half size 1 has ink."""
    radius = np.hypot(x, y)
    match name:
        case "disc":
            return radius < 0.75
        case "ring":
            return (radius < 0.85) & (radius > 0.5)
        case "heart":
            h = y + 0.25
            return (x**2 + (1.15 * h - 0.7 * np.sqrt(np.abs(x)) - 0.05) ** 2) < 0.62
        case "star":
            angle = np.arctan2(x, y)
            tip = np.abs((angle / (2 * np.pi / 5) + 0.5) % 1 - 0.5) * 2
            return radius < 0.95 - 0.55 * tip
        case "bars":
            return (np.abs(x) < 1.1) & (np.abs(y) < 0.6) & ((y * 2.5 + 0.25) % 1 < 0.5)
        case "diamond":
            return np.abs(x) + np.abs(y) < 0.9
    return _number(x, y, number)


# Seven-segment strokes of a digit: top, upper left, upper right, middle, lower left, lower right, bottom.
_SEGMENTS = (
    "1110111",
    "0010010",
    "1011101",
    "1011011",
    "0111010",
    "1101011",
    "1101111",
    "1010010",
    "1111111",
    "1111011",
)


def _number(x: np.ndarray, y: np.ndarray, number: int) -> np.ndarray:
    """Two digits, side by side."""
    ink = np.zeros(x.shape, bool)
    for digit, centre in ((number // 10 % 10, -0.62), (number % 10, 0.62)):
        dx, w, t = x - centre, 0.36, 0.15
        bars = (
            (np.abs(y - 0.9) < t) & (np.abs(dx) < w + t),
            (np.abs(dx + w) < t) & (np.abs(y - 0.45) < 0.5),
            (np.abs(dx - w) < t) & (np.abs(y - 0.45) < 0.5),
            (np.abs(y) < t) & (np.abs(dx) < w + t),
            (np.abs(dx + w) < t) & (np.abs(y + 0.45) < 0.5),
            (np.abs(dx - w) < t) & (np.abs(y + 0.45) < 0.5),
            (np.abs(y + 0.9) < t) & (np.abs(dx) < w + t),
        )
        for bar, on in zip(bars, _SEGMENTS[digit], strict=True):
            if on == "1":
                ink |= bar
    return ink


@dataclass(frozen=True)
class Legwear:
    """Trousers or shorts on one leg or round the hips. Coordinates: (way round, way along, angle / pi)."""

    cloth: Cloth
    belt: Colour | None = None
    belt_height: float = 0.095
    seam: bool = True
    gloss: float = 0.03

    def colour(self, q: np.ndarray) -> np.ndarray:
        out = self.cloth.colour(q)
        if self.seam:  # outer and inner seams
            out[np.abs(np.abs(q[:, 2]) - 0.5) < 0.018] *= 0.82
        if self.belt is not None:
            band = q[:, 1] > self.belt_height
            out[band] = self.belt
            out[band & (np.abs(q[:, 0]) < 0.010)] = (0.82, 0.76, 0.55)
        return out


@dataclass(frozen=True)
class HairLook:
    """Strands of hair. Coordinates: (.., .., angle / pi)."""

    rgb: Colour
    curl: float = 0.0
    gloss: float = 0.22

    def colour(self, q: np.ndarray) -> np.ndarray:
        angle, height = q[:, 2] * np.pi, q[:, 1]
        strand = np.sin(31 * angle + 2.0 * np.sin(3 * height)) * 0.5 + np.sin(53 * angle + 1.3) * 0.3
        curls = np.sin(17 * angle) * np.sin(13 * height)
        wave = (1 - self.curl) * strand + self.curl * 1.3 * curls
        return (np.array(self.rgb) * (1 + 0.13 * wave)[:, None]).astype(np.float32)


@dataclass(frozen=True)
class Face:
    """What makes a face someone's.

    Sizes are relative to an average face; coordinates are the head's, in radii.
    """

    skin: Colour
    eye_rgb: Colour
    brow_rgb: Colour
    lip_rgb: Colour
    eye_size: float = 1.0
    eye_spacing: float = 1.0
    brow_width: float = 1.0
    brow_tilt: float = 0.0
    mouth_width: float = 1.0
    smile: float = 0.5
    nose: float = 1.0
    jaw: float = 1.0
    beard: Literal["none", "stubble", "moustache", "full"] = "none"
    lashes: bool = False
    glasses: Colour | None = None
    freckles: bool = False
    gloss: float = field(default=0.08)

    def colour(self, q: np.ndarray) -> np.ndarray:
        skin = np.array(self.skin)
        out = np.broadcast_to(skin, (len(q), 3)).astype(np.float32)
        front = np.flatnonzero(q[:, 2] > 0.05)
        if len(front):
            out[front] = self._front(q[front], out[front])
        return out

    def _front(self, q: np.ndarray, out: np.ndarray) -> np.ndarray:
        x, y = np.abs(q[:, 0]), q[:, 1]
        blush = np.exp(-(((x - 0.5) / 0.2) ** 2) - ((y + 0.26) / 0.15) ** 2)
        out *= 1 + blush[:, None] * np.array([0.02, -0.09, -0.07])
        if self.freckles:
            spots = (np.sin(q[:, 0] * 47) * np.sin(q[:, 1] * 53) > 0.72) & (blush > 0.35)
            out[spots] *= (0.86, 0.78, 0.72)
        self._beard(x, y, out)
        self._mouth(q[:, 0], y, out)
        nostril = ((x - 0.075) / 0.045) ** 2 + ((y + 0.385) / 0.028) ** 2 < 1
        out[nostril] *= 0.55
        self._eyes(x, q[:, 0], y, out)
        return out

    def _beard(self, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
        if self.beard == "none":
            return
        droop = y + 0.25 * x**2
        moustache = (
            smoothstep(-0.40, -0.43, droop) * smoothstep(-0.52, -0.49, droop) * smoothstep(0.36, 0.31, x)
        )
        jaw = smoothstep(-0.30, -0.42, y - 0.42 * smoothstep(0.4, 0.85, x)) * (
            1 - smoothstep(0.36, 0.24, x) * (y > -0.62)
        )
        weight = moustache if self.beard == "moustache" else np.maximum(jaw, moustache)
        weight = weight * (0.35 if self.beard == "stubble" else 0.92)
        out += weight[:, None].astype(np.float32) * (np.array(self.brow_rgb, np.float32) - out)

    def _mouth(self, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
        width = 0.25 * self.mouth_width
        t = np.clip(x / width, -1, 1)
        line = -0.545 + 0.055 * self.smile * t**2
        thick = np.sqrt(np.maximum(1 - t**2, 0)) * (np.abs(x) < width)
        lips = (y < line + 0.055 * thick) & (y > line - 0.075 * thick) & (thick > 0)
        out[lips] = self.lip_rgb
        out[(np.abs(y - line) < 0.016) & (thick > 0)] = np.array(self.lip_rgb) * 0.45

    def _eyes(self, x: np.ndarray, signed: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
        centre = 0.37 * self.eye_spacing
        w, h = 0.165 * self.eye_size, 0.090 * self.eye_size
        ex, ey = x - centre, y - 0.03
        shape = (ex / w) ** 2 + (ey / h) ** 2
        out[shape < 1] = (0.95, 0.95, 0.95)
        iris = ex**2 + ey**2
        out[(shape < 1) & (iris < (0.100 * self.eye_size) ** 2)] = self.eye_rgb
        out[(shape < 1) & (iris < (0.055 * self.eye_size) ** 2)] = (0.04, 0.04, 0.05)
        side = np.where(signed > 0, ex, -ex)
        out[(side + 0.03) ** 2 + (ey - 0.03) ** 2 < 0.022**2] = (1.0, 1.0, 1.0)
        lid = (shape > 0.80) & (shape < (1.75 if self.lashes else 1.4)) & (ey > 0.012)
        out[lid] = np.array([0.10, 0.07, 0.07])
        out[(shape > 1.0) & (shape < 1.25) & (ey <= 0.012)] *= 0.72
        bx = (x - centre - 0.01) / 0.235
        arch = 0.235 + 0.02 * self.eye_size + 0.03 * (1 - bx**2) + self.brow_tilt * bx
        brow = (np.abs(y - arch) < 0.036 * self.brow_width * (1.1 - 0.35 * bx)) & (np.abs(bx) < 1)
        out[brow] = self.brow_rgb
        if self.glasses is not None:
            r = ((ex / 0.25) ** 4 + (ey / 0.19) ** 4) ** 0.25
            rims = (np.abs(r - 1) < 0.10) | (
                (np.abs(y - 0.07) < 0.022) & ((x < centre - 0.24) | (x > centre + 0.24))
            )
            out[rims] = self.glasses


@dataclass(frozen=True)
class Shoe:
    """A shoe with a sole.

    Coordinates: (way round, way along, angle / pi); the front of the ring is its top.
    """

    rgb: Colour
    sole: Colour
    laces: Colour | None = None
    gloss: float = 0.2

    def colour(self, q: np.ndarray) -> np.ndarray:
        out = np.broadcast_to(np.array(self.rgb), (len(q), 3)).astype(np.float32)
        angle = np.abs(q[:, 2])
        out[angle > 0.56] = self.sole
        if self.laces is not None:
            out[(angle < 0.13) & (q[:, 1] > 0.055) & (q[:, 1] < 0.10) & ((q[:, 1] / 0.011) % 1 < 0.5)] = (
                self.laces
            )
        return out
