"""The options of `reposer evaluate`: what a model is scored on, and how. Nothing heavy is imported here."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, Literal

from reposer.core import BadInput
from reposer.core.choices import Engine, Frame, PictureForm, Smoothing, evenly

Kind = Literal["pairs", "clips", "views"]


@dataclass(frozen=True)
class Options:
    """For every kind of data."""

    data: str | None = None
    """folder of pairs or of clips, or a file of views; none = what suits the model is rendered on the spot."""
    split: str = "test"
    """the split of the data set."""
    protocol: str | None = None
    """name of the protocol; none = reposer-v1-reconstruction for pairs of people, and the only one for clips and
    views."""
    pairs: int | None = None
    """score only this many pairs or clips, evenly spread over the data set; none = all."""
    batch_size: int = 8
    """pictures generated at a time; the numbers do not depend on it."""
    out: Path | None = None
    """folder of the report; none = beside the model, or the current folder for a shipped one."""
    keep_pictures: bool = False
    """keep the generated pictures in OUT/pictures, as SOURCE_2_TARGET.png, and those of a clip as CLIP/FRAME.png; the
    same command after a stop generates only what is missing. Protocols that say how files become pictures keep them
    anyway, in a folder of their own."""
    weights: Path | None = None
    """folder of the files of networks that score; none = the usual places."""
    device: str | None = None
    """cpu, cuda, ...; none = a CUDA GPU if there is one."""
    max_memory: str | None = None
    """the most memory, over all processes, for example 800M or 4G; a smaller `--batch-size` and fewer `--workers` are
    chosen so that it holds, or nothing is begun; none = no limit."""

    def chosen(self, of: int) -> list[int]:
        """The pairs or clips to score, by their numbers in a data set of `of`."""
        if self.pairs is not None and not 0 < self.pairs <= of:
            raise BadInput(f"--pairs must be 1 to {of}, the size of the data set, not {self.pairs}.")
        return evenly(self.pairs or of, of)

    def refuse_protocol(self, what: str, own: str) -> None:
        """Refuse other protocols for a kind of data that has only one."""
        if self.protocol not in (None, own):
            raise BadInput(f"{what} are scored under {own}, not under {self.protocol}; leave --protocol out.")


class OfOneKind:
    """Options for one kind of data only."""

    kind: ClassVar[Kind]

    @property
    def given(self) -> list[str]:
        """The options that differ from their defaults, by their names on the command line."""
        return [
            f"--{field.name.replace('_', '-')}"
            for field in fields(self)  # type: ignore[arg-type]  # a dataclass, as all of its kind
            if getattr(self, field.name) != field.default
        ]


@dataclass(frozen=True)
class PairScoring(OfOneKind):
    """For pairs of people."""

    kind = "pairs"

    frame: Frame | None = None
    """coordinate frame of a fashion list; none = what its name says or its joints prove."""
    pictures: PictureForm | None = None
    """how pictures of another shape than 256x176 represent that one; none = what they prove."""
    reference: Path | None = None
    """folder of the training pictures, for metrics that compare with them."""
    workers: int = 2
    """processes that decode and compare files, under protocols that say how files become pictures (under the others no
    file is written, and this is not used); with --engine ray, those that generate, too."""
    engine: Engine = "local"
    """local = this machine; ray = also the pictures are generated, by one thread each, on the Ray cluster that
    RAY_ADDRESS names, whose machines see the same files, or by a Ray on this machine (extra `cluster`); for protocols
    that say how files become pictures."""


@dataclass(frozen=True)
class ClipScoring(OfOneKind):
    """For clips."""

    kind = "clips"

    without_networks: bool = False
    """skip the metrics that use a network."""
    smooth: Smoothing = "none"
    """also score the model driven by smoothed joints."""
    steady: bool = False
    """also score the model with moving parts carried along from frame to frame."""
    edges: bool = False
    """faces: also drive with the true frame's edges around the face, as published networks did."""


@dataclass(frozen=True)
class ViewScoring(OfOneKind):
    """For views of objects."""

    kind = "views"

    against: str | None = None
    """another model, scored on the same pairs."""


@dataclass(frozen=True)
class Scoring:
    """All options; those for other kinds of data than what is scored must have their defaults."""

    common: Options = Options()
    pairs: PairScoring = PairScoring()
    clips: ClipScoring = ClipScoring()
    views: ViewScoring = ViewScoring()
