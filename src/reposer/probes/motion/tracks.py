"""Pairs of tracks for training: as detected and true, cut to windows and augmented."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from reposer.core import Pose
from reposer.core.device import on_device
from reposer.core.rng import mix

from .network import CONTEXT
from .placing import PlacedBy, bridged, placement, window

LARGEST, FARTHEST = 1.5, 0.1  # the coordinates are scaled by 1 to 1.5 and shifted by up to 0.1, as published


@dataclass(frozen=True)
class MotionBatch:
    """B windows. noisy: COCO_17 with 40 frames more on each side. clean: H36M_17. seeds: of the dropout."""

    noisy: Float[Tensor, "B 34 T"]
    clean: Float[Tensor, "B 34 t"]
    seeds: Int64[Tensor, "B"] | None = None

    def to(self, device: torch.device | str) -> "MotionBatch":
        return on_device(self, device)

    def __len__(self) -> int:
        return len(self.noisy)


@dataclass(frozen=True)
class TrackPair:
    """T frames of one person. noisy: COCO_17 as detected. clean: H36M_17, all visible."""

    noisy: Pose
    clean: Pose
    fps: float


class TrackPairs(ABC):
    """Items of training: a sample is a function of (i, seed)."""

    frames: int
    """Output frames of a window."""
    placed_by: PlacedBy
    """What coordinates are relative to."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def pair(self, i: int, seed: int) -> TrackPair:
        """The whole tracks of item i. seed: of the simulated camera and detector, where there are any."""

    def sample(self, i: int, seed: int) -> MotionBatch:
        """A window of item i, scaled and shifted at random; one row."""
        pair = self.pair(i, seed)
        stream = torch.Generator().manual_seed(mix(seed, 0x3071))
        last = max(len(pair.clean) - self.frames, 0)
        start = int(torch.randint(last + 1, (), generator=stream))
        found = window(bridged(pair.noisy).xy, start - CONTEXT, self.frames + 2 * CONTEXT)[None]
        true = window(pair.clean.xy, start, self.frames)[None]
        place = placement(found, pair.noisy.visible.any(0), pair.noisy.size, self.placed_by)
        dice = torch.rand(3, generator=stream)
        scale, shift = 1 + (LARGEST - 1) * dice[0], FARTHEST * (2 * dice[1:] - 1)
        moved = [place.numbers(xy) * scale + shift.repeat_interleave(xy.shape[2])[:, None] for xy in (found, true)]
        return MotionBatch(*moved)

    def collate(self, samples: Sequence[MotionBatch], seeds: Int64[Tensor, "B"] | None) -> MotionBatch:
        return MotionBatch(torch.cat([row.noisy for row in samples]), torch.cat([row.clean for row in samples]), seeds)
