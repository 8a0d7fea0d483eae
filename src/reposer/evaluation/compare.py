"""Several reports in one table. Only numbers that were made alike are ranked; of others it is said what differs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from reposer.core.shown import in_markdown, one_line
from reposer.metrics import METRICS

from .written_report import WrittenNumber, WrittenReport, written_report


@dataclass(frozen=True)
class Line:
    """One metric over the reports. cells: as printed, empty where a report has none. best: places of the best values.

    differences: why the numbers may not be ranked; empty where they may.
    """

    metric: str
    cells: tuple[str, ...]
    best: frozenset[int]
    differences: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Whether this line is ranked, in words."""
        alone = sum(cell != "" for cell in self.cells) < 2
        return "; ".join(self.differences) or ("nothing to rank it with" if alone else "yes")


@dataclass(frozen=True)
class Comparison:
    """The table. names: of the reports."""

    names: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def ranked(self) -> bool:
        """Whether all lines could be ranked."""
        return not any(line.differences for line in self.lines)

    def to_table(self, names: Sequence[str] | None = None) -> Table:
        """For a terminal; the best of a ranked line is bold. names: in place of the reports' own."""
        table = Table()
        table.add_column("metric", no_wrap=True)
        for name in names or self.names:
            table.add_column(Text(one_line(name)), justify="right")
        table.add_column("ranked")
        for line in self.lines:
            cells = [
                Text(one_line(cell), style="bold" if k in line.best else "")
                for k, cell in enumerate(line.cells)
            ]
            table.add_row(Text(one_line(line.metric)), *cells, Text(one_line(line.verdict)))
        return table

    def markdown(self) -> str:
        """For a page; the best of a ranked line is bold."""
        head = ["metric", *map(in_markdown, self.names), "ranked"]
        rows = [f"| {' | '.join(head)} |", "|---|" + "---:|" * len(self.names) + "---|"]
        for line in self.lines:
            shown = map(in_markdown, line.cells)
            cells = [f"**{cell}**" if k in line.best else cell for k, cell in enumerate(shown)]
            rows.append(f"| {in_markdown(line.metric)} | {' | '.join(cells)} | {in_markdown(line.verdict)} |")
        return "\n".join(rows) + "\n"


def compare(reports: Mapping[str, Mapping[str, Any]]) -> Comparison:
    """One line per metric that any of the reports has, in the order of their first appearance.

    reports: by name, what their files hold (`read_report`, `Report.to_plain`).
    """
    written = {name: written_report(plain, name) for name, plain in reports.items()}
    metrics = list(dict.fromkeys(name for report in written.values() for name in report.summary))
    return Comparison(tuple(written), tuple(_line(name, list(written.values())) for name in metrics))


def _line(metric: str, reports: Sequence[WrittenReport]) -> Line:
    own = [report.summary.get(metric) for report in reports]
    cells = tuple("" if found is None else _cell(metric, found) for found in own)
    values = {k: float(found.mean) for k, found in enumerate(own) if found is not None}
    differences = _differences(metric, [reports[k] for k in values])
    if len(values) > 1 and any(math.isnan(value) for value in values.values()):
        differences += ("no pair has a value in one of them",)
    best: frozenset[int] = frozenset()
    if len(values) > 1 and not differences:
        top = (max if METRICS[metric].higher_is_better else min)(values.values())
        best = frozenset(k for k, value in values.items() if value == top)
    return Line(metric, cells, best, differences)


def _cell(metric: str, found: WrittenNumber) -> str:
    digits = 2 if METRICS[metric].unit == "dB" else 4
    mean, low, high = found.values()
    return (
        f"{mean:.{digits}f}"
        if math.isnan(low)
        else f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
    )


def _differences(metric: str, reports: Sequence[WrittenReport]) -> tuple[str, ...]:
    """What was unlike in the making of this number, in words; nothing where the rows' hashes are equal."""
    if len({report.row_hashes[metric] for report in reports}) == 1:
        return ()
    found = []
    for title, fact in (
        ("protocol", lambda r: r.name),
        ("picture size", lambda r: "x".join(map(str, r.size))),
        ("geometry of the generated pictures", lambda r: r.geometry),
        ("number of pairs", lambda r: r.pairs),
        ("network", lambda r: r.networks.get(metric, "none")),
        ("reference set", lambda r: r.reference_hash[:8] if METRICS[metric].needs_reference else ""),
        ("set of masks", lambda r: r.mask_hashes.get(METRICS[metric].mask, "")[:8]),
    ):
        values = list(dict.fromkeys(str(fact(report)) for report in reports))
        if len(values) > 1:
            found.append(f"another {title} ({' / '.join(values)})")
    if not found and len({report.hash for report in reports}) > 1:
        found.append("other pairs, or another version of the protocol")
    if not found:
        found.append("other target pictures (decoded or resized differently)")
    return tuple(found)
