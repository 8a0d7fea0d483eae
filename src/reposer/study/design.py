"""Which questions a participant gets, in which order: a function of the study and the participant's number alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reposer.core import BadInput
from reposer.core.rng import mix, numpy_stream

Design = Literal["real-or-generated", "best"]
Kind = Literal["practice", "check", "scored"]

REAL, GENERATED = "real", "generated"
SCRAMBLED = "scrambled"
"""A scrambled real picture, which an attentive participant never takes for real, or for the best."""
SOURCE, POSE = "source", "pose"
LONGEST_LOOK = 3600.0
"""Longest time in seconds that a picture may be shown; browsers' timers overflow after a month."""
_ORDER, _PERSON = 0x57D0, 0x57D1


@dataclass(frozen=True)
class Question:
    """One question. kind: only "scored" ones count. name: of the pair. candidates: whose pictures, in order of
    display.
    """

    kind: Kind
    name: str
    candidates: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """A forced-choice study; with a participant's number it determines every question.

    design: "real-or-generated" shows one picture at a time; "best" shows every system's picture of one pair.
    systems: those whose pictures are compared.
    names: of the pairs; each system, and the truth, has a picture of each.
    beside: what is shown next to the candidates of "best": the source, and the target pose or the true target (REAL).
    trials: scored questions per participant. Half of those of "real-or-generated" are real pictures.
    practice: questions before them that do not count, as PG2 and PATN discard the first ten.
    checks: attention checks among them, with a scrambled picture.
    failed_checks: participants who fail more are excluded.
    show_seconds: a picture disappears after this time, 1 as in the protocol of the just noticeable difference; 0 = it
        stays.
    seed: of the order of names, and of every participant's questions.
    """

    design: Design
    systems: tuple[str, ...]
    names: tuple[str, ...]
    trials: int
    beside: tuple[str, ...] = ()
    practice: int = 10
    checks: int = 4
    failed_checks: int = 1
    show_seconds: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        fewest = 1 if self.design == "real-or-generated" else 2
        if len(self.systems) < fewest:
            raise BadInput("To choose the best, give at least two systems: --generated ONE=DIR OTHER=DIR.")
        if taken := {REAL, GENERATED, SCRAMBLED, SOURCE, POSE} & set(self.systems):
            raise BadInput(f"A system cannot be called '{taken.pop()}'; give it another name.")
        if min(self.practice, self.checks, self.failed_checks, self.show_seconds) < 0:
            raise BadInput("--practice, --checks, --failed-checks and --show-seconds cannot be negative.")
        if not self.show_seconds <= LONGEST_LOOK:  # also refuses NaN
            raise BadInput(f"--show-seconds is 0 to {LONGEST_LOOK:g}, not {self.show_seconds}.")
        most = self._rounded(len(self.names) - self.practice - self.checks)
        if self.trials < 1 or self.trials % self._step:
            near = max(self._step, self._rounded(self.trials))
            raise BadInput(
                f"{self.trials} questions cannot be dealt evenly to {len(self.systems)} systems; a multiple of "
                f"{self._step} can: --trials {near}."
            )
        if self.trials > most:
            way_out = f"--trials {most}" if most > 0 else "more pictures, or less --practice and --checks"
            raise BadInput(
                f"No participant is asked about a pair twice: {self.trials} questions, {self.practice} of practice and "
                f"{self.checks} checks need as many pairs, and there are {len(self.names)}. Give {way_out}."
            )

    @property
    def _step(self) -> int:
        """The number of questions is a multiple of it, so that all systems and all positions have equal shares."""
        return len(self.systems) * (2 if self.design == "real-or-generated" else 1)

    def _rounded(self, trials: int) -> int:
        return trials // self._step * self._step


def questions(study: Study, person: int) -> tuple[Question, ...]:
    """The questions of participant number `person` (0, 1, ...): practice first, then scored questions with checks among
    them.

    No pair comes twice. Over participants, each picture of a system is asked about equally often, to within one; so is
    each real one, to within one per system.
    """
    order = numpy_stream(study.seed, _ORDER).permutation(len(study.names))
    stream = numpy_stream(mix(study.seed, _PERSON, person))
    # a participant's names start one share after the previous one's, so that each name goes through all conditions
    start = person * (study.trials if study.design == "best" else study.trials // len(_conditions(study)))
    names = [study.names[order[(start + k) % len(order)]] for k in range(len(order))]
    deal = _side_by_side if study.design == "best" else _one_by_one
    counts: dict[Kind, int] = {"scored": study.trials, "practice": study.practice, "check": study.checks}
    dealt: dict[Kind, list[Question]] = {}
    for kind, candidates in zip(counts, deal(study, stream), strict=True):
        own, names = names[: counts[kind]], names[counts[kind] :]
        dealt[kind] = [Question(kind, n, c) for n, c in zip(own, candidates, strict=True)]
    scored = [dealt["scored"][k] for k in stream.permutation(study.trials)]
    return (*dealt["practice"], *_spread(dealt["check"], scored, stream))


_Dealt = list[tuple[str, ...]]


def _conditions(study: Study) -> list[str]:
    """Whose pictures "real-or-generated" shows, with equal shares."""
    return [condition for system in study.systems for condition in (REAL, system)]


def _one_by_one(study: Study, stream: np.random.Generator) -> tuple[_Dealt, _Dealt, _Dealt]:
    """The candidates of scored questions, practice and checks: one picture each."""
    conditions = _conditions(study)
    share = study.trials // len(conditions)
    scored: _Dealt = [(condition,) for condition in conditions for _ in range(share)]
    practice: _Dealt = [(conditions[k],) for k in stream.integers(len(conditions), size=study.practice)]
    return scored, practice, [(SCRAMBLED,)] * study.checks


def _side_by_side(study: Study, stream: np.random.Generator) -> tuple[_Dealt, _Dealt, _Dealt]:
    """The candidates of scored questions, practice and checks: all systems; in a check, one real picture among
    scrambled ones.
    """
    places = range(len(study.systems))
    whole_ones = stream.integers(len(places), size=study.checks)
    checks = [tuple(REAL if place == k else SCRAMBLED for place in places) for k in whole_ones]
    return _rows(study, stream, study.trials), _rows(study, stream, study.practice), checks


def choices(study: Study, question: Question) -> tuple[str, ...]:
    """The possible answers, as stored."""
    return (REAL, GENERATED) if study.design == "real-or-generated" else question.candidates


def right_answer(study: Study) -> str:
    """The answer that passes a check."""
    return GENERATED if study.design == "real-or-generated" else REAL


def _rows(study: Study, stream: np.random.Generator, count: int) -> _Dealt:
    """`count` orders of the systems; in each run of as many as there are systems, each has every position once."""
    rows: _Dealt = []
    while len(rows) < count:
        base = [study.systems[k] for k in stream.permutation(len(study.systems))]
        rows += [(*base[turn:], *base[:turn]) for turn in range(len(base))]
    return rows[:count]


def _spread(checks: Sequence[Question], scored: Sequence[Question], stream: np.random.Generator) -> list[Question]:
    """The checks among the scored questions: one at a random place of each equal stretch."""
    out, stretch = list(scored), len(scored) / max(1, len(checks))
    places = [int(stretch * (k + stream.random())) for k in range(len(checks))]
    for place, check in reversed(list(zip(places, checks, strict=True))):
        out.insert(place, check)
    return out
