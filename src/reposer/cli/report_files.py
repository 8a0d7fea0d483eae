"""Reports of scored folders: their files, and what the terminal shows of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from reposer.core import BadInput
from reposer.core.terminal import Terminal
from reposer.evaluation import Folders, Protocol, Report, Scored, shown_pictures
from reposer.evaluation.folder import Problem, in_words
from reposer.evaluation.report_html import write_html
from reposer.evaluation.suite import SUITE
from reposer.metrics import METRICS

MANY = 10  # reasons that are printed


def needs_network(name: str) -> bool:
    """Whether this metric or part of the suite looks through a network."""
    return name in SUITE or METRICS[name].looks_through_a_network


def refuse_foreign_reports(folder: Path) -> None:
    """Only reports of ours are written over: report.json, .csv and .html are names that anybody's files may have."""
    there = [name for name in ("report.json", "report.csv", "report.html") if (folder / name).exists()]
    if there and not _is_ours(folder / "report.json"):
        raise BadInput(
            f"{folder} holds {', '.join(there)}, which `reposer score` did not write and would replace. Move them, or give "
            f"another --out."
        )


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(plain, dict) and {"protocol", "row_hashes", "truth_hash"} <= plain.keys()


def write(found: Scored, folders: Folders, rule: Protocol, folder: Path, stem: str = "report") -> None:
    """All three forms of the report."""
    by_name = {pair.name: pair for pair in found.pairs}
    found.report.write_json(folder / f"{stem}.json")
    found.report.write_csv(folder / f"{stem}.csv")
    write_html(
        folder / f"{stem}.html",
        found.report,
        lambda name: {
            k: p.numpy()
            for k, p in shown_pictures(folders, rule, by_name[name], found.geometries[name]).items()
        },
    )


def tell(found: Scored, console: Terminal) -> None:
    """The table, what is absent and why, and what was not scored."""
    console.print(found.report.to_table())
    for line in found.report.lines():
        console.say(line)
    for name, reason in found.report.absent.items():
        console.say(f"absent: {name}: {reason}")
    tell_problems(found.problems, console)


def tell_problems(problems: Sequence[Problem], console: Terminal) -> None:
    """A line for each reason; files that are there come first."""
    lines = in_words(problems)
    for line in lines[:MANY]:
        console.say(f"not scored: {line}")
    if len(lines) < len(problems) or len(lines) > MANY:
        console.say(f"not scored: {len(problems)} in all; report.json names each")


def side_by_side(reports: dict[str, Report]) -> Table:
    """A row per protocol and number: the same pictures, other rules. Nothing is ranked here."""
    table = Table(title="The same pictures under every protocol")
    table.add_column("protocol", no_wrap=True)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right")
    for name, report in reports.items():
        for summary in report.summary.values():
            table.add_row(name, summary.metric, Text(summary.cell()))
        for metric in report.absent:
            table.add_row(name, metric, Text("absent", style="dim"))
        table.add_section()
    return table
