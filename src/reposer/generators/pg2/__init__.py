"""PG2: a coarse picture, then what it lacks (Ma et al. 2017, arXiv:1705.09368)."""

from . import recipes
from .discriminator import DCGANDiscriminator
from .network import PG2Config, PG2Drawing, PG2Generator

__all__ = ["DCGANDiscriminator", "PG2Config", "PG2Drawing", "PG2Generator", "recipes"]
