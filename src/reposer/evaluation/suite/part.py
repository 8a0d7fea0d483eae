"""What a part of the suite takes in, and what it finds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from reposer.core import Registry

from ..pair_batch import PICTURE_SETS as PICTURE_SETS
from ..pair_batch import PairBatch as PairBatch
from ..pair_batch import PictureSet as PictureSet


@dataclass(frozen=True)
class Finding:
    """One number about one set of pictures.

    metric: its name with its variant ("pckh-patn", "recall@10", "face-verification").
    part: which joint, body part or k; empty for the whole.
    estimator: who looked: description of the network with its checksum.
    low, high: the 95 % bootstrap interval over pairs; NaN where there is none.
    covered, total: on how many pairs the number stands, of how many.
    higher_is_better: None where neither direction is better.
    """

    metric: str
    part: str
    pictures: PictureSet
    estimator: str
    value: float
    low: float
    high: float
    covered: int
    total: int
    higher_is_better: bool | None = True
    unit: str = ""


class SuitePart(ABC):
    """Collects per-pair facts by `update`; `findings` turns them into numbers. Order and batches play no part."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def open(cls, estimators: Mapping[str, str], weights: Path | None, device: torch.device | str) -> "SuitePart":
        """A part that has seen nothing. estimators: kind ("joints", "faces", "face-embedder", "person-embedder",
        "attributes") to name in the registries; weights: a folder of files, None = the usual places.

        Refuses with `BadInput`, which names file, source and checksum, where something is needed and not there.
        """

    def networks(self) -> tuple[str, ...]:
        """Descriptions, with checksums, of what it looks through: an unfinished scoring goes on with the same only."""
        return ()

    @abstractmethod
    def update(self, batch: PairBatch) -> None:
        """Add B pairs."""

    @abstractmethod
    def findings(self) -> list[Finding]:
        """All numbers over the pairs so far, for the three sets where that makes sense."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All that it has seen (texts as bytes), for a scoring run that goes on later."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` gave."""


SUITE: Registry[type[SuitePart]] = Registry("part of the suite", "reposer.suite")
