"""Interface of data sets of clips of one person or face. A sample is a function of (item, seed)."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from reposer.core import BadInput, ClipBatch, ClipSample, FaceLines, Framing, Pose, Registry, Sample, Skeleton
from reposer.core.rng import numpy_stream
from reposer.core.samples import Condition
from reposer.core.skeleton import FACE_68
from reposer.nn.edges import frame_edges

from .dataset import CACHE_BYTES
from .moves import move_pictures

CLIP_DATASETS: "Registry[type[ClipDataset]]" = Registry(
    "data set of clips", "reposer.clip_datasets", package="reposer.data"
)
REFERENCES = 20
"""The reference is sampled from this many first frames, as published."""


@dataclass(frozen=True)
class WholeClip:
    """All frames of one clip in a split, as driver and as ground truth.

    source, source_pose: the reference picture. poses: T conditions, one per frame. fps: frames per second.
    size: (height, width) of its pictures before they were placed in the frame, in pixels.
    trusted: frames whose joints may be scored.
    open_frames, open_foreground: restart the frames, and the masks (1 = person), from the first one.
    """

    name: str
    source: Float[Tensor, "3 H W"]
    source_pose: Condition
    poses: Condition
    fps: float
    size: tuple[int, int]
    trusted: Bool[Tensor, "T"]
    open_frames: Callable[[], Iterator[Tensor]]
    open_foreground: Callable[[], Iterator[Tensor]] | None = None

    @property
    def num_frames(self) -> int:
        return len(self.trusted)

    def frames(self) -> Iterator[Float[Tensor, "3 H W"]]:
        """Iterate over the frames in [-1, 1]; none is cached."""
        return self.open_frames()

    def foreground(self) -> Iterator[Float[Tensor, "1 H W"]] | None:
        """Iterate over masks that are 1 on the person; None if the data set has none."""
        return None if self.open_foreground is None else self.open_foreground()


class ClipDataset(ABC):
    """Clips of one person or face each, with a condition for every frame.

    framing: how frames are placed in a generator's frame; None leaves them as they are.
    frames_per_sample: number of consecutive frames that `sample` returns.

    A subclass defines the number of clips and frame t of clip i; frames are numbered over the whole clip, of which a
    split may have a part (`span`).
    """

    framing: Framing | None
    frames_per_sample: int
    split: str

    @abstractmethod
    def __len__(self) -> int:
        """Number of clips."""

    @abstractmethod
    def identity(self, i: int) -> str:
        """The person in clip i."""

    @abstractmethod
    def name(self, i: int) -> str:
        """Name of clip i."""

    @abstractmethod
    def span(self, i: int) -> range:
        """The frames of clip i that the split has."""

    @abstractmethod
    def pictures(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 3 H W"]:
        """These frames of clip i, in the frame."""

    @abstractmethod
    def conditions(self, i: int, frames: Sequence[int]) -> Condition:
        """The conditions of these frames of clip i, as rows."""

    def fps(self, i: int) -> float:
        """Frames per second of clip i."""
        return 25.0

    def picture_size(self, i: int) -> tuple[int, int]:
        """(height, width) of clip i's pictures before they are placed in the frame: padding is not scored.

        Subclasses whose pictures do not fill the frame override it.
        """
        if self.framing is not None:
            return self.framing.size
        first = self.pictures(i, self.span(i)[:1])
        return first.shape[-2], first.shape[-1]

    def masks(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 1 H W"] | None:
        """Masks of these frames, 1 on the person; None if the data set has none."""
        return None

    def trusted(self, i: int) -> Bool[Tensor, "T"]:
        """Which frames of the span of clip i have joints that may be used for training and scoring."""
        return torch.ones(len(self.span(i)), dtype=torch.bool)

    def references(self, i: int, start: int) -> Sequence[int]:
        """The frames from which to sample the reference of a sample that starts at frame `start`."""
        return self.span(i)[:REFERENCES]

    def reference(self, i: int, frame: int) -> tuple[Float[Tensor, "3 H W"], Condition]:
        """A reference picture of the person in clip i, and its condition."""
        return self.pictures(i, [frame])[0], single(self.conditions(i, [frame]))

    def first_reference(self, i: int) -> int:
        """The reference frame where none is sampled."""
        return self.span(i)[0]

    def moved(self, sample: ClipSample, i: int, stream: np.random.Generator) -> ClipSample:
        """The sampled frames moved at random, if the data set supports it."""
        return sample

    def starts(self, i: int) -> Sequence[int]:
        """Start frames to sample from: only those without untrusted frames, if there are any."""
        span, count = self.span(i), self.frames_per_sample
        if len(span) <= count:
            return [span[0]]
        good = self.trusted(i).float().unfold(0, count, 1).amin(1).nonzero()[:, 0].tolist()
        return [span[k] for k in good] or span[: len(span) - count + 1]

    def sample(self, i: int, seed: int) -> ClipSample:
        """Consecutive frames of clip i, whose start, reference and small move are sampled by `seed`.

        The last frame is repeated where the clip is too short.
        """
        stream = numpy_stream(seed, i)
        start = _chosen(self.starts(i), stream)
        reference = _chosen(self.references(i, start), stream)
        last = self.span(i)[-1]
        frames = [min(start + k, last) for k in range(self.frames_per_sample)]
        source, source_pose = self.reference(i, reference)
        sample = ClipSample(
            source,
            source_pose,
            self.pictures(i, frames),
            self.conditions(i, frames),
            f"{self.name(i)}_{start:05d}",
            self.masks(i, frames),
        )
        return self.moved(sample, i, stream)

    def __getitem__(self, i: int) -> Sample:
        """The reference of clip i and its middle frame (deterministic)."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"clip {i} of {len(self)}")
        i %= len(self)
        span = self.span(i)
        middle, first = span[len(span) // 2], self.first_reference(i)
        source, source_pose = self.reference(i, first)
        target, target_pose = self.pictures(i, [middle])[0], single(self.conditions(i, [middle]))
        name = f"{self.name(i)}_{first:05d}_2_{self.name(i)}_{middle:05d}"
        return Sample(source, target, source_pose, target_pose, name)

    def whole(self, i: int) -> WholeClip:
        """All frames of clip i that the split has, without padding at the end."""
        span = self.span(i)
        source, source_pose = self.reference(i, self.first_reference(i))
        masked = self.masks(i, span[:1]) is not None

        def masks() -> Iterator[Tensor]:
            for t in span:
                found = self.masks(i, [t])
                assert found is not None
                yield found[0]

        return WholeClip(
            self.name(i),
            source,
            source_pose,
            self.conditions(i, span),
            self.fps(i),
            self.picture_size(i),
            self.trusted(i),
            lambda: self.stream(i),
            masks if masked else None,
        )

    def stream(self, i: int) -> Iterator[Float[Tensor, "3 H W"]]:
        """Iterate over the pictures of the span of clip i."""
        return (self.pictures(i, [t])[0] for t in self.span(i))

    @staticmethod
    def collate(samples: Sequence[ClipSample], seeds: Int64[Tensor, "B"] | None = None) -> ClipBatch:
        """The batch of these clips; `seeds` are its rows' noise addresses."""
        return ClipBatch.stack(samples, seeds)


@dataclass(frozen=True)
class ClipReading:
    """How clips in files are to be read.

    frames: number of frames per sample. skeleton, source_skeleton: of the frames' poses and of the reference's; None =
    the data set's own. augment: random moves, if the kind supports them; a name selects one of several.
    edges: include those of the driving frame, if the kind supports it.
    """

    frames: int = 30
    skeleton: Skeleton | None = None
    source_skeleton: Skeleton | None = None
    augment: bool | Literal["fashion", "iper"] = False
    edges: bool = False


AS_PUBLISHED = ClipReading()


class FileClips(ClipDataset):
    """Clips from files. A subclass recognises its kind of folder and reads it."""

    looks_for: ClassVar[str]
    """What a folder of this kind contains, for messages."""

    root: Path

    @abstractmethod
    def __init__(
        self, root: Path | str, split: str, framing: Framing | None, options: ClipReading = AS_PUBLISHED
    ) -> None:
        """The split of the clips in this folder."""

    @classmethod
    @abstractmethod
    def recognises(cls, root: Path) -> bool:
        """Whether the files in this folder are of this kind."""


def recognise_clips(root: Path) -> type[FileClips]:
    """The kind of clips in this folder, recognised by its files."""
    kinds = {name: kind for name, kind in CLIP_DATASETS.items() if issubclass(kind, FileClips)}
    if not root.is_dir():
        raise BadInput(f"There is no folder {root}. Give the folder of a data set of clips.")
    found = {name: kind for name, kind in kinds.items() if kind.recognises(root)}
    if len(found) == 1:
        return next(iter(found.values()))
    sought = "; ".join(f"{name}: {kind.looks_for}" for name, kind in (found or kinds).items())
    if found:
        raise BadInput(f"{root} holds several kinds of clips ({sought}). Give each a folder of its own.")
    raise BadInput(f"{root} holds no clips that Reposer knows. It looked for {sought}.")


def holds_clips(root: Path) -> bool:
    """Whether `open_clips` recognises this folder."""
    kinds = [kind for kind in CLIP_DATASETS.values() if issubclass(kind, FileClips)]
    return root.is_dir() and any(kind.recognises(root) for kind in kinds)


def open_clips(root: Path | str, split: str, framing: Framing | None, options: ClipReading = AS_PUBLISHED) -> FileClips:
    """Open a split of the clips in a folder, whose kind is recognised by its files."""
    return recognise_clips(Path(root))(root, split, framing, options)


class RecentFrames:
    """A least-recently-used cache by address, of up to `num_bytes`.

    Not sent to worker processes.
    """

    def __init__(self, num_bytes: int = CACHE_BYTES) -> None:
        self.num_bytes = num_bytes
        self._kept: OrderedDict[Any, tuple[Tensor, ...]] = OrderedDict()
        self._used = 0

    def get(self, address: Any, make: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """The cached result of `make`. Not a copy: the caller must not change it."""
        if address in self._kept:
            self._kept.move_to_end(address)
            return self._kept[address]
        made = make()
        self._kept[address] = made
        self._used += _bytes(made)
        while self._used > self.num_bytes and self._kept:
            self._used -= _bytes(self._kept.popitem(last=False)[1])
        return made

    def __contains__(self, address: object) -> bool:
        return address in self._kept

    def __getstate__(self) -> dict[str, Any]:
        return {"num_bytes": self.num_bytes, "_kept": OrderedDict(), "_used": 0}


def _bytes(tensors: Sequence[Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors)


def as_condition(poses: Pose) -> Condition:
    """Facial landmarks become FaceLines; other joints are used as the condition unchanged."""
    return FaceLines(poses) if poses.skeleton == FACE_68 else poses


def with_edges(points: Pose, pictures: Iterable[Float[Tensor, "3 H W"]]) -> FaceLines:
    """The landmarks of frames, one row each, with the edges around the face of each frame's picture.

    The pictures are processed one by one: intermediate maps are many times larger than the result.
    """
    edges = [frame_edges(p[None], points[k : k + 1]) for k, p in enumerate(pictures)]
    return FaceLines(points, torch.cat(edges))


def single(rows: Condition) -> Condition:
    """The row of a batch of one."""
    assert len(rows) == 1, len(rows)
    return rows[0]


def move_clip(
    sample: ClipSample, move: Float[Tensor, "2 3"], source_move: Float[Tensor, "2 3"], fill: float | None
) -> ClipSample:
    """Move the frames by `move` and the reference by `source_move`, with their conditions (see move_pictures)."""
    return replace(
        sample,
        source=move_pictures(sample.source, source_move, fill),
        source_pose=_move_condition(sample.source_pose, source_move),
        frames=move_pictures(sample.frames, move, fill),
        poses=_move_condition(sample.poses, move),
        foreground=None if sample.foreground is None else move_pictures(sample.foreground, move, 0.0),
    )


def _move_condition(condition: Condition, move: Float[Tensor, "2 3"]) -> Condition:
    if isinstance(condition, Pose):
        return condition.affine(move, condition.size)
    assert isinstance(condition, FaceLines), type(condition).__name__
    edges = None if condition.edges is None else move_pictures(condition.edges, move, 0.0)
    return FaceLines(condition.points.affine(move, condition.size), edges)


def _chosen(among: Sequence[int], stream: np.random.Generator) -> int:
    return among[int(stream.integers(len(among)))]
