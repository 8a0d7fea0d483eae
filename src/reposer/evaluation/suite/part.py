"""The interface of a part of the suite, and its results."""

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
    estimator: description of the network used, with its checksum.
    low, high: the 95 % bootstrap interval over pairs; NaN where there is none.
    covered, total: number of pairs that the number is based on, and of all pairs.
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
    """Collects per-pair facts in `update`; `findings` turns them into numbers. Order and batches do not matter."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def open(cls, estimators: Mapping[str, str], weights: Path | None, device: torch.device | str) -> "SuitePart":
        """A part without data. estimators: kind ("joints", "faces", "face-embedder", "person-embedder", "attributes")
        to name in the registries; weights: a folder of files, None = the usual places.

        Raises `BadInput`, which names file, source and checksum, if something is needed and missing.
        """

    def networks(self) -> tuple[str, ...]:
        """Descriptions, with checksums, of its networks: an unfinished scoring resumes only with the same ones."""
        return ()

    @abstractmethod
    def update(self, batch: PairBatch) -> None:
        """Add B pairs."""

    @abstractmethod
    def findings(self) -> list[Finding]:
        """All numbers over the pairs so far, for the three sets where that makes sense."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All accumulated data (texts as bytes), for a scoring run that is resumed later."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned."""


SUITE: Registry[type[SuitePart]] = Registry("part of the suite", "reposer.suite")
