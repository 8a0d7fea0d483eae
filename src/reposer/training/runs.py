"""What run folders say of themselves: how far each is, and its last losses. Nothing is locked or changed."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reposer.core import BadInput
from reposer.core.json_files import parse_json
from reposer.nn.weights import read_about, read_header

from .run_folder import RunFolder

VALIDATION = "validation/"
"""Prefix of a log's scores on held-out pairs; lines with them have no losses."""
NO_TERMS = ("step", "stage", "pictures_per_second")
"""Entries of a log's line that are no terms of a loss."""
DEEPEST = 3  # folders below the one that is searched


@dataclass(frozen=True)
class RunSummary:
    """A run folder in a few values.

    step: the last one that was logged; its losses are means over the steps since the line before.
    validation: the last scores on held-out pairs.
    saved: the last one whose network is in the folder; a run goes on from there.
    steps: of the whole run.
    seconds_left: at the last line's speed; None before the first line, 0 when finished.
    written: when the log or the network was last written, in seconds since 1970; None if neither is there.
    """

    folder: Path
    recipe: str
    seed: int
    stage: str
    step: int
    saved: int
    steps: int
    pictures_per_second: float | None
    seconds_left: float | None
    written: float | None
    losses: Mapping[str, float]
    validation: Mapping[str, float]

    @property
    def state(self) -> str:
        if self.saved >= self.steps:
            return "finished"
        return "begun" if self.step == 0 else "unfinished"


def run_folders(root: Path) -> list[Path]:
    """The folders below `root`, itself included, that have a recipe.json."""
    if not root.is_dir():
        raise BadInput(f"There is no folder {root}. Give the folder in which your runs are.")
    patterns = ["/".join(["*"] * depth + ["recipe.json"]) for depth in range(DEEPEST + 1)]
    return sorted({path.parent for pattern in patterns for path in root.glob(pattern)})


def run_summary(root: Path) -> RunSummary:
    """The state of the run in a folder; BadInput if its receipt is damaged."""
    folder = RunFolder(root)
    recipe = folder.read_receipt()["recipe"]
    stages = recipe.get("stages")
    steps: list[Any] = [s.get("steps") for s in stages if isinstance(s, dict)] if isinstance(stages, list) else []
    sizes = [*steps, recipe.get("batch_size"), recipe.get("seed")]
    if not steps or not all(type(size) is int for size in sizes):
        raise BadInput(f"{folder.receipt} names no steps, batch size and seed of a run: it was damaged.")
    lines = list(log_lines(folder.log_file))
    last: dict[str, Any] = next((line for line in reversed(lines) if not _validation_of(line)), {})
    step, saved, total = last.get("step", 0), _saved(folder.generator_file), sum(steps)
    rate = last.get("pictures_per_second")
    rate = float(rate) if isinstance(rate, int | float) and rate > 0 else None
    left = None if rate is None else (total - step) * recipe["batch_size"] / rate
    files = [path for path in (folder.log_file, folder.generator_file) if path.is_file()]
    return RunSummary(
        folder=root,
        recipe=str(recipe.get("name")),
        seed=recipe["seed"],
        stage=str(last.get("stage", "")),
        step=max(step, saved),
        saved=saved,
        steps=total,
        pictures_per_second=rate,
        seconds_left=0.0 if saved >= total else left,
        written=max((path.stat().st_mtime for path in files), default=None),
        losses=terms_of(last),
        validation=next((found for line in reversed(lines) if (found := _validation_of(line))), {}),
    )


def log_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log that can be read."""
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines():
        try:
            content = parse_json(line, "log")
        except BadInput:
            continue
        if isinstance(content, dict) and type(content.get("step")) is int:
            yield content


def terms_of(line: Mapping[str, Any]) -> dict[str, float]:
    """The finite terms of the losses in a line of a log."""
    found = {name: value for name, value in line.items() if name not in NO_TERMS and type(value) in (int, float)}
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def _validation_of(line: Mapping[str, Any]) -> dict[str, float]:
    """The scores on held-out pairs in a line of a log."""
    terms = terms_of(line).items()
    return {name.removeprefix(VALIDATION): value for name, value in terms if name.startswith(VALIDATION)}


def _saved(path: Path) -> int:
    """The step that a network's header names; 0 if there is none that can be read."""
    try:
        step = read_about(read_header(path), path).get("step") if path.is_file() else 0
    except BadInput:
        return 0
    return step if type(step) is int else 0
