"""Views of objects: how near each azimuth is to the truth, next to the unchanged source picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int64
from rich.table import Table
from rich.text import Text
from torch import Tensor

from reposer.core import BadInput, View
from reposer.core.samples import Condition
from reposer.core.shown import one_line
from reposer.metrics import Value

from .evaluate import Generate, ScoredPairs, evaluate
from .numbers import number_of, plain, titled, written
from .protocol import Protocol
from .report import Report

VIEWS_V1 = Protocol("reposer-views-v1", metrics=("l1", "ssim-gaussian1.5", "psnr"))
"""Objects from other sides: 8-bit pictures without padding; every pair counts once."""

GENERATED, COPIED = "generated", "copied"
"""Names of the generator's report and of the copied source's, in the file."""
Angle = Literal["azimuth", "turn"]
"""The target's azimuth, in [0, 360) degrees; or how far it lies from the source's, in [-180, 180)."""


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
) -> dict[str, Report]:
    """Reports of the same pairs of views: generated, their unchanged sources, and those of other generators.

    The arguments are those of `evaluate`. against: other generators to score on the same pairs, by name.
    """
    first = dataset[0 if indices is None else int(indices[0])]
    if not (isinstance(first.source_pose, View) and isinstance(first.target_pose, View)):
        raise BadInput(f"The pair {first.name} is of poses, not of views; give a data set of views of objects.")
    generators = {GENERATED: (generate, about), COPIED: (_copy, {"generator": "copied source"})}
    for name, other in (against or {}).items():
        if name in (GENERATED, COPIED):
            raise BadInput(f"A generator to compare with cannot be called '{name}'; give it another name.")
        generators[name] = (other, {"generator": name})
    return {
        name: evaluate(
            own, protocol, dataset, indices=indices, batch_size=batch_size, device=device, progress=progress,
            weights=weights, about=made,
        )
        for name, (own, made) in generators.items()
    }  # fmt: skip


def by_angle(reports: Mapping[str, Report], metric: str, angle: Angle = "azimuth") -> dict[float, tuple[Value, ...]]:
    """The means over the pairs of each angle, in the order of angles; one for each report."""
    values = [{row.name: row.values[metric] for row in report.rows} for report in reports.values()]
    groups: dict[float, list[str]] = {}
    for row in reports[GENERATED].rows:
        assert row.azimuths is not None, "a report of views"
        source, target = row.azimuths
        # rounded: an angle that passed through float32 joins its neighbours
        degrees = target % 360 if angle == "azimuth" else (target - source + 180) % 360 - 180
        groups.setdefault(round(degrees, 3), []).append(row.name)
    return {key: tuple(Value.of([own[name] for name in groups[key]]) for own in values) for key in sorted(groups)}


def view_table(reports: Mapping[str, Report], angle: Angle = "azimuth") -> Table:
    """A row per angle, for a terminal: generated, the others, and in brackets copied; the last row is over all
    pairs.
    """
    report = reports[GENERATED]
    who = " / ".join(name for name in reports if name != COPIED)
    pairs = number_of(len(report.rows), "pair")
    table = Table(title=Text(f"{report.protocol.name} · {pairs} · {one_line(who)} (copied source)"))
    table.add_column(f"{angle} (degrees)", justify="right")
    for metric in report.summary:
        table.add_column(titled(metric), justify="right")
    table.add_column("pairs", justify="right")
    columns = {metric: by_angle(reports, metric, angle) for metric in report.summary}
    for degrees, (value, *_) in next(iter(columns.values())).items():
        cells = [_cell(metric, column[degrees]) for metric, column in columns.items()]
        table.add_row(f"{degrees:g}", *cells, str(value.pairs + value.left_out))
    table.add_section()
    whole = [_cell(metric, [r.summary[metric].value for r in reports.values()]) for metric in columns]
    table.add_row("all", *whole, str(len(report.rows)))
    return table


def views_to_plain(reports: Mapping[str, Report], angle: Angle = "azimuth") -> dict[str, Any]:
    """The contents of the JSON file: all reports, and by metric a list of angles with the means and the number of
    pairs.
    """
    return {name: report.to_plain() for name, report in reports.items()} | {
        f"by_{angle}": {
            metric: [
                {"degrees": degrees}
                | {name: plain(value.mean) for name, value in zip(reports, values, strict=True)}
                | {"pairs": values[0].pairs + values[0].left_out}
                for degrees, values in by_angle(reports, metric, angle).items()
            ]
            for metric in reports[GENERATED].summary
        }
    }


def _copy(
    source: Float[Tensor, "B 3 H W"],
    source_pose: Condition,
    target_pose: Condition,
    *,
    seeds: Int64[Tensor, "B"] | None = None,
) -> Float[Tensor, "B 3 H W"]:
    return source


def _cell(metric: str, values: Sequence[Value]) -> str:
    """The values of the reports in their order; with the number of pairs, where some were excluded."""
    generated, copied, *others = (
        written(metric, value.mean) + (f" of {value.pairs}" if value.pairs and value.left_out else "")
        for value in values
    )
    return f"{' / '.join([generated, *others])} ({copied})"
