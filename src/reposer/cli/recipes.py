"""`reposer recipes`: what can be trained."""

import inspect
import json as json_text
import re
from collections.abc import Iterator, Sequence
from typing import Any

from rich.padding import Padding

from reposer.core.terminal import Terminal

from .options import called

INDENT = (0, 0, 0, 4)  # indent of a recipe's description, in columns


def run(arguments: Sequence[str]) -> int:
    return called(show, arguments, "recipes", __doc__)


def show(*, json: bool = False) -> int:
    """List each recipe with its size, steps, batch, the features that its losses use, and a description.

    Args:
        json: print a list of objects for a program.
    """
    terminal = Terminal()
    if json:
        terminal.text(json_text.dumps(list(described()), indent=2))
        return 0
    for recipe in described():
        size = "x".join(map(str, recipe["size"]))
        features = f" · features: {', '.join(recipe['features'])}" if recipe["features"] else ""
        numbers = f"{size} · {recipe['steps']:,} steps of {recipe['batch_size']}{features}"
        terminal.say(recipe["name"], style="bold")
        terminal.print(Padding(numbers, INDENT), Padding(recipe["about"], INDENT))
    return 0


def described() -> Iterator[dict[str, Any]]:
    """Every recipe as plain values. size: (height, width) in pixels. about: the first sentence of its docstring."""
    from .trainable import trainable

    for name, build in trainable().items():
        recipe = build()
        features = dict.fromkeys(getattr(stage.objective, "features", None) for stage in recipe.stages)
        yield {
            "name": name,
            "size": list(getattr(recipe.model, "framing", recipe.model).size),
            "steps": recipe.steps,
            "batch_size": recipe.batch_size,
            "features": [found for found in features if found is not None],
            "about": _first_sentence(inspect.cleandoc(build.__doc__ or "")),
        }


def _first_sentence(text: str) -> str:
    """The text up to a full stop at the end of a line or before a capital letter."""
    found = re.search(r".*?\.(?=\n|\s[A-Z]|$)", text, re.DOTALL)
    return " ".join((found.group() if found else text).split())
