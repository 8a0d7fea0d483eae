"""Visitors and what is theirs: a folder of their own, under a name that nobody can guess, removed when they leave."""

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .jobs import Job

MOST_VISITS = 64
"""Visitors at a time."""
VISIT_SECONDS = 3600.0
"""After so long without a request, what is a visitor's is deleted."""
MOST_BYTES = 800_000_000
"""Of one visitor's folder."""
MOST_THINGS = 400
"""Photos, clips and results of one visitor."""
ENDED_JOBS = 16
"""Jobs of one visitor whose results are remembered after their end."""
WARMING = "warming-"
"""Beginning of the names of folders in which a process writes while it loads its networks; they are no visitor's."""


@dataclass
class Visit:
    """One open page. name: also its secret. folder: everything of this visitor. jobs: by number. used: the last
    request, by `time.monotonic`. arriving: bytes of files that are being sent. left: whether it is over."""

    name: str
    folder: Path
    used: float
    things: dict[str, Path] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    arriving: int = 0
    left: bool = False

    def place(self, kind: str) -> tuple[str, Path]:
        """The name and the new folder of a thing: "photo3"."""
        name = f"{kind}{len(self.things)}"
        path = self.folder / name
        path.mkdir()
        self.things[name] = path
        return name, path

    def has_room(self, coming: int = 0) -> bool:
        """Whether this visitor may store more, and these bytes in particular."""
        if len(self.things) >= MOST_THINGS:
            return False
        stored = 0
        for file in self.folder.rglob("*"):
            with suppress(FileNotFoundError):  # a draft that got its name meanwhile
                stored += file.stat().st_size if file.is_file() else 0
        return stored + self.arriving + coming < MOST_BYTES

    @contextmanager
    def reserved(self, coming: int) -> Iterator[None]:
        """Counts these bytes as this visitor's while they arrive."""
        self.arriving += coming
        try:
            yield
        finally:
            self.arriving -= coming

    def remember(self, job: Job) -> None:
        """Keep a job, and forget the oldest of those that ended long ago."""
        self.jobs[job.number] = job
        ended = [number for number, one in self.jobs.items() if one.state not in ("waiting", "running")]
        for number in ended[:-ENDED_JOBS]:
            del self.jobs[number]


class Visits:
    """All visitors. Closed: everything is deleted.

    gone: told of each visitor who leaves, before their folder is deleted.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self.root = Path(tempfile.mkdtemp(prefix="reposer-web-"))  # readable by this user alone
        self.gone: Callable[[Visit], None] = lambda visit: None
        self._visits: dict[str, Visit] = {}

    def __len__(self) -> int:
        return len(self._visits)

    def begin(self) -> Visit | None:
        """A new visitor; None if there are too many."""
        self.expire()
        with self._lock:
            if len(self._visits) >= MOST_VISITS:
                return None
            name = secrets.token_urlsafe(18)
            folder = self.root / secrets.token_hex(8)  # not the secret: it may be seen in a list of processes
            folder.mkdir()
            visit = self._visits[name] = Visit(name, folder, self._clock())
            return visit

    def find(self, name: str) -> Visit | None:
        """The visitor of this name, who is still here."""
        self.expire()
        visit = self._visits.get(name)
        if visit is not None:
            visit.used = self._clock()
        return visit

    def leave(self, name: str) -> Visit | None:
        """Delete what is this visitor's; returns who it was."""
        with self._lock:
            visit = self._visits.pop(name, None)
        if visit is not None:
            visit.left = True
            self.gone(visit)
            shutil.rmtree(visit.folder, ignore_errors=True)
        return visit

    def expire(self) -> list[Visit]:
        """Delete what is of visitors who sent nothing for VISIT_SECONDS; returns them."""
        late = [name for name, visit in list(self._visits.items()) if self._clock() - visit.used > VISIT_SECONDS]
        return [visit for name in late if (visit := self.leave(name)) is not None]

    def sweep(self) -> None:
        """Delete folders that no visitor owns: a process may have written once more after its visitor left."""
        with self._lock, suppress(OSError):
            owned = {visit.folder for visit in self._visits.values()}
            for folder in self.root.iterdir():
                if folder not in owned and not folder.name.startswith(WARMING):
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete everything."""
        self._visits.clear()
        shutil.rmtree(self.root, ignore_errors=True)
