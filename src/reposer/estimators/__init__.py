"""Estimators: networks that find joints and faces in a picture, identify people and describe their clothes.

Each has a name and a licence. Those that ship were trained here on synthetic people; the standard ones use the user's
files and never download. One file each; the folder is scanned when a registry is first looked into.
"""

from .estimator import (
    ATTRIBUTE_READERS,
    EMBEDDERS,
    FACE_DETECTORS,
    POSE_ESTIMATORS,
    AttributeReader,
    Embedder,
    Estimator,
    Face,
    FaceDetector,
    PeopleEstimator,
    PoseEstimator,
)

__all__ = [
    "ATTRIBUTE_READERS",
    "EMBEDDERS",
    "FACE_DETECTORS",
    "POSE_ESTIMATORS",
    "AttributeReader",
    "Embedder",
    "Estimator",
    "Face",
    "FaceDetector",
    "PeopleEstimator",
    "PoseEstimator",
]
