"""Layers, maps, warps and standard feature networks: the building blocks of generators.

`efficientnet` is imported for what it registers in FEATURE_NETWORKS.
"""

from . import efficientnet

__all__ = ["efficientnet"]
