"""Configs of the data sets that a training run reads."""

from .clips import ClipDataConfig
from .pairs import DataConfig, PairRecipe, TruePairsConfig
from .views import ViewDataConfig

__all__ = ["ClipDataConfig", "DataConfig", "PairRecipe", "TruePairsConfig", "ViewDataConfig"]
