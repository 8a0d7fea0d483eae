"""What each kind of estimator offers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import Pose, Registry, Skeleton


class Estimator(ABC):
    """A network that looks at pictures: 8-bit RGB, (B, H, W, 3), of any size.

    An answer about a picture depends on that picture alone. A torch network computes where the pictures lie.
    """

    name: ClassVar[str]
    licence: ClassVar[str]
    """Of its weights."""

    @property
    @abstractmethod
    def description(self) -> str:
        """Name, file and checksum of its weights, for reports."""


class JointFinder(Estimator):
    """Finds one person's joints."""

    skeleton: ClassVar[Skeleton]

    @abstractmethod
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Pose:
        """B poses in pixels of the pictures, with scores in [0, 1]; `visible` = found."""

    @abstractmethod
    def person(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B"]:
        """How sure it is, from 0 to 1, that the picture shows a person."""

    def look(self, pictures: UInt8[Tensor, "B H W 3"]) -> tuple[Pose, Float[Tensor, "B"]]:
        """Joints and `person` together; a finder whose one pass gives both overrides this."""
        return self(pictures), self.person(pictures)


@dataclass(frozen=True)
class Face:
    """A face that was found, in pixels of the picture.

    box: (left, top, right, bottom) in pixel edges. landmarks: person's right eye, left eye, nose, right and left corner
    of the mouth, (5, 2). score: in [0, 1].
    """

    box: tuple[float, float, float, float]
    landmarks: Float[Tensor, "5 2"]
    score: float


class FaceFinder(Estimator):
    """Finds faces."""

    @abstractmethod
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> list[list[Face]]:
        """The faces of each picture, the surest first."""


class Embedder(Estimator):
    """Turns a person or a face into a vector: the nearer two vectors, the likelier they are the same.

    subject: what it looks at: "person" (whole pictures) or "face" (crops around a found face).
    threshold: the cosine from which two are taken for the same; None where nobody has calibrated one.
    """

    subject: ClassVar[str]
    threshold: ClassVar[float | None] = None

    @abstractmethod
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"], faces: Sequence[Face] | None = None) -> Float[Tensor, "B D"]:
        """Vectors of length 1. faces: one of each picture, for an embedder of faces."""


class AttributeReader(Estimator):
    """Says which attributes a person has.

    questions: the attributes that can be true or false, in order.
    """

    questions: tuple[str, ...]

    @abstractmethod
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B A"]:
        """How sure it is of each attribute, from 0 to 1."""


JOINT_FINDERS: Registry[Callable[[Path | None], JointFinder]] = Registry("joint finder", "reposer.estimators")
FACE_FINDERS: Registry[Callable[[Path | None], FaceFinder]] = Registry("face finder", "reposer.estimators")
EMBEDDERS: Registry[Callable[[Path | None], Embedder]] = Registry("embedder", "reposer.estimators")
ATTRIBUTE_READERS: Registry[Callable[[Path | None], AttributeReader]] = Registry(
    "attribute reader", "reposer.estimators"
)
