"""A tiny run as a program of its own, so that a test can kill it: python -m tests.training.run_tiny OUT STEPS."""

import dataclasses
import sys
from pathlib import Path

import torch

from reposer.generators import RECIPES
from reposer.training import Recipe, train


def recipe(steps: int = 2) -> Recipe:
    """gfla-mini at its tiny size: `steps` for each of its two stages."""
    tiny = RECIPES["gfla-mini"]().tiny()
    return dataclasses.replace(tiny, stages=tuple(dataclasses.replace(s, steps=steps) for s in tiny.stages))


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(recipe(int(sys.argv[2])), Path(sys.argv[1]), progress=False)
