"""Who a person is and what they wear: every choice comes from the identity's own random stream."""

import colorsys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .body import Body
from .clothes import LOGOS, PATTERNS, Cloth, Colour, Face, HairLook, Legwear, Plain, Shoe, Top

HairStyle = Literal["bald", "short", "crop", "quiff", "bob", "long", "ponytail", "bun", "afro"]
Sleeve = Literal["none", "short", "elbow", "long"]
Lower = Literal["trousers", "shorts", "skirt"]

# The ten tones of the Monk scale, from light to dark.
MONK_SCALE = (
    "f6ede4",
    "f3e7db",
    "f7ead0",
    "eadaba",
    "d7bd96",
    "a07e56",
    "825c43",
    "604134",
    "3a312a",
    "292420",
)
HAIR_COLOURS = (
    "1c1714",
    "2c211b",
    "4a3122",
    "6a4527",
    "8d5f33",
    "b98a4f",
    "dcc083",
    "a8492a",
    "8a8580",
    "cfcac2",
    "7d3b52",
)
CLOTH_COLOURS = (
    "f4f3ef",
    "e8e2d4",
    "1f2024",
    "3b3e45",
    "8b8f96",
    "c9ccd1",
    "22345c",
    "2f5d9b",
    "6d9fd3",
    "a9cbe6",
    "1f6f6b",
    "4fa79a",
    "2f6b3c",
    "7fae5a",
    "6b7040",
    "d9c23f",
    "f0dd8a",
    "d98a2f",
    "c65a2e",
    "b5302f",
    "7a1f2c",
    "d9718a",
    "f0bccb",
    "8a4f9e",
    "b8a3d6",
    "7a5236",
    "b58a5f",
    "d8bf9a",
)
LOWER_COLOURS = (
    "23252b",
    "2b3a5a",
    "3f5f8f",
    "6f8fb5",
    "1d2433",
    "4b4f57",
    "8c8f94",
    "b7a27c",
    "d6c7a5",
    "6a5a44",
    "4e5a3a",
    "7a2e35",
    "e6e3da",
    "5b3f6a",
)
SHOE_COLOURS = ("f2f2f0", "1c1c1f", "5a3a26", "8a2b2b", "2c4470", "b9a27d", "3f6a52", "9a9da2")
EYE_COLOURS = ("3b2416", "2a1a12", "5d3c1f", "4c7a9e", "5f8f62", "6f7d86")
BACKDROPS = (
    ("f5f5f4", "e6e6e4"),
    ("ffffff", "f1f1f1"),
    ("eceae6", "d8d4cc"),
    ("dfe6ec", "c3ced8"),
    ("efe4da", "dcc9b8"),
    ("d9d9dc", "b4b4ba"),
    ("e3ebe2", "c7d4c6"),
    ("e9e0ea", "cfc3d3"),
    ("b9c4cf", "8d9aa8"),
    ("cfd8dc", "aab6bc"),
)


@dataclass(frozen=True)
class Hair:
    """A hair cut. thickness: of the cap, in head radii; length: below the head's middle, in head radii."""

    style: HairStyle
    look: HairLook
    thickness: float = 0.09
    length: float = 1.0
    parting: float = 0.0
    """Side to which the hair falls, -1 to 1."""


@dataclass(frozen=True)
class Outfit:
    """Clothes. Eases are in statures."""

    top: Top
    sleeve: Sleeve
    sleeve_cloth: Cloth
    ease: float
    hem: float
    """Height of the top's lower edge above the middle of the hips."""
    neckline: Literal["crew", "scoop", "v", "collar", "none"]
    turtleneck: bool
    hood: bool
    jacket: Top | None
    jacket_cloth: Cloth | None
    lower: Lower
    lower_cloth: Cloth
    lower_look: Legwear
    lower_end: float
    """Where it ends along the leg: 1 the knee, 2 the ankle."""
    lower_ease: float
    lower_flare: float
    dress: bool
    shoe: Shoe
    socks: Plain | None
    boots: bool


@dataclass(frozen=True)
class Backdrop:
    """The studio: two colours, top and bottom, and the light's direction."""

    top: Colour
    bottom: Colour
    light: tuple[float, float, float]
    warmth: float


@dataclass(frozen=True)
class Identity:
    """One person in one set of clothes in one studio."""

    number: int
    body: Body
    face: Face
    hair: Hair
    outfit: Outfit
    backdrop: Backdrop
    tone: int
    """Place on the Monk scale, 1 to 10."""


def rgb(code: str) -> Colour:
    """The colour of a six-digit hexadecimal code."""
    r, g, b = (int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return (r, g, b)


def jitter(colour: Colour, stream: np.random.Generator, amount: float = 1.0) -> Colour:
    """A near neighbour of a colour."""
    h, s, v = colorsys.rgb_to_hsv(*colour)
    h += float(stream.normal(0, 0.012)) * amount
    s = float(np.clip(s * (1 + stream.normal(0, 0.10) * amount), 0, 1))
    v = float(np.clip(v * (1 + stream.normal(0, 0.06) * amount), 0.05, 0.99))
    return colorsys.hsv_to_rgb(h % 1.0, s, v)


def sample_identity(number: int, stream: np.random.Generator) -> Identity:
    """The person that a random stream describes."""
    feminine = float(np.clip(stream.beta(0.7, 0.7), 0, 1))
    tone = int(stream.integers(10))
    skin = _skin(tone, stream)
    body = _body(feminine, stream)
    hair = _hair(feminine, stream)
    face = _face(feminine, skin, hair, stream)
    return Identity(number, body, face, hair, _outfit(feminine, stream), _backdrop(stream), tone + 1)


def _skin(tone: int, stream: np.random.Generator) -> Colour:
    # the scale's swatches are flat paint: a little more red and light, as skin under a lamp has
    r, g, b = rgb(MONK_SCALE[tone])
    base = np.array([r, g, b]) ** 0.88 * (0.97, 0.885, 0.815)
    base = base + np.array([0.05, 0.015, 0.0]) * (tone > 4)
    return jitter(tuple(np.clip(base, 0, 1)), stream, 0.4)


def _body(feminine: float, stream: np.random.Generator) -> Body:
    n = stream.normal
    weight = float(np.clip(n(0, 1), -1.6, 2.2))
    return Body(
        stature=float(np.clip(1.04 - 0.08 * feminine + n(0, 0.03), 0.9, 1.12)),
        head=float(1.06 + n(0, 0.03)),
        shoulders=float(1.07 - 0.14 * feminine + n(0, 0.025)),
        hips=float(0.94 + 0.11 * feminine + 0.05 * weight + n(0, 0.02)),
        waist=float(np.clip(1.10 - 0.17 * feminine + 0.11 * weight + n(0, 0.03), 0.82, 1.5)),
        bust=float(max(0.0, 0.030 * feminine**1.3 + n(0, 0.004))),
        belly=float(max(0.0, 0.014 * weight + n(0, 0.004))),
        limbs=float(np.clip(1.04 - 0.10 * feminine + 0.09 * weight + n(0, 0.03), 0.82, 1.35)),
        legs=float(np.clip(1.0 + n(0, 0.025), 0.94, 1.06)),
        arms=float(np.clip(1.0 + n(0, 0.02), 0.95, 1.05)),
    )


def _pick(stream: np.random.Generator, table: dict[str, float]) -> Any:
    names, weights = list(table), np.array(list(table.values()), float)
    return names[int(stream.choice(len(names), p=weights / weights.sum()))]


def _hair(feminine: float, stream: np.random.Generator) -> Hair:
    f, m = feminine, 1 - feminine
    style = _pick(
        stream,
        {
            "bald": 0.06 * m,
            "short": 0.38 * m + 0.05,
            "crop": 0.2 * m,
            "quiff": 0.25 * m,
            "bob": 0.22 * f,
            "long": 0.32 * f + 0.02,
            "ponytail": 0.2 * f + 0.01,
            "bun": 0.13 * f + 0.01,
            "afro": 0.09,
        },
    )
    colour = jitter(
        rgb(HAIR_COLOURS[int(stream.choice(11, p=np.array([5, 5, 4, 3, 3, 2, 2, 1.5, 1, 0.8, 0.6]) / 27.9))]),
        stream,
    )
    return Hair(
        style=style,
        look=HairLook(colour, curl=0.8 if style == "afro" else float(stream.random() < 0.2) * 0.35),
        thickness=float({"crop": 0.035, "afro": 0.42}.get(style, 0.10) * stream.uniform(0.85, 1.2)),
        length=float(stream.uniform(0.75, 1.15) if style == "bob" else stream.uniform(1.6, 2.7)),
        parting=float(stream.uniform(-1, 1)),
    )


def _face(feminine: float, skin: Colour, hair: Hair, stream: np.random.Generator) -> Face:
    s = np.array(skin)
    lip = s * (0.86, 0.60, 0.60) + np.array([0.05, 0.0, 0.0])
    if feminine > 0.5 and stream.random() < 0.5:
        lip = 0.45 * lip + 0.55 * np.array(rgb(("b03040", "c25068", "8f2d3f")[int(stream.integers(3))]))
    dark_eyes = sum(skin) < 1.4
    beard: Any = "none"
    if feminine < 0.45:
        beard = _pick(stream, {"none": 0.55, "stubble": 0.2, "moustache": 0.07, "full": 0.18})
    brow = np.array(hair.look.rgb) * 0.62
    return Face(
        skin=skin,
        eye_rgb=rgb(EYE_COLOURS[int(stream.integers(3 if dark_eyes else 6))]),
        brow_rgb=tuple(brow),
        lip_rgb=tuple(np.clip(lip, 0, 1)),
        eye_size=float(np.clip(1.08 + 0.1 * feminine + stream.normal(0, 0.09), 0.85, 1.4)),
        eye_spacing=float(np.clip(1 + stream.normal(0, 0.05), 0.88, 1.12)),
        brow_width=float(np.clip(1.25 - 0.5 * feminine + stream.normal(0, 0.2), 0.5, 1.8)),
        brow_tilt=float(stream.normal(0.0, 0.025)),
        mouth_width=float(np.clip(1 + stream.normal(0, 0.12), 0.75, 1.3)),
        smile=float(stream.uniform(0.1, 1.2)),
        nose=float(np.clip(1 + stream.normal(0, 0.22), 0.6, 1.6)),
        jaw=float(np.clip(1.06 - 0.12 * feminine + stream.normal(0, 0.05), 0.85, 1.2)),
        beard=beard,
        lashes=feminine > 0.5,
        glasses=rgb(("1c1c1f", "5a3a26", "8a2b2b")[int(stream.integers(3))])
        if stream.random() < 0.13
        else None,
        freckles=bool(stream.random() < 0.12),
    )


def _cloth(stream: np.random.Generator, colours: tuple[str, ...], plain: float) -> Cloth:
    first, second, third = (rgb(colours[int(i)]) for i in stream.choice(len(colours), 3, replace=False))
    # a pattern has to be seen: its two colours differ in lightness
    if abs(sum(first) - sum(second)) < 0.6:
        second = (0.95, 0.94, 0.91) if sum(first) < 1.7 else (0.13, 0.14, 0.17)
    pattern = "plain" if stream.random() < plain else PATTERNS[1 + int(stream.integers(len(PATTERNS) - 1))]
    return Cloth(
        pattern,
        jitter(first, stream),
        jitter(second, stream),
        jitter(third, stream),
        period=float(stream.uniform(0.024, 0.055)),
        phase=float(stream.random()),
    )


def _outfit(feminine: float, stream: np.random.Generator) -> Outfit:
    dress = bool(stream.random() < 0.30 * feminine)
    lower: Any = (
        "skirt" if dress else _pick(stream, {"trousers": 0.66, "shorts": 0.17, "skirt": 0.36 * feminine})
    )
    cloth = _cloth(stream, CLOTH_COLOURS, 0.42)
    sleeve = _pick(stream, {"none": 0.05 + 0.13 * feminine, "short": 0.42, "elbow": 0.08, "long": 0.40})
    neckline = _pick(stream, {"crew": 0.5, "v": 0.18, "scoop": 0.05 + 0.2 * feminine, "collar": 0.22})
    long = sleeve == "long"
    turtleneck = bool(long and neckline == "crew" and stream.random() < 0.2)
    hood = bool(long and not dress and neckline == "crew" and not turtleneck and stream.random() < 0.3)
    closure: Any = (
        "buttons" if neckline == "collar" else ("zip" if hood and stream.random() < 0.5 else "none")
    )
    logo = None
    if cloth.pattern == "plain" and closure == "none" and stream.random() < 0.55:
        logo = LOGOS[int(stream.integers(len(LOGOS)))]
    tucked = dress or (lower == "skirt" and stream.random() < 0.7) or stream.random() < 0.25
    hem = 0.10 if tucked else float(stream.uniform(-0.035, 0.03))
    band = hem if (not tucked and long and stream.random() < 0.5) else None
    top = Top(
        cloth,
        logo=logo,
        logo_rgb=cloth.second,
        logo_size=float(stream.uniform(0.03, 0.05)),
        number=int(stream.integers(1, 100)),
        closure=closure,
        pocket=bool(logo is None and stream.random() < 0.25),
        hem=band,
        neckline=neckline,
    )
    sleeve_cloth = cloth
    if not dress and neckline == "crew" and stream.random() < 0.12:  # raglan: sleeves of the second colour
        sleeve_cloth = Cloth("plain", cloth.second, cloth.second, cloth.second)
    jacket = None
    jacket_cloth = None
    if not hood and stream.random() < 0.22:
        jacket_cloth = _cloth(stream, CLOTH_COLOURS, 0.72)
        jacket = Top(jacket_cloth, lapels=float(stream.uniform(0.08, 0.17)), neckline="none")
    lower_cloth = cloth if dress else _cloth(stream, LOWER_COLOURS, 0.80)
    belt = (
        rgb(("3a2619", "1c1c1f", "6a4a2c")[int(stream.integers(3))])
        if lower == "trousers" and stream.random() < 0.5
        else None
    )
    ends = {"trousers": (1.86, 1.97), "shorts": (0.55, 0.95), "skirt": (0.6, 1.55)}[lower]
    wide = float(stream.choice([0.004, 0.008, 0.016], p=[0.4, 0.4, 0.2]))
    shoe_rgb = jitter(rgb(SHOE_COLOURS[int(stream.integers(len(SHOE_COLOURS)))]), stream)
    white_sole = stream.random() < 0.6
    return Outfit(
        top=top,
        sleeve=sleeve,
        sleeve_cloth=sleeve_cloth,
        ease=float(stream.uniform(0.004, 0.011)),
        hem=hem,
        neckline=neckline,
        turtleneck=turtleneck,
        hood=hood,
        jacket=jacket,
        jacket_cloth=jacket_cloth,
        lower=lower,
        lower_cloth=lower_cloth,
        lower_look=Legwear(lower_cloth, belt=belt),
        lower_end=float(stream.uniform(*ends)),
        lower_ease=wide,
        lower_flare=float(stream.uniform(0.2, 1.0)),
        dress=dress,
        shoe=Shoe(
            shoe_rgb,
            (0.93, 0.93, 0.92) if white_sole else tuple(np.array(shoe_rgb) * 0.45),
            laces=(0.95, 0.95, 0.95) if white_sole else None,
        ),
        socks=Plain((0.92, 0.92, 0.92)) if lower != "trousers" and stream.random() < 0.4 else None,
        boots=bool(lower != "trousers" and stream.random() < 0.2),
    )


def _backdrop(stream: np.random.Generator) -> Backdrop:
    top, bottom = BACKDROPS[int(stream.integers(len(BACKDROPS)))]
    side = float(stream.uniform(-0.7, 0.7))
    return Backdrop(
        jitter(rgb(top), stream, 0.4),
        jitter(rgb(bottom), stream, 0.4),
        (side, 0.75, 0.85),
        float(stream.normal(0, 0.02)),
    )
