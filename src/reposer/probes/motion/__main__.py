"""python -m reposer.probes.motion WEIGHTS: measure a motion network on held-out synthetic tracks."""

import sys
from pathlib import Path

import tyro
from rich.table import Table

from reposer.core import BadInput
from reposer.core.terminal import Terminal

from .measure import HELD_OUT, held_out, measure
from .use import load_motion


def main(weights: tyro.conf.Positional[Path], motions: int = HELD_OUT) -> None:
    """Print how far tracks of synthetic people are off: as detected, smoothed, and cleaned by the network.

    Args:
        weights: a file that `reposer train motion-mini` wrote.
        motions: number of tracks of 160 frames.
    """
    table = Table(title=f"{motions} held-out synthetic tracks at 256x256, in pixels")
    for column in ("track", "mean error", "exceeded by 5 %", "tremble"):
        table.add_column(column, justify="left" if column == "track" else "right")
    for name, off in measure(load_motion(weights), held_out(motions)).items():
        table.add_row(name, f"{off.mean:.2f}", f"{off.worst:.2f}", f"{off.tremble:.2f}")
    Terminal().print(table)


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except BadInput as error:
        sys.stderr.write(f"reposer: {error}\n")
        sys.exit(2)
