"""`reposer runs`: the run folders below a folder, and how far each is."""

import dataclasses
import json as json_text
import time
from collections.abc import Sequence
from pathlib import Path

from tyro.conf import Positional

from reposer.core.terminal import Terminal

from .options import called

SHOWN = 4  # losses in a row, at most
WIDE = 120  # columns of a terminal that shows losses, too


def run(arguments: Sequence[str]) -> int:
    return called(list_runs, arguments, "runs", __doc__)


def list_runs(folder: Positional[Path] = Path("runs"), *, json: bool = False) -> int:
    """A row for each run: recipe, seed, steps, time left, when it last wrote; in a wide terminal its last losses.

    Exit code 1 if a run's recipe.json is damaged; such runs are listed below the table.

    Args:
        folder: where to look, three folders deep.
        json: print a list of objects for a program, with stage, speed and all losses.
    """
    from rich.table import Table

    from reposer.core import BadInput
    from reposer.training.runs import run_folders, run_summary

    found, damaged = [], []
    for path in run_folders(folder):
        try:
            found.append(run_summary(path))
        except BadInput as error:
            damaged.append(str(error))
    console = Terminal()
    if json:
        rows = [{**dataclasses.asdict(row), "folder": str(row.folder), "state": row.state} for row in found]
        console.text(json_text.dumps(rows, indent=2))
    elif found:
        wide = console.width >= WIDE
        table = Table(box=None, pad_edge=False)
        table.add_column("run", overflow="fold")
        for column in ("recipe", "seed", "step", "state", "written", *(("last losses",) if wide else ())):
            table.add_column(column, justify="right" if column in ("seed", "step") else "left", no_wrap=True)
        for row in found:
            left = None if row.state != "unfinished" or row.seconds_left is None else in_words(row.seconds_left)
            losses = [f"{name.split('/')[-1]} {value:.3f}" for name, value in list(row.losses.items())[:SHOWN]]
            table.add_row(
                str(row.folder),
                row.recipe,
                str(row.seed),
                f"{row.step:,}/{row.steps:,}",
                row.state if left is None else f"{left} left",
                "" if row.written is None else f"{in_words(time.time() - row.written)} ago",
                *([", ".join(losses)] if wide else []),
            )
        console.print(table)
    else:
        console.say(f"No folder in {folder} has a recipe.json of a run.")
    for sentence in damaged:
        Terminal(stderr=True).say(sentence)
    return 1 if damaged else 0


def in_words(seconds: float) -> str:
    """A length of time in two units at most."""
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 2:
        return f"{max(seconds, 0):.0f} s"
    if hours < 2:
        return f"{minutes:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
