"""The loop and what it is told: objectives yield turns, recipes decide a run completely."""

from .loop import TrainingStopped, train
from .objective import Objective, Turn, frozen
from .recipe import PROBE_RECIPES, RECIPES, Adam, RAdam, Recipe, Stage, Start

__all__ = [
    "PROBE_RECIPES",
    "RECIPES",
    "Adam",
    "Objective",
    "RAdam",
    "Recipe",
    "Stage",
    "Start",
    "TrainingStopped",
    "Turn",
    "frozen",
    "train",
]
