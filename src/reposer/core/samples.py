"""What training and evaluation pass around: a pair of pictures, a batch of pairs, a clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .pose import Pose
from .view import View

Condition = Pose | View


@dataclass(frozen=True)
class Sample:
    """One person twice: a source picture, a target picture, and what describes each. Pictures in [-1, 1]."""

    source: Float[Tensor, "3 H W"]
    target: Float[Tensor, "3 H W"]
    source_pose: Condition
    target_pose: Condition
    name: str


@dataclass(frozen=True)
class Batch:
    """B pairs. `seeds[b]` is the address of row b's noise; None means 0 for every row."""

    source: Float[Tensor, "B 3 H W"]
    target: Float[Tensor, "B 3 H W"]
    source_pose: Condition
    target_pose: Condition
    names: tuple[str, ...]
    seeds: Int64[Tensor, "B"] | None = None

    @staticmethod
    def stack(samples: Sequence[Sample], seeds: Int64[Tensor, "B"] | None = None) -> "Batch":
        return Batch(
            source=torch.stack([s.source for s in samples]),
            target=torch.stack([s.target for s in samples]),
            source_pose=_stack([s.source_pose for s in samples]),
            target_pose=_stack([s.target_pose for s in samples]),
            names=tuple(s.name for s in samples),
            seeds=seeds,
        )

    def to(self, device: torch.device | str) -> "Batch":
        return replace(
            self,
            source=self.source.to(device),
            target=self.target.to(device),
            source_pose=self.source_pose.to(device),
            target_pose=self.target_pose.to(device),
        )

    def swap(self) -> "Batch":
        """The same pairs the other way round."""
        return replace(
            self,
            source=self.target,
            target=self.source,
            source_pose=self.target_pose,
            target_pose=self.source_pose,
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
class ClipBatch:
    """B clips of T frames each, with the picture that says who the person is."""

    source: Float[Tensor, "B 3 H W"]
    source_pose: Pose
    frames: Float[Tensor, "B T 3 H W"]
    poses: Pose
    names: tuple[str, ...]
    seeds: Int64[Tensor, "B"] | None = None

    def to(self, device: torch.device | str) -> "ClipBatch":
        return replace(
            self,
            source=self.source.to(device),
            source_pose=self.source_pose.to(device),
            frames=self.frames.to(device),
            poses=self.poses.to(device),
        )

    def __len__(self) -> int:
        return self.source.shape[0]


def _stack(conditions: Sequence[Condition]) -> Condition:
    if isinstance(conditions[0], Pose):
        return Pose.stack([c for c in conditions if isinstance(c, Pose)])
    return View.stack([c for c in conditions if isinstance(c, View)])
