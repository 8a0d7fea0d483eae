"""The result of scoring a model."""

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
        """The entries for the report."""
        names = ", ".join(self.reasons)
        said = f"{self.num_pairs} pairs, whose pictures cannot be read: {names}"
        return {"left_out": said} if self.reasons else {}


@dataclass(frozen=True)
class Outcome:
    """The result of scoring.

    report: the model's.
    table: the model next to what it is compared with.
    files: where the report lies, in words.
    undone: number of pairs or frames (`unit`) for which the generator left something undone, by its sentence about it;
        "" = nothing.
    pictures: the folder of the generated pictures, if they were kept.
    """

    report: Report
    table: SideBySide | Table
    files: str
    problems: tuple[Problem, ...] = ()
    left_out: LeftOut = LeftOut()
    undone: Mapping[str, int] = field(default_factory=dict)
    unit: Literal["pairs", "frames"] = "pairs"
    pictures: Path | None = None

    @property
    def complete(self) -> bool:
        """Whether all requested numbers are there."""
        return not (self.report.absent or self.problems or self.left_out.reasons)


@dataclass(frozen=True)
class Model:
    """The model to score. name: in tables. about: for the report. folder: of the report. file: of its weights. step: of
    a numbered checkpoint, as its file's name says it; such files lie side by side, and so do their reports."""

    generator: Generator
    name: str
    about: Mapping[str, str]
    folder: Path
    file: Path
    step: str = ""

    def report_name(self, protocol: str) -> str:
        """The name of the report's files under this protocol, without ending."""
        return f"report-{protocol}-{self.step}" if self.step else f"report-{protocol}"

    def copy_source(self) -> Generator:
        """The unchanged source in the same frame: the baseline that a model has to beat."""
        return CopySource(CopySourceConfig(self.generator.framing))


def own_folder(model: str) -> Path:
    """Where a model's reports go unless the user says: beside its file, in its run's folder, or else here."""
    path = Path(model)
    if path.suffix == ".safetensors" and not model.startswith("hf:"):
        return path.parent
    return path if path.is_dir() else Path()


def short_name(model: str) -> str:
    """The name of the run's folder, of the file or of the shipped model."""
    path = Path(model)
    return path.parent.name if path.stem == "generator" else path.stem


def about_undone(undone: Mapping[str, int], unit: str = "pairs") -> dict[str, str]:
    """The entries for the report."""
    counts = [f"{count} {unit}: {reason}" for reason, count in undone.items() if reason]
    return {"left_undone": "; ".join(counts)} if counts else {}
