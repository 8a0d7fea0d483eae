"""A report: each pair's values, their summary with intervals, and what says which numbers these are."""

import csv
import hashlib
import io
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.core.disk import write_text
from reposer.core.shown import in_markdown, one_line
from reposer.metrics import METRICS, Value

from .intervals import bootstrap_interval
from .protocol import Protocol
from .suite import Finding
from .written_report import row_hash


@dataclass(frozen=True)
class Row:
    """One scored pair: its name, whose it is, and its value of each metric."""

    name: str
    identity: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Summary:
    """A metric's value with the protocol's name: a mean over pairs with its bootstrap interval, or one number of a set
    of pictures, whose interval is NaN.
    """

    protocol: str
    metric: str
    value: Value
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.protocol}/{self.metric} = {self.cell()} ({self.counted()})"

    def cell(self) -> str:
        """The value and its interval, without a name."""
        digits = 2 if METRICS[self.metric].unit == "dB" else 4
        mean, low, high = (f"{v:.{digits}f}" for v in (self.value.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]" if self.value.pairs and not math.isnan(self.low) else mean

    def _without(self) -> str:
        masked = METRICS[self.metric].mask is not None
        return "with an empty mask or without a finite value" if masked else "without a finite value"

    def counted(self) -> str:
        total = self.value.pairs + self.value.left_out
        pairs = f"{total} pair{'' if total == 1 else 's'}"
        return f"{pairs}, {self.value.left_out} {self._without()} left out" if self.value.left_out else pairs


@dataclass(frozen=True)
class Report:
    """What `evaluate` found.

    size: (height, width) of the scored pictures, padding removed; where they have several, that of the frame.
    hash: of the protocol, the size and the pairs' names: numbers compare only where it is equal.
    truth_hash: of the true pictures' bytes: unequal where files were decoded or resized otherwise.
    mask_hashes: of the masks of all pairs, by the mask's name. reference_hash: of the reference pictures' bytes.
    geometry: how the people's pictures lay in the generated files: plain, squashed, padded.
    about: who drew the pictures (generator, weights, feature network, data), as plain values.
    of_sets: values of metrics that belong to all pictures together.
    networks: name, file and checksum of what a metric looks through, by metric.
    absent: metrics and parts of the suite that the protocol names and that have no number here, with the reason.
    findings: of the fine-grained suite.
    """

    protocol: Protocol
    rows: tuple[Row, ...]
    size: tuple[int, int]
    hash: str
    truth_hash: str
    about: Mapping[str, Any] = field(default_factory=dict)
    of_sets: Mapping[str, Value] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    mask_hashes: Mapping[str, str] = field(default_factory=dict)
    reference_hash: str = ""
    geometry: str = "plain"

    @cached_property
    def summary(self) -> dict[str, Summary]:
        """Every metric over all pairs."""
        own = _summarise(self.protocol, self.rows)
        sets = {n: Summary(self.protocol.name, n, v, math.nan, math.nan) for n, v in self.of_sets.items()}
        both = own | sets
        return {name: both[name] for name in self.protocol.metrics if name in both}

    @cached_property
    def by_identity(self) -> dict[str, dict[str, Summary]]:
        """Every metric for each identity by itself, sorted by identity."""
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(row.identity, []).append(row)
        return {identity: _summarise(self.protocol, groups[identity]) for identity in sorted(groups)}

    def lines(self) -> list[str]:
        """`protocol/metric = value [low, high] (n pairs)`, a line per metric."""
        return [str(summary) for summary in self.summary.values()]

    def to_table(self) -> Table:
        """The summary for a terminal."""
        table = Table(title=f"{self.protocol.name} · {len(self.rows)} pairs · {_size(self.size)} pixels")
        table.add_column("metric")
        table.add_column(f"mean [{self.protocol.confidence:.0%} interval]", justify="right")
        table.add_column("better", justify="center")
        table.add_column("scored")
        for name, summary in self.summary.items():
            better = "higher" if METRICS[name].higher_is_better else "lower"
            table.add_row(_titled(name), Text(summary.cell()), better, summary.counted())
        for name in self.absent:
            table.add_row(name, Text("absent", style="dim"), "", "see the reason below")
        return table

    def write_csv(self, path: Path) -> None:
        """A line per pair: name, identity, values with every digit."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        scored = [m for m in self.protocol.metrics if any(m in row.values for row in self.rows)]
        writer.writerow(["name", "identity", *scored])
        for row in self.rows:
            cells = [repr(row.values[m]) if m in row.values else "" for m in scored]
            writer.writerow([row.name, row.identity, *cells])
        write_text(path, text.getvalue())

    def write_json(self, path: Path) -> None:
        """The protocol, who drew, the hashes and the summary. Numbers that JSON lacks are "inf" and "nan"."""
        write_text(path, json.dumps(self.to_plain(), indent=2, allow_nan=False) + "\n")

    def row_hash(self, metric: str) -> str:
        """Of all that decides one number beside the generated pixels.

        Protocol, list of pairs, geometry of the generated files, truth, network; its mask, and the reference set, where the
        metric has such a thing.
        """
        return row_hash(
            metric,
            self.hash,
            self.geometry,
            self.truth_hash,
            self.networks,
            self.mask_hashes,
            self.reference_hash,
        )

    def _what(self) -> str:
        return f"{self.protocol.name}, {_size(self.size)}, {self.geometry}, {len(self.rows)} pairs"

    def to_plain(self) -> dict[str, Any]:
        """What the JSON file holds."""
        return {
            "protocol": to_plain(self.protocol),
            "pairs": len(self.rows),
            "size": list(self.size),
            "geometry": self.geometry,
            "hash": self.hash,
            "truth_hash": self.truth_hash,
            "mask_hashes": dict(self.mask_hashes),
            "reference_hash": self.reference_hash,
            "about": to_plain(dict(self.about)),
            "summary": _plain_summary(self.summary),
            "networks": dict(self.networks),
            "row_hashes": {name: self.row_hash(name) for name in self.summary},
            "absent": dict(self.absent),
            "findings": [_plain_finding(found) for found in self.findings],
            "by_identity": {identity: _plain_summary(s) for identity, s in self.by_identity.items()},
        }


def protocol_hash(protocol: Protocol, size: tuple[int, int], names: Sequence[str]) -> str:
    """SHA-256 of what decides the numbers beside the pictures' pixels; the order of pairs does not matter.

    The protocol's list of metrics is no part of it: a number does not depend on what else was counted.
    """
    rules = {
        k: v for k, v in to_plain(protocol).items() if k not in ("facts", "metrics", "suite", "estimators")
    }
    plain = {"protocol": rules, "size": list(size), "pairs": sorted(names)}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


MANY = 12  # identities: more are a crowd, not rows of a table


def compare_table(reports: Mapping[str, Report], *, by_identity: bool = True) -> Group:
    """Reports of the same pairs side by side for a terminal: a table per identity, if there are few, and one
    of all pairs. The best value of a line is bold.
    """
    header, lines = _compared(reports, by_identity)
    tables = []
    for group, rows in itertools.groupby(lines, key=lambda line: line[0]):
        table = Table(box=SIMPLE_HEAD, title=Text(one_line(group)), title_justify="left", title_style="bold")
        for number, title in enumerate(header[1:]):
            table.add_column(Text(one_line(title)), justify="right" if number else "left", no_wrap=True)
        for _, metric, cells, best in rows:
            styles = ["bold" if k in best else "" for k in range(len(cells))]
            table.add_row(metric, *map(Text, cells, styles))
        tables.append(table)
    return Group(next(iter(reports.values())).protocol.name, *tables)


def compare_markdown(reports: Mapping[str, Report], *, by_identity: bool = True) -> str:
    """The same as `compare_table`, for a page of documentation."""
    header, lines = _compared(reports, by_identity)
    text = ["| " + " | ".join(map(in_markdown, header)) + " |", "|---|---|" + "---:|" * len(reports)]
    for identity, metric, cells, best in lines:
        values = [f"**{cell}**" if k in best else cell for k, cell in enumerate(map(in_markdown, cells))]
        text.append("| " + " | ".join([*map(in_markdown, (identity, metric)), *values]) + " |")
    return "\n".join(text) + "\n"


_Line = tuple[str, str, list[str], set[int]]


def _compared(reports: Mapping[str, Report], by_identity: bool) -> tuple[list[str], list[_Line]]:
    """Column titles, and per (identity, metric) the cells and which of them are best."""
    first_name, first = next(iter(reports.items()))
    for name, report in reports.items():
        if (report.hash, report.geometry) != (first.hash, first.geometry):
            raise BadInput(
                f"The reports '{first_name}' and '{name}' are not of the same protocol, picture size, geometry of the "
                f"generated pictures and pairs ({first._what()}; {report._what()}), so their numbers do not compare; evaluate both "
                f"on the same pairs."
            )
    groups = list(first.by_identity) if by_identity and 1 < len(first.by_identity) <= MANY else []
    lines: list[_Line] = []
    for group in (*groups, None):
        count = len(first.rows) if group is None else sum(row.identity == group for row in first.rows)
        for metric in first.summary:
            own = [r.summary if group is None else r.by_identity[group] for r in reports.values()]
            if any(
                metric not in found for found in own
            ):  # a number of all pictures together, or a dropped tail
                continue
            summaries = [found[metric] for found in own]
            means = [s.value.mean for s in summaries]
            top = (max if METRICS[metric].higher_is_better else min)(means)
            best = {k for k, mean in enumerate(means) if mean == top} if len(means) > 1 else set()
            lines.append(
                (f"{group or 'all'} ({count} pairs)", _titled(metric), [s.cell() for s in summaries], best)
            )
    return ["person", "metric", *reports], lines


def _summarise(protocol: Protocol, rows: Sequence[Row]) -> dict[str, Summary]:
    summaries = {}
    for metric in protocol.metrics:
        values = [row.values[metric] for row in rows if metric in row.values]
        if not values:
            continue
        low, high = bootstrap_interval(
            values, confidence=protocol.confidence, resamples=protocol.resamples, seed=protocol.seed
        )
        summaries[metric] = Summary(protocol.name, metric, Value.of(values), low, high)
    return summaries


def _plain_summary(summary: Mapping[str, Summary]) -> dict[str, Any]:
    return {
        name: {
            "mean": _number(s.value.mean),
            "low": _number(s.low),
            "high": _number(s.high),
            "pairs": s.value.pairs,
            "left_out": s.value.left_out,
            "printed": str(s),
        }
        for name, s in summary.items()
    }


def _plain_finding(found: Finding) -> dict[str, Any]:
    plain = to_plain(found)
    return plain | {key: _number(plain[key]) for key in ("value", "low", "high")}


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _titled(metric: str) -> str:
    unit = METRICS[metric].unit
    return f"{metric} ({unit})" if unit == "dB" else metric


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
