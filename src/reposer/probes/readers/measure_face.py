"""How well the shipped files detect and identify held-out faces."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from reposer.core import BadInput
from reposer.core.boxes import overlap
from reposer.estimators import Face
from reposer.estimators.people_crops import STRAIGHT_FACE
from reposer.estimators.people_faces import PeopleFaceIdentity, PeopleFaces
from reposer.synthetic.people import Rendering

from .face_views import face_truth
from .measure_body import show
from .same import equal_error, pairs, rank1

LARGE, SMALL = (256, 176), (128, 88)
NOT_FOUND = Face((0.0, 0.0, 1.0, 1.0), torch.tensor(STRAIGHT_FACE), 0.0)  # placeholder for a row; its vector is dropped


@dataclass(frozen=True)
class FaceReport:
    """Faces in pictures of whole people: 256x176, where a face is some 20 pixels high; and small, 128x88."""

    faces_found: float
    """Share of the visible faces that are found."""
    faces_false: float
    """Share of the heads turned away on which a face is found."""
    landmark_error: float
    """Mean distance of the landmarks of found faces, in face heights."""
    box_overlap: float
    """Mean intersection over union of their boxes."""
    equal_error: float
    """Equal error rate: as many pairs of different faces accepted as pairs of the same face rejected."""
    rank1: float
    """How often the nearest of all people's first found faces is of the same person."""
    faces_found_small: float
    faces_false_small: float
    landmark_error_small: float
    box_overlap_small: float
    equal_error_small: float
    rank1_small: float


def measure_face(folder: Path, people: range) -> FaceReport:
    """Measure the networks in `folder` (the shipped one where it lacks one) on these people."""
    small = {f"{name}_small": value for name, value in measure_faces(folder, people, SMALL).items()}
    return FaceReport(**measure_faces(folder, people, LARGE), **small)


def measure_faces(folder: Path, people: range, size: tuple[int, int]) -> dict[str, float]:
    """Half of a FaceReport, for pictures of this size."""
    seen: dict[str, list[float]] = {
        name: [] for name in ("faces_found", "faces_false", "landmark_error", "box_overlap")
    }
    whole = list(look(folder, people, size))
    for rendering, faces, _ in whole:
        truth = face_truth(rendering)
        for row, found in enumerate(faces):
            seen["faces_found" if truth.shown[row] else "faces_false"].append(float(bool(found)))
            if found and truth.shown[row]:
                off = (found[0].landmarks - truth.landmarks.xy[row]).norm(dim=-1).mean()
                seen["landmark_error"].append(float(off / (truth.box[row, 3] - truth.box[row, 1])))
                seen["box_overlap"].append(overlap(found[0].box, truth.box[row].tolist()))
    report = {name: float(torch.tensor(values).mean()) for name, values in seen.items()}
    vectors, who = told_apart(vectors for _, _, vectors in whole)
    return report | {"equal_error": equal_error(*pairs(vectors, who))[1], "rank1": rank1(vectors, who)}


def look(
    folder: Path, people: range, size: tuple[int, int]
) -> Iterator[tuple[Rendering, list[list[Face]], Float[Tensor, "N D"]]]:
    """For each person: the views, the faces found in each, and the vectors of these."""
    detector, identity = PeopleFaces(folder), PeopleFaceIdentity(folder)
    for _, rendering, _ in show(people, size):
        faces = detector(rendering.picture)
        rows = [row for row, found in enumerate(faces) if found]
        one_each = [found[0] if found else NOT_FOUND for found in faces]
        yield rendering, faces, identity(rendering.picture, one_each)[rows]


def told_apart(vectors: Iterable[Float[Tensor, "_ D"]]) -> tuple[Float[Tensor, "N D"], Int64[Tensor, "N"]]:
    """The vectors of all people in one tensor, and whose they are."""
    rows = list(vectors)
    counts = torch.tensor([len(row) for row in rows])
    if (counts > 0).sum() < 2 or not (counts > 1).any():
        raise BadInput("Too few faces are found to tell people apart by them; train the network longer.")
    return torch.cat(rows), torch.arange(len(rows)).repeat_interleave(counts)
