"""What scoring clips found: each clip's values, the number over all of them, and what the true clips have themselves."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table
from rich.text import Text

from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.core.shown import one_line
from reposer.metrics import Value
from reposer.metrics.clips import CLIP_METRICS

from .intervals import bootstrap_interval

PROTOCOL = "reposer-clips-v1"
"""8-bit frames at the size of the generator's pictures, without padding, each beside the true one; every clip counts once."""


@dataclass(frozen=True)
class ClipRow:
    """One scored clip.

    frames: how many. size: (height, width) in pixels. truth_hash: of the true frames' bytes.
    values: by metric. truth: what the true clip has itself, where that is not known beforehand.
    limb_frames: how many frames said where their limbs are. limbs_hash: of where that was; empty where none did.
    """

    name: str
    frames: int
    size: tuple[int, int]
    truth_hash: str
    values: Mapping[str, float]
    truth: Mapping[str, float]
    limb_frames: int = 0
    limbs_hash: str = ""


@dataclass(frozen=True)
class ClipReport:
    """The numbers over all clips, by metric.

    truth: of the true clips themselves, where that is not known beforehand. networks: what a metric looks through.
    absent: metrics without a number, with the reason. about: who drew the clips, as plain values.
    """

    rows: tuple[ClipRow, ...]
    values: Mapping[str, Value]
    truth: Mapping[str, Value]
    networks: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 of what decides the numbers beside the generated pixels; the order of clips does not matter."""
        clips = sorted([r.name, r.frames, *r.size, r.truth_hash, r.limbs_hash] for r in self.rows)
        return hashlib.sha256(json.dumps([PROTOCOL, clips]).encode()).hexdigest()

    def interval(self, metric: str) -> tuple[float, float]:
        """The 95 % bootstrap interval over clips; NaN where clips have no value by themselves, or there is one clip."""
        values = [row.values[metric] for row in self.rows if metric in row.values]
        return bootstrap_interval(values) if len(values) > 1 else (math.nan, math.nan)

    def lines(self) -> list[str]:
        """`protocol/metric = value [low, high] (n clips, m frames)`, a line per metric."""
        frames = sum(row.frames for row in self.rows)
        return [
            f"{PROTOCOL}/{name} = {self.cell(name)} ({self.counted(name)}, {_number_of(frames, 'frame')})"
            + (f"; the truth itself: {self.truth[name].mean:.4f}" if name in self.truth else "")
            for name in self.values
        ]

    def cell(self, metric: str) -> str:
        """The value and its interval, without a name."""
        low, high = self.interval(metric)
        mean = f"{self.values[metric].mean:.4f}"
        return mean if math.isnan(low) else f"{mean} [{low:.4f}, {high:.4f}]"

    def counted(self, metric: str) -> str:
        """How many clips, or what else the metric counts, and how many more had no value; frames that it did not look at."""
        value, kind = self.values[metric], CLIP_METRICS[metric]
        out = f", {value.left_out} left out" if value.left_out else ""
        unseen = sum(row.frames - row.limb_frames for row in self.rows if metric in row.values)
        if kind.needs_limbs and unseen:
            out += f", without {_number_of(unseen, 'frame')} of unknown limbs"
        return f"{_number_of(value.pairs, kind.counts)}{out}"

    def to_table(self) -> Table:
        """For a terminal."""
        table = Table(title=f"{PROTOCOL} · {_number_of(len(self.rows), 'clip')}")
        table.add_column("metric")
        table.add_column("mean [95% interval]", justify="right")
        table.add_column("the truth itself", justify="right")
        table.add_column("better", justify="center")
        table.add_column("scored")
        for name in self.values:
            kind = CLIP_METRICS[name]
            truth = self.truth[name].mean if name in self.truth else kind.best
            better = f"nearest to {kind.best:g}" if kind.better == "nearest" else kind.better
            table.add_row(name, Text(self.cell(name)), f"{truth:.4f}", better, self.counted(name))
        for name in self.absent:
            table.add_row(name, Text("absent", style="dim"), "", "", "")
        return table

    def to_plain(self) -> dict[str, Any]:
        """What a JSON file holds. Numbers that JSON lacks are "inf" and "nan"."""
        summary = {}
        for name, value in self.values.items():
            low, high = self.interval(name)
            numbers = {"mean": value.mean, "low": low, "high": high}
            if name in self.truth:
                numbers["truth"] = self.truth[name].mean
            counts = {"counted": value.pairs, "left_out": value.left_out, "of": CLIP_METRICS[name].counts}
            summary[name] = _finite(numbers) | counts
        return {
            "protocol": PROTOCOL,
            "hash": self.hash,
            "about": to_plain(dict(self.about)),
            "summary": summary,
            "networks": dict(self.networks),
            "absent": dict(self.absent),
            "clips": [
                to_plain(row) | {"values": _finite(row.values), "truth": _finite(row.truth)}
                for row in self.rows
            ],
        }


def clip_table(reports: Mapping[str, ClipReport]) -> Table:
    """Means of the same clips side by side, by who drew them, for a terminal; the best of a line is bold."""
    (first_name, first), *others = reports.items()
    for name, report in others:
        if report.hash != first.hash:
            raise BadInput(
                f"The reports '{first_name}' and '{name}' are not of the same clips, so their numbers do not compare; score "
                f"both on the same."
            )
    frames = sum(row.frames for row in first.rows)
    clips = f"{_number_of(len(first.rows), 'clip')}, {_number_of(frames, 'frame')}"
    table = Table(title=f"{PROTOCOL} · {clips}")
    table.add_column("metric", no_wrap=True)
    for title in (*reports, "the truth itself", "better"):
        table.add_column(Text(one_line(title)), justify="right")
    for metric in (name for name in first.values if all(name in r.values for r in reports.values())):
        kind = CLIP_METRICS[metric]
        means = [report.values[metric].mean for report in reports.values()]
        misses = [_miss(mean, metric) for mean in means]
        best = min(misses)
        cells = [
            Text(f"{mean:.4f}", "bold" if miss == best and len(reports) > 1 else "")
            for mean, miss in zip(means, misses, strict=True)
        ]
        truth = first.truth[metric].mean if metric in first.truth else kind.best
        better = f"nearest to {kind.best:g}" if kind.better == "nearest" else kind.better
        table.add_row(metric, *cells, f"{truth:.4f}", better)
    return table


def _miss(value: float, metric: str) -> float:
    """How bad a value is: lower is better, whatever the metric; NaN is worst."""
    kind = CLIP_METRICS[metric]
    signed = {"lower": value, "higher": -value, "nearest": abs(value - kind.best)}[kind.better]
    return math.inf if math.isnan(signed) else signed


def _finite(numbers: Mapping[str, float]) -> dict[str, float | str]:
    return {name: value if math.isfinite(value) else str(value) for name, value in numbers.items()}


def _number_of(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
