"""Clothes from their designs: materials, widths and lengths."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..body.figure import FOREARM, SHIN, SHOULDER_Y, THIGH, UPPER_ARM, Body
from .clothes import LOGOS, Cloth, Legwear, LogoName, Neckline, Plain, Print, Shoe, Skirt, Sleeve, Top, Waist
from .colours import COLOUR_NAMES, DENIM, DYES, LEATHER, Colour, ColourName, jitter, lightness, rgb, scaled
from .designs import Design, Split, lot, sample_dress, sample_jacket, sample_lower, sample_top, sample_until
from .lettering import invented_word
from .patterns import Weave

SleeveLength = Literal["none", "short", "elbow", "long"]
Lower = Literal["trousers", "shorts", "skirt"]
# End of a sleeve along the arm: 1 is the elbow, 2 the wrist.
SLEEVE_END: dict[SleeveLength, float] = {"none": 0.0, "short": 0.56, "elbow": 0.92, "long": 1.93}
_WHITE, _BLACK = (0.94, 0.94, 0.93), (0.11, 0.11, 0.12)


@dataclass(frozen=True)
class Outfit:
    """Clothes. Eases are in statures."""

    top: Top
    sleeve: SleeveLength
    sleeve_cloth: Cloth
    ease: float
    hem: float
    """Height of the top's lower edge above the middle of the hips."""
    neckline: Neckline
    turtleneck: bool
    hood: bool
    jacket: Top | None
    jacket_cloth: Cloth | None
    lower: Lower
    lower_cloth: Cloth
    lower_look: Legwear
    lower_end: float
    """End of the lower garment along the leg: 1 is the knee, 2 the ankle."""
    lower_ease: float
    lower_flare: float
    dress: bool
    shoe: Shoe
    socks: Plain | None
    boots: bool
    designs: tuple[Design, ...] = ()
    """Designs of the top or dress, of the lower garment unless it is a dress, and of the jacket if there is one."""
    sweater: bool = False
    tights: Colour | None = None
    """Colour of the legs under a skirt; None for bare skin."""

    def design(self, *garments: str) -> Design | None:
        """The design of the first of these garments that is worn."""
        return next((d for d in self.designs if d.garment in garments), None)


def sample_outfit(
    body: Body,
    feminine: float,
    skin: Colour,
    stream: np.random.Generator,
    split: Split | None = None,
    *,
    covered: bool = False,
) -> Outfit:
    """Sample clothes whose designs belong to the split; `covered` leaves only face, hands and feet bare."""
    dress = stream.random() < 0.30 * feminine
    if dress:
        upper = sample_until(lambda: sample_dress(stream, covered=covered), split)
        designs = [upper]
    else:
        upper = sample_until(lambda: sample_top(stream, feminine, covered=covered), split)
        below = sample_until(lambda: sample_lower(stream, feminine, covered=covered), split)
        designs = [upper, below]
    jacket_design = None
    if upper.neckline != "hood" and upper.cut != "sweater" and stream.random() < 0.24:
        jacket_design = sample_until(lambda: sample_jacket(stream), split)
        designs.append(jacket_design)

    skirt = dress or below.cut.endswith("skirt")
    roomy = {"sweater": 0.012, "hoodie": 0.013, "sweatshirt": 0.011, "tank": 0.005, "dress": 0.006}
    ease = roomy.get(upper.cut if not dress else "dress", 0.0075) + float(stream.uniform(-0.002, 0.003))
    chance = {"shirt": 0.4, "polo": 0.25, "tee": 0.15, "longsleeve": 0.2}.get(upper.cut, 0.05)
    tucked = dress or stream.random() < (0.6 if skirt and upper.cut != "hoodie" else chance)
    hem = 0.10 if tucked else float(stream.uniform(-0.035, 0.03))
    top = _top(upper, hem, tucked, stream)
    sleeve: Any = upper.length
    sleeve_cloth = _sleeve(upper, top, sleeve, body, ease, stream)
    jacket = jacket_cloth = None
    if jacket_design is not None:
        jacket, jacket_cloth = _jacket(jacket_design, body, ease, stream)

    lower: Lower = "skirt" if skirt else "shorts" if not dress and "shorts" in below.cut else "trousers"
    if dress:
        lower_cloth: Cloth = _skirt(upper, top.cloth, stream)
        wide, flare = 0.008, float(stream.uniform(0.2, 1.0))
        end = _skirt_end(upper.cut, stream)
        look = Legwear(lower_cloth)
    else:
        cloth = _lower_cloth(below, stream)
        wide, flare, end = _legs_cut(below, lower, stream)
        lower_cloth = _skirt(below, cloth, stream) if skirt else cloth
        look = replace(_legwear(below, cloth, lower, body, end, wide, stream), skin=scaled(skin, 0.94))
    smart = not dress and below.cut == "tailored"
    shoe, boots = _shoes(feminine, lower, smart, stream)
    socks = None
    if lower != "trousers" and not boots and shoe.kind in ("sneaker", "canvas") and stream.random() < 0.6:
        socks = Plain(_WHITE if stream.random() < 0.6 else _dye(_any_colour(stream), stream))
    tights = None
    if lower == "skirt" and socks is None and (covered or stream.random() < 0.3):
        tights = _BLACK if stream.random() < 0.6 else _dye(_any_colour(stream), stream)
    return Outfit(
        top=top,
        sleeve=sleeve,
        sleeve_cloth=sleeve_cloth,
        ease=ease,
        hem=hem,
        neckline=top.neckline,
        turtleneck=upper.neckline == "turtleneck",
        hood=upper.neckline == "hood",
        jacket=jacket,
        jacket_cloth=jacket_cloth,
        lower=lower,
        lower_cloth=lower_cloth,
        lower_look=look,
        lower_end=end,
        lower_ease=wide,
        lower_flare=flare,
        dress=dress,
        shoe=shoe,
        socks=socks,
        boots=boots,
        designs=tuple(designs),
        sweater=upper.cut in ("sweater", "sweatshirt"),
        tights=tights,
    )


def _any_colour(stream: np.random.Generator) -> ColourName:
    return COLOUR_NAMES[int(stream.random() * len(COLOUR_NAMES))]


def _dye(name: str, stream: np.random.Generator) -> Colour:
    codes = DYES[name]  # type: ignore[index]
    return jitter(rgb(codes[int(stream.random() * len(codes))]), stream, 0.8)


def _cloth(design: Design, stream: np.random.Generator, weave: Weave = "smooth", gloss: float = 0.03) -> Cloth:
    first = _dye(design.first, stream)
    second = scaled(first, 0.82) if design.second == "none" else _dye(design.second, stream)
    if design.second != "none" and abs(lightness(first) - lightness(second)) < 0.2:
        second = _WHITE if lightness(first) < 0.55 else _BLACK
    third = _dye(_any_colour(stream), stream)
    if abs(lightness(first) - lightness(third)) < 0.16:
        third = _WHITE if lightness(first) < 0.55 else _BLACK
    period, phase = stream.uniform((0.024, 0.0), (0.055, 1.0)).tolist()
    return Cloth(design.pattern, first, second, third, period, phase, gloss, weave)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- above the waist


def _top(design: Design, hem: float, tucked: bool, stream: np.random.Generator) -> Top:
    weave: Weave = "smooth"
    if design.cut == "sweater":
        weave = "cable" if design.detail == "cable" else "rib" if stream.random() < 0.2 else "knit"
    elif design.cut == "shirt" and stream.random() < 0.3:
        weave = "linen"
    cloth = _cloth(design, stream, weave)
    trimmed = design.second != "none" and design.pattern == "plain" and stream.random() < 0.7
    ribbed = design.cut in ("sweater", "sweatshirt", "hoodie")
    if ribbed and design.pattern in ("plain", "stripes", "breton"):
        cloth = replace(cloth, third=cloth.second if trimmed else scaled(cloth.first, 0.92))
    neckline: Any = {"turtleneck": "crew", "hood": "crew"}.get(design.neckline, design.neckline)
    closure: Any = {"shirt": "buttons", "polo": "placket"}.get(design.cut, "none")
    if design.garment == "dress" and (design.neckline == "collar" or design.detail == "buttons"):
        closure = "buttons"
    if design.detail == "zip":
        closure = "zip"
    pocket: Any = "none"
    if design.cut == "hoodie" and design.detail != "bands":
        pocket = "pouch"
    elif design.detail == "pockets":
        pocket = "pair" if stream.random() < 0.5 else "chest"
    elif design.cut in ("shirt", "tee") and design.detail == "none" and stream.random() < 0.25:
        pocket = "chest"
    plain_neck = neckline != "collar" and design.neckline not in ("turtleneck", "hood")
    trim = None
    if plain_neck and (ribbed or trimmed or stream.random() < 0.4):
        trim = cloth.third if ribbed else cloth.second if trimmed else scaled(cloth.first, 0.88)
    tie = None
    if design.cut == "shirt" and design.length == "long" and stream.random() < 0.14:
        tie = _dye(_any_colour(stream), stream)
    printed = _print(design, cloth, stream)
    bands: tuple[tuple[float, float, Colour], ...] = ()
    if design.detail == "bands":
        low, wide = stream.uniform((0.13, 0.022), (0.19, 0.05)).tolist()
        bands = ((low, low + wide, cloth.second),)
        if stream.random() < 0.5:
            bands += ((low - 0.016, low - 0.008, cloth.third),)
    return Top(
        cloth,
        printed=printed,
        closure=closure,
        pocket=pocket,
        hem=hem if ribbed and not tucked else None,
        neckline=neckline,
        trim=trim,
        bands=bands,
        tie=tie,
        strings=design.neckline == "hood" and printed is None,
        badge=_logo(stream) if design.detail == "badge" else None,
    )


def _logo(stream: np.random.Generator) -> LogoName:
    return LOGOS[int(stream.random() * len(LOGOS))]


def _print(design: Design, cloth: Cloth, stream: np.random.Generator) -> Print | None:
    kind = design.detail
    if kind not in ("logo", "word", "words", "number", "picture"):
        return None
    size, place, weight = stream.uniform((0.030, 0.195, 0.30), (0.046, 0.212, 0.44)).tolist()
    logo: LogoName | None = None
    lines: tuple[str, ...] = ()
    back = ""
    if kind == "logo":
        logo = _logo(stream)
        lines = (invented_word(stream),) if stream.random() < 0.4 else ()
    elif kind == "word":
        lines = (invented_word(stream),)
    elif kind == "words":
        other = str(stream.integers(1950, 2030)) if stream.random() < 0.35 else invented_word(stream)
        lines = (invented_word(stream), other)
    elif kind == "number":
        number = str(stream.integers(1, 100))
        lines, back, size = (number,), number if stream.random() < 0.6 else "", 1.5 * size
        if stream.random() < 0.3:
            lines, size = (invented_word(stream), number), size / 1.4
    elif kind == "picture":
        lines = (invented_word(stream),) if stream.random() < 0.5 else ()
    return Print(
        logo,
        lines,
        picture=kind == "picture",
        rgb=cloth.second,
        second=cloth.third,
        size=size,
        at=(0.0, place),
        weight=weight,
        slant=0.25 if stream.random() < 0.25 else 0.0,
        ground=kind in ("word", "words") and abs(lightness(cloth.second) - lightness(cloth.third)) > 0.3,
        back=back,
    )


def _sleeve(
    design: Design, top: Top, length: SleeveLength, body: Body, ease: float, stream: np.random.Generator
) -> Sleeve:
    cloth = top.cloth
    raglan = design.garment == "top" and design.neckline == "crew" and design.second != "none"
    if raglan and not top.bands and stream.random() < 0.18:  # sleeves of the second colour
        cloth = replace(cloth, pattern="plain", first=cloth.second)
    cap = 0.029 * body.limbs + 0.4 * (ease + 0.002)
    end = 0.01 + cap + _arm_length(body, SLEEVE_END[length])
    shoulder = SHOULDER_Y + 0.01 + cap
    cuff: Any = "stitch"
    if design.cut in ("sweater", "sweatshirt", "hoodie", "polo"):
        cuff = "rib"
    elif design.cut == "shirt":
        cuff = "button" if length == "long" else "turned"
    elif top.trim is not None and stream.random() < 0.5:
        cuff = "rib"
    striped = design.cut in ("sweatshirt", "hoodie", "longsleeve") and design.pattern == "plain"
    return Sleeve(
        **_fields(cloth),
        end=end,
        cuff=cuff,
        cuff_rgb=cloth.third if top.hem is not None or design.cut == "polo" else top.trim or cloth.second,
        bands=tuple((shoulder - high, shoulder - low, c) for low, high, c in top.bands),
        stripes=int(stream.integers(1, 4)) if striped and top.trim and stream.random() < 0.2 else 0,
    )


def _arm_length(body: Body, t: float) -> float:
    return body.arms * (UPPER_ARM * min(t, 1.0) + FOREARM * max(t - 1.0, 0.0))


def _fields(cloth: Cloth) -> dict[str, Any]:
    return {name: getattr(cloth, name) for name in Cloth.__dataclass_fields__}


def _jacket(design: Design, body: Body, ease: float, stream: np.random.Generator) -> tuple[Top, Sleeve]:
    cut = design.cut
    weaves: dict[str, Weave] = {"denim": "denim", "cardigan": "knit", "puffer": "puffer"}
    cloth = _cloth(design, stream, weaves.get(cut, "smooth"), gloss=0.22 if cut == "leather" else 0.03)
    if cut == "puffer" and stream.random() < 0.3:
        cloth = replace(cloth, weave="quilted")
    if cut == "denim":
        cloth = replace(cloth, first=_denim(design.first, stream))
    rib = cut in ("bomber", "cardigan")
    edge = cloth.second if design.second != "none" else scaled(cloth.first, 0.85)
    if rib and design.pattern == "plain":
        cloth = replace(cloth, third=edge)
    closed = design.detail == "closed"
    yoke = design.pattern == "plain" and design.second != "none"
    closure: Any = "zip" if cut in ("bomber", "puffer", "leather") else "buttons"
    if cut == "blazer":
        closure = "none" if not closed else "double" if stream.random() < 0.4 else "buttons"
    jacket = Top(
        cloth,
        closure=closure,
        pocket="pair" if cut == "denim" else "none",
        hem=-0.045 if rib else None,
        neckline="none",
        lapels=0.0 if closed else float(stream.uniform(0.08, 0.17)),
        notched=design.neckline == "notched",
        bands=((0.205, 0.34, cloth.second),) if cut == "puffer" and yoke else (),
        gloss=cloth.gloss,
        badge=_logo(stream) if cut in ("bomber", "puffer") and stream.random() < 0.4 else None,
    )
    cap = 0.029 * body.limbs + 0.4 * (ease + 0.009)
    sleeve = Sleeve(
        **_fields(cloth),
        end=cap + _arm_length(body, 1.95),
        cuff="rib" if rib else "button" if cut in ("blazer", "denim") else "stitch",
        cuff_rgb=cloth.third if rib else edge,
    )
    return jacket, sleeve


def _denim(name: str, stream: np.random.Generator) -> Colour:
    if name in ("blue", "navy"):
        codes = DENIM[1:4] if name == "blue" else (DENIM[0], DENIM[4])
        return jitter(rgb(codes[int(stream.random() * len(codes))]), stream, 0.5)
    return _dye(name, stream)


# ---------------------------------------------------------------------------- below the waist


def _lower_cloth(design: Design, stream: np.random.Generator) -> Cloth:
    denim = design.cut == "jeans" or design.cut.startswith("denim")
    weave: Weave = "denim" if denim else "corduroy" if design.cut == "corduroy" else "smooth"
    cloth = _cloth(design, stream, weave)
    if denim:
        cloth = replace(cloth, first=_denim(design.first, stream))
    return cloth


def _legs_cut(design: Design, lower: Lower, stream: np.random.Generator) -> tuple[float, float, float]:
    """(ease, flare, end along the leg)."""
    low, high = {"narrow": (0.15, 0.35), "straight": (0.35, 0.65), "wide": (0.65, 1.0)}[design.neckline]
    flare = float(stream.uniform(low, high))
    if lower == "skirt":
        return (0.008, flare * (0.35 if design.cut == "denim_skirt" else 1.0), _skirt_end(design.length, stream))
    if design.cut == "leggings":
        return 0.002, 0.0, float(stream.uniform(1.75, 1.95))
    if lower == "shorts":
        low, high = (0.50, 0.70) if design.length == "short" else (0.75, 0.96)
        return 0.008, flare, float(stream.uniform(low, high))
    wide = {"narrow": 0.004, "straight": 0.008, "wide": 0.016}[design.neckline]
    if design.cut in ("cargo", "joggers", "track"):
        wide = max(0.7 * wide + 0.004, 0.007)
    end = float(stream.uniform(1.86, 1.97)) - (0.13 if design.length == "ankle" else 0.0)
    if design.detail in ("turned", "frayed"):
        end -= 0.08
    return wide, 0.2 if design.cut == "joggers" else flare, end


def _skirt_end(length: str, stream: np.random.Generator) -> float:
    low, high = {"mini": (0.58, 0.75), "knee": (0.85, 1.08), "midi": (1.25, 1.58)}[length]
    return float(stream.uniform(low, high))


def _skirt(design: Design, cloth: Cloth, stream: np.random.Generator) -> Skirt:
    belted = design.detail == "belt"
    return Skirt(
        **_fields(cloth),
        pleats=int(stream.integers(14, 27)) if design.cut == "pleated_skirt" or design.detail == "pleats" else 0,
        buttons=design.detail == "buttons",
        belt=rgb(LEATHER[int(stream.integers(len(LEATHER)))]) if belted else None,
        denim_seams=design.cut == "denim_skirt",
        tiers=float(stream.uniform(0.055, 0.085)) if design.cut == "tiered_skirt" or design.detail == "tiers" else 0.0,
    )


def _legwear(
    design: Design, cloth: Cloth, lower: Lower, body: Body, end: float, wide: float, stream: np.random.Generator
) -> Legwear:
    cut, detail = design.cut, design.detail
    denim = cut in ("jeans", "denim_shorts")
    sporty = cut in ("joggers", "track", "sport_shorts", "leggings")
    threads = {"orange": (0.80, 0.55, 0.25), "white": _WHITE}
    pockets: Any = "jeans" if denim else "cargo" if cut == "cargo" else "none" if cut == "leggings" else "slash"
    waist = Waist(
        belt=rgb(LEATHER[int(stream.integers(len(LEATHER)))]) if detail == "belt" else None,
        buckle=(0.82, 0.70, 0.42) if stream.random() < 0.5 else (0.75, 0.76, 0.78),
        pockets=pockets,
        fly=not sporty,
        cord=cut in ("joggers", "sport_shorts") or (cut == "track" and detail == "two"),
        thread=threads.get(design.second) if denim else None,
    )
    cap = 0.053 * body.limbs + 0.004 + (0.5 * wide if lower == "shorts" else 0.0)
    cuffs: dict[str, Any] = {"turned": "turned", "frayed": "frayed"}
    cuff = cuffs.get(detail, "rib" if cut == "joggers" else "none" if cut == "leggings" else "stitch")
    return Legwear(
        cloth,
        belt=waist,
        seam=cut != "leggings",
        stripes={"one": 1, "two": 2, "three": 3}.get(detail, 0),
        stripe_rgb=cloth.second,
        end=cap + body.legs * (THIGH * min(end, 1.0) + SHIN * max(end - 1.0, 0.0)),
        cuff=cuff,
        wash=float(stream.uniform(0.18, 0.34)) if detail == "washed" else 0.0,
        knees="ripped" if detail == "ripped" else "none",
        crease=detail == "crease",
        cargo=cut == "cargo",
    )


def _shoes(feminine: float, lower: Lower, smart: bool, stream: np.random.Generator) -> tuple[Shoe, bool]:
    """A shoe, and whether it is a boot."""
    kind: Any = lot(
        stream,
        {
            "sneaker": 0.1 if smart else 0.4,
            "canvas": 0.05 if smart else 0.22,
            "oxford": 0.5 if smart else 0.12,
            "loafer": 0.3 if smart else 0.10,
            "ballet": 0.28 * feminine if lower == "skirt" else 0.08 * feminine,
        },
    )
    sporty = kind in ("sneaker", "canvas")
    code = LEATHER[int(stream.random() * len(LEATHER))]
    table: dict[str, float] = {
        "white": 0.30, "black": 0.2, "grey": 0.1, "navy": 0.1, "red": 0.1, "blue": 0.08, "green": 0.06, "pink": 0.06,
    }  # fmt: skip
    upper = jitter(rgb(code), stream, 0.6)
    if sporty or kind == "ballet":
        upper = _dye(lot(stream, table), stream)
    pale = sporty and stream.random() < 0.75
    accent = _dye(_any_colour(stream), stream) if kind == "sneaker" else (0.86, 0.82, 0.66)
    if abs(lightness(accent) - lightness(upper)) < 0.15:
        accent = _WHITE if lightness(upper) < 0.5 else _BLACK
    laced = sporty or kind == "oxford"
    shoe = Shoe(
        upper,
        _WHITE if pale else scaled(upper, 0.45),
        laces=(scaled(upper, 0.6) if kind == "oxford" or lightness(upper) > 0.8 else _WHITE) if laced else None,
        gloss=0.1 if sporty else 0.3,
        kind=kind,
        accent=accent,
    )
    return shoe, bool(lower != "trousers" and kind in ("oxford", "loafer") and stream.random() < 0.5)
