"""A tiny run, which a test can also start as a process and kill."""

import dataclasses
from pathlib import Path

from reposer.generators import RECIPES
from reposer.training import Recipe, train


def recipe(steps: int = 2) -> Recipe:
    """pg2-mini, which is saved the fastest, at its tiny size: `steps` for each of its two stages."""
    tiny = RECIPES["pg2-mini"]().tiny()
    return dataclasses.replace(tiny, stages=tuple(dataclasses.replace(s, steps=steps) for s in tiny.stages))


def run(out: Path, steps: int) -> None:
    """Trains the tiny run in the folder `out`, or goes on there; each step is saved."""
    train(dataclasses.replace(recipe(steps), save_every=1), out, progress=False)
