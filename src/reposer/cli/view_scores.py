"""How `reposer evaluate` scores views of objects: by azimuth, beside copying the source and, if asked, another model."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reposer.core import BadInput, Generator
from reposer.core.disk import write_text
from reposer.core.terminal import Terminal
from reposer.core.view import EVERY_THIRD, HELD_OUT
from reposer.data import PairDataset
from reposer.evaluation import evaluate_views, view_plot
from reposer.evaluation.sheets import write_sheet
from reposer.evaluation.views import VIEWS_V1
from reposer.generators import load
from reposer.recipes import ViewDataConfig

DRAWN_OBJECTS = 10  # how many are drawn on the spot where no data are given


def open_views(generator: Generator, data: str | None, split: str) -> PairDataset:
    """The pairs of views, framed as the generator wants them. Held out is every third azimuth."""
    hold_out = EVERY_THIRD if split == HELD_OUT else 0
    config = ViewDataConfig(root=data, split=split, hold_out=hold_out, num_objects=DRAWN_OBJECTS)
    return config.open(generator.framing)


def score_views(
    generator: Generator,
    dataset: PairDataset,
    numbers: Sequence[int],
    *,
    about: Mapping[str, Any],
    folder: Path,
    protocol: str | None = None,
    batch_size: int = 8,
    weights: Path | None = None,
    against: str | None = None,
) -> int:
    """Score these pairs, print the table by azimuth, write report and plot into the folder; 1 if a number is absent.

    against: name or file of another model.
    """
    if protocol not in (None, VIEWS_V1.name):
        raise BadInput(f"Views are scored under {VIEWS_V1.name}, not under {protocol}; leave --protocol out.")
    others = {}
    if against is not None:
        other = load(against).to(generator.device)
        if other.framing != generator.framing or other.condition is not generator.condition:
            raise BadInput(
                f"{against} draws {other.condition.__name__} in {other.framing.size}, this model "
                f"{generator.condition.__name__} in {generator.framing.size}; compare two of one kind and size."
            )
        others[_short(against)] = other.generate
    report = evaluate_views(
        generator.generate, dataset, VIEWS_V1, indices=numbers, batch_size=batch_size, progress=True,
        weights=weights, about=dict(about), against=others, device=generator.device,
    )  # fmt: skip
    stem = f"report-{VIEWS_V1.name}"
    write_text(folder / f"{stem}.json", json.dumps(report.to_plain(), indent=1) + "\n")
    write_sheet(folder / f"{stem}.png", view_plot(report))
    console = Terminal()
    console.print(report.to_table())
    for line in report.drawn.lines():
        console.say(line)
    for name, reason in report.drawn.absent.items():
        console.say(f"absent: {name}: {reason}")
    console.say(f"Report: {folder / f'{stem}.json'} and .png")
    return 1 if report.drawn.absent else 0


def _short(model: str) -> str:
    """A run's folder, or the file's or the shipped model's own name."""
    path = Path(model)
    return path.parent.name if path.stem == "generator" else path.stem
