"""Worker processes: this process handles Ctrl-C for them, and none outlives it."""

import multiprocessing
import multiprocessing.resource_tracker
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path


class Terminated(KeyboardInterrupt):
    """SIGTERM came; it stops the same things as Ctrl-C."""


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started inside never see Ctrl-C, which a terminal sends to all: their parent stops them.

    Ctrl-C or SIGTERM during the block are handled at its end, because a process that is half started would complain.
    """
    with _signals_later(), _interrupts_blocked():
        yield


@contextmanager
def _signals_later() -> Iterator[None]:
    came: list[int] = []
    try:
        before = {
            number: signal.signal(number, lambda number, frame: came.append(number))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
    except ValueError:  # not in the main thread, which alone hears signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Child processes inherit this thread's signal mask."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # The resource tracker starts with the first child process, and lifts the mask once it runs.
    multiprocessing.resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def closing_soon(pool: Executor) -> Iterator[Executor]:
    """The pool; at the end, also on an interrupt, queued work is dropped and only running work is waited for."""
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def processor_seconds() -> float:
    """Processor time of this process and of its child processes so far, all their threads together.

    A child that still runs counts where the system shows it in /proc, elsewhere from its end on.
    """
    running = sum(_of_running(child.pid) for child in multiprocessing.active_children() if child.pid is not None)
    spent = os.times()  # of children: those that ended
    return time.process_time() + spent.children_user + spent.children_system + running


def _of_running(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended, or the system has no /proc
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def end_with_parent() -> None:
    """In a worker process: exit as soon as its parent has ended, however it did (SIGKILL too)."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="end with the parent", daemon=True).start()
