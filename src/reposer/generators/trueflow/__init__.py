"""TrueFlow: a generator that knows where every pixel comes from."""

from .model import TrueFlow, TrueFlowConfig

__all__ = ["TrueFlow", "TrueFlowConfig"]
