"""Runs the named benchmarks, or those of the page, and prints their tables."""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table as RichTable

from .measure import Table

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_") and path.stem != "measure")

PAGE = ("inference", "local_attention", "pose_maps", "scoring")
"""What `make bench` runs: this package beside what others do, a few minutes on two cores."""
LIBRARIES = ("numpy", "scikit-image", "opencv-python-headless")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)}; none = {', '.join(PAGE)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default: 2)")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"), help="cpu or cuda (default: cpu)")
    chosen = parser.parse_args(arguments)
    if unknown := sorted(set(chosen.names) - set(NAMES)):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")

    torch.set_num_threads(chosen.threads)
    console = Console()
    console = Console(width=max(console.width, 110))  # a table is of use only whole
    machine = describe_machine(chosen.device)
    console.print(" · ".join(f"{name} {value}" for name, value in machine.items()), style="dim")
    tables: dict[str, list[Table]] = {}
    for name in chosen.names or PAGE:
        torch.manual_seed(0)
        tables[name] = importlib.import_module(f"benchmarks.{name}").run(chosen.device)
        for table in tables[name]:
            console.print(_to_rich(table))
    if chosen.json is not None:
        results = {name: [table.to_json() for table in found] for name, found in tables.items()}
        chosen.json.write_text(
            json.dumps({"machine": machine, "benchmarks": results}, indent=2, allow_nan=False) + "\n"
        )


def describe_machine(device: torch.device) -> dict[str, str | int]:
    """What the numbers hold for."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=FOLDER, capture_output=True, text=True)
    return {
        "device": name,
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{name: version for name in LIBRARIES if (version := _version(name))},
        "commit": git.stdout.strip() or "unknown",
    }


def _version(library: str) -> str:
    """Empty if it is not installed."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu_name() -> str:
    """The processor's name and its widest vector instructions."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        name = found[0] if found else name
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def _to_rich(table: Table) -> RichTable:
    shown = RichTable(title=table.title, caption=table.note or None, title_justify="left", caption_justify="left")
    for number, column in enumerate(table.columns):
        shown.add_column(column, justify="left" if number == 0 else "right")
    for row in table.rows:
        shown.add_row(*(value if isinstance(value, str) else f"{value:.4g}" for value in row))
    return shown


if __name__ == "__main__":
    main()
