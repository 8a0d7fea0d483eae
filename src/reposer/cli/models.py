"""`reposer models`: the weights that ship with the package, and their licence."""

from collections.abc import Sequence

from rich.table import Table

from reposer.core.terminal import Terminal

from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(_show, arguments, "models", __doc__)


def _show() -> int:
    from reposer.generators import load, shipped_models
    from reposer.nn.weights import read_about, read_header

    table = Table(box=None, pad_edge=False)
    for column in ("model", "family", "size", "parameters", "MB", "licence"):
        table.add_column(column, style="bold" if column == "model" else "")
    for name, path in shipped_models().items():
        generator = load(name)
        count = sum(p.numel() for p in generator.parameters())
        size = "x".join(map(str, generator.framing.size))
        megabytes = path.stat().st_size / 1e6
        licence = str(read_about(read_header(path), path).get("licence", "not stated"))
        table.add_row(name, generator.config.family, size, f"{count:,}", f"{megabytes:.1f}", licence)
    Terminal().print(table)
    return 0
