"""Findings of a data set check, and their display."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from jaxtyping import Bool
from rich.progress import track
from rich.table import Table
from rich.text import Text
from torch import Tensor

from reposer.core import Pose
from reposer.core.shown import one_line
from reposer.core.terminal import Terminal

T = TypeVar("T")
Severity = Literal["error", "warning"]
NUM_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """One kind of problem. `count`: number of affected items; the first few are examples."""

    severity: Severity
    kind: str
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()


class Findings(list[Finding]):
    """A list that collects findings."""

    def add(self, severity: Severity, kind: str, message: str, examples: Sequence[object] = ("",)) -> None:
        """Add a finding about all `examples`; nothing is added if there are none."""
        if examples:
            few = tuple(str(e) for e in examples[:NUM_EXAMPLES] if str(e))
            self.append(Finding(severity, kind, message, len(examples), few))

    def sorted(self) -> "Findings":
        """The findings, errors first."""
        return Findings(sorted(self, key=lambda finding: finding.severity != "error"))


def findings_table(findings: Sequence[Finding], root: Path | str) -> Table:
    """The findings as a table for a terminal; a single line if there are none."""
    errors = sum(finding.severity == "error" for finding in findings)
    table = Table(
        title=Text(f"{one_line(str(root))}: {errors} kinds of errors, {len(findings) - errors} of warnings"),
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for title in ("", "what", "how many", "meaning"):
        table.add_column(title, justify="right" if title == "how many" else "left", overflow="fold")
    for finding in findings:
        colour = "red" if finding.severity == "error" else "yellow"
        examples = f" ({one_line(', '.join(finding.examples))})" if finding.examples else ""
        meaning = Text.assemble(one_line(finding.message), (examples, "dim"))
        table.add_row(Text(finding.severity, colour), finding.kind, f"{finding.count:,}", meaning)
    if not findings:
        table.add_row(Text("good", "green"), "", "", "nothing wrong was found")
    return table


def outside_picture(pose: Pose) -> Bool[Tensor, "*B K"]:
    """The joints that were found, but outside their picture."""
    limits = pose.xy.new_tensor([pose.size[1] - 0.5, pose.size[0] - 0.5])
    return pose.visible & ((pose.xy < -0.5) | (pose.xy > limits)).any(-1)


def tracked(items: Iterable[T], what: str, total: int, progress: bool) -> Iterable[T]:
    """Iterate over the items, with an optional progress line on the terminal."""
    console = Terminal(stderr=True)
    return track(items, what, total=total, console=console, transient=True, disable=not progress)
