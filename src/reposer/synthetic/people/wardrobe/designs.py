"""Designs: coarse descriptions of garments, each of which may be worn in one split only.

No design is worn in two splits.
"""

import hashlib
from bisect import bisect
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np

from .colours import COLOUR_NAMES, DYES, ColourName, lightness, rgb

Split = Literal["train", "val", "test"]
_TRIES = 5_000


class Design(NamedTuple):
    """A garment in words. second: "none" if no second colour shows; detail: the print or another feature."""

    garment: Literal["top", "dress", "lower", "jacket"]
    cut: str
    length: str
    """Length of the sleeves or legs."""
    neckline: str
    """Neckline; for a jacket its kind of collar, for trousers and skirts how wide they are cut."""
    pattern: str
    first: ColourName
    second: str
    detail: str


def design_split(key: tuple[str, ...]) -> Split:
    """The split that owns a design: train, val and test own 90, 5 and 5 % of all keys."""
    lot = int.from_bytes(hashlib.sha256("|".join(key).encode()).digest()[:8]) % 100
    return "train" if lot < 90 else "val" if lot < 95 else "test"


def sample_until(sample: Callable[[], Design], split: Split | None) -> Design:
    """Sample designs until one belongs to the split; None accepts any."""
    for _ in range(_TRIES):
        design = sample()
        if split is None or design_split(design) == split:
            return design
    raise RuntimeError(
        f"None of {_TRIES} designs belongs to the split '{split}'; the last was {design}. "
        f"Designs of this kind are too few: add colours or patterns."
    )


def lot(stream: np.random.Generator, table: Mapping[str, float]) -> str:
    """Sample a key of the table in proportion to its weight."""
    total, sums = 0.0, []
    for weight in table.values():
        total += weight
        sums.append(total)
    return list(table)[min(bisect(sums, stream.random() * total), len(sums) - 1)]


_LIGHT = {name: lightness(rgb(DYES[name][0])) for name in COLOUR_NAMES}
# A pattern must be visible: its two colours differ in lightness.
_CONTRAST: dict[str, dict[str, float]] = {
    a: {b: (2.0 if b in ("white", "black", "navy") else 1.0) for b in COLOUR_NAMES if abs(_LIGHT[a] - _LIGHT[b]) > 0.24}
    for a in COLOUR_NAMES
}  # fmt: skip
_CLOTH: dict[str, float] = dict(
    zip(COLOUR_NAMES, (1.2, 1.3, 1.1, 0.9, 0.6, 1.1, 0.9, 0.8, 0.9, 1.1, 0.8, 1.2, 1.1, 0.8), strict=True)
)
_SOBER: dict[str, float] = dict(
    zip(COLOUR_NAMES, (2.2, 0.6, 1.8, 1.6, 1.2, 0.5, 0.3, 0.3, 0.3, 1.1, 0.5, 0.9, 1.8, 0.4), strict=True)
)
_JEANS: dict[str, float] = {"blue": 4.0, "navy": 2.5, "black": 1.4, "grey": 0.9, "white": 0.5, "beige": 0.4}

_EASY = (
    "stripes", "breton", "uneven", "gradient", "ombre", "blocks", "dots", "polka", "hearts", "stars", "florals",
    "daisies", "roses", "leaves", "camouflage", "abstract", "leopard", "zebra", "tiedye", "splatter", "waves",
    "zigzag", "diamonds", "triangles", "checkerboard", "deckchair", "pin_dots",
)  # fmt: skip
_SHIRTS = (
    "pinstripes", "deckchair", "checks", "gingham", "windowpane", "plaid", "tartan", "pin_dots", "florals", "leaves",
    "daisies", "roses", "abstract", "waves", "uneven", "checks", "plaid", "tartan", "polka",
)  # fmt: skip
_KNITS = (
    "stripes", "breton", "uneven", "argyle", "fairisle", "zigzag", "blocks", "diamonds", "fairisle", "argyle",
    "houndstooth", "checkerboard", "hearts",
)  # fmt: skip
_GOWNS = (
    "florals", "daisies", "roses", "leaves", "dots", "polka", "pin_dots", "stripes", "gingham", "checks", "waves",
    "abstract", "gradient", "ombre", "leopard", "zigzag", "tiedye", "houndstooth", "deckchair", "hearts", "diamonds",
)  # fmt: skip
_SUITING = ("pinstripes", "windowpane", "houndstooth", "plaid", "checks", "tartan")
_PRINTS = {
    "none": 0.22, "logo": 0.16, "badge": 0.12, "word": 0.13, "words": 0.12, "number": 0.10, "picture": 0.08,
    "bands": 0.07,
}  # fmt: skip
_LEGGINGS = ("leopard", "zebra", "abstract", "camouflage", "florals", "waves")
_CHINO_SHORTS = ("florals", "leaves", "plaid", "checks", "stripes", "pin_dots")


def _one_of(stream: np.random.Generator, names: tuple[str, ...]) -> str:
    return names[int(stream.random() * len(names))]


def _colours(stream: np.random.Generator, table: Mapping[str, float], *, second: bool) -> tuple[ColourName, str]:
    first: ColourName = lot(stream, table)  # type: ignore[assignment]
    return first, lot(stream, _CONTRAST[first]) if second else "none"


def sample_top(stream: np.random.Generator, feminine: float, *, covered: bool = False) -> Design:
    """Sample a shirt, sweater or similar; `covered` has long sleeves and a high neck."""
    f = feminine
    cuts = {
        "tee": 0.0 if covered else 0.27, "longsleeve": 0.10, "polo": 0.0 if covered else 0.09, "shirt": 0.20,
        "sweater": 0.15, "hoodie": 0.0 if covered else 0.12, "sweatshirt": 0.10,
        "tank": 0.0 if covered else 0.04 + 0.09 * f,
    }  # fmt: skip
    cut = lot(stream, cuts)
    names: tuple[str, ...] = _EASY
    length, neckline, plain = "long", "crew", 0.5
    if cut == "tee":
        length = "short" if stream.random() < 0.85 else "elbow"
        neckline = lot(stream, {"crew": 0.6, "v": 0.2, "scoop": 0.05 + 0.25 * f})
    elif cut == "longsleeve":
        neckline = "crew" if covered else lot(stream, {"crew": 0.6, "v": 0.2, "scoop": 0.2 * f, "turtleneck": 0.2})
    elif cut == "polo":
        length, neckline, plain = "short", "collar", 0.55
    elif cut == "shirt":
        length = "long" if covered else lot(stream, {"long": 0.6, "short": 0.28, "elbow": 0.12})
        neckline, names, plain = "collar", _SHIRTS, 0.32
    elif cut == "sweater":
        neckline, names, plain = lot(stream, {"crew": 0.5, "v": 0.25, "turtleneck": 0.25}), _KNITS, 0.45
    elif cut == "hoodie":
        neckline, plain = "hood", 0.75
    elif cut == "sweatshirt":
        plain = 0.75
    elif cut == "tank":
        length, neckline = "none", lot(stream, {"crew": 0.3, "v": 0.25, "scoop": 0.45})
    pattern = "plain" if stream.random() < plain else _one_of(stream, names)
    detail = "none"
    if pattern == "plain":
        if cut in ("tee", "longsleeve", "hoodie", "sweatshirt", "tank"):
            detail = lot(stream, _PRINTS)
        elif cut == "sweater":
            detail = lot(stream, {"none": 0.35, "cable": 0.35, "bands": 0.3})
        else:
            detail = lot(stream, {"none": 0.5, "badge": 0.3, "pockets": 0.2})
    if detail == "none" and cut == "hoodie":
        detail = "zip"
    marked = pattern != "plain" or detail not in ("none", "pockets", "cable")
    first, second = _colours(stream, _CLOTH, second=marked or stream.random() < 0.4)
    return Design("top", cut, length, neckline, pattern, first, second, detail)


def sample_dress(stream: np.random.Generator, *, covered: bool = False) -> Design:
    """Sample a dress, whose cut is the skirt's length."""
    length = "long" if covered else lot(stream, {"none": 0.3, "short": 0.35, "elbow": 0.1, "long": 0.25})
    neckline = "crew" if covered else lot(stream, {"crew": 0.3, "scoop": 0.3, "v": 0.25, "collar": 0.15})
    cut = "midi" if covered else lot(stream, {"mini": 0.25, "knee": 0.4, "midi": 0.35})
    pattern = "plain" if stream.random() < 0.3 else _one_of(stream, _GOWNS)
    detail = lot(stream, {"none": 0.45, "belt": 0.25, "pleats": 0.2, "tiers": 0.2, "buttons": 0.12})
    first, second = _colours(stream, _CLOTH, second=pattern != "plain" or stream.random() < 0.4)
    return Design("dress", cut, length, neckline, pattern, first, second, detail)


def sample_lower(stream: np.random.Generator, feminine: float, *, covered: bool = False) -> Design:
    """Sample trousers, shorts or a skirt."""
    f = 1.0 if covered else feminine
    cuts = {
        "jeans": 0.30, "chinos": 0.16, "tailored": 0.10, "joggers": 0.09, "track": 0.07, "cargo": 0.06,
        "corduroy": 0.05, "leggings": 0.14 * f**2, "denim_shorts": 0.06, "chino_shorts": 0.06,
        "sport_shorts": 0.06, "skirt": 0.14 * f, "pleated_skirt": 0.09 * f, "denim_skirt": 0.06 * f,
        "tiered_skirt": 0.06 * f,
    }  # fmt: skip
    if covered:
        cuts = {k: w for k, w in cuts.items() if "shorts" not in k and "denim_skirt" not in k}
    cut = lot(stream, cuts)
    table: Mapping[str, float] = _SOBER
    length, pattern, detail, second = "long", "plain", "none", False
    width = lot(stream, {"narrow": 0.35, "straight": 0.4, "wide": 0.25})
    if cut in ("jeans", "chinos", "tailored", "leggings", "corduroy") and stream.random() < 0.3:
        length = "ankle"
    number = stream.random()
    if cut == "jeans":
        table = _JEANS
        details = {"none": 0.25, "washed": 0.25, "ripped": 0.14, "turned": 0.16, "frayed": 0.1, "belt": 0.15}
        detail = lot(stream, details)
    elif cut in ("chinos", "corduroy"):
        detail = lot(stream, {"none": 0.3, "belt": 0.45, "turned": 0.25})
        if cut == "chinos" and number < 0.08:
            pattern = _one_of(stream, _SUITING)
    elif cut == "tailored":
        detail = lot(stream, {"none": 0.2, "belt": 0.3, "crease": 0.5})
        pattern = _one_of(stream, _SUITING) if number < 0.35 else "plain"
    elif cut in ("joggers", "track"):
        details = {"cord": 0.6, "badge": 0.4} if cut == "joggers" else {"one": 0.3, "two": 0.3, "three": 0.4}
        detail = lot(stream, details)
        second = True
        pattern = "camouflage" if cut == "joggers" and number < 0.12 else "plain"
    elif cut == "cargo":
        detail = lot(stream, {"belt": 0.4, "none": 0.6})
        pattern = "camouflage" if number < 0.22 else "plain"
    elif cut == "leggings":
        pattern = _one_of(stream, _LEGGINGS) if number < 0.2 else "plain"
        detail = lot(stream, {"none": 0.6, "one": 0.2, "two": 0.2})
        second = detail != "none"
    elif cut.endswith("shorts"):
        length = lot(stream, {"short": 0.45, "knee": 0.55})
        if cut == "denim_shorts":
            table, detail = _JEANS, lot(stream, {"washed": 0.4, "frayed": 0.35, "turned": 0.25})
        elif cut == "chino_shorts":
            detail = lot(stream, {"belt": 0.4, "none": 0.3, "turned": 0.3})
            pattern = _one_of(stream, _CHINO_SHORTS) if number < 0.35 else "plain"
        else:
            detail, second, table = lot(stream, {"one": 0.3, "two": 0.4, "three": 0.3}), True, _CLOTH
    else:
        length = "midi" if covered else lot(stream, {"mini": 0.3, "knee": 0.4, "midi": 0.3})
        if cut == "denim_skirt":
            table, length, detail = (_JEANS, "mini" if number < 0.6 else "knee", "buttons" if number < 0.4 else "none")
        else:
            table = _CLOTH
            names = ("plaid", "tartan", "checks", "houndstooth") if cut == "pleated_skirt" else _GOWNS
            pattern = _one_of(stream, names) if number < 0.45 else "plain"
            detail = lot(stream, {"none": 0.6, "belt": 0.25, "buttons": 0.15}) if cut == "skirt" else "none"
    first, other = _colours(stream, table, second=second or pattern != "plain")
    if table is _JEANS:  # the thread
        other = lot(stream, {"none": 0.4, "orange": 0.4, "white": 0.2})
    return Design("lower", cut, length, width, pattern, first, other, detail)


def sample_jacket(stream: np.random.Generator) -> Design:
    """Sample a jacket; its detail says whether it is worn open."""
    cuts = {"blazer": 0.28, "denim": 0.17, "bomber": 0.15, "cardigan": 0.18, "puffer": 0.12, "leather": 0.10}
    cut = lot(stream, cuts)
    table: Mapping[str, float] = _JEANS if cut == "denim" else _SOBER if cut in ("blazer", "leather") else _CLOTH
    pattern = "plain"
    if cut == "blazer" and stream.random() < 0.35:
        pattern = _one_of(stream, _SUITING)
    elif cut == "cardigan" and stream.random() < 0.35:
        pattern = _one_of(stream, ("stripes", "breton", "argyle", "fairisle", "blocks", "diamonds"))
    elif cut in ("bomber", "puffer") and stream.random() < 0.15:
        pattern = _one_of(stream, ("camouflage", "blocks", "florals"))
    detail = "closed" if stream.random() < 0.32 else "open"
    trimmed = pattern != "plain" or (cut not in ("blazer", "leather") and stream.random() < 0.45)
    collar = "plain"
    if cut in ("blazer", "leather"):
        collar = lot(stream, {"notched": 0.7, "plain": 0.3})
    first, second = _colours(stream, table, second=trimmed)
    return Design("jacket", cut, "long", collar, pattern, first, second, detail)
