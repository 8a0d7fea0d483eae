"""Clips as folders of pictures, one per frame, with an annotation file for each."""

import re
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Framing, Pose
from reposer.core.framing import frame_bytes
from reposer.core.images import from_uint8, to_uint8

from .clip_dataset import AS_PUBLISHED, ClipReading, FileClips, RecentFrames
from .dataset import CACHE_BYTES
from .findings import outside_picture
from .picture_kinds import PICTURE_SUFFIXES
from .pictures import picture_header, read_picture
from .poses.values import whole_number_in

KEPT_LISTINGS = 64  # cached folder listings, per process; listing a folder of frames takes about a millisecond


class FrameFolders(FileClips):
    """Clips whose frames are picture files `VIDEO/NNNNN.png`, in the order of their numbers.

    Folders are listed lazily: published sets have hundreds of thousands of files.
    """

    def __init__(
        self,
        root: Path | str,
        split: str,
        framing: Framing | None,
        options: ClipReading = AS_PUBLISHED,
        *,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.root, self.split, self.framing = Path(root), split, framing
        self.frames_per_sample = options.frames
        self.memory = RecentFrames(cache_bytes)
        self._listed: dict[Path, dict[str, Path]] = {}
        self._sizes: dict[Path, tuple[int, int]] = {}

    @abstractmethod
    def frame_files(self, i: int) -> Sequence[Path]:
        """The pictures of clip i, in order."""

    def notes(self, i: int) -> Sequence[str]:
        """What was decided while reading clip i, for a check of the data set; refused if files of it do not fit."""
        return ()

    def span(self, i: int) -> range:
        return range(len(self.frame_files(i)))

    def picture_size(self, i: int) -> tuple[int, int]:
        return self.size_of(self.frame_files(i)[0])

    def size_of(self, frame: Path) -> tuple[int, int]:
        """(height, width) of the frames of the video of `frame`, which all have the same size."""
        if frame.parent not in self._sizes:
            self._sizes[frame.parent] = picture_header(frame)
        return self._sizes[frame.parent]

    def pictures(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 3 H W"]:
        files = self.frame_files(i)
        return from_uint8(torch.stack([self._framed(files[t]) for t in frames]))

    def picture(self, frame: Path) -> Float[Tensor, "3 H W"]:
        """A frame's picture in [-1, 1], placed in the generator's frame."""
        return from_uint8(self._framed(frame))

    def _framed(self, frame: Path) -> UInt8[Tensor, "H W 3"]:
        def make() -> tuple[Tensor, ...]:
            picture, size = read_picture(frame), self.size_of(frame)
            if tuple(picture.shape[:2]) != size:
                raise BadInput(
                    f"{frame} has {picture.shape[0]}x{picture.shape[1]} pixels, another frame of the clip has "
                    f"{size[0]}x{size[1]} (height x width): where its joints lie is not known. Scale all frames of a "
                    "clip alike."
                )
            return (to_uint8(frame_bytes(picture, self.framing, size)),)

        return self.memory.get(frame, make)[0]

    def listed(self, folder: Path, suffixes: Iterable[str] = PICTURE_SUFFIXES) -> dict[str, Path]:
        """The files of a folder by frame, in order; NNNNN_keypoints.json counts as frame NNNNN."""
        if folder not in self._listed:
            found = folder.iterdir() if folder.is_dir() else ()
            own = (path for path in found if path.suffix.lower() in suffixes and path.name[0] != ".")
            self._listed[folder] = {frame_of(path): path for path in sorted(own, key=_by_number)}
            if len(self._listed) > KEPT_LISTINGS:
                del self._listed[next(iter(self._listed))]  # the oldest
        return self._listed[folder]

    def beside(self, frame: Path, folder: Path, suffixes: Iterable[str], what: str) -> Path:
        """The file of `folder` that belongs to a frame."""
        files = self.listed(folder, suffixes)
        if frame_of(frame) not in files:
            raise BadInput(
                f"{frame} has no {what}: {folder / frame.stem}{next(iter(suffixes))} was expected. Put it there, or "
                f"take the frame out."
            )
        return files[frame_of(frame)]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_listed": {}, "_sizes": {}}


def refuse_misplaced(path: Path, pose: Pose) -> None:
    """Refuse joints that cannot be in pixels of their frame: all outside it, or all between 0 and 1."""
    places = pose.xy[pose.visible]
    if not len(places):
        return
    size = f"{pose.size[0]}x{pose.size[1]} (height x width)"
    if bool(outside_picture(pose)[pose.visible].all()):
        raise BadInput(
            f"{path}: all joints lie outside of their frame, which is {size}: they were found in pictures of another "
            f"size. Scale them to this one."
        )
    if bool(((places >= 0) & (places <= 1)).all()):
        raise BadInput(
            f"{path}: all joints lie between 0 and 1: shares of the picture, it seems. Pixels of the frame, {size}, "
            f"were expected."
        )


def frame_of(path: Path) -> str:
    """The name of a frame, common to all folders."""
    return path.stem.removesuffix("_keypoints")


def _by_number(path: Path) -> tuple[list[int | str], str]:
    """Sorts 2.png before 10.png, also without leading zeros."""
    parts = re.split(r"([0-9]+)", frame_of(path))
    return [int(part) if n % 2 else part for n, part in enumerate(parts)], path.name


def uneven(files: Sequence[Path]) -> str:
    """The first place where the frames' numbers are not as far apart as the first two; empty if there is none."""
    numbers = [whole_number_in(frame_of(path)) for path in files]
    for before, number in pairwise(numbers):
        if before is None or number is None:
            return ""
        if number - before != (numbers[1] or 0) - (numbers[0] or 0):
            return f"after frame {before} comes frame {number}"
    return ""


def folders_in(folder: Path) -> list[str]:
    """The names of a folder's sub-folders, sorted."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
