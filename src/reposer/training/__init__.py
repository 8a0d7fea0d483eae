"""The training loop and its inputs: objectives yield turns, recipes determine a run completely."""

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
