"""Recipes of one machinery: the same kind of network, data and objectives, in other sizes and with other weights."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest


def one_of_each(recipes: Mapping[str, Any], *, but: str = "") -> pytest.MarkDecorator:
    """The last recipe with each machinery, with the most objectives of its family; the others, and the one called
    `but`, are tested nightly.

    For truths that cost seconds. What is cheap is tested with every recipe.
    """
    kinds = {name: _machinery(build()) for name, build in recipes.items()}
    one = {
        (kind, objectives): name
        for name, (kind, objectives) in kinds.items()
        if not any(kind == other and objectives < more for other, more in kinds.values())
    }
    names = set(one.values()) - {but}
    marked = [pytest.param(name, marks=() if name in names else pytest.mark.nightly) for name in recipes]
    return pytest.mark.parametrize("name", marked)


AS_FACES = "gfla-animation-mini"
"""Nightly, since it takes the longest of all: its objectives, steps and kind of memory are those of gfla-face-mini."""

OF_CLIPS = ("gfla-animation-mini", "gfla-face-mini")
"""Recipes of both families of clips, whose steps are one or more updates."""


def tiny(recipe: Any, *, updates: int = 1) -> Any:
    """The recipe at its tiny size; the clips of those `OF_CLIPS` have the frames of this many updates.

    Nightly tests train two, of which the second continues from the first.
    """
    small = recipe.tiny()
    if recipe.name not in OF_CLIPS:
        return small
    return replace(small, data=replace(small.data, frames=updates * small.stages[-1].objective.chunk))


def _machinery(recipe: Any) -> tuple[tuple[type, type], frozenset[type]]:
    return (type(recipe.model), type(recipe.data)), frozenset(type(stage.objective) for stage in recipe.stages)
