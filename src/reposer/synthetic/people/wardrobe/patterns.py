"""Cloth: a pattern of colours and a weave, both functions of surface coordinates only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..body.figure import smoothstep
from .colours import Colour

Array = np.ndarray
PatternName = Literal[
    "plain", "stripes", "breton", "uneven", "pinstripes", "deckchair", "blocks", "gradient", "ombre",
    "checks", "gingham", "windowpane", "plaid", "tartan", "checkerboard", "houndstooth", "argyle",
    "dots", "pin_dots", "polka", "hearts", "stars", "florals", "daisies", "roses", "leaves",
    "camouflage", "abstract", "leopard", "zebra", "tiedye", "splatter", "waves", "zigzag", "diamonds",
    "triangles", "fairisle",
]  # fmt: skip
PATTERNS: tuple[PatternName, ...] = PatternName.__args__  # type: ignore[attr-defined]
Weave = Literal["smooth", "knit", "rib", "cable", "denim", "corduroy", "puffer", "quilted", "linen"]

# Rows of the palette that every pattern indexes.
A, B, C, AB, DARK_B, LEAF, DARK_A, AC = range(8)


def cell(x: Array) -> Array:
    """Position in a cell of width 1, relative to its centre."""
    return np.asarray(x - np.floor(x) - np.float32(0.5))


def frac(x: Array) -> Array:
    """x modulo 1."""
    return np.asarray(x - np.floor(x))


def modulo(n: Array, m: int) -> Array:
    """Integers n modulo m; many times faster than % for floats."""
    return np.asarray(n - m * np.floor(n * np.float32(1 / m) + np.float32(1e-4)))


def chance(i: Array, j: Array, salt: int = 0) -> Array:
    """A number in [0, 1) for each cell (i, j), by an integer hash: the same on every machine."""
    x = i.astype(np.int32) * np.int32(73856093) ^ j.astype(np.int32) * np.int32(19349663)
    x = (x ^ np.int32(salt * 83492791 & 0x7FFFFFFF)) * np.int32(0x27D4EB2D)
    return ((x >> 13) & 0xFFFF).astype(np.float32) * np.float32(1 / 65536)


def field(u: Array, v: Array, salt: float) -> Array:
    """A smooth noise function, roughly in [-1, 1]; its hills are about one unit wide."""
    a = np.sin(2.1 * u + 1.3 * np.sin(1.7 * v + salt) + 1.9 * salt)
    b = np.sin(1.9 * v + 1.5 * np.sin(1.3 * u - 2 * salt) + 0.7 * salt)
    return 0.55 * (a + b)


@dataclass(frozen=True)
class Cloth:
    """A pattern of up to three colours. period: size of one repeat, in body heights."""

    pattern: PatternName
    first: Colour
    second: Colour
    third: Colour
    period: float = 0.03
    phase: float = 0.0
    gloss: float = 0.03
    weave: Weave = "smooth"

    def colour(self, q: Array) -> Array:
        q = np.asarray(q, np.float32)
        a, b, c = (np.array(rgb, np.float32) for rgb in (self.first, self.second, self.third))
        if self.pattern == "plain":
            out = np.repeat(a[None], len(q), 0)
        else:
            u = q[:, 0] * np.float32(1 / self.period)
            v = q[:, 1] * np.float32(1 / self.period) + np.float32(self.phase)
            index = _PATTERN[self.pattern](u, v, q)
            if index.dtype.kind == "f":
                out = a + index.astype(np.float32)[:, None] * (b - a)
            else:
                leaf = np.array((0.27, 0.43, 0.26), np.float32)
                palette = np.stack([a, b, c, (a + b) / 2, 0.72 * b, leaf, 0.78 * a, (a + c) / 2])
                out = np.take(palette, index, axis=0)
        if self.weave != "smooth":
            out *= _WEAVE[self.weave](q[:, 0], q[:, 1])[:, None]
            np.clip(out, 0, 1, out=out)
        return out


def _pick(*layers: tuple[Array, int]) -> Array:
    """The palette row of the last layer that covers a point; A where none does."""
    out = np.zeros(layers[0][0].shape, np.uint8)
    for where, row in layers:
        out[where] = row
    return out


# ---------------------------------------------------------------------------- lines and squares


def _stripes(u: Array, v: Array, q: Array) -> Array:
    return _pick((frac(v) < 0.45, B))


def _breton(u: Array, v: Array, q: Array) -> Array:
    return _pick((frac(1.4 * v) < 0.30, B))


def _uneven(u: Array, v: Array, q: Array) -> Array:
    t = frac(v / 2.4)
    return _pick((t < 0.30, B), ((t > 0.37) & (t < 0.43), C), ((t > 0.62) & (t < 0.72), B))


def _pinstripes(u: Array, v: Array, q: Array) -> Array:
    return _pick((frac(u) < 0.16, B))


def _deckchair(u: Array, v: Array, q: Array) -> Array:
    t = frac(u / 1.6)
    return _pick((t < 0.42, B), ((t > 0.64) & (t < 0.78), C))


def _blocks(u: Array, v: Array, q: Array) -> Array:
    return modulo(np.floor(v / 2.2), 3).astype(np.uint8)


def _gradient(u: Array, v: Array, q: Array) -> Array:
    return 1 - smoothstep(0.0, 0.26, q[:, 1])


def _ombre(u: Array, v: Array, q: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.sin(0.8 * v), np.float32)


def _checks(u: Array, v: Array, q: Array) -> Array:
    return np.asarray(0.5 * (frac(u) < 0.5) + 0.5 * (frac(v) < 0.5), np.float32)


def _gingham(u: Array, v: Array, q: Array) -> Array:
    return _checks(1.9 * u, 1.9 * v, q)


def _windowpane(u: Array, v: Array, q: Array) -> Array:
    return _pick(((frac(u) < 0.10) | (frac(v) < 0.10), B))


def _plaid(u: Array, v: Array, q: Array) -> Array:
    s, t = frac(u / 2), frac(v / 2)
    wide = (s < 0.4).astype(np.uint8) + (t < 0.4)
    return _pick((wide == 1, AB), (wide == 2, B), ((np.abs(s - 0.7) < 0.03) | (np.abs(t - 0.7) < 0.03), C))


def _tartan(u: Array, v: Array, q: Array) -> Array:
    s, t = frac(u / 2.6), frac(v / 2.6)
    wide, line = (np.abs(s - 0.225) < 0.225, np.abs(t - 0.225) < 0.225), (np.abs(s - 0.72), np.abs(t - 0.72))
    return _pick(
        (wide[0] ^ wide[1], AB),
        (wide[0] & wide[1], B),
        ((line[0] < 0.07) | (line[1] < 0.07), DARK_A),
        ((line[0] < 0.02) | (line[1] < 0.02), C),
        ((np.abs(s - 0.225) < 0.018) | (np.abs(t - 0.225) < 0.018), AC),
    )


def _checkerboard(u: Array, v: Array, q: Array) -> Array:
    return modulo(np.floor(1.3 * u) + np.floor(1.3 * v), 2).astype(np.uint8)


def _houndstooth(u: Array, v: Array, q: Array) -> Array:
    # the weave itself: four threads of each colour, over two and under two
    i, j = np.floor(7 * u).astype(np.int32), np.floor(7 * v).astype(np.int32)
    return np.asarray(np.where((i + j) & 2, i >> 2 & 1, j >> 2 & 1).astype(np.uint8))


def _argyle(u: Array, v: Array, q: Array) -> Array:
    s, t = 0.8 * u + 0.55 * v, 0.8 * u - 0.55 * v
    i, j = np.floor(s).astype(np.int32) & 1, np.floor(t).astype(np.int32) & 1
    line = (np.abs(cell(s)) < 0.035) | (np.abs(cell(t)) < 0.035)
    return _pick(((i == j) & (i == 0), B), ((i == j) & (i == 1), C), (line, AB))


def _zigzag(u: Array, v: Array, q: Array) -> Array:
    return _pick((frac(v + 0.9 * np.abs(cell(u))) < 0.4, B))


def _waves(u: Array, v: Array, q: Array) -> Array:
    t = frac(v + 0.22 * np.sin(2.6 * u))
    return _pick((t < 0.38, B), ((t > 0.55) & (t < 0.65), C))


def _diamonds(u: Array, v: Array, q: Array) -> Array:
    x, y = cell(u), cell(0.7 * v)
    r = np.abs(x) + np.abs(y)
    return _pick((r < 0.36, B), (r < 0.15, C))


def _triangles(u: Array, v: Array, q: Array) -> Array:
    i, j = np.floor(u), np.floor(v)
    flip = modulo(i + j, 2) == 0
    side = np.where(flip, u - i + v - j > 1, u - i > v - j)
    tone = chance(i + 0.0, 2 * j + side, 3)
    return _pick((tone < 0.25, AB), (tone > 0.5, B), (tone > 0.8, C))


# Six rows of a knitted border, most significant bit left; the rows between are plain.
_SNOW = (0x00, 0x24, 0x5A, 0x99, 0x5A, 0x24, 0x00, 0xFF, 0xAA, 0x55, 0xFF, 0x00, 0x18, 0x3C, 0x7E, 0x18)


def _fairisle(u: Array, v: Array, q: Array) -> Array:
    i, j = np.floor(7 * u).astype(np.int32), np.floor(7 * v).astype(np.int32)
    bits = np.array(_SNOW, np.int32)[j % 16] >> (i & 7) & 1
    row = np.array([B] * 7 + [C] * 4 + [B] * 5, np.uint8)[j % 16]
    return np.where(bits == 1, row, 0).astype(np.uint8)


# ---------------------------------------------------------------------------- repeated motifs


def _dots(u: Array, v: Array, q: Array) -> Array:
    row = np.floor(v)
    return _pick((cell(u + 0.5 * modulo(row, 2)) ** 2 + cell(v) ** 2 < 0.07, B))


def _pin_dots(u: Array, v: Array, q: Array) -> Array:
    row = np.floor(2 * v)
    return _pick((cell(2 * u + 0.5 * modulo(row, 2)) ** 2 + cell(2 * v) ** 2 < 0.05, B))


def _polka(u: Array, v: Array, q: Array) -> Array:
    row = np.floor(0.8 * v)
    s = 0.8 * u + 0.5 * modulo(row, 2)
    r = cell(s) ** 2 + cell(0.8 * v) ** 2
    return _pick((r < 0.11, B), ((r < 0.11) & (modulo(np.floor(s) + row, 2) == 0), C))


def _scattered(u: Array, v: Array, salt: int, room: float) -> tuple[Array, Array, Array, Array]:
    """(x, y, chance, angle) in cells whose motif is shifted by up to `room` and rotated."""
    i, j = np.floor(u), np.floor(v)
    lot = chance(i, j, salt)
    x = u - i - 0.5 - room * (2 * chance(i, j, salt + 1) - 1)
    y = v - j - 0.5 - room * (2 * lot - 1)
    return x, y, lot, np.float32(6.2832) * lot


def _hearts(u: Array, v: Array, q: Array) -> Array:
    row = np.floor(v)
    s = u + 0.5 * modulo(row, 2)
    x, y = np.abs(cell(s)) * 3.2, cell(v) * 3.2 + 0.2
    inside = x**2 + (1.15 * y - 0.75 * np.sqrt(x)) ** 2 < 0.75
    return _pick((inside, B), (inside & (modulo(np.floor(s) + row, 3) == 0), C))


def _stars(u: Array, v: Array, q: Array) -> Array:
    x, y, lot, angle = _scattered(u, v, 11, 0.12)
    turn = np.arctan2(y, x) + angle
    tip = np.abs(frac(turn * np.float32(5 / 6.2832)) - 0.5) * 2
    inside = np.hypot(x, y) < 0.14 + 0.20 * tip**2
    return _pick((inside, B), (inside & (lot > 0.7), C))


def _florals(u: Array, v: Array, q: Array) -> Array:
    row = np.floor(v / 1.2)
    x, y = cell(u / 1.2 + 0.5 * modulo(row, 2)), cell(v / 1.2)
    radius, angle = np.hypot(x, y), np.arctan2(y, x) + row * 1.7
    return _pick((radius < 0.27 + 0.10 * np.cos(5 * angle), B), (radius < 0.11, C))


def _daisies(u: Array, v: Array, q: Array) -> Array:
    x, y, _, turn = _scattered(0.9 * u, 0.9 * v, 21, 0.14)
    radius, angle = np.hypot(x, y), np.arctan2(y, x) + turn
    petals = radius < 0.10 + 0.24 * np.abs(np.cos(4 * angle))
    sprig = (np.abs(cell(0.9 * u) + 0.36) < 0.05) & (np.abs(cell(0.9 * v) + 0.34) < 0.09)
    return _pick((sprig, LEAF), (petals & (radius < 0.33), B), (radius < 0.10, C))


def _roses(u: Array, v: Array, q: Array) -> Array:
    x, y, lot, turn = _scattered(0.72 * u, 0.72 * v, 31, 0.10)
    radius, angle = np.hypot(x, y), np.arctan2(y, x) + turn
    bloom = radius < 0.27 + 0.025 * np.cos(7 * angle)
    swirl = np.sin(34 * radius + angle + np.sin(3 * angle)) > 0.35
    leaf = (np.abs(np.sin(angle)) < 0.36 * (1.25 - 2.2 * np.abs(radius - 0.34))) & (radius < 0.44)
    kind = lot > 0.55
    return _pick((leaf, LEAF), (bloom, B), (bloom & kind, C), (bloom & swirl, DARK_B), (bloom & swirl & kind, AC))


def _leaves(u: Array, v: Array, q: Array) -> Array:
    x, y, lot, turn = _scattered(0.62 * u, 0.62 * v, 41, 0.06)
    sin, cos = np.sin(turn), np.cos(turn)
    along, across = cos * x + sin * y, cos * y - sin * x
    width = 0.21 * (1 - (along / 0.46) ** 2)
    blade = np.abs(across) < width * (0.78 + 0.22 * np.cos(44 * (along - np.abs(across))))
    vein = blade & (np.abs(across) < 0.018)
    return _pick((blade, B), (blade & (lot > 0.5), C), (vein, AB))


# ---------------------------------------------------------------------------- free forms


def _camouflage(u: Array, v: Array, q: Array) -> Array:
    s, t = 0.75 * u, 0.9 * v
    one = field(s, t, 1.0) + 0.35 * np.sin(5 * s + 2 * t)
    two = field(1.1 * s + 4, t, 2.7) + 0.35 * np.sin(4 * t - 3 * s)
    return _pick((one > 0.15, B), (two > 0.35, C), ((one < -0.75) | (two < -0.85), DARK_A))


def _abstract(u: Array, v: Array, q: Array) -> Array:
    x, y, lot, turn = _scattered(0.80 * u, 0.80 * v, 51, 0.12)
    sin, cos = np.sin(turn), np.cos(turn)
    along, across = cos * x + sin * y, cos * y - sin * x
    bar = (np.abs(across) < 0.055) & (np.abs(along) < 0.36)
    ring = np.abs(np.hypot(x, y) - 0.22) < 0.06
    wedge = (along > -0.22) & (np.abs(across) < 0.22 - 0.6 * (along + 0.05)) & (along < 0.3)
    shape = np.where(lot < 0.35, bar, np.where(lot < 0.62, ring, wedge))
    return _pick((shape, B), (shape & (frac(7 * lot) > 0.55), C))


def _leopard(u: Array, v: Array, q: Array) -> Array:
    x, y, _, turn = _scattered(1.5 * u, 1.3 * v, 61, 0.10)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    ring = np.abs(radius - 0.25 - 0.03 * np.cos(3 * angle + turn)) < 0.085
    return _pick((radius < 0.22, AC), (ring & (np.cos(2 * angle + turn) > -0.72), B))


def _zebra(u: Array, v: Array, q: Array) -> Array:
    t = 1.25 * v + 0.8 * field(0.6 * u, 0.5 * v, 0.4) + 0.35 * np.abs(cell(0.35 * u))
    return _pick((frac(t) < 0.36 + 0.16 * np.sin(1.7 * u + v), B))


def _tiedye(u: Array, v: Array, q: Array) -> Array:
    # rings around the middle of the chest, distorted by its folds
    x, y = 14 * q[:, 0], 14 * (q[:, 1] - np.float32(0.17))
    radius = np.hypot(x, y)
    angle = np.arctan2(y, x)
    t = frac(0.9 * radius + 0.5 * angle / np.float32(3.1416) + 0.05 * np.sin(13 * angle))
    return _pick((t < 0.30, B), ((t > 0.30) & (t < 0.42), AB), ((t > 0.6) & (t < 0.8), C), (t > 0.9, AC))


def _splatter(u: Array, v: Array, q: Array) -> Array:
    x, y, lot, _ = _scattered(1.6 * u, 1.6 * v, 71, 0.25)
    inside = np.hypot(x, y) < 0.30 * chance(np.floor(1.6 * u), np.floor(1.6 * v), 73)
    return _pick((inside, B), (inside & (lot > 0.6), C))


_PATTERN: dict[str, Callable[[Array, Array, Array], Array]] = {
    pattern_of.__name__[1:]: pattern_of
    for pattern_of in (
        _stripes,
        _breton,
        _uneven,
        _pinstripes,
        _deckchair,
        _blocks,
        _gradient,
        _ombre,
        _checks,
        _gingham,
        _windowpane,
        _plaid,
        _tartan,
        _checkerboard,
        _houndstooth,
        _argyle,
        _zigzag,
        _waves,
        _diamonds,
        _triangles,
        _fairisle,
        _dots,
        _pin_dots,
        _polka,
        _hearts,
        _stars,
        _florals,
        _daisies,
        _roses,
        _leaves,
        _camouflage,
        _abstract,
        _leopard,
        _zebra,
        _tiedye,
        _splatter,
    )
}


# ---------------------------------------------------------------------------- weaves: factors of brightness


def _knit(x: Array, y: Array) -> Array:
    s = cell(x * np.float32(1 / 0.0085))
    t = frac(y * np.float32(1 / 0.0075) + 1.1 * np.abs(s))
    return np.asarray(1.04 - np.float32(0.20) * (t > 0.68) - np.float32(0.12) * (np.abs(s) > 0.42))


def _rib(x: Array, y: Array) -> Array:
    return np.asarray(1 - np.float32(0.17) * (np.abs(cell(x * np.float32(1 / 0.010))) > 0.30))


def _cable(x: Array, y: Array) -> Array:
    s = cell(x * np.float32(1 / 0.042))
    t = y * np.float32(6.2832 / 0.036)
    over = np.minimum(np.abs(s - 0.17 * np.sin(t)), np.abs(s + 0.17 * np.sin(t)))
    rope = np.abs(s) < 0.30
    edge = np.abs(np.abs(s) - 0.36) < 0.035
    purl = ~rope & (frac(y * np.float32(1 / 0.008)) < 0.4)
    return np.asarray(1.05 - np.float32(0.26) * (rope & (over > 0.085)) - np.float32(0.25) * edge - 0.09 * purl)


def _denim(x: Array, y: Array) -> Array:
    grain = chance(np.floor(x * np.float32(1 / 0.0022)), np.floor(y * np.float32(1 / 0.006)), 5)
    twill = frac((x + y) * np.float32(1 / 0.0042)) < 0.5
    return 0.955 + np.float32(0.08) * grain + np.float32(0.05) * twill


def _corduroy(x: Array, y: Array) -> Array:
    return np.asarray(1 - np.float32(0.20) * (np.abs(cell(x * np.float32(1 / 0.0075))) > 0.34))


def _puffer(x: Array, y: Array) -> Array:
    t = cell(y * np.float32(1 / 0.040))
    seam = np.abs(t) > 0.46
    return np.asarray(1.06 - 0.55 * t**2 + 0.10 * t - 0.22 * seam)


def _quilted(x: Array, y: Array) -> Array:
    s, t = (x + y) * np.float32(1 / 0.034), (x - y) * np.float32(1 / 0.034)
    edge = np.maximum(np.abs(cell(s)), np.abs(cell(t)))
    return np.asarray(1.04 - np.float32(0.24) * (edge > 0.46) - 0.25 * np.maximum(edge - 0.3, 0))


def _linen(x: Array, y: Array) -> Array:
    i, j = np.floor(x * np.float32(1 / 0.0025)), np.floor(y * np.float32(1 / 0.0025))
    return 0.94 + 0.07 * chance(i, 0 * j, 6) + 0.07 * chance(0 * i, j, 7)


_WEAVE: dict[str, Callable[[Array, Array], Array]] = {
    pattern_of.__name__[1:]: pattern_of
    for pattern_of in (_knit, _rib, _cable, _denim, _corduroy, _puffer, _quilted, _linen)
}
