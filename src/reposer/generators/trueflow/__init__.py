"""TrueFlow: a generator that knows where every pixel comes from."""

from . import training  # registers the recipes
from .model import TrueFlow, TrueFlowConfig

__all__ = ["TrueFlow", "TrueFlowConfig", "training"]
