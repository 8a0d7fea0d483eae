"""What came of scoring a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rich.table import Table

from reposer.core import Generator
from reposer.evaluation import Report, SideBySide
from reposer.evaluation.folder import Problem
from reposer.generators.copy_source import CopySource, CopySourceConfig

COPIED = "copied source"


@dataclass(frozen=True)
class LeftOut:
    """Pictures that cannot be read, by name, with the reason; and how many pairs were excluded because of them."""

    reasons: Mapping[str, str] = field(default_factory=dict)
    num_pairs: int = 0

    def about(self) -> dict[str, str]:
        """For the report."""
        names = ", ".join(self.reasons)
        said = f"{self.num_pairs} pairs, whose pictures cannot be read: {names}"
        return {"left_out": said} if self.reasons else {}


@dataclass(frozen=True)
class Outcome:
    """report: the model's. table: the model beside what it is compared with. files: where the report lies, in words.

    undone: how many pairs or frames (`unit`) the generator left something undone in, by its sentence about it; "" =
    nothing.
    """

    report: Report
    table: SideBySide | Table
    files: str
    problems: tuple[Problem, ...] = ()
    left_out: LeftOut = LeftOut()
    undone: Mapping[str, int] = field(default_factory=dict)
    unit: Literal["pairs", "frames"] = "pairs"

    @property
    def complete(self) -> bool:
        """Whether every number is there, of all that was asked for."""
        return not (self.report.absent or self.problems or self.left_out.reasons)


@dataclass(frozen=True)
class Model:
    """What is scored. name: in tables. about: for the report. folder: of the report."""

    generator: Generator
    name: str
    about: Mapping[str, str]
    folder: Path

    def copy_source(self) -> Generator:
        """The source left as it is, in the same frame: what a model has to beat."""
        return CopySource(CopySourceConfig(self.generator.framing))


def short_name(model: str) -> str:
    """A run's folder, or the file's or the shipped model's own name."""
    path = Path(model)
    return path.parent.name if path.stem == "generator" else path.stem


def about_undone(undone: Mapping[str, int], unit: str = "pairs") -> dict[str, str]:
    """For the report."""
    counts = [f"{count} {unit}: {reason}" for reason, count in undone.items() if reason]
    return {"left_undone": "; ".join(counts)} if counts else {}
