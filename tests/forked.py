"""Processes that tests stop, kill or let meet, forked from one warm server: torch and its compiler, which its
optimisers import, cost seconds of each new program.

Worker processes that the package spawns fork from it too (`fork_what_is_spawned`): what they are given still goes to
them pickled. A test that is about how a program starts, or that limits what it may use, starts one of its own.
"""

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Iterator
from multiprocessing import context, forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
ROOT = Path(__file__).parents[1]
WARM = ["tests.warm"]


def started(target: Any, *arguments: Any) -> ForkServerProcess:
    """A running process that calls `target`, without shape checks, on the CPU and one thread."""
    warm_up()
    process = CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


def warm_up() -> None:
    """Starts the server, unless it runs."""
    CONTEXT.set_forkserver_preload([])
    with contextlib.chdir(ROOT):  # where the server finds the module `tests`
        forkserver.ensure_running()


class _Forked(ForkServerProcess):
    @staticmethod
    def _Popen(process: Any) -> Any:
        warm_up()
        return ForkServerProcess._Popen(process)


class _InPlaceOfSpawn(ForkServerContext):
    _name = "spawn"
    Process = _Forked


_CONTEXTS: dict[str, Any] = context._concrete_contexts  # type: ignore[attr-defined]
_SPAWN = _CONTEXTS["spawn"]


def fork_what_is_spawned() -> None:
    """From now on. The server is warm whoever begins it first: the page does, too, with less to import."""
    preload = forkserver.set_forkserver_preload
    forkserver.set_forkserver_preload = lambda names: preload([*WARM, *names])  # type: ignore[assignment]
    _CONTEXTS["spawn"] = _InPlaceOfSpawn()


@contextlib.contextmanager
def spawned_as_ever() -> Iterator[None]:
    """Meanwhile worker processes begin from nothing, as they do for users."""
    before, _CONTEXTS["spawn"] = _CONTEXTS["spawn"], _SPAWN
    try:
        yield
    finally:
        _CONTEXTS["spawn"] = before


def started_command(arguments: list[str], said: Path, *, file_size: int | None = None) -> ForkServerProcess:
    """`reposer ARGUMENTS` in a group of processes of its own; what it prints goes into the file `said`.

    file_size: bytes at which the system cuts off each file that it writes.
    """
    return started(_command, arguments, str(said), file_size)


def _command(arguments: list[str], said: str, file_size: int | None) -> None:
    from reposer.cli import entry

    if file_size is not None:
        sys.dont_write_bytecode = True  # it would be cut off, too, and stay
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    file = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv = ["reposer", *arguments]
    entry()
