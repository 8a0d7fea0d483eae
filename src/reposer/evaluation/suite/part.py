"""What a part of the suite takes in, and what it finds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import Pose, Registry

PictureSet = Literal["generated", "target", "source"]
PICTURE_SETS: tuple[PictureSet, ...] = ("generated", "target", "source")


@dataclass(frozen=True)
class SuiteBatch:
    """B pairs as 8-bit pictures, in the geometry of the protocol, without padding.

    names: of the pairs. source_names, target_names: of the pictures; a source may belong to several pairs.
    items: the garment or outfit each pair shows (a retrieved picture of the same item is right).
    variants: the item in one colour on one person: all pictures of one identity.
    attributes: for each pair its true attributes, question to answer; empty where none are known.
    """

    names: tuple[str, ...]
    source_names: tuple[str, ...]
    target_names: tuple[str, ...]
    items: tuple[str, ...]
    variants: tuple[str, ...]
    generated: UInt8[Tensor, "B H W 3"]
    target: UInt8[Tensor, "B H W 3"]
    source: UInt8[Tensor, "B H W 3"]
    target_pose: Pose
    source_pose: Pose
    attributes: tuple[Mapping[str, str], ...] = ()

    def pictures(self, which: PictureSet) -> UInt8[Tensor, "B H W 3"]:
        """The pictures of one of the three sets."""
        return {"generated": self.generated, "target": self.target, "source": self.source}[which]


@dataclass(frozen=True)
class Finding:
    """One number about one set of pictures.

    metric: its name with its variant ("pckh-patn", "recall@10", "face-verification").
    part: which joint, body part or k; empty for the whole.
    estimator: who looked: description of the network with its checksum.
    low, high: the 95 % bootstrap interval over pairs; NaN where there is none.
    covered, total: on how many pairs the number stands, of how many.
    better: which direction is better; empty where neither is.
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
    better: Literal["higher", "lower", ""] = "higher"
    unit: str = ""


class SuitePart(ABC):
    """Collects per-pair facts by `update`; `findings` turns them into numbers. Order and batches play no part."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def open(
        cls, estimators: Mapping[str, str], weights: Path | None, device: torch.device | str
    ) -> "SuitePart":
        """A part that has seen nothing. estimators: kind ("joints", "faces", "face-embedder", "person-embedder",
        "attributes") to name in the registries; weights: a folder of files, None = the usual places.

        Refuses with `BadInput`, which names file, source and checksum, where something is needed and not there.
        """

    def networks(self) -> tuple[str, ...]:
        """Descriptions, with checksums, of what it looks through: an unfinished scoring goes on with the same only."""
        return ()

    @abstractmethod
    def update(self, batch: SuiteBatch) -> None:
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
