"""The queue: jobs are done one after the other by a process that keeps its networks loaded, each within its time."""

import itertools
import multiprocessing
import multiprocessing.connection
import os
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reposer.core.processes import deaf_to_interrupts

State = Literal["waiting", "running", "done", "failed", "cancelled"]
MOST_WAITING = 48
"""Jobs of all visitors in a queue."""
MOST_OF_ONE = 8
"""Jobs of one visitor in a queue."""
BY_FRAMES = ("track", "animate")
"""Kinds of jobs whose time depends on the clip: they say themselves how long they take."""
POLL = 0.05
"""Seconds between two looks at a process that works."""
START_SECONDS = 900.0
"""How long a process may take to start and load its networks."""
BROKE = "The work broke off: the process that did it ended. Try again, or with a smaller photo."


@dataclass
class Job:
    """One piece of work and how it goes. kind: of `work`. seconds: its limit. progress: from the process."""

    owner: str
    kind: str
    about: Mapping[str, Any]
    seconds: float
    number: str = ""
    state: State = "waiting"
    progress: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    began: float = 0.0
    ended: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)


class Full(Exception):
    """There is no room for another job."""


LONGEST_TEMPORARY = 70
"""Bytes of the temporary folder's path: a helper's socket lies 33 deeper, and may have 107."""


def _context(target: Callable[..., None]) -> Any:
    """How processes are started. Importing what they need takes seconds, so a helper imports it once and each process
    is a copy of that: the next one after a cancelled job is there at once. The helper runs no network. Where copying a
    process is not safe (macOS) or not possible (Windows), or where the helper's socket would have too long a name, each
    imports everything anew.
    """
    if sys.platform != "linux" or len(os.fsencode(tempfile.gettempdir())) > LONGEST_TEMPORARY:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([target.__module__])  # of the first that starts; others import the rest themselves
    return context


class Lane:
    """One process and the jobs that wait for it.

    target: runs in the process with a connection and `options`; answers ("ready", {...}) once, and to each
        (kind, about) any number of ("progress", {...}) and one ("done", {...}) or ("failed", sentence).
    """

    def __init__(self, target: Callable[..., None], options: Mapping[str, Any], *, eager: bool) -> None:
        self._target, self._options, self._eager = target, dict(options), eager
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._running: Job | None = None
        self._closed = False
        self._numbers = itertools.count()
        self._process: Any = None
        self._connection: multiprocessing.connection.Connection | None = None
        self.ready: dict[str, Any] = {}
        self.expected: dict[str, float] = {}
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Job:
        """Put a job at the queue's end; raises Full."""
        with self._changed:
            own = sum(other.owner == job.owner for other in self._waiting)
            if len(self._waiting) >= MOST_WAITING or own >= MOST_OF_ONE:
                raise Full
            job.number = f"{job.kind}-{next(self._numbers)}"
            self._waiting.append(job)
            self._changed.notify_all()
        return job

    def cancel(self, job: Job) -> None:
        """End a job at once, whether it waits or runs."""
        with self._changed:
            job.stop.set()
            if job in self._waiting:
                self._waiting.remove(job)
                job.state, job.ended = "cancelled", time.monotonic()
            self._changed.notify_all()

    def before(self, job: Job) -> int:
        """How many jobs come before this one."""
        with self._changed:
            if job not in self._waiting:
                return 0
            return self._waiting.index(job) + (self._running is not None)

    def left(self, job: Job) -> float | None:
        """About how many seconds a job still takes, those before it included; None if that is not known: none was
        measured yet, the process still starts, or a job takes longer than usual."""
        now = time.monotonic()
        with self._changed:
            running = self._running
            queue = list(itertools.takewhile(lambda other: other is not job, self._waiting))
        if self._connection is None:
            return None
        if job.state == "running":
            return self._rest(job, now)
        jobs = [*queue, job]
        known = [None if other.kind in BY_FRAMES else self.expected.get(other.kind) for other in jobs]
        if any(one is None for one in known):
            return None
        ahead = 0.0 if running is None else self._rest(running, now)
        return None if ahead is None else ahead + sum(one for one in known if one is not None)

    def _rest(self, job: Job, now: float) -> float | None:
        if "left" in job.progress:
            return float(job.progress["left"])
        usual = None if job.kind in BY_FRAMES else self.expected.get(job.kind)
        rest = None if usual is None else usual - (now - job.began)
        return rest if rest is not None and rest > 0 else None

    def close(self) -> None:
        """End the process; waiting jobs are cancelled."""
        with self._changed:
            self._closed = True
            for job in self._waiting:
                job.state = "cancelled"
            self._waiting.clear()
            if self._running is not None:
                self._running.stop.set()
            self._changed.notify_all()
        self._thread.join(timeout=30)
        self._end()

    def _serve(self) -> None:
        while True:
            if self._eager and self._connection is None and not self._closed:
                try:
                    self._start()
                except Exception:
                    traceback.print_exc()  # for whoever runs the server; the next job tries again
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    self._end()
                    return
                job = self._running = self._waiting.popleft()
                job.state, job.began = "running", time.monotonic()
            try:
                self._do(job)
            except Exception:
                traceback.print_exc()
                self._end()
                job.state, job.error = "failed", BROKE
            finally:
                with self._changed:
                    self._running = None
                    job.ended = time.monotonic()

    def _do(self, job: Job) -> None:
        if self._connection is None and not self._start(job):
            job.state = "cancelled" if job.stop.is_set() else "failed"
            job.error = "" if job.stop.is_set() else BROKE
            return
        assert self._connection is not None
        job.began = time.monotonic()
        try:
            self._connection.send((job.kind, dict(job.about)))
            while True:
                if self._connection.poll(POLL):
                    word, value = self._connection.recv()
                    if word == "progress":
                        job.progress = value
                    else:
                        break
                elif job.stop.is_set():
                    self._end()
                    job.state = "cancelled"
                    return
                elif time.monotonic() - job.began > job.seconds:
                    self._end()
                    job.state = "failed"
                    job.error = (
                        f"It took longer than {job.seconds:.0f} seconds, and was stopped. Try a smaller picture or a "
                        f"shorter clip."
                    )
                    return
        except (OSError, EOFError):
            self._end()
            job.state, job.error = ("cancelled", "") if job.stop.is_set() else ("failed", BROKE)
            return
        if word == "done":
            took = time.monotonic() - job.began
            before = self.expected.get(job.kind, took)
            self.expected[job.kind] = 0.5 * before + 0.5 * took
            if job.kind == "animate":
                self.expected["frame"] = took / max(1, int(value.get("frames", 1)))
            job.result, job.state = value, "done"
        else:
            job.error, job.state = str(value), "failed"

    def _start(self, job: Job | None = None) -> bool:
        """Whether the process has loaded its networks."""
        context = _context(self._target)
        ours, theirs = context.Pipe()
        try:
            with theirs, deaf_to_interrupts():
                process = context.Process(target=self._target, args=(theirs, self._options), daemon=True)
                process.start()
        except BaseException:
            ours.close()
            raise
        self._process = process
        end = time.monotonic() + START_SECONDS
        try:
            while time.monotonic() < end and not self._closed and not (job is not None and job.stop.is_set()):
                if ours.poll(POLL):
                    ready = ours.recv()[1]
                    self.expected = {**ready.get("expected", {}), **self.expected}
                    self.ready = {**ready, "expected": self.expected}
                    self._options["warm"] = False  # what it measures is known; the next process need not
                    self._connection = ours
                    return True
        except (OSError, EOFError):
            pass
        ours.close()
        self._end()
        return False

    def _end(self) -> None:
        """Kill the process: it has nothing that must be kept."""
        if self._process is not None:
            self._process.kill()
            self._process.join(timeout=10)
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None
