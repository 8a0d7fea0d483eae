"""Answers in SQLite: one row per answer, on disk before the next question is asked."""

import json
import math
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from reposer.core import BadInput, quoted
from reposer.core.configs import from_plain, to_plain

from .design import Kind, Question, Study

APPLICATION = 0x52505354  # SQLite's application id: marks the file as a study
_TABLES = """
CREATE TABLE study (key TEXT NOT NULL, receipt TEXT NOT NULL, began TEXT NOT NULL);
CREATE TABLE participants (number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, began TEXT NOT NULL);
CREATE TABLE exposures (participant INTEGER, trial INTEGER, times INTEGER NOT NULL, PRIMARY KEY (participant, trial));
CREATE TABLE answers (
    participant INTEGER NOT NULL REFERENCES participants,
    trial INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    candidates TEXT NOT NULL, -- in the order in which they stood
    checksums TEXT NOT NULL,  -- SHA-256 of every file shown, by role
    answer TEXT NOT NULL,
    milliseconds REAL NOT NULL,
    exposures INTEGER NOT NULL,
    answered TEXT NOT NULL,
    PRIMARY KEY (participant, trial)
);
"""


_DAMAGE = (sqlite3.Error, OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading raises if bytes or values were damaged."""


@dataclass(frozen=True)
class Answer:
    """One participant's answer to one question.

    participant, trial: numbers from 0.
    kind, name, candidates: of the question.
    checksums: SHA-256 of every file shown, by role.
    answer: one of `choices`.
    milliseconds: from the picture to the answer.
    exposures: how often the picture was fetched; more than once if the page was reloaded.
    """

    participant: int
    trial: int
    kind: Kind
    name: str
    candidates: tuple[str, ...]
    checksums: Mapping[str, str]
    answer: str
    milliseconds: float
    exposures: int


class Answers:
    """The file of a running study; thread-safe, and no answer is lost if the process is killed at any time."""

    def __init__(self, path: Path, study: Study) -> None:
        """Create the file, or continue it. Refuses another study's file, and files of another kind."""
        try:
            new = not path.exists() or (path.is_file() and path.stat().st_size == 0)
            if not new and (found := read_study(path)) != study:
                other = [field for field, value in vars(study).items() if getattr(found, field) != value]
                raise BadInput(
                    f"{path} holds a study with other {', '.join(other)}; its answers do not mix with new ones. Give "
                    f"the same options, or a new file with --out."
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = threading.Lock()
            self._database = sqlite3.connect(path, check_same_thread=False)
            self.key = self._begin(study) if new else self._go_on()
        except (OSError, sqlite3.Error) as error:
            raise BadInput(f"Answers cannot be written to {path} ({error}); give another --out.") from error

    def _begin(self, study: Study) -> str:
        """Write the study in one transaction: the file contains a whole study or nothing."""
        self._database.executescript(f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION};")
        receipt = json.dumps(to_plain(study))
        self._database.execute("INSERT INTO study VALUES (?, ?, ?)", (secrets.token_hex(8), receipt, _now()))
        self._database.commit()
        return self._go_on()

    def _go_on(self) -> str:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")  # an answer is on disk before the call returns
        return str(self._database.execute("SELECT key FROM study").fetchone()[0])

    def begin(self) -> str:
        """Register a new participant; returns the secret token that identifies their page."""
        token = secrets.token_urlsafe(18)
        with self._lock, self._database as file:
            number = file.execute("SELECT count(*) FROM participants").fetchone()[0]
            file.execute("INSERT INTO participants VALUES (?, ?, ?)", (number, token, _now()))
        return token

    def person(self, token: str) -> int | None:
        """The number of the participant who was given `token`."""
        with self._lock:
            row = self._database.execute("SELECT number FROM participants WHERE token = ?", (token,)).fetchone()
        return None if row is None else int(row[0])

    def answered(self, person: int) -> int:
        """How many questions the participant has answered: the number of the next one."""
        with self._lock:
            count = "SELECT count(*) FROM answers WHERE participant = ?"
            return int(self._database.execute(count, (person,)).fetchone()[0])

    def count(self) -> tuple[int, int]:
        """(participants, answers) so far."""
        with self._lock:
            people, answers = (
                self._database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("participants", "answers")
            )
        return people, answers

    def saw(self, person: int, trial: int) -> None:
        """Record that the picture of a question was fetched (again)."""
        with self._lock, self._database as file:
            file.execute(
                "INSERT INTO exposures VALUES (?, ?, 1) ON CONFLICT (participant, trial) DO UPDATE SET times = times + "
                "1",
                (person, trial),
            )

    def record(
        self,
        person: int,
        trial: int,
        question: Question,
        answer: str,
        milliseconds: float,
        checksums: Mapping[str, str],
    ) -> None:
        """Store an answer. Only the first answer to a question counts; later ones change nothing."""
        with self._lock, self._database as file:
            times = "SELECT times FROM exposures WHERE participant = ? AND trial = ?"
            row = file.execute(times, (person, trial)).fetchone()
            values: Sequence[object] = (
                *(person, trial, question.kind, question.name),
                *(json.dumps(question.candidates), json.dumps(dict(checksums))),
                *(answer, milliseconds, 0 if row is None else row[0], _now()),
            )
            file.execute(f"INSERT OR IGNORE INTO answers VALUES ({', '.join('?' * len(values))})", values)

    def close(self) -> None:
        with self._lock:
            self._database.close()


def read_study(path: Path) -> Study:
    """The study whose answers the file contains."""
    with _opened(path) as database:
        rows = database.execute("SELECT receipt FROM study").fetchall()
        (receipt,) = rows[0]
        study: Study = from_plain(Study, json.loads(receipt), f"study in {path}")
        return study


def read_answers(path: Path) -> tuple[int, list[Answer]]:
    """(number of participants, every answer in order of participant and trial); also while the study is running."""
    with _opened(path) as database:
        begun = int(database.execute("SELECT count(*) FROM participants").fetchone()[0])
        names = tuple(field.name for field in fields(Answer))
        rows = database.execute(f"SELECT {', '.join(names)} FROM answers ORDER BY participant, trial")
        return begun, [_answer(dict(zip(names, row, strict=True)), str(path)) for row in rows]


def _answer(plain: dict[str, Any], path: str) -> Answer:
    """A row of the file, with every value checked."""
    plain |= {key: json.loads(plain[key]) for key in ("candidates", "checksums")}
    where = f"answer to question {plain['trial']} of person {plain['participant']} in {path}"
    answer: Answer = from_plain(Answer, plain, where)
    if not 0 <= answer.milliseconds < math.inf or min(answer.participant, answer.trial, answer.exposures) < 0:
        raise ValueError("a number that no page sends")
    return answer


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file of a study, opened for reading. Files of another kind are refused before any query, damaged ones with
    a clear message.
    """
    if not path.is_file():
        raise BadInput(f"There is no file {path}; the answers of a study were expected there.")
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            is_study = database.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
            if (
                not is_study or _schema(database) != _own_schema()
            ):  # a view could run for ever, or replace something else
                raise BadInput(
                    f"{path} does not hold the answers of a study; give the file that `reposer study` wrote."
                )
            yield database
    except BadInput:
        raise
    except _DAMAGE as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, sqlite3.Error) else "its values are not ours"
        raise BadInput(
            f"{path} does not hold the answers of a study that can be read ({quoted(reason)}); give the file that "
            f"`reposer study` wrote, or a copy from before it was damaged."
        ) from error


def _schema(database: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return database.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()


@cache
def _own_schema() -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_TABLES)
        return _schema(database)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
