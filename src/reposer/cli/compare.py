"""`reposer compare REPORT.json ...`: several reports in one table; only comparable numbers are ranked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.terminal import Terminal

from .option_values import some
from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(compare_reports, arguments, "compare", __doc__)


def compare_reports(
    reports: Positional[tuple[Path, ...]],
    *,
    names: tuple[str, ...] | None = None,
    format: Literal["table", "markdown", "latex", "csv"] = "table",
    mean: bool = False,
) -> int:
    """Exit code 1 if some numbers could not be ranked; the last column says why.

    Args:
        reports: files that `reposer score` or `reposer evaluate` wrote.
        names: one for each report; none = the names of their folders, or of the files where these differ.
        format: table = for the terminal; markdown; latex = a tabular that needs booktabs; csv = a line for each number.
        mean: add a column with the mean over the reports and its 95 % interval, for runs that differ by their seed.
    """
    some("--names", names)

    from reposer.evaluation.compare import compare
    from reposer.evaluation.written_report import read_report

    if len(reports) < 2:
        raise BadInput("Give at least two reports to compare.")
    plain = [read_report(path) for path in reports]
    shown = names or unlike_names(reports)
    if len(shown) != len(reports) or len(set(shown)) != len(shown):
        raise BadInput(f"{len(reports)} reports need as many different names, not {', '.join(shown)}.")
    found = compare(dict(zip(shown, plain, strict=True)), mean=mean)
    console = Terminal()
    if format == "table":
        console.print_columns(found.names, found.to_table)
    else:
        console.text({"markdown": found.markdown, "latex": found.latex, "csv": found.csv}[format]())
    return 0 if found.ranked else 1


def unlike_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """The shortest ends of the reports' places that tell them apart: of equal file names only the folders count."""
    parts = [(*path.resolve().parts[:-1], path.stem) for path in paths]
    if len({place[-1] for place in parts}) == 1:
        parts = [place[:-1] for place in parts]
    for depth in range(1, max(map(len, parts))):
        ends = ["/".join(place[-depth:]) for place in parts]
        if len(set(ends)) == len(ends):
            return tuple(ends)
    raise BadInput("The same report was given twice.")
