"""Reports of scored folders: their files, and their output on the terminal."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from reposer.core import BadInput
from reposer.core.terminal import Terminal
from reposer.evaluation import Report, SideBySide
from reposer.evaluation.folder import Problem, in_words
from reposer.evaluation.report import absent_cell
from reposer.evaluation.suite import SUITE
from reposer.metrics import METRICS
from reposer.scoring.outcome import Outcome

MANY = 10  # reasons to print


def needs_network(name: str) -> bool:
    """Whether this metric or part of the suite uses a network."""
    return name in SUITE or METRICS[name].looks_through_a_network


def refuse_foreign_reports(folder: Path) -> None:
    """Refuse to overwrite files that are no Reposer reports: report.json, .csv and .html are common names."""
    there = [name for name in ("report.json", "report.csv", "report.html") if (folder / name).exists()]
    if there and not _is_ours(folder / "report.json"):
        raise BadInput(
            f"{folder} holds {', '.join(there)}, which `reposer score` did not write and would replace. Move them, or "
            f"give another --out."
        )


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(plain, dict) and {"protocol", "row_hashes", "truth_hash"} <= plain.keys()


def tell(report: Report, problems: Sequence[Problem], console: Terminal) -> None:
    """Print the numbers by name, what is absent and why, and what was not scored."""
    for line in report.lines():
        console.say(line)
    tell_absent(report.absent, console)
    tell_problems(problems, console)


def tell_absent(reasons: Mapping[str, str], console: Terminal) -> None:
    for name, reason in reasons.items():
        console.say(f"absent: {name}: {reason}")


def tell_outcome(outcome: Outcome, console: Terminal) -> None:
    """Print the results of `reposer evaluate`."""
    if isinstance(outcome.table, SideBySide):
        console.print_columns(outcome.table.names, outcome.table.to_table)
    else:
        console.print(outcome.table)
    for reason, count in outcome.undone.items():
        if reason:
            console.say(f"In {count} of {sum(outcome.undone.values())} {outcome.unit}: {reason}")
    tell(outcome.report, outcome.problems, console)
    for reason in outcome.left_out.reasons.values():
        console.say(f"left out: {reason}")
    if outcome.left_out.reasons:
        number = outcome.left_out.num_pairs
        console.say(f"{number} pairs were left out, because these pictures cannot be read.")
    console.say(f"Report: {outcome.files}")
    if outcome.pictures is not None:
        console.say(f"Generated pictures: {outcome.pictures}")


def tell_problems(problems: Sequence[Problem], console: Terminal) -> None:
    """Print one line per reason; files that exist come first."""
    lines = in_words(problems)
    for line in lines[:MANY]:
        console.say(f"not scored: {line}")
    if len(lines) < len(problems) or len(lines) > MANY:
        console.say(f"not scored: {len(problems)} in all; report.json names each")


def by_protocol(reports: dict[str, Report]) -> Table:
    """One row per protocol and number: the same pictures under other rules. Nothing is ranked here."""
    table = Table(title="The same pictures under every protocol")
    table.add_column("protocol", no_wrap=True)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right")
    for name, report in reports.items():
        for summary in report.summary.values():
            table.add_row(name, summary.metric, Text(summary.cell()))
        for metric in report.absent:
            table.add_row(name, metric, absent_cell())
        table.add_section()
    return table
