"""From a posed body and an identity to the surfaces that a camera sees: skin, hair and clothes as patches."""

from .body import SIDES, Figure
from .head import head_of
from .identity import Identity
from .limbs import dressed_arm, dressed_leg
from .shapes import Patch
from .torso import skirt_of, torso_of


def patches_of(figure: Figure, who: Identity) -> list[Patch]:
    """Every surface of the dressed person."""
    out: list[Patch] = []
    out += head_of(figure, who)
    out += torso_of(figure, who)
    for side, _ in SIDES:
        out += dressed_arm(figure, who, side)
        out += dressed_leg(figure, who, side)
    if who.outfit.lower == "skirt":
        out.append(skirt_of(figure, who))
    return out
