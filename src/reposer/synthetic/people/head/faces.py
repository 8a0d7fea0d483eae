"""Faces, hair and hats: materials that colour a point of a head from its own coordinates."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..body.figure import smoothstep
from ..wardrobe.colours import Colour
from ..wardrobe.patterns import Cloth, cell, chance, frac

Array = np.ndarray
Beard = Literal["none", "stubble", "moustache", "goatee", "full"]
Glasses = Literal["round", "square", "cat"]


def _over(out: Array, rgb: Colour, weight: Array) -> None:
    """Paint a colour over `out` with a weight in [0, 1] at each point."""
    out += weight[:, None].astype(np.float32) * (np.array(rgb, np.float32) - out)


@dataclass(frozen=True)
class Face:
    """The individual features of a face.

    Sizes are relative to an average face; coordinates are the head's, in radii.
    """

    skin: Colour
    eye_rgb: Colour
    brow_rgb: Colour
    lip_rgb: Colour
    eye_size: float = 1.0
    eye_open: float = 1.0
    eye_tilt: float = 0.0
    """Height of the outer corner above the inner one, in radii."""
    eye_spacing: float = 1.0
    lid: float = 0.5
    """Depth of the fold above the eye, 0 to 1."""
    brow_width: float = 1.0
    brow_tilt: float = 0.0
    brow_arch: float = 1.0
    brow_height: float = 0.0
    mouth_width: float = 1.0
    mouth_height: float = 0.0
    lip_upper: float = 1.0
    lip_lower: float = 1.0
    smile: float = 0.5
    opening: float = 0.0
    """Distance between the lips, in radii."""
    nose: float = 1.0
    nose_width: float = 1.0
    nose_length: float = 1.0
    jaw: float = 1.0
    cheek: float = 0.0
    """Fullness of the cheeks, -1 to 1."""
    chin: float = 1.0
    ears: float = 1.0
    age: float = 0.0
    """0 is twenty years, 1 is eighty."""
    beard: Beard = "none"
    beard_rgb: Colour | None = None
    """None takes the brows' colour."""
    lashes: bool = False
    shadow: Colour | None = None
    """Make-up above the eyes."""
    rouge: float = 0.0
    glasses: Colour | None = None
    glasses_shape: Glasses = "square"
    tinted: bool = False
    freckles: bool = False
    moles: tuple[tuple[float, float], ...] = ()
    earrings: Colour | None = None
    gloss: float = field(default=0.08)

    def colour(self, q: Array) -> Array:
        q = np.asarray(q, np.float32)
        out = np.repeat(np.array(self.skin, np.float32)[None], len(q), 0)
        front = np.flatnonzero(q[:, 2] > 0.05)
        if len(front):
            out[front] = self._front(q[front], out[front])
        return out

    def _front(self, q: Array, out: Array) -> Array:
        signed, x, y = q[:, 0], np.abs(q[:, 0]), q[:, 1]
        blush = np.exp(-(((x - 0.5) / 0.2) ** 2) - ((y + 0.26) / 0.15) ** 2)
        strength = 1 + 2.0 * self.rouge
        out *= 1 + (strength * blush)[:, None] * np.array([0.02, -0.08, -0.06], np.float32)
        # soft shade beside the nose, under the lip and in the sockets models the flat paint
        hollow = 0.10 * np.exp(-(((x - 0.13 * self.nose_width) / 0.055) ** 2) - ((y + 0.20) / 0.20) ** 2)
        hollow += 0.13 * np.exp(-((x / 0.16) ** 2) - ((y + 0.69 - self.mouth_height) / 0.045) ** 2)
        hollow += 0.09 * np.exp(-(((x - 0.30) / 0.22) ** 2) - ((y - 0.14) / 0.06) ** 2)
        tip = 0.06 * np.exp(-((x / 0.06) ** 2) - ((y + 0.22) / 0.07) ** 2)
        out *= (1 - hollow + tip)[:, None].astype(np.float32)
        if self.freckles:
            lot = chance(np.floor(signed * 24), np.floor(y * 24), 9)
            spot = np.hypot(cell(signed * 24), cell(y * 24)) < 0.38 * lot
            near = np.exp(-(((x - 0.33) / 0.3) ** 2) - ((y + 0.20) / 0.17) ** 2) > 0.45
            out[spot & near] *= (0.84, 0.74, 0.66)
        if self.age > 0.3:
            self._wrinkles(x, y, out)
        self._beard(x, y, out)
        self._mouth(signed, y, out)
        nostril = ((x - 0.075 * self.nose_width) / 0.042) ** 2 + ((y + 0.375) / 0.024) ** 2 < 1
        out[nostril] *= np.float32(0.5)
        wing = np.hypot((x - 0.10 * self.nose_width) / 0.065, (y + 0.315) / 0.075)
        out[(np.abs(wing - 1) < 0.13) & (x > 0.10 * self.nose_width) & (y > -0.38)] *= np.float32(0.82)
        for mx, my in self.moles:
            out[np.hypot(signed - mx, y - my) < 0.021] *= (0.42, 0.34, 0.30)
        self._eyes(x, signed, y, out)
        return np.clip(out, 0, 1, out=out)

    def _wrinkles(self, x: Array, y: Array, out: Array) -> None:
        deep = min(1.0, (self.age - 0.3) / 0.5)
        lines = np.zeros(x.shape, np.float32)

        def stroke(distance: Array, width: float, where: Array, strength: float) -> None:
            inside = where * np.exp(-((distance / width) ** 2))
            np.maximum(lines, strength * inside, out=lines)

        fold = x - 0.17 - 0.55 * (-0.30 - y)  # from the nose around the corner of the mouth
        stroke(fold, 0.020, ((y < -0.30) & (y > -0.30 - 0.24 * (0.6 + 0.4 * deep))) * 1.0, 0.30)
        for k in range(3):
            height = 0.42 + 0.085 * k + 0.012 * np.cos(6 * x)
            stroke(y - height, 0.012, smoothstep(0.45, 0.25, x) * (deep > 0.3 * k), 0.22)
        centre = 0.37 * self.eye_spacing
        for slope in (-0.45, 0.05, 0.55):  # crow's feet
            away = x - centre - 0.19 * self.eye_size
            stroke(y - 0.02 - slope * away, 0.011, ((away > 0.015) & (away < 0.13)) * 1.0, 0.22)
        bag = np.hypot((x - centre) / 0.19, (y - 0.03) / 0.155)
        stroke(bag - 1, 0.09, (y < -0.03) * smoothstep(0.22, 0.1, np.abs(x - centre)), 0.20)
        stroke(x - 0.055, 0.010, ((y > 0.20) & (y < 0.32)) * 1.0, 0.20 * (deep > 0.5))
        stroke(x - 0.20 - 0.3 * (-0.62 - y), 0.014, ((y < -0.62) & (y > -0.80)) * 1.0, 0.20)
        out *= (1 - deep**0.6 * lines)[:, None]

    def _beard(self, x: Array, y: Array, out: Array) -> None:
        if self.beard == "none":
            return
        droop = y + 0.25 * x**2
        moustache = smoothstep(-0.40, -0.43, droop) * smoothstep(-0.52, -0.49, droop) * smoothstep(0.36, 0.31, x)
        bare = smoothstep(0.36, 0.24, x) * (y > -0.62)  # the mouth and the skin around it
        jaw = smoothstep(-0.30, -0.42, y - 0.42 * smoothstep(0.4, 0.85, x)) * (1 - bare)
        chin = smoothstep(0.30, 0.24, x) * smoothstep(-0.60, -0.64, y)
        chin = np.maximum(chin, (np.abs(x - 0.265) < 0.05) * (y < -0.44) * (y > -0.7))
        weight = {"moustache": moustache, "goatee": np.maximum(moustache, chin)}.get(
            self.beard, np.maximum(jaw, moustache)
        )
        hairs = chance(np.floor(x * 60), np.floor(y * 34), 4)
        weight = weight * (0.22 + 0.28 * hairs if self.beard == "stubble" else 0.80 + 0.18 * hairs)
        _over(out, self.beard_rgb or self.brow_rgb, weight)

    def _mouth(self, x: Array, y: Array, out: Array) -> None:
        width = 0.25 * self.mouth_width
        t = np.clip(x / width, -1, 1)
        line = -0.545 + self.mouth_height + 0.055 * self.smile * t**2
        thick = np.sqrt(np.maximum(1 - t**2, 0)) * (np.abs(x) < width)
        bow = 1 - 0.35 * np.exp(-((x / 0.035) ** 2))  # the upper lip dips in its middle
        below = line - self.opening * thick if self.opening else line
        upper = (y < line + 0.058 * self.lip_upper * thick * bow) & (y >= line)
        lower = (y < below) & (y > below - 0.080 * self.lip_lower * thick)
        inside = thick > 0
        lip = np.array(self.lip_rgb, np.float32)
        out[upper & inside] = 0.86 * lip
        out[lower & inside] = lip
        shine = ((x - 0.04) / 0.07) ** 2 + ((y - below + 0.042 * self.lip_lower) / 0.013) ** 2 < 1
        out[shine & lower] = np.minimum(1.16 * lip + 0.03, 1)
        if self.opening > 0.02:  # the mouth's inside: teeth above, the tongue below
            out[(y < line) & (y >= below) & inside] = (0.20, 0.06, 0.07)
            out[(y < below + 0.35 * self.opening * thick) & (y >= below) & inside] = (0.55, 0.24, 0.24)
            row = np.minimum(0.45 * self.opening, 0.035) * thick
            out[(y < line) & (y > line - row) & (np.abs(t) < 0.8)] = (0.93, 0.92, 0.89)
        elif self.smile > 0.95:  # teeth
            gap = inside & (np.abs(y - line + 0.010) < 0.026 * thick * (np.abs(t) < 0.85))
            out[gap] = (0.96, 0.95, 0.93)
            out[inside & (np.abs(np.abs(y - line + 0.010) - 0.027 * thick) < 0.005)] = 0.5 * lip
        else:
            out[(np.abs(y - line) < 0.013) & inside] = 0.45 * lip
        corner = np.hypot(np.abs(x) - width, y - line) < 0.022
        out[corner] *= np.float32(0.72)

    def _eyes(self, x: Array, signed: Array, y: Array, out: Array) -> None:
        centre = 0.37 * self.eye_spacing
        w, h = 0.165 * self.eye_size, 0.088 * self.eye_size * self.eye_open
        ex = x - centre
        ey = y - 0.03 - self.eye_tilt * ex / w * 0.5
        # a lens: the upper lid is rounder than the lower one
        t = np.clip(np.abs(ex) / w, 0, 1.6)
        top, low = h * (1 - t**2.2), -0.80 * h * (1 - t**1.8)
        inside = (t < 1) & (ey < top) & (ey > low)
        if self.shadow is not None:
            span = np.clip(1.25 - t, 0, 1) * (ey > 0) * smoothstep(h + 0.12, h + 0.02, ey)
            _over(out, self.shadow, 0.55 * np.clip(2.2 * span, 0, 1))
        out[inside] = (0.95, 0.95, 0.945)
        out[inside & (ey > top - 0.022)] *= np.float32(0.82)  # the lid's shade
        iris = np.hypot(ex, ey - 0.004)
        size = 0.082 * min(self.eye_size, 1.2)
        rgb = np.array(self.eye_rgb, np.float32)
        rim = inside & (iris < size)
        out[rim] = 0.55 * rgb
        out[inside & (iris < 0.85 * size)] = rgb
        out[inside & (iris < 0.85 * size) & (ey < -0.005)] = np.minimum(1.3 * rgb + 0.04, 1)
        out[inside & (iris < 0.45 * size)] = (0.04, 0.04, 0.05)
        side = np.where(signed > 0, ex, -ex)
        out[inside & ((side + 0.030) ** 2 + (ey - 0.032) ** 2 < 0.020**2)] = (1.0, 1.0, 1.0)
        lash = 0.034 if self.lashes else 0.020
        thick = lash * (0.75 + 0.5 * np.clip(ex / w, -1, 1))
        lid = (t < 1.06) & (ey > top - 0.006) & (ey < top + thick)
        if self.lashes:  # a wing at the outer corner
            wing = np.abs(ey - 0.028 - 0.55 * (ex - w)) < 0.016 - 0.20 * (ex - w)
            lid |= (ex > 0.92 * w) & (ex < 1.30 * w) & wing
        out[lid] = (0.10, 0.07, 0.07)
        out[(t < 1) & (ey < low + 0.004) & (ey > low - 0.013)] *= np.float32(0.66)
        fold = (t < 1.05) & (np.abs(ey - top - 0.050) < 0.008)
        out[fold] *= np.float32(1 - 0.32 * self.lid)
        bx = (x - centre - 0.01) / 0.235
        height = 0.235 + self.brow_height + 0.02 * self.eye_size
        arch = height + 0.04 * self.brow_arch * (1 - (bx - 0.25) ** 2) + self.brow_tilt * bx
        thickness = 0.036 * self.brow_width * (1.05 - 0.40 * bx - 0.25 * bx**4)
        brow = (np.abs(y - arch) < thickness) & (np.abs(bx) < 1)
        hairs = 0.78 + 0.22 * (frac((x * 1.2 - y * 0.7) / 0.022) < 0.6)
        _over(out, self.brow_rgb, (brow * hairs).astype(np.float32))
        if self.glasses is not None:
            self._glasses(self.glasses, x, y, ex, centre, out)

    def _glasses(self, rgb: Colour, x: Array, y: Array, ex: Array, centre: float, out: Array) -> None:
        ey = y - 0.02
        match self.glasses_shape:
            case "round":
                r = np.hypot(ex / 0.215, ey / 0.195)
            case "square":
                r = ((ex / 0.245) ** 4 + (ey / 0.175) ** 4) ** 0.25
            case "cat":
                lift = ey - 0.22 * np.clip(ex, -0.1, 0.3)
                r = (np.abs(ex / 0.25) ** 3 + np.abs(lift / 0.165) ** 3) ** (1 / 3)
        if self.tinted:
            lens = r < 0.97
            out[lens] = 0.20 * out[lens] + 0.8 * (np.array((0.20, 0.18, 0.19)) + 0.15 * (ey[lens, None] < 0))
        else:
            glint = (r < 0.95) & (np.abs(ex - 0.9 * ey + 0.05) < 0.020)
            out[glint] = 0.78 * out[glint] + 0.20
        bridge = (np.abs(y - 0.06) < 0.020) & (x < centre - 0.20)
        arms = (np.abs(y - 0.06) < 0.020) & (x > centre + 0.22)
        out[(np.abs(r - 1) < 0.085) | bridge | arms] = rgb


@dataclass(frozen=True)
class HairLook:
    """Strands of hair. Coordinates: (across, height, angle / pi)."""

    rgb: Colour
    curl: float = 0.0
    gloss: float = 0.22
    tips: Colour | None = None
    """Colour of the hanging ends; None for the same."""
    grey: float = 0.0
    """Share of strands that are grey."""
    fade: float | None = None
    """Height, in head radii, below which the hair is shaven close; None for nowhere."""
    scalp: Colour = (0.6, 0.5, 0.4)
    part: float | None = None
    """Sideways position of a parting, in head radii; None for no parting."""
    plait: bool = False

    def colour(self, q: Array) -> Array:
        q = np.asarray(q, np.float32)
        across, height, turn = q[:, 0], q[:, 1], q[:, 2]
        angle = turn * np.float32(np.pi)
        bent = angle + 0.06 * np.sin(5 * height)
        strand = np.sin(31 * bent + 2.0 * np.sin(3 * height)) * 0.5 + np.sin(67 * bent + 1.3) * 0.35
        if self.curl:
            curls = np.sin(17 * angle + 2 * np.sin(9 * height)) * np.sin(15 * height + 3 * np.sin(7 * angle))
            strand = (1 - self.curl) * strand + self.curl * 1.5 * curls
        bright = 1 + 0.14 * strand
        bright += 0.16 * np.exp(-(((height - 0.60 + 0.04 * np.sin(31 * bent)) / 0.10) ** 2))
        base = np.array(self.rgb, np.float32)
        out = np.repeat(base[None], len(q), 0)
        if self.tips is not None:
            _over(out, self.tips, smoothstep(0.05, -0.1, height))
        if self.grey:
            lot = chance(np.floor(turn * 210 + 2 * height), np.floor(0 * turn), 8)
            _over(out, (0.66, 0.65, 0.64), self.grey * (0.35 + 0.55 * lot))
        if self.plait:
            t = frac(height / 0.022)
            s = np.abs(cell(turn + 0.5))
            bright -= 0.45 * (np.abs(t - 1.4 * s) < 0.12)
        out *= bright.astype(np.float32)[:, None]
        if self.fade is not None:
            near = np.minimum(1, 0.72 * smoothstep(self.fade + 0.1, self.fade - 0.1, height))
            stubbly = near * (0.85 + 0.15 * np.sin(90 * across) * np.sin(80 * height))
            _over(out, self.scalp, stubbly)
        if self.part is not None:
            line = (np.abs(across - self.part) < 0.022) & (height > 0.3) & (np.abs(turn) < 0.42)
            out[line] = 0.25 * out[line] + 0.70 * np.array(self.scalp, np.float32)
        return np.clip(out, 0, 1, out=out)


@dataclass(frozen=True)
class Hat(Cloth):
    """A hat's cloth. Coordinates: (way round, height, angle / pi), in statures; the brow is at 0."""

    band: Colour | None = None
    band_height: float = 0.014
    panels: int = 0
    mark: Colour | None = None
    """Colour of a round mark at the front."""

    def colour(self, q: Array) -> Array:
        q = np.asarray(q, np.float32)
        out = super().colour(q)
        x, y, turn = q[:, 0], q[:, 1], q[:, 2]
        if self.panels:
            out[np.abs(cell(turn * (0.5 * self.panels) + 0.5)) < 0.015] *= np.float32(0.72)
        if self.mark is not None:
            r = np.hypot(x, y - 0.022)
            out[r < 0.0115] = self.mark
            out[(r < 0.0075) & (np.abs(x) < 0.0035)] = self.first
        if self.band is not None:
            out[y < self.band_height] = self.band
            out[np.abs(y - self.band_height) < 0.001] *= np.float32(0.7)
        return out
