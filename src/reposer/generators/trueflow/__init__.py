"""TrueFlow: a generator that knows where every pixel comes from."""

from . import training  # registers the recipes
from .model import TrueFlow, TrueFlowConfig
from .training import trueflow_personal

__all__ = ["TrueFlow", "TrueFlowConfig", "training", "trueflow_personal"]
