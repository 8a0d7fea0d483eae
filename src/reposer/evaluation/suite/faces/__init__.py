"""Faces: whose they are, and where they lie."""

from .part import Faces

__all__ = ["Faces"]
