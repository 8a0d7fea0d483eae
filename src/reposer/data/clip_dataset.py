"""Clips of one person or face: what every data set of them offers. What a draw shows is a function of (item, seed)."""

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

CLIP_DATASETS: "Registry[type[ClipDataset]]" = Registry("data set of clips", "reposer.clip_datasets")
REFERENCES = 20
"""Of how many first frames one is drawn as the reference, as published."""


@dataclass(frozen=True)
class WholeClip:
    """All frames of one clip that a split has, to be driven by and compared with.

    source, source_pose: the picture that says who it is. poses: T conditions, one a frame. fps: frames per second.
    size: (height, width) of its pictures before they were laid into the frame, in pixels.
    trusted: frames whose joints may be scored.
    open_frames, open_foreground: give the frames, and 1 where they show the person, each anew from the first on.
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
        """The frames in [-1, 1], one after the other; none is kept."""
        return self.open_frames()

    def foreground(self) -> Iterator[Float[Tensor, "1 H W"]] | None:
        """1 where a frame shows the person, frame after frame; None where the data set does not say."""
        return None if self.open_foreground is None else self.open_foreground()


class ClipDataset(ABC):
    """Clips of one person or face each, with what describes every frame.

    framing: how frames lie in a generator's frame; None leaves them as they are.
    frames_per_draw: how many consecutive frames `draw` gives.

    A kind of data set says how many clips there are and what frame t of clip i shows; frames are numbered over the
    whole clip, of which a split may have a part (`span`).
    """

    framing: Framing | None
    frames_per_draw: int
    split: str

    @abstractmethod
    def __len__(self) -> int:
        """How many clips there are."""

    @abstractmethod
    def identity(self, i: int) -> str:
        """Whose clip i is."""

    @abstractmethod
    def name(self, i: int) -> str:
        """What clip i is called."""

    @abstractmethod
    def span(self, i: int) -> range:
        """The frames of clip i that the split has."""

    @abstractmethod
    def pictures(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 3 H W"]:
        """These frames of clip i, in the frame."""

    @abstractmethod
    def conditions(self, i: int, frames: Sequence[int]) -> Condition:
        """What describes these frames of clip i, as rows."""

    def fps(self, i: int) -> float:
        """Frames per second of clip i."""
        return 25.0

    def picture_size(self, i: int) -> tuple[int, int]:
        """(height, width) of clip i's own pictures, before they are laid into the frame: what is no padding is scored.

        A kind whose pictures do not fill the frame says theirs.
        """
        if self.framing is not None:
            return self.framing.size
        first = self.pictures(i, self.span(i)[:1])
        return first.shape[-2], first.shape[-1]

    def masks(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 1 H W"] | None:
        """1 where these frames show the person, where the data set says so."""
        return None

    def trusted(self, i: int) -> Bool[Tensor, "T"]:
        """Which frames of the span of clip i have joints that may be scored and learnt from."""
        return torch.ones(len(self.span(i)), dtype=torch.bool)

    def references(self, i: int, start: int) -> Sequence[int]:
        """The frames of which one is the reference of a draw that begins at frame `start`."""
        return self.span(i)[:REFERENCES]

    def reference(self, i: int, frame: int) -> tuple[Float[Tensor, "3 H W"], Condition]:
        """A picture that says who clip i shows, and its condition."""
        return self.pictures(i, [frame])[0], single(self.conditions(i, [frame]))

    def first_reference(self, i: int) -> int:
        """The frame that is the reference where nothing is drawn at random."""
        return self.span(i)[0]

    def moved(self, sample: ClipSample, i: int, stream: np.random.Generator) -> ClipSample:
        """The drawn frames moved at random, where the data set has such a thing."""
        return sample

    def starts(self, i: int) -> Sequence[int]:
        """Where a draw may begin: no frame of it is untrusted, if the clip has such a stretch."""
        span, count = self.span(i), self.frames_per_draw
        if len(span) <= count:
            return [span[0]]
        good = self.trusted(i).float().unfold(0, count, 1).amin(1).nonzero()[:, 0].tolist()
        return [span[k] for k in good] or span[: len(span) - count + 1]

    def draw(self, i: int, seed: int) -> ClipSample:
        """Consecutive frames of clip i from a start, with a reference and a small move, that `seed` chooses.

        The last frame is repeated where the clip is too short.
        """
        stream = numpy_stream(seed, i)
        start = _chosen(self.starts(i), stream)
        reference = _chosen(self.references(i, start), stream)
        last = self.span(i)[-1]
        frames = [min(start + k, last) for k in range(self.frames_per_draw)]
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
        """The reference of clip i and its middle frame. Always the same."""
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
        """All frames of clip i that the split has; nothing is added at the end."""
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
        """The pictures of the span of clip i, one after the other."""
        return (self.pictures(i, [t])[0] for t in self.span(i))

    @staticmethod
    def collate(samples: Sequence[ClipSample], seeds: Int64[Tensor, "B"] | None = None) -> ClipBatch:
        """The batch of these clips; `seeds` are its rows' noise addresses."""
        return ClipBatch.stack(samples, seeds)


@dataclass(frozen=True)
class ClipOptions:
    """What is asked of clips in files.

    frames: how many a draw gives. skeleton, source_skeleton: of the frames' poses and of the reference's; None = as
    the data set has them. augment: moves at random, where the kind offers them; a name chooses one of several.
    edges: of the driving frame, where the kind offers them.
    """

    frames: int = 30
    skeleton: Skeleton | None = None
    source_skeleton: Skeleton | None = None
    augment: bool | Literal["fashion", "iper"] = False
    edges: bool = False


AS_PUBLISHED = ClipOptions()


class FileClips(ClipDataset):
    """Clips from files. A kind says how its folder is recognised and what is in it."""

    looks_for: ClassVar[str]
    """What a folder of this kind holds, for messages."""

    root: Path

    @abstractmethod
    def __init__(
        self, root: Path | str, split: str, framing: Framing | None, options: ClipOptions = AS_PUBLISHED
    ) -> None:
        """The split of the clips in this folder."""

    @classmethod
    @abstractmethod
    def recognises(cls, root: Path) -> bool:
        """Whether the files in this folder are of this kind."""


def recognise_clips(root: Path) -> type[FileClips]:
    """Which kind of clips lies in this folder, by the files that are there."""
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
    """Whether `open_clips` knows what lies in this folder."""
    kinds = [kind for kind in CLIP_DATASETS.values() if issubclass(kind, FileClips)]
    return root.is_dir() and any(kind.recognises(root) for kind in kinds)


def open_clips(root: Path | str, split: str, framing: Framing | None, options: ClipOptions = AS_PUBLISHED) -> FileClips:
    """The split of the clips in a folder; their kind is recognised by the files that are there."""
    return recognise_clips(Path(root))(root, split, framing, options)


class RecentFrames:
    """What was made last, by its address, up to `num_bytes`; what was not asked for the longest goes first.

    Not sent to worker processes.
    """

    def __init__(self, num_bytes: int = CACHE_BYTES) -> None:
        self.num_bytes = num_bytes
        self._kept: OrderedDict[Any, tuple[Tensor, ...]] = OrderedDict()
        self._used = 0

    def get(self, address: Any, make: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """What `make` gives, made once while it is kept. Not a copy: the caller leaves it as it is."""
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
    """Landmarks of a face become FaceLines; other joints are a condition as they are."""
    return FaceLines(poses) if poses.skeleton == FACE_68 else poses


def with_edges(points: Pose, pictures: Iterable[Float[Tensor, "3 H W"]]) -> FaceLines:
    """The landmarks of frames, a row each, with the edges around the face of each frame's picture.

    The pictures come one by one: the maps between are many times larger than what comes out.
    """
    edges = [frame_edges(p[None], points[k : k + 1]) for k, p in enumerate(pictures)]
    return FaceLines(points, torch.cat(edges))


def single(rows: Condition) -> Condition:
    """The one row of a batch of one."""
    assert len(rows) == 1, len(rows)
    return rows[0]


def move_clip(
    sample: ClipSample, move: Float[Tensor, "2 3"], source_move: Float[Tensor, "2 3"], fill: float | None
) -> ClipSample:
    """The frames moved by `move` and the reference by `source_move`, with all that lies in them (see move_pictures)."""
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
