"""The words of the house: what a pose, a picture pair, a generator and a registry are. Torch and numpy, and a lock for folders."""

from .errors import BadInput, quoted
from .face import FaceLines
from .generator import Explanation, Framing, Generator, Layer
from .pose import Pose
from .registry import Registry
from .samples import Batch, Clip, ClipBatch, ClipSample, Sample
from .skeleton import SKELETONS, Skeleton
from .view import View

__all__ = [
    "SKELETONS",
    "BadInput",
    "Batch",
    "Clip",
    "ClipBatch",
    "ClipSample",
    "Explanation",
    "FaceLines",
    "Framing",
    "Generator",
    "Layer",
    "Pose",
    "Registry",
    "Sample",
    "Skeleton",
    "View",
    "quoted",
]
