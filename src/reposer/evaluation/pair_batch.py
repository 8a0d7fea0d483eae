"""The pairs that scoring looks at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import Pose

PictureSet = Literal["generated", "target", "source"]
PICTURE_SETS: tuple[PictureSet, ...] = ("generated", "target", "source")


@dataclass(frozen=True)
class PairBatch:
    """B pairs as 8-bit pictures in the protocol's geometry, without white sides.

    names: of the pairs.
    source_names, target_names: of the pictures; a source may belong to several pairs.
    identities: who or what each pair shows: one person in one set of clothes, one colour of an item.
    items: the garment or outfit, whoever wears it: a retrieved picture of the same item is correct. Empty: the
        identities.
    attributes: for each pair its true attributes, question to answer; empty if none are known.
    azimuths: (source's, target's) in degrees, of pairs of views.

    Source pictures and poses may be unknown: numbers that need them are then absent from the report.
    """

    names: tuple[str, ...]
    identities: tuple[str, ...]
    generated: UInt8[Tensor, "B H W 3"]
    target: UInt8[Tensor, "B H W 3"]
    source: UInt8[Tensor, "B H W 3"] | None = None
    source_pose: Pose | None = None
    target_pose: Pose | None = None
    source_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    attributes: tuple[Mapping[str, str], ...] = ()
    azimuths: tuple[tuple[float, float], ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def pictures(self, which: PictureSet) -> UInt8[Tensor, "B H W 3"]:
        """The pictures of one of the three sets."""
        found = {"generated": self.generated, "target": self.target, "source": self.source}[which]
        assert found is not None, "the source pictures are unknown"
        return found

    def pose(self, which: Literal["source", "target"]) -> Pose:
        """The poses of one of the two sets."""
        found = self.source_pose if which == "source" else self.target_pose
        assert found is not None, f"the poses of the {which} pictures are unknown"
        return found
