"""The one table of what run folders of earlier versions call otherwise."""

from collections.abc import Mapping
from typing import Any

VALUES: Mapping[str, Mapping[str, str]] = {"fooled": {"drawn": "generated", "drawn-and-source": "generated-and-source"}}
"""Values of a recipe's fields, by the field's name: old value to today's."""


def renewed(recipe: Any) -> Any:
    """The plain values of a recipe in today's names; current ones are unchanged."""
    if isinstance(recipe, dict):
        return {
            name: VALUES[name].get(value, value) if name in VALUES and isinstance(value, str) else renewed(value)
            for name, value in recipe.items()
        }
    return [renewed(value) for value in recipe] if isinstance(recipe, list) else recipe
