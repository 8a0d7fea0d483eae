"""The one table of what run folders of earlier versions call otherwise, or did not have."""

from collections.abc import Mapping
from typing import Any

VALUES: Mapping[str, Mapping[str, str]] = {"fooled": {"drawn": "generated", "drawn-and-source": "generated-and-source"}}
"""Values of a recipe's fields, by the field's name: old value to today's."""

ADDED: Mapping[str, Any] = {"accumulation": 1}
"""Fields that recipes of earlier versions lacked, with the value that they had in effect."""

ADDED_WITHIN: Mapping[str, Any] = {
    "corrects": False,
    "first_enlarging": "orthogonal",
    "looks_up": 8,
    "photographs": True,
    "true_flow": 0.0,
}
"""The same of fields of a recipe's model, data and losses."""

GONE = frozenset({"protocol"})
"""Fields that recipes of earlier versions had, and that nothing read."""


def renewed(recipe: dict[str, Any]) -> dict[str, Any]:
    """The plain values of a recipe in today's names; current ones are unchanged."""
    return {**ADDED, **_renamed({name: value for name, value in recipe.items() if name not in GONE})}


def _renamed(recipe: Any) -> Any:
    if isinstance(recipe, dict):
        return {
            name: VALUES[name].get(value, value) if name in VALUES and isinstance(value, str) else _renamed(value)
            for name, value in recipe.items()
        }
    return [_renamed(value) for value in recipe] if isinstance(recipe, list) else recipe
