"""Garments: materials that colour a point of cloth from its own surface coordinates.

A material reads surface coordinates only, so a pattern turns and bends with the body it is on.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from ..body.figure import smoothstep
from .colours import Colour, lightness
from .patterns import PATTERNS, Cloth, PatternName, Weave, cell, frac
from .prints import LOGOS, LogoName, Print, logo_ink

__all__ = [
    "LOGOS",
    "PATTERNS",
    "Cloth",
    "Colour",
    "Legwear",
    "LogoName",
    "Material",
    "Neckline",
    "PatternName",
    "Plain",
    "Print",
    "Shoe",
    "Skirt",
    "Sleeve",
    "Top",
    "Waist",
    "Weave",
    "neckline_height",
]

Neckline = Literal["crew", "scoop", "v", "collar", "none"]


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


def neckline_height(kind: str, angle: np.ndarray) -> np.ndarray:
    """Upper edge of a top at an angle / pi from the front, as a height of the torso."""
    a = np.abs(angle)
    depth = {"crew": 0.296, "scoop": 0.268, "v": 0.243, "collar": 0.285, "none": 0.325}[kind]
    reach = {"crew": 0.30, "scoop": 0.26, "v": 0.17, "collar": 0.12, "none": 0.1}[kind]
    s = np.clip(a / reach, 0, 1)
    rise = s if kind in ("v", "collar") else s**2
    return np.asarray(depth + (0.308 - depth) * rise + 0.006 * smoothstep(0.25, 0.6, a))


# ---------------------------------------------------------------------------- tops


@dataclass(frozen=True)
class Top:
    """Cloth on the torso, with everything sewn and printed on it.

    Coordinates: (way round, height, angle / pi).
    """

    cloth: Cloth
    printed: Print | None = None
    closure: Literal["none", "buttons", "zip", "placket", "double"] = "none"
    pocket: Literal["none", "chest", "pair", "pouch"] = "none"
    hem: float | None = None
    """Height of the lower edge, where a band of the third colour is knitted on; None for no band."""
    neckline: Neckline = "crew"
    lapels: float | None = None
    """Half angle / pi of an open jacket's front, whose edges are trimmed; 0 is closed; None if it is no
    jacket."""
    gloss: float = 0.03
    trim: Colour | None = None
    """Colour of a ribbed band along the neckline."""
    bands: tuple[tuple[float, float, Colour], ...] = ()
    """(lower, upper height, colour) of broad stripes across it."""
    tie: Colour | None = None
    strings: bool = False
    """Whether cords hang from a hood."""
    notched: bool = False
    """Whether an open jacket has a tailored collar."""
    badge: LogoName | None = None
    """A small mark on the wearer's left chest, in the third colour."""

    def colour(self, q: np.ndarray) -> np.ndarray:
        q = np.asarray(q, np.float32)
        out = self.cloth.colour(q)
        x, y, angle = q[:, 0], q[:, 1], q[:, 2]
        front = np.abs(angle) < 0.5
        dark = lightness(self.cloth.first) < 0.42
        stitch = np.float32(1.35 if dark else 0.80)
        for low, high, rgb in self.bands:
            out[(y > low) & (y < high)] = rgb
        if self.hem is not None:
            band = np.flatnonzero(y < self.hem + 0.020)
            rib = 1 - 0.16 * (cell(x[band] / 0.009) > 0.1)
            out[band] = np.array(self.cloth.third) * rib[:, None]
        if self.printed is not None:
            self.printed.paint(q, out)
        if self.badge is not None:
            out[front & logo_ink(self.badge, (x - 0.046) / 0.011, (y - 0.222) / 0.011)] = self.cloth.third
        if self.trim is not None:
            near = np.flatnonzero(y > 0.22)
            edge = neckline_height(self.neckline, angle[near]) - y[near]
            out[near[edge < 0.013]] = self.trim
            out[near[np.abs(edge - 0.013) < 0.0015]] *= 0.75
        self._pockets(x, y, front, stitch, out)
        self._closure(x, y, front, stitch, out)
        if self.strings:
            cord = front & (np.abs(np.abs(x) - 0.020) < 0.0024) & (y > 0.195) & (y < 0.285)
            out[cord] = (0.93, 0.93, 0.92)
            out[front & (np.abs(np.abs(x) - 0.020) < 0.0032) & (np.abs(y - 0.196) < 0.005)] = (0.5, 0.5, 0.5)
        if self.tie is not None:
            width = 0.007 + 0.0075 * smoothstep(0.28, 0.12, y)
            tip = front & (np.abs(x) < np.minimum(width, (y - 0.085) * 1.2)) & (y < 0.275)
            out[tip] = self.tie
            out[tip & (frac((x + y) / 0.022) < 0.22)] *= 0.6
            out[front & (np.abs(y - 0.278) < 0.009) & (np.abs(x) < 0.0095)] = np.array(self.tie) * 0.9
        if self.lapels is not None:
            self._jacket(x, y, angle, front, stitch, out)
        return np.clip(out, 0, 1, out=out)

    def _pockets(self, x: np.ndarray, y: np.ndarray, front: np.ndarray, stitch: np.float32, out: np.ndarray) -> None:
        if self.pocket in ("chest", "pair"):
            px = x - 0.045 if self.pocket == "chest" else np.abs(x) - 0.045
            py = y - 0.222
            inside = front & (np.abs(px) < 0.019) & (py < 0.02) & (py > -0.024 + 0.3 * np.abs(px))
            edge = (np.abs(px) > 0.0165) | (np.abs(py) > 0.0172)
            out[inside & edge] *= stitch
            if self.pocket == "pair":
                out[inside & (np.abs(py - 0.008) < 0.0018)] *= stitch
                out[inside & (px**2 + (py - 0.003) ** 2 < 0.0022**2)] = (0.9, 0.88, 0.82)
        elif self.pocket == "pouch":
            wide = 0.072 - 0.028 * smoothstep(0.06, 0.105, y)
            inside = front & (y > 0.018) & (y < 0.105) & (np.abs(x) < wide)
            edge = (np.abs(x) > wide - 0.003) | (np.abs(y - 0.1035) < 0.0017)
            out[inside & edge] *= np.float32(0.68)

    def _closure(self, x: np.ndarray, y: np.ndarray, front: np.ndarray, stitch: np.float32, out: np.ndarray) -> None:
        if self.closure == "none":
            return
        button = (0.93, 0.92, 0.88) if lightness(self.cloth.first) < 0.72 else (0.35, 0.33, 0.35)
        if self.closure in ("buttons", "placket"):
            reach = front & (y > (0.205 if self.closure == "placket" else -0.2)) & (np.abs(x) < 0.011)
            out[reach & (np.abs(np.abs(x) - 0.0095) < 0.0013)] *= stitch
            if self.closure == "placket":
                out[front & (np.abs(y - 0.204) < 0.0015) & (np.abs(x) < 0.0105)] *= stitch
            out[reach & (x**2 + (cell(y / 0.038) * 0.038) ** 2 < 0.0042**2)] = button
        elif self.closure == "double":
            near = front & (y < 0.17)
            out[near & (np.abs(x + 0.03) < 0.0016)] *= np.float32(0.7)
            out[near & ((np.abs(x) - 0.019) ** 2 + (cell(y / 0.045) * 0.045) ** 2 < 0.0048**2)] = (
                (0.80, 0.66, 0.34) if lightness(self.cloth.first) < 0.4 else (0.25, 0.2, 0.18)
            )
        elif self.closure == "zip":
            out[front & (np.abs(x) < 0.0050)] *= np.float32(0.6)
            out[front & (np.abs(x) < 0.0018)] = (0.75, 0.75, 0.78)
            out[front & (np.abs(x) < 0.0030) & (np.abs(y - 0.27) < 0.007)] = (0.85, 0.85, 0.87)

    def _jacket(
        self, x: np.ndarray, y: np.ndarray, angle: np.ndarray, front: np.ndarray, stitch: np.float32, out: np.ndarray
    ) -> None:
        assert self.lapels is not None
        edge = np.abs(angle) - self.lapels
        if self.notched:
            width = 0.085 * smoothstep(0.10, 0.25, y)
            lapel = (edge < width) & (y > 0.10)
            out[lapel] *= np.float32(0.86)
            out[(np.abs(edge - width) < 0.006) & (y > 0.10)] *= np.float32(0.62)
            out[lapel & (np.abs(y - 0.262 + 0.25 * edge) < 0.003)] *= np.float32(0.55)
            out[front & (np.abs(y - 0.228) < 0.003) & (np.abs(x - 0.06) < 0.014)] *= np.float32(0.65)
        elif self.lapels > 0:
            out[edge < 0.014] *= np.float32(0.72)
        if self.lapels > 0 and self.closure == "zip":
            out[edge < 0.007] = (0.74, 0.74, 0.77)
        elif self.lapels > 0 and self.closure == "buttons":
            row = (edge - 0.014) ** 2 + (cell(y / 0.04) * 0.085) ** 2 < 0.009**2
            out[row & (angle > 0) & (y < 0.2)] = (0.22, 0.19, 0.17)
        flap = front & (np.abs(np.abs(angle) - 0.32) < 0.085)
        out[flap & (np.abs(y - 0.046) < 0.0022)] *= np.float32(0.55)
        out[flap & (y < 0.044) & (y > 0.026)] *= np.float32(0.93)


@dataclass(frozen=True)
class Sleeve(Cloth):
    """A cloth on an arm. Coordinates: (way round, way along, angle / pi); `end` is the way of its edge."""

    end: float = 1.0
    cuff: Literal["none", "stitch", "rib", "button", "turned"] = "none"
    cuff_rgb: Colour = (0.5, 0.5, 0.5)
    bands: tuple[tuple[float, float, Colour], ...] = ()
    """(from, to way along, colour) of stripes around the arm."""
    stripes: int = 0
    """Lines of the cuff's colour along the outside."""

    def colour(self, q: np.ndarray) -> np.ndarray:
        q = np.asarray(q, np.float32)
        out = super().colour(q)
        along, angle = q[:, 1], q[:, 2]
        for low, high, rgb in self.bands:
            out[(along > low) & (along < high)] = rgb
        if self.stripes:
            _side_stripes(angle, self.stripes, self.cuff_rgb, 0.05, out)
        rest = self.end - along
        match self.cuff:
            case "stitch":
                out[np.abs(rest - 0.008) < 0.0013] *= np.float32(0.78)
            case "rib":
                near = np.flatnonzero(rest < 0.020)
                rib = 1 - 0.16 * (cell(angle[near] * 12) > 0.1)
                out[near] = np.array(self.cuff_rgb) * rib[:, None]
            case "button":
                out[np.abs(rest - 0.024) < 0.0014] *= np.float32(0.75)
                out[(rest < 0.024) & (np.abs(angle - 0.85) < 0.02)] *= np.float32(0.8)
                out[((rest - 0.012) / 0.0045) ** 2 + ((angle - 0.75) / 0.055) ** 2 < 1] = (0.9, 0.88, 0.84)
            case "turned":
                out[rest < 0.018] *= np.float32(0.88)
                out[np.abs(rest - 0.018) < 0.0016] *= np.float32(0.7)
        return out


def _side_stripes(angle: np.ndarray, count: int, rgb: Colour, width: float, out: np.ndarray) -> None:
    away = (np.abs(angle) - 0.5) / width
    inside = np.abs(away) < 0.5 * count
    out[inside & (np.abs(cell(away + (0.5 if count % 2 == 0 else 0.0) + 0.5)) < 0.26)] = rgb


# ---------------------------------------------------------------------------- legs


@dataclass(frozen=True)
class Waist:
    """Details sewn on around the hips."""

    belt: Colour | None = None
    buckle: Colour = (0.82, 0.76, 0.55)
    height: float = 0.095
    """Lower edge of the waistband."""
    pockets: Literal["none", "jeans", "slash", "cargo"] = "none"
    fly: bool = True
    cord: bool = False
    thread: Colour | None = None
    """Colour of contrast stitches; None = faint dark ones."""


@dataclass(frozen=True)
class Legwear:
    """Trousers or shorts on one leg or around the hips. Coordinates: (way round, way along, angle / pi)."""

    cloth: Cloth
    belt: Waist | None = None
    """Waistband, only on the hips: a leg's material has None."""
    seam: bool = True
    gloss: float = 0.03
    stripes: int = 0
    """Lines along the side."""
    stripe_rgb: Colour = (0.95, 0.95, 0.95)
    side: float = 0.0
    """Sign (+1 or -1) of the outer side; 0 marks both."""
    end: float = 9.0
    """Way along a leg of its lower edge."""
    cuff: Literal["none", "stitch", "rib", "turned", "frayed"] = "none"
    wash: float = 0.0
    """Strength of the fading on a leg's front."""
    knees: Literal["none", "ripped", "patched"] = "none"
    skin: Colour = (0.80, 0.66, 0.57)
    """Skin colour that shows through holes."""
    crease: bool = False
    cargo: bool = False

    def colour(self, q: np.ndarray) -> np.ndarray:
        q = np.asarray(q, np.float32)
        out = self.cloth.colour(q)
        if self.belt is None:
            self._leg(q, out)
        if self.seam:  # outer and inner seams
            seam = np.abs(np.abs(q[:, 2]) - 0.5)
            out[seam < 0.014] *= np.float32(0.80)
        if self.stripes:
            angle = q[:, 2] if self.side == 0 or self.belt is not None else q[:, 2] * np.sign(self.side)
            if self.side != 0 and self.belt is None:
                angle = np.where(angle > 0, angle, 0)
            _side_stripes(angle, self.stripes, self.stripe_rgb, 0.055, out)
        if self.belt is not None:
            self._hips(self.belt, q, out)
        return np.clip(out, 0, 1, out=out)

    def _leg(self, q: np.ndarray, out: np.ndarray) -> None:
        along, angle = q[:, 1], q[:, 2]
        if self.wash:
            fade = np.cos(np.pi * np.clip(angle, -0.5, 0.5)) * smoothstep(0.03, 0.14, along)
            fade *= smoothstep(0.46, 0.26, along)
            out += (self.wash * fade)[:, None] * (0.92 - out)
        if self.crease:
            out[np.abs(angle) < 0.012] *= np.float32(1.12)
            out[np.abs(angle - 0.03) < 0.018] *= np.float32(0.94)
        if self.knees == "ripped":
            for place, half in ((0.265, 0.011), (0.30, 0.007), (0.20, 0.006)):
                hole = ((along - place) / half) ** 2 + (angle / 0.26) ** 2 < 1
                thread = frac(along / 0.005) < 0.5
                out[hole] = self.skin
                out[hole & thread] = (0.90, 0.91, 0.93)
        elif self.knees == "patched":
            patch = (np.abs(along - 0.28) < 0.035) & (np.abs(angle) < 0.30)
            out[patch] *= np.float32(0.80)
            edge = (np.abs(along - 0.28) > 0.032) | (np.abs(angle) > 0.275)
            out[patch & edge] *= np.float32(1.35)
        if self.cargo:
            away = np.abs(angle) - 0.5 if self.side == 0 else angle * np.sign(self.side) - 0.5
            pocket = (np.abs(away) < 0.17) & (np.abs(along - 0.20) < 0.034)
            edge = (np.abs(away) > 0.15) | (np.abs(along - 0.20) > 0.031) | (np.abs(along - 0.182) < 0.002)
            out[pocket & edge] *= np.float32(0.70)
        rest = self.end - along
        match self.cuff:
            case "stitch":
                out[np.abs(rest - 0.010) < 0.0014] *= np.float32(0.76)
            case "rib":
                near = np.flatnonzero(rest < 0.024)
                out[near] *= (0.86 - 0.18 * (cell(angle[near] * 14) > 0.1))[:, None]
            case "turned":
                turned = rest < 0.026
                out[turned] = 0.55 * out[turned] + 0.40
                out[np.abs(rest - 0.026) < 0.0018] *= np.float32(0.6)
            case "frayed":
                worn = rest < 0.010 + 0.004 * np.sin(60 * angle)
                out[worn] = 0.4 * out[worn] + 0.52

    def _hips(self, waist: Waist, q: np.ndarray, out: np.ndarray) -> None:
        x, y, angle = q[:, 0], q[:, 1], q[:, 2]
        line = waist.height
        stitch = np.array(waist.thread or (0.0, 0.0, 0.0), np.float32)
        strength = 0.75 if waist.thread else 0.28

        def sew(where: np.ndarray) -> None:
            out[where] += np.float32(strength) * (stitch - out[where])

        front, back = np.abs(angle) < 0.5, np.abs(angle) > 0.55
        side = np.abs(angle)
        if waist.pockets == "jeans":
            curve = np.hypot((side - 0.46) / 0.26, (y - line) / 0.042)
            sew(front & (np.abs(curve - 1) < 0.045) & (y < line))
            sew(front & (np.abs(curve - 0.9) < 0.025) & (y < line))
            px, py = (side - 0.77) / 0.115, (y - 0.032) / 0.034
            pocket = back & (np.abs(px) < 1) & (py < 1) & (py > -0.75 - 0.35 * (1 - np.abs(px)))
            rim = (np.abs(px) > 0.88) | (py > 0.9) | (py < -0.62 - 0.35 * (1 - np.abs(px)))
            sew(pocket & rim)
            sew(pocket & (np.abs(py - 0.25 + 0.35 * np.abs(px)) < 0.06))
        elif waist.pockets == "slash":
            slant = side - 0.40 + 1.1 * (y - 0.06)
            sew(front & (np.abs(slant) < 0.010) & (y > 0.028) & (y < line))
            sew(back & (np.abs(y - 0.05) < 0.0018) & (np.abs(side - 0.76) < 0.09))
        elif waist.pockets == "cargo":
            sew(front & (np.abs(side - 0.36) < 0.010) & (y > 0.03) & (y < line))
            flap = back & (np.abs(side - 0.77) < 0.11) & (np.abs(y - 0.045) < 0.018)
            sew(flap & ((np.abs(side - 0.77) > 0.098) | (np.abs(y - 0.045) > 0.016)))
        if waist.fly:
            sew(front & (np.abs(x - 0.002) < 0.0011) & (y < line) & (y > -0.01))
            bow = 0.014 - 0.012 * smoothstep(0.04, 0.01, y)
            sew(front & (np.abs(x - bow) < 0.0011) & (y < line) & (y > 0.012))
        if waist.belt is not None:
            band = y > line
            out[band] = waist.belt
            out[band & (y < line + 0.0022)] *= np.float32(0.75)
            buckle = front & (np.abs(x) < 0.011) & band
            out[buckle] = waist.buckle
            out[buckle & (np.abs(x) < 0.007) & (np.abs(y - line - 0.0085) < 0.0045)] = waist.belt
            loops = band & (np.abs(cell(angle / 0.4 + 0.5)) > 0.47) & ~buckle
            out[loops] = self.cloth.first
        else:
            sew(np.abs(y - line) < 0.0013)
            if waist.fly:
                out[front & (x**2 + (y - line - 0.0075) ** 2 < 0.0042**2)] = (0.72, 0.62, 0.42)
            else:
                out[(y > line) & (cell(angle * 24) > 0.1)] *= np.float32(0.84)
        if waist.cord:
            cord = front & (np.abs(np.abs(x) - 0.007 - 0.12 * (line - y)) < 0.0022)
            out[cord & (y < line + 0.006) & (y > line - 0.045)] = (0.94, 0.94, 0.93)


@dataclass(frozen=True)
class Skirt(Cloth):
    """A cloth that hangs from the waist. Coordinates: (way round, height, angle / pi); the waist is at 0.1."""

    pleats: int = 0
    buttons: bool = False
    belt: Colour | None = None
    denim_seams: bool = False
    tiers: float = 0.0
    """Distance between gathered seams; 0 for none."""

    def colour(self, q: np.ndarray) -> np.ndarray:
        q = np.asarray(q, np.float32)
        out = super().colour(q)
        y, angle = q[:, 1], q[:, 2]
        if self.pleats:
            t = frac(angle * (0.5 * self.pleats))
            below = smoothstep(0.09, 0.04, y)
            out *= (1 - below * (0.22 * t + 0.16 * (t > 0.93)))[:, None]
        if self.tiers:
            out[(y < 0.06) & (frac(y / self.tiers) < 0.022)] *= np.float32(0.72)
            gather = (frac(y / self.tiers) > 0.75) & (y < 0.06) & (np.sin(150 * angle) > 0.3)
            out[gather] *= np.float32(0.9)
        if self.buttons:
            out[np.abs(np.abs(angle) - 0.045) < 0.004] *= np.float32(0.8)
            out[(angle / 0.019) ** 2 + (cell(y / 0.045) * 0.045 / 0.0055) ** 2 < 1] = (0.92, 0.89, 0.82)
        if self.denim_seams:
            seam = (np.abs(angle) < 0.006) | (np.abs(np.abs(angle) - 0.5) < 0.006)
            out[seam] = 0.3 * out[seam] + 0.7 * np.array((0.80, 0.58, 0.30))
            curve = np.hypot((np.abs(angle) - 0.48) / 0.25, (y - 0.09) / 0.045)
            arc = (np.abs(curve - 1) < 0.04) & (y < 0.09)
            out[arc] = 0.3 * out[arc] + 0.7 * np.array((0.80, 0.58, 0.30))
        if self.belt is not None:
            band = y > 0.082
            out[band] = self.belt
            out[band & (np.abs(angle) < 0.045)] = (0.82, 0.76, 0.55)
            out[band & (np.abs(angle) < 0.028) & (np.abs(y - 0.093) < 0.006)] = self.belt
        return out


# ---------------------------------------------------------------------------- feet


@dataclass(frozen=True)
class Shoe:
    """A shoe with a sole.

    Coordinates: (way round, way along, angle / pi); the front of the ring is its top.
    """

    rgb: Colour
    sole: Colour
    laces: Colour | None = None
    gloss: float = 0.2
    kind: Literal["sneaker", "canvas", "oxford", "loafer", "ballet"] = "sneaker"
    accent: Colour = (0.9, 0.9, 0.9)

    def colour(self, q: np.ndarray) -> np.ndarray:
        q = np.asarray(q, np.float32)
        out = np.repeat(np.array(self.rgb, np.float32)[None], len(q), 0)
        along, angle = q[:, 1], np.abs(q[:, 2])
        seam = np.float32(0.68)
        match self.kind:
            case "sneaker":
                slant = along - 0.05 - 0.10 * (angle - 0.4)
                side = (angle > 0.20) & (angle < 0.52)
                out[side & (np.abs(cell(slant / 0.013)) < 0.25) & (np.abs(slant) < 0.0195)] = self.accent
                out[along < 0.004] = self.accent
                out[np.abs(along - 0.100 + 0.05 * angle) < 0.0016] *= seam
            case "canvas":
                out[along > 0.112] = (0.93, 0.92, 0.89)
                out[np.abs(along - 0.112) < 0.0015] *= seam
                out[(np.abs(along - 0.025) < 0.009) & (np.abs(angle - 0.38) < 0.07)] = self.accent
            case "oxford":
                out[np.abs(along - 0.103) < 0.0018] *= seam
                out[(along > 0.103) & (frac((along - 0.106) / 0.003) < 0.4) & (along < 0.109)] *= seam
                out[(np.abs(along - 0.045 - 0.06 * angle) < 0.0016) & (angle < 0.5)] *= seam
            case "loafer":
                strap = (np.abs(along - 0.066) < 0.009) & (angle < 0.45)
                out[strap] *= np.float32(1.25)
                out[(np.abs(np.abs(along - 0.066) - 0.009) < 0.0013) & (angle < 0.45)] *= seam
                out[(np.abs(along - 0.066) < 0.003) & (angle < 0.10)] = self.accent
            case "ballet":
                bow = (np.abs(along - 0.088) < 0.004 + 0.05 * angle) & (angle < 0.12)
                out[bow] = np.array(self.rgb) * 0.6
        out[angle > 0.56] = self.sole
        if self.kind in ("sneaker", "canvas"):
            out[np.abs(angle - 0.60) < 0.012] *= np.float32(0.82)
        if self.laces is not None and self.kind in ("sneaker", "canvas", "oxford"):
            top = (angle < 0.15) & (along > 0.050) & (along < 0.098)
            out[top] *= np.float32(0.80)
            out[top & (frac(along / 0.0095) < 0.5)] = self.laces
        return np.clip(out, 0, 1, out=out)
