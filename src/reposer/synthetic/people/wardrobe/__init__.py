"""Clothes: designs, colours, patterns and surfaces."""
