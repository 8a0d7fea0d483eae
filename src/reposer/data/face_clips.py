"""FaceForensics in the layout of GFLA: frames with 68 landmarks each."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Bool
from torch import Tensor

from reposer.core import BadInput, FaceLines, Framing, Pose
from reposer.core.framing import frame_pose
from reposer.core.samples import Condition
from reposer.core.skeleton import FACE_68

from .clip_dataset import AS_PUBLISHED, CLIP_DATASETS, REFERENCES, ClipReading, with_edges
from .dataset import CACHE_BYTES, NoSplit
from .files import read_text
from .frame_folders import FrameFolders, folders_in, refuse_misplaced
from .lists import first_existing

SPLITS = ("train", "val", "test")
FPS = 25.0  # the files do not state it


@CLIP_DATASETS.register("face-clips")
class FaceClips(FrameFolders):
    """SPLIT_data/VIDEO/NNNNN.png, with 68 lines `x,y` in SPLIT_keypoints/VIDEO/NNNNN.txt (or SPLIT_keypoint).

    Conditions are FaceLines. An empty file means that no face was found, so that nothing is visible.

    edges: include each frame's edges outside the face, as published; without them a face can be driven by another's.
    reference: the "first" of the sampled frames, as published, or one of the "early" 20 of the clip.
    """

    looks_for = "train_data/VIDEO/NNNNN.png with train_keypoints/VIDEO/NNNNN.txt"

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        framing: Framing | None = None,
        options: ClipReading = AS_PUBLISHED,
        *,
        reference: Literal["first", "early"] = "first",
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        super().__init__(root, split, framing, options, cache_bytes=cache_bytes)
        for asked in (options.skeleton, options.source_skeleton):
            if asked not in (None, FACE_68):
                raise BadInput(f"{root} holds faces: their skeleton is {FACE_68.name}, not {asked.name}.")
        self.edges, self.takes = options.edges, reference
        self.folder = self.root / f"{split}_data"
        landmarks = first_existing(self.root, _landmark_folders(split))
        if split not in SPLITS or not self.folder.is_dir() or landmarks is None:
            there = ", ".join(s for s in SPLITS if (self.root / f"{s}_data").is_dir()) or "none"
            raise NoSplit(
                f"{self.root} has no split '{split}' ({split}_data and {split}_keypoints); with pictures there is "
                f"{there}."
            )
        self.landmarks = landmarks
        self.videos = folders_in(self.folder)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        return any(
            (root / f"{split}_data").is_dir() and first_existing(root, _landmark_folders(split)) is not None
            for split in SPLITS
        )

    def __len__(self) -> int:
        return len(self.videos)

    def identity(self, i: int) -> str:
        return self.videos[i]

    def name(self, i: int) -> str:
        return self.videos[i]

    def fps(self, i: int) -> float:
        return FPS

    def frame_files(self, i: int) -> Sequence[Path]:
        files = self.listed(self.folder / self.videos[i])
        if not files:
            raise BadInput(f"{self.folder / self.videos[i]} holds no frames. Take the video out.")
        return list(files.values())

    def references(self, i: int, start: int) -> Sequence[int]:
        return [start] if self.takes == "first" else self.span(i)[:REFERENCES]

    def conditions(self, i: int, frames: Sequence[int]) -> Condition:
        files = self.frame_files(i)
        points = Pose.stack([self._points(files[t]) for t in frames])
        if not self.edges:
            return FaceLines(points)
        return with_edges(points, (self.pictures(i, [t])[0] for t in frames))

    def trusted(self, i: int) -> Bool[Tensor, "T"]:
        return torch.tensor([bool(self._points(path).visible.any()) for path in self.frame_files(i)])

    def starts(self, i: int) -> Sequence[int]:
        """Any frame: those without a face are known only after reading all their files."""
        return range(max(1, len(self.span(i)) - self.frames_per_sample + 1))

    def _points(self, frame: Path) -> Pose:
        path = self.beside(frame, self.landmarks / frame.parent.name, (".txt",), "landmarks")
        points = read_landmarks(path, self.size_of(frame))
        refuse_misplaced(path, points)
        return frame_pose(points, self.framing)


def _landmark_folders(split: str) -> tuple[str, str]:
    """Both folder names in use: the published landmark script writes to a different one than is read."""
    return f"{split}_keypoints", f"{split}_keypoint"


def read_landmarks(path: Path, size: tuple[int, int]) -> Pose:
    """The 68 landmarks of a file of lines `x,y`, in a picture of `size`; an empty file has none that are visible."""
    lines = [line for line in read_text(path, "a list of landmarks").splitlines() if line.strip()]
    if not lines:
        return Pose(torch.zeros(len(FACE_68), 2), torch.zeros(len(FACE_68), dtype=torch.bool), size, FACE_68)
    try:
        places = [[float(value) for value in line.split(",")] for line in lines]
    except ValueError:
        places = []
    fine = all(len(place) == 2 and all(math.isfinite(v) for v in place) for place in places)
    if len(places) != len(FACE_68) or not fine:
        raise BadInput(
            f"{path} has {len(lines)} lines; {len(FACE_68)} lines 'x,y' were expected, or none where no face was found."
        )
    return Pose(torch.tensor(places), torch.ones(len(FACE_68), dtype=torch.bool), size, FACE_68)
