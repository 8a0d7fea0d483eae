"""The data of training and evaluation: a pair of pictures, a batch of pairs, a clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from .device import on_device
from .face import FaceLines
from .pose import Pose
from .truth import Truth
from .view import View

Condition = Pose | View | FaceLines
"""Describes the wanted picture: a person's joints, a camera's direction, or a face's lines."""


@dataclass(frozen=True)
class Sample:
    """One person twice: a source picture, a target picture, and the condition of each. Pictures in [-1, 1]."""

    source: Float[Tensor, "3 H W"]
    target: Float[Tensor, "3 H W"]
    source_pose: Condition
    target_pose: Condition
    name: str
    truth: Truth | None = None
    """Ground truth of the pair, if the data set has it."""


@dataclass(frozen=True)
class Batch:
    """B pairs. `seeds[b]` is the seed of row b's noise; None means 0 for every row. truth: only if every row has it."""

    source: Float[Tensor, "B 3 H W"]
    target: Float[Tensor, "B 3 H W"]
    source_pose: Condition
    target_pose: Condition
    names: tuple[str, ...]
    seeds: Int64[Tensor, "B"] | None = None
    truth: Truth | None = None

    @staticmethod
    def stack(samples: Sequence[Sample], seeds: Int64[Tensor, "B"] | None = None) -> "Batch":
        known = [s.truth for s in samples if s.truth is not None]
        return Batch(
            source=torch.stack([s.source for s in samples]),
            target=torch.stack([s.target for s in samples]),
            source_pose=stack_conditions([s.source_pose for s in samples]),
            target_pose=stack_conditions([s.target_pose for s in samples]),
            names=tuple(s.name for s in samples),
            seeds=seeds,
            truth=Truth.stack(known) if len(known) == len(samples) else None,
        )

    def to(self, device: torch.device | str) -> "Batch":
        return on_device(self, device)

    def swap(self) -> "Batch":
        """The same pairs with source and target swapped; the ground truth is dropped."""
        return replace(
            self,
            truth=None,
            source=self.target,
            target=self.source,
            source_pose=self.target_pose,
            target_pose=self.source_pose,
        )

    def mirrored(self, rows: Bool[Tensor, "B"]) -> "Batch":
        """Mirrors these rows, both pictures and both poses of a row together; their scores are dropped."""

        def picture(p: Tensor) -> Tensor:
            return torch.where(rows.to(p.device)[:, None, None, None], p.flip(-1), p)

        def pose(p: Condition) -> Pose:
            assert isinstance(p, Pose)
            other, own = p.flip(), rows.to(p.xy.device)
            xy = torch.where(own[:, None, None], other.xy, p.xy)
            return replace(p, xy=xy, visible=torch.where(own[:, None], other.visible, p.visible), score=None)

        return replace(
            self,
            source=picture(self.source),
            target=picture(self.target),
            source_pose=pose(self.source_pose),
            target_pose=pose(self.target_pose),
        )

    def rows(self, start: int, stop: int) -> "Batch":
        """Rows start..stop-1 as a batch of their own."""
        part = slice(start, stop)
        return Batch(
            self.source[part],
            self.target[part],
            self.source_pose[part],
            self.target_pose[part],
            self.names[part],
            None if self.seeds is None else self.seeds[part],
            None if self.truth is None else self.truth[part],
        )

    def __len__(self) -> int:
        return self.source.shape[0]


@dataclass(frozen=True)
class Clip:
    """T frames of one person and their poses. `poses` are rows 0..T-1; `fps` in frames per second."""

    frames: Float[Tensor, "T 3 H W"]
    poses: Pose
    name: str
    fps: float

    def __len__(self) -> int:
        return self.frames.shape[0]


@dataclass(frozen=True)
class ClipSample:
    """T frames of one person or face, and the reference picture that shows who it is. Pictures in [-1, 1].

    poses: a batch of T conditions, one for each frame.
    foreground: 1 where a frame shows the person, if the data set has it.
    """

    source: Float[Tensor, "3 H W"]
    source_pose: Condition
    frames: Float[Tensor, "T 3 H W"]
    poses: Condition
    name: str
    foreground: Float[Tensor, "T 1 H W"] | None = None


@dataclass(frozen=True)
class ClipBatch:
    """B clips of T frames each: `poses` has the rows (B, T)."""

    source: Float[Tensor, "B 3 H W"]
    source_pose: Condition
    frames: Float[Tensor, "B T 3 H W"]
    poses: Condition
    names: tuple[str, ...]
    foreground: Float[Tensor, "B T 1 H W"] | None = None
    seeds: Int64[Tensor, "B"] | None = None

    @staticmethod
    def stack(samples: Sequence[ClipSample], seeds: Int64[Tensor, "B"] | None = None) -> "ClipBatch":
        """The batch of these clips. Foregrounds are kept if every clip has them."""
        foreground = [s.foreground for s in samples if s.foreground is not None]
        return ClipBatch(
            source=torch.stack([s.source for s in samples]),
            source_pose=stack_conditions([s.source_pose for s in samples]),
            frames=torch.stack([s.frames for s in samples]),
            poses=stack_conditions([s.poses for s in samples]),
            names=tuple(s.name for s in samples),
            foreground=torch.stack(foreground) if len(foreground) == len(samples) else None,
            seeds=seeds,
        )

    def to(self, device: torch.device | str) -> "ClipBatch":
        return on_device(self, device)

    def pose(self, t: int) -> Condition:
        """The conditions of every clip's frame t."""
        return frame_conditions(self.poses, t)

    def __len__(self) -> int:
        return self.source.shape[0]


def stack_conditions(conditions: Sequence[Condition]) -> Condition:
    """A batch of conditions of one kind."""
    first = conditions[0]
    assert all(type(c) is type(first) for c in conditions), {type(c).__name__ for c in conditions}
    stacked: Condition = type(first).stack(list(conditions))  # type: ignore[arg-type]
    return stacked


def frame_conditions(conditions: Condition, t: int) -> Condition:
    """From conditions with the rows (B, T), those of every row's frame t."""
    if isinstance(conditions, View):
        return View(conditions.azimuth[:, t], conditions.elevation[:, t])
    if isinstance(conditions, FaceLines):
        edges = None if conditions.edges is None else conditions.edges[:, t]
        return FaceLines(conditions.points[:, t], edges)
    return conditions[:, t]
