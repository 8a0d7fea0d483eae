"""Estimators: networks that look at a picture and say where joints and faces are, who it is, and what they wear.

Each has a name and a licence. Those that ship were trained here on synthetic people; the standard ones take the user's
files and never download. One file each; the folder is scanned.
"""

from reposer.core.registry import import_siblings

from .estimator import (
    ATTRIBUTE_READERS,
    EMBEDDERS,
    FACE_FINDERS,
    JOINT_FINDERS,
    AttributeReader,
    Embedder,
    Estimator,
    Face,
    FaceFinder,
    JointFinder,
)

import_siblings(__path__, __name__)

__all__ = [
    "ATTRIBUTE_READERS",
    "EMBEDDERS",
    "FACE_FINDERS",
    "JOINT_FINDERS",
    "AttributeReader",
    "Embedder",
    "Estimator",
    "Face",
    "FaceFinder",
    "JointFinder",
]
