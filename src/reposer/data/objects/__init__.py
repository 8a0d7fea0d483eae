"""Objects seen from many sides: drawn by our own code from nothing but numbers, or read from published HDF5 files."""

from reposer.core.view import AZIMUTHS, ELEVATIONS

from .render import LitObject, RenderedObject, camera_turn
from .shapenet import ShapeNetViews, write_objects
from .synthetic import KINDS, SyntheticObjects
from .view_pairs import EVERY_THIRD, HELD_OUT

__all__ = [
    "AZIMUTHS",
    "ELEVATIONS",
    "EVERY_THIRD",
    "HELD_OUT",
    "KINDS",
    "LitObject",
    "RenderedObject",
    "ShapeNetViews",
    "SyntheticObjects",
    "camera_turn",
    "write_objects",
]
