"""Structure: whether the joints lie where they were asked for."""

from .part import Structural

__all__ = ["Structural"]
