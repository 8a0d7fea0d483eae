"""How numbers are named, formatted, ranked and compared side by side, wherever they are shown."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from reposer.core.shown import in_markdown, one_line
from reposer.metrics import METRICS, AnyMetric
from reposer.metrics.clips import CLIP_METRICS


def kind_of(metric: str) -> type[AnyMetric]:
    """The metric of pictures or of clips of this name."""
    return METRICS[metric] if metric in METRICS else CLIP_METRICS[metric]


def titled(metric: str) -> str:
    """The name, with its unit if numbers would mislead without it."""
    unit = kind_of(metric).unit
    return f"{metric} ({unit})" if unit == "dB" else metric


def written(metric: str, value: float, low: float = math.nan, high: float = math.nan) -> str:
    """The value and its interval, if there is one."""
    digits = 2 if kind_of(metric).unit == "dB" else 4
    interval = "" if math.isnan(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{value:.{digits}f}{interval}"


def direction(higher_is_better: bool | None, best: float = math.nan) -> str:
    """Which value is better, in words; empty if none is."""
    if higher_is_better is None:
        return "" if math.isnan(best) else f"nearest to {best:g}"
    return "higher" if higher_is_better else "lower"


def better(metric: str) -> str:
    """Which value of the metric is better, in words."""
    kind = kind_of(metric)
    return direction(kind.higher_is_better, kind.best)


def best_of(metric: str, values: Sequence[float]) -> frozenset[int]:
    """The indices of the best values; none for a single one, nor for what is not a number."""
    kind = kind_of(metric)
    sign = -1 if kind.higher_is_better else 1
    misses = [abs(v - kind.best) if kind.higher_is_better is None else sign * v for v in values]
    least = min((miss for miss in misses if not math.isnan(miss)), default=math.nan)
    return frozenset(k for k, miss in enumerate(misses) if miss == least and len(values) > 1)


def plain(value: float) -> float | str:
    """The number as JSON has it: "inf" and "nan" are texts."""
    return value if math.isfinite(value) else str(value)


def number_of(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Line:
    """One metric in every column. cells: empty if a column has none. best: indices of the best ones."""

    metric: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SideBySide:
    """Numbers of several systems, a column each; the best of a line is bold.

    names: of the systems.
    groups: lines by their title, which may be empty.
    notes: titles of further columns.
    """

    names: tuple[str, ...]
    groups: Mapping[str, Sequence[Line]]
    notes: tuple[str, ...] = ()
    title: str = ""

    @property
    def lines(self) -> list[Line]:
        return [line for lines in self.groups.values() for line in lines]

    def to_table(self, names: Sequence[str] | None = None) -> Group:
        """For a terminal: one table per group. names: replace the systems' own."""
        tables = []
        for group, lines in self.groups.items():
            table = Table(title=Text(one_line(group)), title_justify="left", title_style="bold")
            table.box = SIMPLE_HEAD if group else table.box
            table.add_column("metric", no_wrap=True)
            for name in names or self.names:
                table.add_column(Text(one_line(name)), justify="right", no_wrap=bool(group))
            for note in self.notes:
                table.add_column(note)
            for line in lines:
                cells = [Text(one_line(cell), "bold" if k in line.best else "") for k, cell in enumerate(line.cells)]
                table.add_row(Text(one_line(line.metric)), *cells, *(Text(one_line(note)) for note in line.notes))
            tables.append(table)
        return Group(*([self.title] if self.title else []), *tables)

    def markdown(self) -> str:
        """One Markdown table."""
        grouped = any(self.groups)
        head = [*(["person"] if grouped else []), "metric", *map(in_markdown, self.names), *self.notes]
        rule = "|---" * (1 + grouped) + "|" + "---:|" * len(self.names) + "---|" * len(self.notes)
        rows = [f"| {' | '.join(head)} |", rule]
        for group, lines in self.groups.items():
            for line in lines:
                shown = [
                    f"**{cell}**" if k in line.best else cell for k, cell in enumerate(map(in_markdown, line.cells))
                ]
                label = [group, line.metric] if grouped else [line.metric]
                cells = [*map(in_markdown, label), *shown, *map(in_markdown, line.notes)]
                rows.append(f"| {' | '.join(cells)} |")
        return "\n".join(rows) + "\n"

    def latex(self) -> str:
        """A LaTeX table for a paper (needs the package booktabs). Notes stand below it as comments."""
        head = ["metric", *map(_in_latex, self.names)]
        rows = []
        for group, lines in self.groups.items():
            if group:
                rows.append(rf"\multicolumn{{{len(head)}}}{{l}}{{{_in_latex(group)}}} \\")
            for line in lines:
                cells = [
                    rf"\textbf{{{_in_latex(cell)}}}" if k in line.best else _in_latex(cell)
                    for k, cell in enumerate(line.cells)
                ]
                rows.append(f"{' & '.join([_in_latex(titled(line.metric)) + _arrow(line.metric), *cells])} \\\\")
        columns = "l" + "r" * len(self.names)
        notes = [
            f"% {one_line(line.metric)}: {'; '.join(map(one_line, line.notes))}"
            for line in self.lines
            if any(line.notes)
        ]
        body = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", f"{' & '.join(head)} \\\\", r"\midrule", *rows]
        return "\n".join([*body, r"\bottomrule", r"\end{tabular}", *notes]) + "\n"

    def csv(self) -> str:
        """A line for each number, as printed: metric, system, value, ends of the interval, whether it is the best,
        notes."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["group", "metric", "system", "value", "low", "high", "best", *self.notes])
        for group, lines in self.groups.items():
            for line in lines:
                for k, (name, cell) in enumerate(zip(self.names, line.cells, strict=True)):
                    found = re.fullmatch(r"(\S+)(?: \[(\S+), (\S+)\])?", cell)
                    numbers = ["", "", ""] if found is None else [part or "" for part in found.groups()]
                    best = "yes" if k in line.best else "no"
                    writer.writerow([group, line.metric, one_line(name), *numbers, best, *map(one_line, line.notes)])
        return text.getvalue()


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_LATEX |= {letter: "\\" + letter for letter in "&%$#_{}"}


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in one_line(text))


def _arrow(metric: str) -> str:
    """Up or down, for the better direction."""
    arrows = {True: r" $\uparrow$", False: r" $\downarrow$", None: ""}
    return arrows[kind_of(metric).higher_is_better]
