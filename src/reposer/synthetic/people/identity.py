"""A person's appearance and clothes, all sampled from the identity's own random stream."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .body.figure import Body
from .head.faces import Face, HairLook, Hat
from .wardrobe.colours import DYES, MONK_SCALE, Colour, jitter, lightness, mix, rgb, scaled
from .wardrobe.designs import Split, lot
from .wardrobe.tailoring import Outfit, sample_outfit

__all__ = ["MONK_SCALE", "Hair", "Identity", "Outfit", "jitter", "rgb", "sample_identity"]

HairStyle = Literal[
    "bald", "short", "crop", "quiff", "side_part", "undercut", "mohawk", "curly", "bob", "long", "ponytail",
    "pigtails", "braids", "bun", "top_knot", "afro",
]  # fmt: skip
HAIR_STYLES: tuple[HairStyle, ...] = HairStyle.__args__  # type: ignore[attr-defined]
HatStyle = Literal["none", "cap", "beanie", "bucket", "brim", "headband", "headscarf"]
HAT_STYLES: tuple[HatStyle, ...] = HatStyle.__args__  # type: ignore[attr-defined]
HairColour = Literal["black", "dark brown", "brown", "blond", "red", "grey", "white", "dyed"]
HAIR_COLOURS: dict[HairColour, tuple[str, ...]] = {
    "black": ("1c1714", "17151a"),
    "dark brown": ("2c211b", "3a281d"),
    "brown": ("4a3122", "6a4527", "7a5230"),
    "blond": ("b98a4f", "dcc083", "a87f45", "c9a667"),
    "red": ("a8492a", "8a3a20", "c0663a"),
    "grey": ("8a8580", "6f6c6a"),
    "white": ("cfcac2", "dedbd6"),
    "dyed": ("7d3b52", "3f6f8f", "6b4a94", "c76a92", "3f7d62"),
}
EYE_COLOURS = ("3b2416", "2a1a12", "5d3c1f", "4c7a9e", "5f8f62", "6f7d86", "7a6a35")


@dataclass(frozen=True)
class Hair:
    """A hair cut. thickness: of the cap, in head radii; length: below the head's middle, in head radii."""

    style: HairStyle
    look: HairLook
    thickness: float = 0.09
    length: float = 1.0
    parting: float = 0.0
    """Side to which the hair falls, -1 to 1."""
    colour: HairColour = "brown"
    fringe: float = 0.0
    """How far hair falls over the forehead, 0 to 1."""
    recede: float = 0.0
    """How far the hairline has receded, 0 to 1."""
    hat: HatStyle = "none"
    hat_look: Hat | None = None


@dataclass(frozen=True)
class Identity:
    """One person in one set of clothes in one studio."""

    number: int
    body: Body
    face: Face
    hair: Hair
    outfit: Outfit
    tone: int
    """Skin tone on the Monk scale, 1 to 10."""
    feminine: float = 0.5
    """Femininity of body, hair and clothes, 0 to 1."""
    weight: float = 0.0
    """Weight in standard deviations from the mean."""


def sample_identity(number: int, stream: np.random.Generator, split: Split | None = None) -> Identity:
    """Sample a person, in garments whose designs belong to the split; None accepts any."""
    feminine = float(stream.beta(0.7, 0.7))
    tone = int(stream.integers(10))  # every tone is equally likely
    age = float(stream.beta(1.1, 1.5))
    skin = _skin(tone, stream)
    weight = min(max(float(stream.normal()), -1.6), 2.2)
    body = _body(feminine, weight, stream)
    hair = _hair(feminine, tone, age, skin, stream)
    face = _face(feminine, weight, age, skin, hair, stream)
    outfit = sample_outfit(body, feminine, skin, stream, split, covered=hair.hat == "headscarf")
    return Identity(number, body, face, hair, outfit, tone + 1, feminine, weight)


def _skin(tone: int, stream: np.random.Generator) -> Colour:
    # the scale's swatches are flat paint: a little more red and light, as skin under a lamp has
    red = (0.985, 0.875, 0.79) if tone < 5 else (0.97, 0.885, 0.815)
    base = np.array(rgb(MONK_SCALE[tone])) ** 0.88 * red
    base = base + np.array([0.05, 0.015, 0.0]) * (tone > 4)
    return jitter(tuple(np.clip(base, 0, 1).tolist()), stream, 0.4)


def _body(feminine: float, weight: float, stream: np.random.Generator) -> Body:
    n = stream.standard_normal(10).tolist()

    def clip(x: float, low: float, high: float) -> float:
        return min(max(x, low), high)

    return Body(
        stature=clip(1.04 - 0.08 * feminine + 0.03 * n[0], 0.9, 1.12),
        head=1.06 + 0.03 * n[1],
        shoulders=1.07 - 0.14 * feminine + 0.025 * n[2],
        hips=0.94 + 0.11 * feminine + 0.05 * weight + 0.02 * n[3],
        waist=clip(1.10 - 0.17 * feminine + 0.11 * weight + 0.03 * n[4], 0.82, 1.5),
        bust=max(0.0, 0.030 * feminine**1.3 + 0.004 * n[5]),
        belly=max(0.0, 0.014 * weight + 0.004 * n[6]),
        limbs=clip(1.04 - 0.10 * feminine + 0.09 * weight + 0.03 * n[7], 0.82, 1.35),
        legs=clip(1.0 + 0.025 * n[8], 0.94, 1.06),
        arms=clip(1.0 + 0.02 * n[9], 0.95, 1.05),
    )


# ---------------------------------------------------------------------------- hair


def _hair(feminine: float, tone: int, age: float, skin: Colour, stream: np.random.Generator) -> Hair:
    f, m = feminine, 1 - feminine
    hat = _hat_style(f, stream)
    coily = 1.0 + 2.5 * (tone > 5)
    styles = {
        "bald": 0.07 * m,
        "short": 0.26 * m + 0.05,
        "crop": 0.16 * m + 0.02,
        "quiff": 0.16 * m,
        "side_part": 0.17 * m + 0.02,
        "undercut": 0.12 * m + 0.02,
        "mohawk": 0.012,
        "curly": 0.08 + 0.02 * f,
        "bob": 0.17 * f,
        "long": 0.27 * f + 0.02,
        "ponytail": 0.14 * f + 0.01,
        "pigtails": 0.04 * f * (1 - age),
        "braids": 0.09 * f,
        "bun": 0.11 * f,
        "top_knot": 0.04,
        "afro": 0.035 * coily,
    }
    if hat not in ("none", "headband"):  # no style that a hat would crush
        for crushed in ("quiff", "mohawk", "pigtails", "top_knot", "afro", "undercut"):
            styles.pop(crushed)
    style: Any = lot(stream, styles)
    dark = tone > 5
    colours = {
        "black": 5.0 + 7.0 * dark,
        "dark brown": 4.0 + 2.0 * dark,
        "brown": 6.0 - 4.5 * dark,
        "blond": 4.0 - 3.6 * dark,
        "red": 2.0 - 1.7 * dark,
        "grey": 9.0 * max(0.0, age - 0.5) * 2,
        "white": 9.0 * max(0.0, age - 0.6) * 2,
        "dyed": 0.7,
    }
    name: Any = lot(stream, colours)
    codes = HAIR_COLOURS[name]
    colour = jitter(rgb(codes[int(stream.random() * len(codes))]), stream)
    u = stream.random(10).tolist()
    parting = 2 * u[0] - 1
    curl = 0.85 if style in ("afro", "curly") else 0.45 * u[1] + 0.2 if u[2] < 0.28 * coily else 0.0
    long = style in ("bob", "long", "ponytail", "pigtails", "bun")
    fringe = 0.5 + 0.5 * u[3] if long and u[4] < 0.36 else 0.0
    recede = 0.0
    if style in ("short", "crop", "side_part", "curly") and u[5] < 0.75 * m * age:
        recede = 0.45 + 0.55 * u[6]
    tips = None
    if style in ("long", "ponytail", "pigtails") and u[7] < 0.16:
        tips = scaled(colour, 1.7) if u[8] < 0.7 else rgb(HAIR_COLOURS["dyed"][int(u[9] * 5)])
    shaven = {"undercut": 0.20, "top_knot": 0.15, "mohawk": 0.30}
    parted = style in ("side_part", "bob", "long") and not fringe
    look = HairLook(
        colour,
        curl=curl,
        tips=tips,
        grey=min(0.6, 1.2 * (age - 0.35)) if name not in ("grey", "white", "dyed") and age > 0.4 else 0.0,
        fade=shaven.get(style, 0.05 if style in ("quiff", "crop", "side_part") and u[9] < 0.45 else None),
        scalp=mix(skin, colour, 0.35),
        part=0.42 * (1 if parting > 0 else -1) if style == "side_part" else 0.30 * parting if parted else None,
        plait=style == "braids",
    )
    thick = {"crop": 0.035, "afro": 0.42, "curly": 0.17, "undercut": 0.08, "top_knot": 0.07}.get(style, 0.10)
    return Hair(
        style=style,
        look=look,
        thickness=thick * (0.85 + 0.35 * u[1]),
        length=0.75 + 0.4 * u[6] if style == "bob" else 1.6 + 1.1 * u[6],
        parting=parting,
        colour=name,
        fringe=fringe,
        recede=recede,
        hat=hat,
        hat_look=_hat_look(hat, stream),
    )


def _hat_style(feminine: float, stream: np.random.Generator) -> HatStyle:
    table = {
        "none": 0.80,
        "cap": 0.055,
        "beanie": 0.04,
        "bucket": 0.02,
        "brim": 0.03,
        "headband": 0.03 * feminine,
        "headscarf": 0.06 * feminine,
    }
    return lot(stream, table)  # type: ignore[return-value]


def _hat_look(style: HatStyle, stream: np.random.Generator) -> Hat | None:
    if style == "none":
        return None
    names = list(DYES)
    first, second = (jitter(rgb(DYES[names[int(i)]][0]), stream) for i in stream.choice(len(names), 2, replace=False))
    if abs(lightness(first) - lightness(second)) < 0.2:
        second = (0.94, 0.94, 0.93) if lightness(first) < 0.55 else (0.12, 0.12, 0.13)
    patterns = {
        "beanie": ("plain", "plain", "stripes", "fairisle"),
        "headscarf": ("plain", "plain", "plain", "florals", "dots", "leaves", "ombre", "pin_dots"),
        "bucket": ("plain", "plain", "checks", "camouflage", "florals", "zebra"),
        "headband": ("plain", "dots", "stripes"),
    }.get(style, ("plain",))
    pattern: Any = patterns[int(stream.random() * len(patterns))]
    band = {"beanie": 0.020, "brim": 0.012}.get(style)
    marked = style == "cap" and stream.random() < 0.7
    return Hat(
        pattern,
        first,
        second,
        second,
        period=float(stream.uniform(0.02, 0.035)),
        weave="rib" if style == "beanie" else "smooth",
        band=None if band is None else second if stream.random() < 0.5 else scaled(first, 0.85),
        band_height=band or 0.0,
        panels=6 if style == "cap" else 0,
        mark=second if marked else None,
    )


# ---------------------------------------------------------------------------- face


def _face(feminine: float, weight: float, age: float, skin: Colour, hair: Hair, stream: np.random.Generator) -> Face:
    n, u = stream.standard_normal(22).tolist(), stream.random(22).tolist()
    f = feminine

    def near(mean: float, spread: float, k: int, low: float, high: float) -> float:
        number: float = min(max(mean + spread * n[k], low), high)
        return number

    s = np.array(skin)
    lip = s * (0.86, 0.60, 0.60) + np.array([0.05, 0.0, 0.0])
    made_up = f > 0.5 and u[0] < 0.6
    if made_up and u[1] < 0.8:
        paint = ("b03040", "c25068", "8f2d3f", "d06a6a", "7a2740", "c96a50")
        lip = 0.40 * lip + 0.60 * np.array(rgb(paint[int(u[2] * len(paint))]))
    shadows = ("6a4a7a", "8a5a3a", "3f6f8a", "b0788a", "4a4a50", "5f7a5a")
    dark_eyes = sum(skin) < 1.4
    beard: Any = "none"
    if f < 0.45:
        beard = lot(stream, {"none": 0.45, "stubble": 0.21, "moustache": 0.08, "goatee": 0.09, "full": 0.17})
    brow = scaled(mix(hair.look.rgb, (0.16, 0.12, 0.10), 0.45 if hair.colour != "white" else 0.0), 0.85)
    grey = hair.colour in ("grey", "white")
    beard_rgb = mix(hair.look.rgb, (0.75, 0.74, 0.73), 0.5) if grey and age > 0.5 else scaled(hair.look.rgb, 0.8)
    frames = ("1c1c1f", "5a3a26", "8a2b2b", "b58a4a", "2f4a6f", "8b8f96", "3f5f4a")
    metals = ("d8b45a", "c9ccd1", "e8e2d4", "2f8a8a", "b5302f")
    moles = tuple(((2 * u[k] - 1) * 0.55, -0.72 + 0.62 * u[k + 1]) for k in (15, 17) if u[k + 1] * 7 % 1 < 0.16)
    return Face(
        skin=skin,
        eye_rgb=rgb(EYE_COLOURS[int(u[3] * (3 if dark_eyes else 7))]),
        brow_rgb=brow,
        lip_rgb=tuple(np.clip(lip, 0, 1).tolist()),
        eye_size=near(1.06 + 0.10 * f, 0.08, 0, 0.85, 1.35),
        eye_open=near(0.93, 0.13, 1, 0.62, 1.25),
        eye_tilt=near(0.010, 0.022, 2, -0.035, 0.06),
        eye_spacing=near(1.0, 0.05, 3, 0.88, 1.12),
        lid=u[4],
        brow_width=near(1.20 - 0.45 * f, 0.22, 4, 0.5, 1.8),
        brow_tilt=0.028 * n[5],
        brow_arch=near(0.8 + 0.5 * f, 0.5, 6, -0.2, 2.2),
        brow_height=near(0.0, 0.022, 7, -0.04, 0.05),
        mouth_width=near(1.0, 0.13, 8, 0.72, 1.35),
        mouth_height=near(0.0, 0.018, 9, -0.035, 0.035),
        lip_upper=near(0.85 + 0.15 * f, 0.22, 10, 0.45, 1.5),
        lip_lower=near(0.95 + 0.10 * f, 0.22, 11, 0.5, 1.5),
        smile=0.05 + 1.15 * u[5],
        nose=near(1.0 - 0.08 * f, 0.22, 12, 0.6, 1.6),
        nose_width=near(1.02 - 0.08 * f, 0.17, 13, 0.7, 1.5),
        nose_length=near(1.0, 0.12, 14, 0.75, 1.25),
        jaw=near(1.06 - 0.12 * f, 0.05, 15, 0.85, 1.2),
        cheek=near(0.35 * weight, 0.45, 16, -1.0, 1.0),
        chin=near(1.03 - 0.06 * f, 0.22, 17, 0.5, 1.6),
        ears=near(1.0, 0.12, 18, 0.75, 1.3),
        age=age,
        beard=beard,
        beard_rgb=beard_rgb,
        lashes=f > 0.5,
        shadow=rgb(shadows[int(u[6] * len(shadows))]) if made_up and u[7] < 0.55 else None,
        rouge=0.6 * u[8] if made_up else 0.0,
        glasses=rgb(frames[int(u[9] * len(frames))]) if u[10] < 0.13 + 0.10 * age else None,
        glasses_shape="round" if u[11] < 0.33 else "cat" if u[11] > 1 - 0.3 * f else "square",
        tinted=u[12] < 0.15,
        freckles=u[13] < 0.14,
        moles=moles,
        earrings=rgb(metals[int(u[14] * len(metals))]) if u[19] < 0.06 + 0.45 * f else None,
    )
