"""PATN: progressive pose attention transfer (Zhu et al. 2019, arXiv:1904.03349)."""

from . import recipes
from .blocks import PoseBranch, PoseTransfer
from .discriminator import PairDiscriminator
from .network import PATNConfig, PATNGenerator

__all__ = ["PATNConfig", "PATNGenerator", "PairDiscriminator", "PoseBranch", "PoseTransfer", "recipes"]
