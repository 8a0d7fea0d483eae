"""Procedurally generated objects, rendered from many sides."""

from .dataset import KINDS, SyntheticObjects
from .render import LitObject, RenderedObject, camera_turn
from .write import write_objects

__all__ = ["KINDS", "LitObject", "RenderedObject", "SyntheticObjects", "camera_turn", "write_objects"]
