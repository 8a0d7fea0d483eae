"""What a data set of pairs offers, and how a picture is laid into a generator's frame."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from reposer.core import Batch, Framing, Pose, Registry, Sample
from reposer.core.images import from_uint8, resize, to_uint8

DATASETS: Registry[type["PairDataset"]] = Registry("data set", "reposer.datasets")


class PairDataset(ABC):
    """Pairs of pictures of one person.

    framing: how the pictures are laid out for a generator; None = as they are.
    picture_size: (height, width) of the pictures before that, in pixels.
    """

    framing: Framing | None
    picture_size: tuple[int, int]
    augments: ClassVar[bool] = False  # whether `draw` moves the pictures at random

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, i: int) -> Sample: ...

    def draw(self, i: int, seed: int) -> Sample:
        """Pair i as training sees it: moved by what `seed` says, where the data set augments."""
        return self[i]

    def collate(self, samples: Sequence[Sample], seeds: Int64[Tensor, "B"] | None) -> Batch:
        return Batch.stack(samples, seeds)


def identity_of(name: str) -> str:
    """The person of a file name: all up to its last `_` (same person and same clothes)."""
    stem = name.rsplit(".", 1)[0]
    return stem.rsplit("_", 1)[0]


def pair_name(source: str, target: str) -> str:
    """SOURCE_2_TARGET without suffixes: the peers' name for a generated picture."""
    return f"{source.rsplit('.', 1)[0]}_2_{target.rsplit('.', 1)[0]}"


def frame_picture(picture: Float[Tensor, "3 H W"], framing: Framing | None) -> Float[Tensor, "3 h w"]:
    """The whole picture in the frame, resized with antialiasing; beside it, its edge pixels repeat."""
    if framing is None:
        return picture
    left, top, right, bottom = framing.content_box((picture.shape[1], picture.shape[2]))
    height, width = framing.size
    content = resize(picture[None], (bottom - top, right - left))
    return F.pad(content, (left, width - right, top, height - bottom), mode="replicate")[0]


def frame_pose(pose: Pose, framing: Framing | None) -> Pose:
    """The pose that goes with `frame_picture`."""
    return pose if framing is None else framing.place(pose)


class PictureMemory:
    """Framed pictures kept as bytes once they were read, as long as they fit into `limit` bytes."""

    def __init__(self, limit: int = 2**30) -> None:
        self.limit, self.used = limit, 0
        self._pictures: dict[str, UInt8[Tensor, "H W 3"]] = {}

    def get(self, name: str, read: Callable[[], Float[Tensor, "3 H W"]]) -> Float[Tensor, "3 H W"]:
        """The picture `name`, read now or before. Rounded to bytes either way, so that both are the same."""
        if name in self._pictures:
            return from_uint8(self._pictures[name])
        whole = to_uint8(read())
        if self.used + whole.numel() <= self.limit:
            self._pictures[name] = whole
            self.used += whole.numel()
        return from_uint8(whole)
