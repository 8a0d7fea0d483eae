"""Several reports in one table. Only comparable numbers are ranked; for the others the differences are listed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

from reposer.metrics import METRICS

from .numbers import Line, SideBySide, best_of, written
from .written_report import WrittenReport, written_report

RANKED = "yes"
STUDENT_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""97.5 % points of Student's t for 1 to 30 degrees of freedom."""


@dataclass(frozen=True)
class Comparison(SideBySide):
    """The note of a line says whether it is ranked and, if not, why.

    ranked: whether all lines could be ranked.
    """

    ranked: bool = True

    def latex(self) -> str:
        """The table; below it, as comments, why lines are not ranked."""
        groups = {
            title: [replace(line, notes=()) if line.notes == (RANKED,) else line for line in lines]
            for title, lines in self.groups.items()
        }
        return SideBySide(self.names, groups, self.notes, self.title).latex()


def compare(reports: Mapping[str, Mapping[str, Any]], *, mean: bool = False) -> Comparison:
    """One line per metric that any of the reports has, in the order of their first appearance.

    reports: by name, the contents of their files (`read_report`, `Report.to_plain`).
    mean: one more column, for reports of runs that differ by their seed: the mean over the reports, with a 95 %
        interval by Student's t; empty where a line is not ranked.
    """
    files = {name: written_report(plain, name) for name, plain in reports.items()}
    metrics = list(dict.fromkeys(name for report in files.values() for name in report.summary))
    found = {name: _differences(name, list(files.values())) for name in metrics}
    lines = [_line(name, list(files.values()), found[name]) for name in metrics]
    names = tuple(files)
    if mean:
        lines = [replace(line, cells=(*line.cells, _mean(line, list(files.values())))) for line in lines]
        names = (*names, f"mean of {len(files)}")
    return Comparison(names, {"": lines}, ("ranked",), ranked=not any(found.values()))


def _mean(line: Line, reports: Sequence[WrittenReport]) -> str:
    """The mean over the reports, and its interval; empty unless all of them have the number, made alike."""
    values = [float(r.summary[line.metric].mean) for r in reports if line.metric in r.summary]
    if line.notes != (RANKED,) or len(values) < len(reports) or not all(map(math.isfinite, values)):
        return ""
    centre, half = fmean(values), student_t(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return written(line.metric, centre, centre - half, centre + half)


def student_t(freedom: int) -> float:
    """The 97.5 % point of Student's t; beyond the table within 0.0002."""
    if freedom <= len(STUDENT_T):
        return STUDENT_T[freedom - 1]
    return (
        1.95996 + 2.37227 / freedom + 2.8225 / freedom**2
    )  # z + (z^3 + z) / (4 n) + (5 z^5 + 16 z^3 + 3 z) / (96 n^2)


def _line(metric: str, reports: Sequence[WrittenReport], differences: Sequence[str]) -> Line:
    own = {k: r.summary[metric] for k, r in enumerate(reports) if metric in r.summary}
    cells = tuple(written(metric, *own[k].values()) if k in own else "" for k in range(len(reports)))
    places = list(own)
    best = best_of(metric, [float(number.mean) for number in own.values()])
    if differences:
        return Line(metric, cells, notes=("; ".join(differences),))
    verdict = RANKED if len(own) > 1 else "nothing to rank it with"
    return Line(metric, cells, frozenset(places[k] for k in best), (verdict,))


def _differences(metric: str, all_reports: Sequence[WrittenReport]) -> tuple[str, ...]:
    """What differs in how this number was made, in words; nothing if it can be ranked."""
    reports = [report for report in all_reports if metric in report.summary]
    found = _made_otherwise(metric, reports)
    if len(reports) > 1 and any(math.isnan(float(r.summary[metric].mean)) for r in reports):
        found += ("no pair has a value in one of them",)
    return found


def _made_otherwise(metric: str, reports: Sequence[WrittenReport]) -> tuple[str, ...]:
    """What differs in how this number was made, in words; nothing if the rows' hashes are equal."""
    if len({report.row_hashes[metric] for report in reports}) == 1:
        return ()
    found = []
    facts: tuple[tuple[str, Callable[[WrittenReport], object]], ...] = (
        ("protocol", lambda r: r.name),
        ("picture size", lambda r: "x".join(map(str, r.size))),
        ("geometry of the generated pictures", lambda r: r.geometry),
        ("number of pairs", lambda r: r.pairs),
        ("network", lambda r: r.networks.get(metric, "none")),
        ("reference set", lambda r: r.reference_hash[:8] if METRICS[metric].needs_reference else ""),
        ("set of masks", lambda r: r.mask_hashes.get(METRICS[metric].mask or "", "")[:8]),
    )
    for title, fact in facts:
        values = list(dict.fromkeys(str(fact(report)) for report in reports))
        if len(values) > 1:
            found.append(f"another {title} ({' / '.join(values)})")
    if not found and len({report.hash for report in reports}) > 1:
        found.append("other pairs, or another version of the protocol")
    if not found:
        found.append("other target pictures (decoded or resized differently)")
    return tuple(found)
