"""The shipped estimators of whole people: joints, identity and attributes, read by one network of our own.

It was trained on synthetic people and works on them, not on photographs. No training loss uses it.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import Pose
from reposer.core.framing import frame_pictures
from reposer.core.images import from_uint8
from reposer.core.skeleton import OPENPOSE_18

from .estimator import ATTRIBUTE_READERS, EMBEDDERS, POSE_ESTIMATORS, AttributeReader, Embedder, Face, PoseEstimator
from .joint_decoding import heatmap_joints
from .people_files import BODY_FILE, Shipped, open_shipped
from .people_networks import BodyConfig, BodyReading, PeopleBody

LICENCE = "Apache-2.0"


def open_body(weights: Path | None) -> Shipped[PeopleBody]:
    return open_shipped(BODY_FILE, BodyConfig, weights)


@torch.no_grad()
def read(body: PeopleBody, pictures: UInt8[Tensor, "B H W 3"]) -> BodyReading:
    """The network's outputs for pictures of any size."""
    reading: BodyReading = body.to(pictures.device)(frame_pictures(from_uint8(pictures), body.framing))
    return reading


@POSE_ESTIMATORS.register("people-joints")
class PeopleJoints(PoseEstimator):
    """One person's joints. A joint counts as found if its probability is above one half."""

    name = "people-joints"
    licence = LICENCE
    skeleton = OPENPOSE_18

    def __init__(self, weights: Path | None = None) -> None:
        self._shipped = open_body(weights)

    @property
    def description(self) -> str:
        return f"{self.name}, {self._shipped.description}"

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Pose:
        return self.look(pictures)[0]

    def person(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B"]:
        return self.look(pictures)[1]

    def look(self, pictures: UInt8[Tensor, "B H W 3"]) -> tuple[Pose, Float[Tensor, "B"]]:
        body = self._shipped.network
        reading, size = read(body, pictures), body.framing.size
        score = reading.found.sigmoid()
        xy, _ = heatmap_joints(reading.maps, size, "parabola")
        pose = Pose(xy, score > 0.5, size, self.skeleton, score)
        height, width = pictures.shape[1:3]
        return body.framing.unplace(pose, (height, width)), reading.person.sigmoid()


@EMBEDDERS.register("people-identity")
class PeopleIdentity(Embedder):
    """Whole people: near = the same person in the same clothes."""

    name = "people-identity"
    licence = LICENCE
    subject = "person"

    def __init__(self, weights: Path | None = None) -> None:
        self._shipped = open_body(weights)
        self.threshold = self._shipped.card.get("threshold")  # type: ignore[misc]  # the file says it

    @property
    def description(self) -> str:
        return f"{self.name}, {self._shipped.description}"

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"], faces: Sequence[Face] | None = None) -> Float[Tensor, "B D"]:
        return read(self._shipped.network, pictures).identity


@ATTRIBUTE_READERS.register("people-attributes")
class PeopleAttributes(AttributeReader):
    """Looks and clothes. The probabilities of the answers to one question sum to 1: "sleeve: long" against "sleeve:
    none".
    """

    name = "people-attributes"
    licence = LICENCE

    def __init__(self, weights: Path | None = None) -> None:
        self._shipped = open_body(weights)
        asked = self._shipped.card["questions"]
        self.questions = tuple(f"{question}: {word}" for question, words in asked.items() for word in words)

    @property
    def description(self) -> str:
        return f"{self.name}, {self._shipped.description}"

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B A"]:
        answers = read(self._shipped.network, pictures).answers
        return torch.cat([logits.softmax(1) for logits in answers], 1)
