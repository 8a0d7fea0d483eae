"""Clothes: their designs, colours and patterns, and the surfaces they are made of."""
