"""Structure: whether the joints lie where the target pose has them."""

from .part import Structural

__all__ = ["Structural"]
