"""Protocols: everything a number depends on besides the pictures. A changed protocol gets a new name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reposer.core import BadInput, Registry

from .geometry import AS_IT_IS, Geometry, Size

PROTOCOLS: Registry["Protocol"] = Registry("protocol", "reposer.protocols")


@dataclass(frozen=True)
class Fact:
    """A fact about a protocol and its source."""

    text: str
    source: str


@dataclass(frozen=True)
class Protocol:
    """How pictures are scored.

    metrics: names of METRICS, in the order of printing.
    generated, target, reference: how each kind of file becomes the picture that is scored; sources are treated as
        targets.
    person: (height, width) of the people's pictures that the protocol is about: gives the shape of a picture that was
        squashed or padded into a file, where its target's own shape does not.
    white_sides: columns of white added on each side before the metrics see the pictures.
    file_format: what generated pictures are saved as ("jpeg": PIL's default quality of 75).
    rounding: how numbers become bytes where pictures come from a generator and not from files.
    reference_set: which pictures the statistics of the reference come from: "train", or none.
    tails: number of pairs per batch, for metrics that see whole batches only, in the order of names; an incomplete last
        one is dropped.
    suite: parts of the fine-grained suite.
    estimators: their names, by kind.
    limb_radius: half a limb's width in the mask of the target's limbs, as a share of the picture's height.
    confidence: of the bootstrap intervals.
    resamples: number of bootstrap resamples.
    seed: of the bootstrap, and of the noise of generators that use some.
    facts: the protocol in words, with the source of each fact. They are not part of the hash.
    """

    name: str
    metrics: tuple[str, ...]
    generated: Geometry = AS_IT_IS
    target: Geometry = AS_IT_IS
    reference: Geometry = AS_IT_IS
    person: Size = (256, 176)
    white_sides: int = 0
    file_format: Literal["png", "jpeg"] = "png"
    rounding: Literal["nearest", "down"] = "nearest"
    reference_set: Literal["", "train"] = ""
    tails: Mapping[str, int] = field(default_factory=dict)
    suite: tuple[str, ...] = ()
    estimators: Mapping[str, str] = field(default_factory=dict)
    limb_radius: float = 1 / 32
    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0
    facts: tuple[Fact, ...] = ()

    def __post_init__(self) -> None:
        if self.target.size != self.generated.size:
            raise BadInput(
                f"{self.name} would compare pictures of {self.generated.size} with targets of {self.target.size}."
            )

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the scored pictures without white sides; None = the targets' own."""
        return self.target.size

    def words(self) -> list[tuple[str, str, str]]:
        """(what, how, source) of each fact, as text."""
        size = "each target's own" if self.size is None else f"{self.size[0]}x{self.size[1]} (height x width)"
        found = [
            ("size", size, ""),
            ("generated pictures", _words(self.generated), ""),
            ("targets", _words(self.target), ""),
            ("people's pictures", f"{self.person[0]}x{self.person[1]}, where nothing else says it", ""),
            ("white sides", f"{self.white_sides} columns each" if self.white_sides else "none", ""),
            ("file format", self.file_format, ""),
            ("reference set", self.reference_set or "the pairs' targets", ""),
            ("last incomplete batch", _tails(self.tails), ""),
            ("metrics", ", ".join(self.metrics), ""),
        ]
        if self.suite:
            looked = ", ".join(f"{kind}: {name}" for kind, name in self.estimators.items())
            found.append(("suite", f"{', '.join(self.suite)} ({looked})", ""))
        return found + [("fact", fact.text, fact.source) for fact in self.facts]


def _tails(tails: Mapping[str, int]) -> str:
    dropped = [f"{metric} drops it, of {batch}" for metric, batch in tails.items()]
    return "; ".join(dropped) or "counts"


def _words(geometry: Geometry) -> str:
    if geometry.size is None:
        return "as they are, without padding"
    return f"{geometry.rule}, {geometry.fit} to {geometry.size[0]}x{geometry.size[1]} where they have another size"
