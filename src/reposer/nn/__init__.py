"""Layers, maps, warps and standard feature networks: what families of generators are built from."""
