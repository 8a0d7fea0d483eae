"""The surfaces of a dressed person at rest: skin, hair and clothes as patches."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..body.bones import Hold
from ..body.figure import HEAD_RADII, SIDES, Figure, smoothstep
from ..head.surface import head_of
from ..identity import Identity
from ..wardrobe.shapes import Patch
from .limbs import dressed_arm, dressed_leg
from .torso import skirt_of, torso_of


def patches_of(figure: Figure, who: Identity) -> list[Patch]:
    """Every surface of the dressed person, on the figure at rest."""
    out = [*_carried_by_the_head(figure, head_of(figure, who)), *torso_of(figure, who)]
    for side, _ in SIDES:
        out += dressed_arm(figure, who, side)
        out += dressed_leg(figure, who, side)
    if who.outfit.lower == "skirt":
        out.append(skirt_of(figure, who))
    return out


def bust_of(figure: Figure, who: Identity) -> list[Patch]:
    """Head, torso and arms alone; the first patch is the face."""
    out = [*_carried_by_the_head(figure, head_of(figure, who)), *torso_of(figure, who)]
    for side, _ in SIDES:
        out += dressed_arm(figure, who, side)
    return out


def _carried_by_the_head(figure: Figure, patches: Iterator[Patch]) -> Iterator[Patch]:
    """Bind face and hair to the head, and hair below the chin to the shoulders."""
    for patch in patches:
        shape = patch.points.shape[:2]
        local = (patch.points - figure.points["head"]) @ figure.frames["head"] / HEAD_RADII / figure.body.head
        hanging = 0.85 * smoothstep(-0.95, -1.7, local[..., 1])
        hold = Hold.rigid("head", shape)
        if hanging.any():
            hold = hold.mixed(Hold.chain("torso", np.full(shape, 0.3)), hanging)
        yield replace(patch, hold=hold)
