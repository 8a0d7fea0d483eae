"""Layers, maps, warps and standard feature networks: the building blocks of generators."""
