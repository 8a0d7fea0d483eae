"""Views of objects: how near each azimuth is drawn to the truth, beside the source picture left as it is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int64
from rich.table import Table
from rich.text import Text
from torch import Tensor

from reposer.core import BadInput, Framing, Sample, View
from reposer.core.samples import Condition
from reposer.core.shown import one_line
from reposer.metrics import METRICS, Value

from .evaluate import Generate, ScoredPairs, evaluate
from .protocol import Protocol
from .report import Report

VIEWS_V1 = Protocol("reposer-views-v1", metrics=("l1", "ssim-gaussian1.5", "psnr"))
"""Objects from other sides: 8-bit pictures without padding; every pair counts once."""

Angle = Literal["azimuth", "turn"]
"""The target's azimuth, in [0, 360) degrees; or how far it lies from the source's, in [-180, 180)."""


@dataclass(frozen=True)
class ViewReport:
    """The same pairs, drawn and copied, and from where each is seen.

    azimuths: (source's, target's), in degrees, by the pair's name. against: what other generators made of them, by name.
    """

    drawn: Report
    copied: Report
    azimuths: dict[str, tuple[float, float]] = field(repr=False)
    against: Mapping[str, Report] = field(default_factory=dict)

    @property
    def reports(self) -> dict[str, Report]:
        """By who drew: drawn, copied, and the others."""
        return {"drawn": self.drawn, "copied": self.copied, **self.against}

    def by_angle(self, metric: str, angle: Angle = "azimuth") -> dict[float, tuple[Value, ...]]:
        """The means over the pairs of each angle, in the order of angles; of (drawn, copied, the others as in `against`)."""
        values = [{row.name: row.values[metric] for row in r.rows} for r in self.reports.values()]
        groups: dict[float, list[str]] = {}
        for row in self.drawn.rows:
            source, target = self.azimuths[row.name]
            # rounded: an angle that came through float32 is one with its neighbours
            degrees = target % 360 if angle == "azimuth" else (target - source + 180) % 360 - 180
            groups.setdefault(round(degrees, 3), []).append(row.name)
        return {
            key: tuple(Value.of([own[name] for name in groups[key]]) for own in values)
            for key in sorted(groups)
        }

    def to_table(self, angle: Angle = "azimuth") -> Table:
        """A row per angle, for a terminal: drawn, the others, and in brackets copied; the last row is over all pairs."""
        who = " / ".join(["drawn", *self.against])
        table = Table(
            title=Text(
                f"{self.drawn.protocol.name} · {len(self.drawn.rows)} pairs · {one_line(who)} (copied source)"
            )
        )
        table.add_column(f"{angle} (degrees)", justify="right")
        metrics = list(self.drawn.summary)
        for name in metrics:
            table.add_column(
                f"{name} ({METRICS[name].unit})" if METRICS[name].unit == "dB" else name, justify="right"
            )
        table.add_column("pairs", justify="right")
        columns = [self.by_angle(name, angle) for name in metrics]
        for degrees, (value, *_) in columns[0].items():
            cells = [_cell(name, column[degrees]) for name, column in zip(metrics, columns, strict=True)]
            table.add_row(f"{degrees:g}", *cells, str(value.pairs + value.left_out))
        table.add_section()
        whole = [_cell(name, [r.summary[name].value for r in self.reports.values()]) for name in metrics]
        table.add_row("all", *whole, str(len(self.drawn.rows)))
        return table

    def to_plain(self, angle: Angle = "azimuth") -> dict[str, Any]:
        """What a JSON file holds: all reports, and by metric a list of angles with the means and the number of pairs."""
        reports = self.reports
        return {name: report.to_plain() for name, report in reports.items()} | {
            f"by_{angle}": {
                metric: [
                    {"degrees": degrees}
                    | {name: _number(value.mean) for name, value in zip(reports, values, strict=True)}
                    | {"pairs": values[0].pairs + values[0].left_out}
                    for degrees, values in self.by_angle(metric, angle).items()
                ]
                for metric in self.drawn.summary
            },
        }


def evaluate_views(
    generate: Generate,
    dataset: ScoredPairs,
    protocol: Protocol | str = VIEWS_V1,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 8,
    device: torch.device | str = "cpu",
    progress: bool = False,
    weights: Path | None = None,
    about: dict[str, Any] | None = None,
    against: Mapping[str, Generate] | None = None,
) -> ViewReport:
    """Draw and score the pairs of a data set of views, and score their sources as they are beside them.

    The arguments are those of `evaluate`. against: other generators to score on the same pairs, by name.
    """
    watched = _Watched(dataset)
    others = dict(against or {})
    if taken := sorted({"drawn", "copied"} & set(others)):
        raise BadInput(f"A generator to compare with cannot be called '{taken[0]}'; give it another name.")

    def scored(draws: Generate, who: dict[str, Any] | None) -> Report:
        return evaluate(
            draws, protocol, watched, indices=indices, batch_size=batch_size, device=device, progress=progress,
            weights=weights, about=who,
        )  # fmt: skip

    return ViewReport(
        scored(generate, about),
        scored(_copy, {"generator": "copied source"}),
        watched.azimuths,
        {name: scored(other, {"generator": name}) for name, other in others.items()},
    )


def _copy(
    source: Float[Tensor, "B 3 H W"],
    source_pose: Condition,
    target_pose: Condition,
    *,
    seeds: Int64[Tensor, "B"] | None = None,
) -> Float[Tensor, "B 3 H W"]:
    return source


class _Watched:
    """A data set of views that notes from where each pair that was asked for is seen."""

    def __init__(self, dataset: ScoredPairs) -> None:
        self.dataset = dataset
        self.azimuths: dict[str, tuple[float, float]] = {}

    @property
    def framing(self) -> Framing | None:
        return self.dataset.framing

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> Sample:
        sample = self.dataset[i]
        views = sample.source_pose, sample.target_pose
        if not all(isinstance(view, View) for view in views):
            raise BadInput(
                f"The pair {sample.name} is of poses, not of views; give a data set of views of objects."
            )
        source, target = (float(view.azimuth) for view in views if isinstance(view, View))
        self.azimuths[sample.name] = source, target
        return sample

    def identity(self, i: int) -> str:
        return self.dataset.identity(i)

    def target_size(self, i: int) -> tuple[int, int]:
        return self.dataset.target_size(i)

    def picture_names(self, i: int) -> tuple[str, str]:
        return self.dataset.picture_names(i)

    def attributes(self, i: int) -> Mapping[str, str]:
        return self.dataset.attributes(i)


def _cell(metric: str, values: Sequence[Value]) -> str:
    """Of (drawn, copied, the others)."""
    drawn, copied, *others = (_mean(metric, value) for value in values)
    return f"{' / '.join([drawn, *others])} ({copied})"


def _mean(metric: str, value: Value) -> str:
    """The mean, and of how many pairs it is where others were left out."""
    mean = f"{value.mean:.{2 if METRICS[metric].unit == 'dB' else 4}f}"
    return f"{mean} of {value.pairs}" if value.pairs and value.left_out else mean


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
