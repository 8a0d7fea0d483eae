"""The loop and what it is told: objectives yield turns, recipes decide a run completely."""

from .loop import TrainingStopped, train
from .objective import Objective, Turn, frozen
from .recipe import (
    PROBE_RECIPES,
    RECIPES,
    Adam,
    ClipDataConfig,
    DataConfig,
    RAdam,
    Recipe,
    Stage,
    Start,
    ViewDataConfig,
)

__all__ = [
    "PROBE_RECIPES",
    "RECIPES",
    "Adam",
    "ClipDataConfig",
    "DataConfig",
    "Objective",
    "RAdam",
    "Recipe",
    "Stage",
    "Start",
    "TrainingStopped",
    "Turn",
    "ViewDataConfig",
    "frozen",
    "train",
]
