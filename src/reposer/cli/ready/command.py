"""Starts, shows and ends ready processes."""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from reposer.cli.options import called
from reposer.cli.startup import environment
from reposer.core import BadInput
from reposer.core.memory import size_in_words
from reposer.core.terminal import Terminal

from .option import USUAL_MINUTES, minutes_asked, refuse_elsewhere

LONGEST_START = 120.0
"""Seconds after which a process that is not ready is reported."""
LONGEST_END = 10.0
"""Seconds after which a process that has not ended is reported as one that still works."""
LOOK = 0.05
"""Seconds between two looks."""


def run(arguments: Sequence[str]) -> int:
    refuse_elsewhere()
    environment()
    return called(ready, arguments, "ready", __doc__)


def ready(*, minutes: float = USUAL_MINUTES, status: bool = False, stop: bool = False) -> int:
    """Keep a process ready for the next `reposer transfer`; a single call takes about 60 % of the time.

    The process has loaded everything, waits for one call, does it as the command itself would, and another one takes
    its place. It serves calls of the same user, Python, files of the package and settings of torch; all others are
    done as ever. `reposer transfer --ready` starts one, too, after its picture.

    Args:
        minutes: how long after the last call it ends.
        status: print the processes that there are, and start none; exit code 1 if there is none.
        stop: end all of them; one that works ends after its picture.
    """
    if status and stop:
        raise BadInput("--status shows the processes, and --stop ends them. Leave one of them out.")
    if status:
        return _show()
    if stop:
        return _stop()
    asked = minutes_asked(minutes)
    if asked is None:
        raise BadInput("--minutes is above 0. reposer ready --stop ends the processes.")
    return _start(asked)


def _start(minutes: float) -> int:
    from .client import kept_ready

    terminal = Terminal(stderr=True)
    (files, said), end = kept_ready(minutes), time.monotonic() + LONGEST_START
    while files is not None and files.told().get("state") != "waiting":
        time.sleep(LOOK)
        if time.monotonic() > end or not files.held():
            last = ["it said nothing"]
            with suppress(OSError):
                last = files.said.read_text().strip().splitlines()[-1:] or last
            raise BadInput(f"No process became ready: {last[0]}. What it said stands in {files.said}.")
    terminal.say(said or f"A process is ready already. It ends {minutes:g} minutes after the last call.")
    return 0 if files is not None else 1


def _show() -> int:
    from .place import all_files

    terminal, count = Terminal(), 0
    for files in all_files():
        told = files.told()
        if not files.held() or not told:
            continue
        count += 1
        left = max(0.0, told["since"] + files.seconds() - time.time()) / 60
        memory = size_in_words(sum(map(_memory, _family(told["pid"]))))
        until = "" if told["state"] == "working" else f", for {left:.1f} minutes more"
        done = f"calls taken: {told['calls']}"
        terminal.say(f"process {told['pid']} is {told['state']}{until}; {done}; {memory}; {told['python']}")
    if not count:
        terminal.say("There is no ready process.")
    return 0 if count else 1


def _stop() -> int:
    from .place import all_files

    terminal, stopped = Terminal(stderr=True), []
    for files in all_files():
        pid = files.told().get("pid")
        if not files.held() or pid is None:
            continue
        with suppress(ProcessLookupError):
            process = os.pidfd_open(pid)
            try:
                if files.held():  # so this number is still its own
                    signal.pidfd_send_signal(process, signal.SIGTERM)
                    stopped.append(files)
            finally:
                os.close(process)
    end = time.monotonic() + LONGEST_END
    while time.monotonic() < end and any(files.held() for files in stopped):
        time.sleep(LOOK)
    left = sum(files.held() for files in stopped)
    terminal.say(f"Processes that ended: {len(stopped) - left}." if stopped else "There is no ready process.")
    if left:
        terminal.say(f"Processes that end after their picture: {left}.")
    return 0


def _family(pid: int) -> list[int]:
    """This process and those that it has begun."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *map(int, children)]


def _memory(pid: int) -> int:
    """Bytes that a process has, what it shares divided by those who do."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
