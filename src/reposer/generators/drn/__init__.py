"""RATE-Net and DRN: PATN's coarse picture with its details replenished (Yang et al. 2020, arXiv:2005.12486,
2005.12494)."""

from . import recipes
from .network import DRNConfig, DRNGenerator, DRNOutput

__all__ = ["DRNConfig", "DRNGenerator", "DRNOutput", "recipes"]
