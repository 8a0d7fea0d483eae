"""What a run reads: the configs of data sets, as values."""

from .clips import ClipDataConfig
from .pairs import DataConfig, PairRecipe, TruePairsConfig
from .views import ViewDataConfig

__all__ = ["ClipDataConfig", "DataConfig", "PairRecipe", "TruePairsConfig", "ViewDataConfig"]
