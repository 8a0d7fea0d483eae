"""`reposer recipes`: what can be trained."""

import inspect
from collections.abc import Sequence

import tyro
from rich.table import Table

from reposer.core.terminal import Terminal


def run(arguments: Sequence[str]) -> int:
    tyro.cli(_show, args=list(arguments), prog="reposer recipes", description=__doc__)
    return 0


def _show() -> None:
    from .trainable import trainable

    table = Table(box=None, pad_edge=False)
    for column in ("recipe", "size", "steps", "batch", "features", "what it is"):
        table.add_column(column, style="bold" if column == "recipe" else "")
    for name, build in trainable().items():
        recipe = build()
        features = ", ".join(dict.fromkeys(getattr(s.objective, "features", "-") for s in recipe.stages))
        size = "x".join(map(str, recipe.model.size))
        about = inspect.cleandoc(build.__doc__ or "").splitlines()[0]
        table.add_row(name, size, f"{recipe.steps:,}", str(recipe.batch_size), features, about)
    Terminal().print(table)
