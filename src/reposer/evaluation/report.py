"""A report: each pair's values, their summary with intervals, and everything that identifies the numbers."""

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text

from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.core.disk import write_text
from reposer.metrics import METRICS, Value

from .intervals import bootstrap_interval
from .numbers import Line, SideBySide, best_of, better, direction, number_of, plain, titled, written
from .protocol import Protocol
from .suite import Finding
from .written_report import row_hash


@dataclass(frozen=True)
class Row:
    """One scored pair: its name, its identity, and its value of each metric.

    azimuths: the source's and the target's in degrees, of a pair of views.
    """

    name: str
    identity: str
    values: Mapping[str, float]
    azimuths: tuple[float, float] | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Summary:
    """A metric's value with the protocol's name: a mean with its bootstrap interval, or one number of a whole set,
    whose interval is NaN.

    counted: what the mean is taken over, in words.
    truth: the value of the true clips themselves, if measured.
    """

    protocol: str
    metric: str
    value: Value
    low: float
    high: float
    counted: str
    truth: float | None = None

    def __str__(self) -> str:
        truth = "" if self.truth is None else f"; the truth itself: {self.truth:.4f}"
        return f"{self.protocol}/{self.metric} = {self.cell()} ({self.counted}){truth}"

    def cell(self) -> str:
        """The value and its interval, without a name."""
        ends = (self.low, self.high) if self.value.pairs else ()
        return written(self.metric, self.value.mean, *ends)


@dataclass(frozen=True)
class Report:
    """The results for pairs (`evaluate`, `score_folder`) or clips (`ClipReport`).

    size: (height, width) of the scored pictures, padding removed; where they have several, that of the frame.
    hash: of the protocol, the size and the pairs' names: numbers compare only where it is equal.
    truth_hash: of the true pictures' bytes: unequal where files were decoded or resized otherwise.
    mask_hashes: of the masks of all pairs, by the mask's name.
    reference_hash: of the reference pictures' bytes.
    geometry: how the people's pictures lay in the generated files: plain, squashed, padded.
    about: what made the pictures (generator, weights, feature network, data), as plain values.
    of_sets: values of metrics that belong to all pictures together.
    networks: name, file and checksum of the network a metric uses, by metric.
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

    noun: ClassVar[str] = "pair"
    """What a row is: a pair or a clip."""

    @cached_property
    def summary(self) -> dict[str, Summary]:
        """Every metric over all pairs."""
        return self._summarise(self.rows, self.of_sets)

    @cached_property
    def by_identity(self) -> dict[str, dict[str, Summary]]:
        """Every metric for each identity separately, sorted by identity."""
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(row.identity, []).append(row)
        return {identity: self._summarise(groups[identity], {}) for identity in sorted(groups)}

    def _summarise(self, rows: Sequence[Row], of_sets: Mapping[str, Value]) -> dict[str, Summary]:
        found = {}
        for metric in self.protocol.metrics:
            values = [row.values[metric] for row in rows if metric in row.values]
            if values:
                found[metric] = self._number(metric, Value.of(values), *self.interval(values))
            elif metric in of_sets:
                found[metric] = self._number(metric, of_sets[metric], math.nan, math.nan)
        return found

    def _number(self, metric: str, value: Value, low: float, high: float) -> Summary:
        return Summary(self.protocol.name, metric, value, low, high, self.counted(metric, value))

    def interval(self, values: Sequence[float]) -> tuple[float, float]:
        """Bootstrap interval of the mean over pairs, as the protocol defines it."""
        rule = self.protocol
        return bootstrap_interval(values, confidence=rule.confidence, resamples=rule.resamples, seed=rule.seed)

    def counted(self, metric: str, value: Value) -> str:
        """What the mean is taken over, in words."""
        said = number_of(value.pairs + value.left_out, "pair")
        if not value.left_out:
            return said
        masked = METRICS[metric].mask is not None
        without = "with an empty mask or without a finite value" if masked else "without a finite value"
        return f"{said}, {value.left_out} {without} left out"

    def lines(self) -> list[str]:
        """One line per metric: `protocol/metric = value [low, high] (n pairs)`."""
        return [str(summary) for summary in self.summary.values()]

    def truths(self, metric: str) -> tuple[str, ...]:
        """The cells with the values of the true clips themselves; pairs have none."""
        return ()

    def to_table(self) -> Table:
        """The summary for a terminal."""
        table = Table(title=self.title)
        table.add_column("metric")
        table.add_column(f"mean [{self.protocol.confidence:.0%} interval]", justify="right")
        truth_columns = ["the truth itself"] if any(map(self.truths, self.summary)) else []
        for title in truth_columns:
            table.add_column(title, justify="right")
        table.add_column("better", justify="center")
        table.add_column("scored")
        for name, found in self.summary.items():
            table.add_row(titled(name), Text(found.cell()), *self.truths(name), better(name), found.counted)
        for name in self.absent:
            empty = [""] * (1 + len(truth_columns))
            table.add_row(name, absent_cell(), *empty, "see the reason below")
        return table

    @property
    def title(self) -> str:
        height, width = self.size
        return f"{self.protocol.name} · {number_of(len(self.rows), self.noun)} · {height}x{width} pixels"

    def write_csv(self, path: Path) -> None:
        """One line per pair: name, identity, values with every digit."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        scored = [m for m in self.protocol.metrics if any(m in row.values for row in self.rows)]
        writer.writerow(["name", "identity", *scored])
        for row in self.rows:
            cells = [repr(row.values[m]) if m in row.values else "" for m in scored]
            writer.writerow([row.name, row.identity, *cells])
        write_text(path, text.getvalue())

    def write_json(self, path: Path) -> None:
        """The protocol, what made the pictures, the hashes and the summary. Numbers that JSON lacks are "inf" and
        "nan".
        """
        write_text(path, json.dumps(self.to_plain(), indent=2, allow_nan=False) + "\n")

    def to_plain(self) -> dict[str, Any]:
        """The contents of the JSON file."""
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
            "row_hashes": {name: row_hash(name, self) for name in self.summary},
            "absent": dict(self.absent),
            "findings": [_plain_finding(found) for found in self.findings],
            "by_identity": {identity: _plain_summary(s) for identity, s in self.by_identity.items()},
        }


def protocol_hash(protocol: Protocol, size: tuple[int, int], names: Sequence[str]) -> str:
    """SHA-256 of what decides the numbers besides the pictures' pixels; the order of pairs does not matter.

    The protocol's list of metrics is excluded: a number does not depend on what else was measured.
    """
    rules = {k: v for k, v in to_plain(protocol).items() if k not in ("facts", "metrics", "suite", "estimators")}
    plain = {"protocol": rules, "size": list(size), "pairs": sorted(names)}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def absent_cell() -> Text:
    """What a table shows in the place of a number that is absent."""
    return Text("absent", style="dim")


MANY = 12  # identities: with more, they are not compared one by one


def side_by_side(reports: Mapping[str, Report], *, by_identity: bool = True) -> SideBySide:
    """Reports of the same pairs or clips: a group of lines per identity, if there are few, and one for all."""
    first_name, first = next(iter(reports.items()))
    for name, report in reports.items():
        if (report.hash, report.geometry) != (first.hash, first.geometry):
            raise BadInput(
                f"The reports '{first_name}' and '{name}' are not of the same protocol, picture size, geometry of the "
                f"generated pictures and {first.noun}s ({first.title}, {first.geometry}; {report.title}, "
                f"{report.geometry}), so their numbers do not compare; score both on the same."
            )
    alone = [who for who in first.by_identity if who] if by_identity else []
    groups = {}
    for group in (*(alone if 1 < len(alone) <= MANY else []), None):
        count = sum(group in (None, row.identity) for row in first.rows)
        found = [r.summary if group is None else r.by_identity[group] for r in reports.values()]
        lines = []
        for metric in first.summary:
            if any(metric not in own for own in found):  # a number of the whole set, or a dropped tail
                continue
            own = [numbers[metric] for numbers in found]
            best = best_of(metric, [number.value.mean for number in own])
            truths = first.truths(metric)
            notes = (*truths, better(metric)) if truths else ()
            lines.append(Line(titled(metric), tuple(number.cell() for number in own), best, notes))
        groups[f"{group or 'all'} ({number_of(count, first.noun)})"] = lines
    notes = ("the truth itself", "better") if any(map(first.truths, first.summary)) else ()
    return SideBySide(tuple(reports), groups, notes, first.protocol.name)


def _plain_summary(summary: Mapping[str, Summary]) -> dict[str, Any]:
    return {
        name: {
            "mean": plain(s.value.mean),
            "low": plain(s.low),
            "high": plain(s.high),
            "pairs": s.value.pairs,
            "left_out": s.value.left_out,
            "printed": str(s),
        }
        for name, s in summary.items()
    }


def _plain_finding(found: Finding) -> dict[str, Any]:
    named = {"better" if k == "higher_is_better" else k: v for k, v in to_plain(found).items()}
    numbers = {key: plain(named[key]) for key in ("value", "low", "high")}
    return named | numbers | {"better": direction(found.higher_is_better)}
