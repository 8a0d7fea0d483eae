"""The interfaces of the estimators."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import Pose, Registry, Skeleton


class Estimator(ABC):
    """A network that reads pictures: 8-bit RGB, (B, H, W, 3), of any size.

    The result for a picture depends on that picture alone. A torch network runs on the pictures' device.
    """

    name: ClassVar[str]
    licence: ClassVar[str]
    """Licence of its weights."""

    @property
    @abstractmethod
    def description(self) -> str:
        """Name, file and checksum of its weights, for reports."""


class PoseEstimator(Estimator):
    """A pose estimator: finds one person's joints."""

    skeleton: ClassVar[Skeleton]

    @abstractmethod
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Pose:
        """B poses in pixels of the pictures, with scores in [0, 1]; `visible` = found."""

    @abstractmethod
    def person(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B"]:
        """The confidence, from 0 to 1, that the picture shows a person."""

    def look(self, pictures: UInt8[Tensor, "B H W 3"]) -> tuple[Pose, Float[Tensor, "B"]]:
        """Joints and `person` together; estimators that get both in one pass override this."""
        return self(pictures), self.person(pictures)


class PeopleEstimator(PoseEstimator):
    """A pose estimator that finds everybody in a picture: all people roughly, then one of them exactly."""

    @abstractmethod
    def people(self, picture: UInt8[Tensor, "H W 3"], *, closer: bool = False) -> list[Pose]:
        """A rough pose of each person, in pixels of the picture, the largest person first.

        closer: look for small people as well, which takes longer; they come last. Also done where nobody is found else.
        """

    @abstractmethod
    def refined(self, picture: UInt8[Tensor, "H W 3"], rough: Pose) -> Pose:
        """The exact pose of the person whose rough pose this is."""


@dataclass(frozen=True)
class Face:
    """A detected face, in pixels of the picture.

    box: (left, top, right, bottom) in pixel edges.
    landmarks: person's right eye, left eye, nose, right and left corner of the mouth, (5, 2).
    score: in [0, 1].
    """

    box: tuple[float, float, float, float]
    landmarks: Float[Tensor, "5 2"]
    score: float


class FaceDetector(Estimator):
    """Detects faces."""

    @abstractmethod
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> list[list[Face]]:
        """The faces of each picture, the most confident first."""


class Embedder(Estimator):
    """Turns a person or a face into a vector: the nearer two vectors, the likelier they are the same.

    subject: "person" (whole pictures) or "face" (crops around a detected face).
    threshold: the cosine at or above which two count as the same; None if it was not calibrated.
    """

    subject: ClassVar[str]
    threshold: ClassVar[float | None] = None

    @abstractmethod
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"], faces: Sequence[Face] | None = None) -> Float[Tensor, "B D"]:
        """Vectors of length 1. faces: one of each picture, for an embedder of faces."""


class AttributeReader(Estimator):
    """Predicts which attributes a person has.

    questions: the attributes that can be true or false, in order.
    """

    questions: tuple[str, ...]

    @abstractmethod
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B A"]:
        """The confidence in each attribute, from 0 to 1."""


_HERE = "reposer.estimators"
POSE_ESTIMATORS: Registry[Callable[[Path | None], PoseEstimator]] = Registry(
    "pose estimator", "reposer.estimators", package=_HERE
)
FACE_DETECTORS: Registry[Callable[[Path | None], FaceDetector]] = Registry(
    "face detector", "reposer.estimators", package=_HERE
)
EMBEDDERS: Registry[Callable[[Path | None], Embedder]] = Registry("embedder", "reposer.estimators", package=_HERE)
ATTRIBUTE_READERS: Registry[Callable[[Path | None], AttributeReader]] = Registry(
    "attribute reader", "reposer.estimators", package=_HERE
)
