"""Answers in SQLite: one row an answer, on the disk before the next question is asked."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reposer.core import BadInput
from reposer.core.configs import from_plain, to_plain

from .design import Kind, Question, Study

APPLICATION = 0x52505354  # the file says of itself that it is a study
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


@dataclass(frozen=True)
class Answer:
    """What one person said to one question.

    participant, trial: numbers from 0. kind, name, candidates: of the question.
    checksums: SHA-256 of every file shown, by role. answer: one of `choices`. milliseconds: from the picture to the answer.
    exposures: how often the picture was fetched; more than once if the page was loaded anew.
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
    """The file of a running study; safe to use from several threads, and killed at any time it loses no answer."""

    def __init__(self, path: Path, study: Study) -> None:
        """Begins the file, or goes on with it. Refuses another study's, and files that are something else."""
        new = not path.exists() or path.stat().st_size == 0
        if not new and (found := read_study(path)) != study:
            other = [field for field, value in vars(study).items() if getattr(found, field) != value]
            raise BadInput(
                f"{path} holds a study with other {', '.join(other)}; its answers do not mix with new ones. Give "
                f"the same options, or a new file with --out."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        if new:  # in one transaction: the file holds a whole study or nothing
            self._database.executescript(f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION};")
            receipt = json.dumps(to_plain(study))
            self._database.execute(
                "INSERT INTO study VALUES (?, ?, ?)", (secrets.token_hex(8), receipt, _now())
            )
            self._database.commit()
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")  # an answer is on the disk, not on its way
        self.key: str = self._database.execute("SELECT key FROM study").fetchone()[0]

    def begin(self) -> str:
        """A new person; returns the secret by which the page is known again."""
        token = secrets.token_urlsafe(18)
        with self._lock, self._database as file:
            number = file.execute("SELECT count(*) FROM participants").fetchone()[0]
            file.execute("INSERT INTO participants VALUES (?, ?, ?)", (number, token, _now()))
        return token

    def person(self, token: str) -> int | None:
        """The number of the person who was given `token`."""
        with self._lock:
            row = self._database.execute(
                "SELECT number FROM participants WHERE token = ?", (token,)
            ).fetchone()
        return None if row is None else int(row[0])

    def answered(self, person: int) -> int:
        """How many questions the person has answered: the number of the next one."""
        with self._lock:
            count = "SELECT count(*) FROM answers WHERE participant = ?"
            return int(self._database.execute(count, (person,)).fetchone()[0])

    def count(self) -> tuple[int, int]:
        """(people, answers) so far."""
        with self._lock:
            people, answers = (
                self._database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("participants", "answers")
            )
        return people, answers

    def saw(self, person: int, trial: int) -> None:
        """Note that the picture of a question has been fetched (again)."""
        with self._lock, self._database as file:
            file.execute(
                "INSERT INTO exposures VALUES (?, ?, 1) ON CONFLICT (participant, trial) DO UPDATE SET times = times + 1",
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
        """Write an answer down. The first answer to a question stands: another one changes nothing."""
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
    """The study whose answers the file holds."""
    with closing(_opened(path)) as database:
        row = database.execute("SELECT receipt FROM study").fetchone()
    study: Study = from_plain(Study, json.loads(row[0]), str(path))
    return study


def read_answers(path: Path) -> tuple[int, list[Answer]]:
    """(how many people have begun, every answer in order of person and trial); also while the study is running."""
    with closing(_opened(path)) as database:
        begun = int(database.execute("SELECT count(*) FROM participants").fetchone()[0])
        rows = database.execute(
            "SELECT participant, trial, kind, name, candidates, checksums, answer, milliseconds, exposures "
            "FROM answers ORDER BY participant, trial"
        ).fetchall()
    return begun, [
        Answer(p, trial, kind, name, tuple(json.loads(candidates)), json.loads(sums), answer, ms, times)
        for p, trial, kind, name, candidates, sums, answer, ms, times in rows
    ]


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise BadInput(f"There is no file {path}; the answers of a study were expected there.")
    try:
        database = sqlite3.connect(path)
        if database.execute("PRAGMA application_id").fetchone()[0] == APPLICATION:
            return database
        database.close()
    except sqlite3.DatabaseError:
        pass
    raise BadInput(f"{path} does not hold the answers of a study; give the file that `reposer study` wrote.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
