"""Describes a face in a picture: its landmarks, and optionally edges of another frame around it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .pose import Pose
from .skeleton import FACE_68


@dataclass(frozen=True)
class FaceLines:
    """The landmarks of a face and the edges of the frame that drives it.

    points: a pose of the skeleton FACE_68.
    edges: 1 on an edge, 0 elsewhere, at the size of the points' picture; None if there are no edges.
    """

    points: Pose
    edges: Float[Tensor, "*B 1 H W"] | None = None

    def __post_init__(self) -> None:
        assert self.points.skeleton == FACE_68, self.points.skeleton.name
        if self.edges is not None:
            assert self.edges.shape[-2:] == self.points.size, (self.edges.shape, self.points.size)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture, in pixels."""
        return self.points.size

    def to(self, device: torch.device | str) -> "FaceLines":
        return FaceLines(self.points.to(device), None if self.edges is None else self.edges.to(device))

    def __getitem__(self, row: "int | slice | Tensor") -> "FaceLines":
        """Rows of a batch."""
        return FaceLines(self.points[row], None if self.edges is None else self.edges[row])

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> "Iterator[FaceLines]":
        return (self[row] for row in range(len(self)))

    @staticmethod
    def stack(faces: "Sequence[FaceLines]") -> "FaceLines":
        """A batch of faces of one size. Edges are kept if every face has them."""
        edges = [face.edges for face in faces if face.edges is not None]
        return FaceLines(
            Pose.stack([face.points for face in faces]), torch.stack(edges) if len(edges) == len(faces) else None
        )
