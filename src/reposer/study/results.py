"""The results of a study: rates with intervals, comparisons of systems, and which answers were excluded by which
rule.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal

from rich.console import Group
from rich.table import Table
from rich.text import Text

from reposer.core.configs import to_plain
from reposer.core.shown import one_line

from .answers import Answer, read_answers, read_study
from .design import GENERATED, REAL, Study, right_answer
from .statistics import holm, people_interval, sign_test, wilson_interval

CONFIDENCE = 0.95
FEW_PEOPLE = 10  # the percentile bootstrap is known to be too narrow for fewer


@dataclass(frozen=True)
class Rate:
    """hits of total answers. wilson: interval if all were independent. people: interval from resampling whole
    participants.
    """

    name: str
    hits: int
    total: int
    wilson: tuple[float, float]
    people: tuple[float, float]

    @property
    def value(self) -> float:
        return self.hits / self.total if self.total else math.nan


@dataclass(frozen=True)
class Comparison:
    """Two systems compared.

    unit: "people" counts participants who took more pictures of the one than of the other for real (or chose it more
        often); "answers" counts choices of the one or the other. Answers of one participant are not independent: if
        both are given, trust people.
    p: exact and two-sided.
    p_holm: corrected for the number of comparisons of this unit.
    """

    first: str
    second: str
    unit: Literal["people", "answers"]
    wins: int
    losses: int
    ties: int
    p: float
    p_holm: float = math.nan


@dataclass(frozen=True)
class Results:
    """The results of the counted answers of a study.

    begun, finished, counted: number of participants.
    answers: number of counted answers.
    left_out: number of excluded answers, by reason.
    seconds: the median time of an answer.
    changed: pairs whose files were not the same for all participants.
    """

    study: Study
    begun: int
    finished: int
    counted: int
    answers: int
    left_out: Mapping[str, int]
    seconds: float
    changed: tuple[str, ...]
    rates: tuple[Rate, ...]
    comparisons: tuple[Comparison, ...]

    def tables(self) -> Group:
        """For a terminal."""
        rates = Table(title=f"{self.study.design} · {self.counted} people · {self.answers:,} answers")
        for title in ("rate", "value", "95 % (Wilson)", "95 % (people)", "answers"):
            rates.add_column(title, justify="left" if title == "rate" else "right")
        for rate in self.rates:
            rates.add_row(
                Text(one_line(rate.name)),
                _percent(rate.value),
                _interval(rate.wilson),
                _interval(rate.people),
                f"{rate.hits} of {rate.total}",
            )
        parts = [rates]
        if self.comparisons:
            pairs = Table(title="which is better: exact two-sided sign tests")
            for title in ("systems", "by", "first", "second", "tied", "p", "p (Holm)"):
                pairs.add_column(title, justify="left" if title in ("systems", "by") else "right")
            for c in self.comparisons:
                counts = (str(c.wins), str(c.losses), str(c.ties))
                names = Text(one_line(f"{c.first} : {c.second}"))
                pairs.add_row(names, c.unit, *counts, _p_value(c.p), _p_value(c.p_holm))
            parts.append(pairs)
        return Group(*parts, *(Text(one_line(note)) for note in self.notes()))

    def notes(self) -> list[str]:
        """Remarks on the numbers, a sentence each."""
        said = [f"{self.begun} people began, {self.finished} finished, {self.counted} count."]
        if self.answers:
            said.append(f"Half of the answers took less than {self.seconds:.1f} s.")
        said += [f"Left out, {reason}: {count} answers." for reason, count in self.left_out.items()]
        if self.counted < FEW_PEOPLE:
            said.append(f"With fewer than {FEW_PEOPLE} people the intervals over people are too narrow, or none.")
        if self.changed:
            some = ", ".join(self.changed[:3]) + (", ..." if len(self.changed) > 3 else "")
            said.append(f"The files of {len(self.changed)} pairs changed during the study ({some}).")
        return said

    def to_plain(self) -> dict[str, Any]:
        """For JSON; a number that does not exist is null."""
        plain: dict[str, Any] = to_plain({**vars(self), "rates": [], "comparisons": []})
        plain["rates"] = [{**to_plain(rate), "value": rate.value} for rate in self.rates]
        plain["comparisons"] = to_plain(self.comparisons)
        plain["confidence"] = CONFIDENCE
        return {key: _finite(value) for key, value in plain.items()}


def results(path: Path) -> Results:
    """The results of the study in a file, also while it is running."""
    study = read_study(path)
    begun, answers = read_answers(path)
    return tally(study, begun, answers)


def tally(study: Study, begun: int, answers: Sequence[Answer]) -> Results:
    """The results of these answers; `begun` participants have opened the page.

    Excluded: practice; checks; all answers of participants who failed more checks than the study allows; answers to
        pictures that were never fetched or, if they are shown for a fixed time, were fetched more than once.
        Participants who stopped early count as far as they got.
    """
    counting, left_out = _by_rule(study, answers)
    if study.design == "real-or-generated":
        rates, comparisons = _taken_for_real(study, counting)
    else:
        rates, comparisons = _preferred(study, counting)
    whole = study.practice + study.checks + study.trials
    return Results(
        study=study,
        begun=begun,
        finished=sum(n == whole for n in Counter(a.participant for a in answers).values()),
        counted=len({a.participant for a in counting}),
        answers=len(counting),
        left_out=left_out,
        seconds=median(a.milliseconds for a in counting) / 1000 if counting else math.nan,
        changed=_changed(answers),
        rates=tuple(rates),
        comparisons=tuple(_corrected(comparisons)),
    )


def _by_rule(study: Study, answers: Sequence[Answer]) -> tuple[list[Answer], dict[str, int]]:
    failed = Counter(a.participant for a in answers if a.kind == "check" and a.answer != right_answer(study))
    counting, left_out = [], Counter[str]()
    for answer in answers:
        if answer.kind == "practice":
            left_out["practice"] += 1
        elif answer.kind == "check":
            left_out["checks"] += 1
        elif failed[answer.participant] > study.failed_checks:
            left_out[f"by people who failed more than {study.failed_checks} checks"] += 1
        elif answer.exposures == 0:
            left_out["given without looking"] += 1
        elif study.show_seconds and answer.exposures > 1:
            left_out["shown more than once"] += 1
        else:
            counting.append(answer)
    return counting, dict(left_out)


def _taken_for_real(study: Study, answers: Sequence[Answer]) -> tuple[list[Rate], list[Comparison]]:
    """R2G: real pictures taken for generated ones. G2R: generated ones taken for real."""

    def of(role: str) -> list[Answer]:
        return [a for a in answers if a.candidates == (role,)]

    every = [a for system in study.systems for a in of(system)]
    rates = [_rate("R2G", of(REAL), lambda a: a.answer == GENERATED)]
    rates += [_rate(f"G2R {system}", of(system), lambda a: a.answer == REAL) for system in study.systems]
    if len(study.systems) > 1:
        rates.insert(1, _rate("G2R, all systems", every, lambda a: a.answer == REAL))
    fooled = {s: _per_person(of(s), lambda a: a.answer == REAL) for s in study.systems}
    return rates, [_people(a, b, fooled[a], fooled[b]) for a, b in itertools.combinations(study.systems, 2)]


def _preferred(study: Study, answers: Sequence[Answer]) -> tuple[list[Rate], list[Comparison]]:
    """How often each system was chosen of all."""
    chosen: dict[str, Callable[[Answer], bool]] = {
        system: lambda a, system=system: a.answer == system  # type: ignore[misc]
        for system in study.systems
    }
    rates = [_rate(f"preferred {system}", answers, chosen[system]) for system in study.systems]
    shares = {system: _per_person(answers, chosen[system]) for system in study.systems}
    counts = {system: sum(map(chosen[system], answers)) for system in study.systems}
    comparisons = []
    for first, second in itertools.combinations(study.systems, 2):
        comparisons.append(_people(first, second, shares[first], shares[second]))
        wins, losses = counts[first], counts[second]
        others = len(answers) - wins - losses
        p = sign_test(wins, losses)
        comparisons.append(Comparison(first, second, "answers", wins, losses, others, p))
    return rates, comparisons


def _rate(name: str, answers: Sequence[Answer], hit: Callable[[Answer], bool]) -> Rate:
    people = _per_person(answers, hit).values()
    hits, totals = [h for h, _ in people], [n for _, n in people]
    interval = people_interval(hits, totals, confidence=CONFIDENCE)
    return Rate(name, sum(hits), sum(totals), wilson_interval(sum(hits), sum(totals), CONFIDENCE), interval)


def _per_person(answers: Iterable[Answer], hit: Callable[[Answer], bool]) -> dict[int, tuple[int, int]]:
    """(hits, answers) of each person."""
    found: dict[int, tuple[int, int]] = {}
    for answer in answers:
        hits, total = found.get(answer.participant, (0, 0))
        found[answer.participant] = (hits + hit(answer), total + 1)
    return found


def _people(first: str, second: str, a: Mapping[int, tuple[int, int]], b: Mapping[int, tuple[int, int]]) -> Comparison:
    """Each participant who rated both is one vote for the system with the larger share of hits."""
    both = a.keys() & b.keys()
    # shares compared as integers: h1 / n1 > h2 / n2
    leads = [a[p][0] * b[p][1] - b[p][0] * a[p][1] for p in both]
    wins, losses = sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)
    ties = len(leads) - wins - losses
    return Comparison(first, second, "people", wins, losses, ties, sign_test(wins, losses))


def _corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    out = list(comparisons)
    for unit in ("people", "answers"):
        own = [k for k, c in enumerate(out) if c.unit == unit]
        for k, p in zip(own, holm([out[k].p for k in own]), strict=True):
            out[k] = replace(out[k], p_holm=p)
    return out


def _changed(answers: Sequence[Answer]) -> tuple[str, ...]:
    seen: dict[tuple[str, str], set[str]] = {}
    for answer in answers:
        for role, checksum in answer.checksums.items():
            seen.setdefault((answer.name, role), set()).add(checksum)
    return tuple(sorted({name for (name, _), sums in seen.items() if len(sums) > 1}))


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if math.isfinite(value) else "–"


def _interval(ends: tuple[float, float]) -> str:
    return f"{100 * ends[0]:.1f} – {100 * ends[1]:.1f}" if math.isfinite(ends[0]) else "–"


def _p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _finite(value: Any) -> Any:
    """The value with null for every number that does not exist."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return {k: _finite(v) for k, v in value.items()} if isinstance(value, dict) else value
