"""The shipped estimators of faces: position and identity. Trained on synthetic people, for synthetic people.

The face detector gets the head's position from the network of whole people, and the face's position from the network of
heads; a head that is turned away has no face. A generated face in a 128x88 picture is ten pixels high and keeps little
more than the colours of skin, hair and beard.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.images import from_uint8

from .estimator import EMBEDDERS, FACE_DETECTORS, Embedder, Face, FaceDetector
from .joint_decoding import heatmap_joints
from .people_crops import HEAD, around_heads, cut, from_aligned, from_square, mapped
from .people_files import BODY_FILE, FACE_FILE, Shipped, open_shipped
from .people_networks import FaceConfig, PeopleFace
from .people_readers import LICENCE, PeopleJoints

HEAD_SEEN = 0.5  # sum of the scores of the head's joints above which a face is searched for


def open_face(weights: Path | None) -> Shipped[PeopleFace]:
    return open_shipped(FACE_FILE, FaceConfig, weights)


@FACE_DETECTORS.register("people-faces")
class PeopleFaces(FaceDetector):
    """The face of the one person, if it is turned towards the camera so that an eye and the nose are visible.

    weights: a folder; network files missing there are replaced by the shipped ones.
    """

    name = "people-faces"
    licence = LICENCE

    def __init__(self, weights: Path | None = None) -> None:
        if weights is not None and not weights.is_dir():
            raise BadInput(f"{self.name} needs {BODY_FILE} and {FACE_FILE}: give their folder, not {weights}.")
        self._joints, self._shipped = PeopleJoints(weights), open_face(weights)

    @property
    def description(self) -> str:
        return f"{self.name}, {self._shipped.description}; {self._joints.description}"

    @torch.no_grad()
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> list[list[Face]]:
        pose = self._joints(pictures)
        assert pose.score is not None
        face = self._shipped.network.to(pictures.device)
        side = face.config.side
        matrices = from_square(*around_heads(pose, pose.score), side)
        reading = face(cut(from_uint8(pictures), matrices, side))
        score = reading.shown.sigmoid() * self._head_seen(pose)
        landmarks = mapped(matrices, heatmap_joints(reading.maps, (side, side), "parabola")[0])
        corners = mapped(matrices, reading.box.view(-1, 2, 2) * side - 0.5).flatten(1).tolist()
        found: list[list[Face]] = []
        for row, (left, top, right, bottom) in enumerate(corners):
            whole = score[row] > 0.5 and right > left and bottom > top
            box = (left, top, right, bottom)
            found.append([Face(box, landmarks[row], float(score[row]))] if whole else [])
        return found

    @staticmethod
    def _head_seen(pose: Pose) -> Float[Tensor, "B"]:
        """1 if there is a head to look at, else 0."""
        assert pose.score is not None
        heads = pose.score[:, [pose.skeleton.index(joint) for joint in HEAD]]
        return (heads.sum(1) > HEAD_SEEN).to(heads.dtype)


@EMBEDDERS.register("people-face-identity")
class PeopleFaceIdentity(Embedder):
    """Faces, aligned by their landmarks: near = the same person."""

    name = "people-face-identity"
    licence = LICENCE
    subject = "face"

    def __init__(self, weights: Path | None = None) -> None:
        self._shipped = open_face(weights)
        self.threshold = self._shipped.card.get("threshold")  # type: ignore[misc]  # the file says it

    @property
    def description(self) -> str:
        return f"{self.name}, {self._shipped.description}"

    @torch.no_grad()
    def __call__(self, pictures: UInt8[Tensor, "B H W 3"], faces: Sequence[Face] | None = None) -> Float[Tensor, "B D"]:
        if faces is None or len(faces) != len(pictures):
            raise BadInput(
                f"{self.name} looks at faces: pass one of each picture, found by people-faces or another detector."
            )
        network = self._shipped.network.to(pictures.device)
        landmarks = torch.stack([face.landmarks for face in faces]).to(pictures.device, torch.float32)
        side = network.config.side
        return network.embed(cut(from_uint8(pictures), from_aligned(landmarks, side), side))
