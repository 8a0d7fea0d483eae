"""The appearance of a synthetic person in a fixed vocabulary."""

from .identity import HAIR_COLOURS, HAIR_STYLES, HAT_STYLES, Identity
from .wardrobe.colours import COLOUR_NAMES
from .wardrobe.patterns import PATTERNS

_TOPS = ("t-shirt", "long-sleeved shirt", "polo shirt", "shirt", "sweater", "hoodie", "sweatshirt", "tank top", "dress")
_JACKETS = ("none", "blazer", "denim jacket", "bomber jacket", "cardigan", "puffer jacket", "leather jacket")
_LOWERS = (
    "jeans", "chinos", "tailored trousers", "joggers", "track trousers", "cargo trousers", "corduroy trousers",
    "leggings", "denim shorts", "chino shorts", "sport shorts", "skirt", "pleated skirt", "denim skirt",
    "tiered skirt", "dress",
)  # fmt: skip
_WORD = {
    "tee": "t-shirt", "longsleeve": "long-sleeved shirt", "polo": "polo shirt", "tank": "tank top",
    "denim": "denim jacket", "bomber": "bomber jacket", "puffer": "puffer jacket", "leather": "leather jacket",
    "tailored": "tailored trousers", "track": "track trousers", "cargo": "cargo trousers",
    "corduroy": "corduroy trousers",
}  # fmt: skip

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "upper garment": _TOPS,
    "sleeve": ("none", "short", "elbow", "long"),
    "neckline": ("crew", "scoop", "v", "collar", "turtleneck", "hood"),
    "upper pattern": PATTERNS,
    "upper colour": COLOUR_NAMES,
    "upper second colour": ("none", *COLOUR_NAMES),
    "print": ("none", "logo", "badge", "word", "words", "number", "picture", "bands"),
    "outer layer": _JACKETS,
    "outer layer worn": ("none", "open", "closed"),
    "outer colour": ("none", *COLOUR_NAMES),
    "lower garment": _LOWERS,
    "lower length": ("mini", "short", "knee", "midi", "ankle", "long"),
    "lower pattern": PATTERNS,
    "lower colour": COLOUR_NAMES,
    "shoes": ("sneakers", "canvas shoes", "oxfords", "loafers", "ballet flats", "boots"),
    "hair style": HAIR_STYLES,
    "hair length": ("none", "short", "medium", "long", "covered"),
    "hair colour": tuple(HAIR_COLOURS),
    "glasses": ("none", "glasses", "sunglasses"),
    "beard": ("none", "stubble", "moustache", "goatee", "full"),
    "hat": HAT_STYLES,
    "skin tone": tuple(f"monk-{k}" for k in range(1, 11)),
    "body build": ("slim", "average", "heavy"),
    "age group": ("young", "middle", "old"),
    "presentation": ("feminine", "androgynous", "masculine"),
}

_SHOES = {
    "sneaker": "sneakers", "canvas": "canvas shoes", "oxford": "oxfords", "loafer": "loafers", "ballet": "ballet flats",
}  # fmt: skip


def attributes(who: Identity) -> dict[str, str]:
    """The answer to each question of `ATTRIBUTES`."""
    outfit, face = who.outfit, who.face
    upper = outfit.design("top", "dress")
    lower = outfit.design("lower", "dress")
    jacket = outfit.design("jacket")
    if upper is None or lower is None:
        raise ValueError(f"Person {who.number} wears no designs; sample them with sample_identity.")
    prints = ATTRIBUTES["print"]
    bottom = upper.cut if outfit.dress else lower.length
    return {
        "upper garment": "dress" if outfit.dress else _WORD.get(upper.cut, upper.cut),
        "sleeve": upper.length,
        "neckline": upper.neckline,
        "upper pattern": upper.pattern,
        "upper colour": upper.first,
        "upper second colour": upper.second,
        "print": upper.detail if upper.detail in prints else "none",
        "outer layer": "none" if jacket is None else _WORD.get(jacket.cut, jacket.cut),
        "outer layer worn": "none" if jacket is None else jacket.detail,
        "outer colour": "none" if jacket is None else jacket.first,
        "lower garment": "dress" if outfit.dress else _WORD.get(lower.cut, lower.cut.replace("_", " ")),
        "lower length": bottom,
        "lower pattern": lower.pattern,
        "lower colour": lower.first,
        "shoes": "boots" if outfit.boots else _SHOES[outfit.shoe.kind],
        "hair style": who.hair.style,
        "hair length": _hair_length(who),
        "hair colour": who.hair.colour,
        "glasses": "none" if face.glasses is None else "sunglasses" if face.tinted else "glasses",
        "beard": face.beard,
        "hat": who.hair.hat,
        "skin tone": f"monk-{who.tone}",
        "body build": "slim" if who.weight < -0.6 else "heavy" if who.weight > 0.8 else "average",
        "age group": "young" if face.age < 0.34 else "middle" if face.age < 0.64 else "old",
        "presentation": "feminine" if who.feminine > 0.6 else "masculine" if who.feminine < 0.4 else "androgynous",
    }


def _hair_length(who: Identity) -> str:
    if who.hair.hat == "headscarf":
        return "covered"
    match who.hair.style:
        case "bald":
            return "none"
        case "long" | "ponytail" | "pigtails" | "braids":
            return "long"
        case "bob" | "afro" | "bun" | "top_knot" | "curly":
            return "medium"
    return "short"
