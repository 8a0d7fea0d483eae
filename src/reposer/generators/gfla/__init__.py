"""GFLA: global flow, local attention (Ren et al. 2020, arXiv:2003.00696)."""

from . import clip_recipes, recipes, released, view_recipes
from .discriminator import ResDiscriminator
from .network import GFLAConfig, GFLAGenerator, GFLAOutput

__all__ = [
    "GFLAConfig",
    "GFLAGenerator",
    "GFLAOutput",
    "ResDiscriminator",
    "clip_recipes",
    "recipes",
    "released",
    "view_recipes",
]
