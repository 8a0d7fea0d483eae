"""Semantics: what a person wears, and whose picture it is."""

from .part import Semantic

__all__ = ["Semantic"]
