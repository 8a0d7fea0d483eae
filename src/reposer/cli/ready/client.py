"""`reposer transfer` by a process that has everything loaded already: it is handed the call, or started for the next.

A call goes from here to there as the length of its JSON, with four descriptors (standard input, output, error, the
folder), and the JSON. The other end answers with its process number when it may begin, is told BEGIN, and then hears
signals, a byte each. Its last word is the exit code. Until BEGIN it has done nothing, and the call can be done here.
"""

import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from reposer.cli.startup import environment

from .place import Files, address, folder, is_own_user, key, received

BEGIN = b"!"
NUMBER = struct.Struct("!i")
PATIENCE = 20.0
"""Seconds for which a process that is not quite ready is waited for."""
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
MEMORY = "0.65 GB"
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from reposer.cli.ready.server import keep; "
    "keep(*sys.argv[2:])"
)


def handed_over(arguments: Sequence[str]) -> int | None:
    """The exit code of this call, if a ready process has done it; None: there is none, and nothing was begun."""
    environment()
    place = folder()
    if place is None or not any(place.glob("*.socket")) or {"-h", "--help"} & set(arguments):
        return None
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if not all(isinstance(stream, io.TextIOWrapper) for stream in streams):  # closed by whoever began this process
        return None
    with suppress(OSError, EOFError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        with address(Files(place, key()).socket) as name:
            connection.connect(name)  # at once, or another call waits there
        if not is_own_user(connection):
            return None
        _send_call(connection, arguments)
        (worker,) = NUMBER.unpack(received(connection, NUMBER.size))
        connection.settimeout(None)
        return _answered(connection, worker)
    return None


def _send_call(connection: socket.socket, arguments: Sequence[str]) -> None:
    umask = os.umask(0)
    os.umask(umask)
    forms = [
        {"encoding": stream.encoding, "errors": stream.errors, "line_buffering": stream.line_buffering}
        for stream in (sys.stdin, sys.stdout, sys.stderr)
    ]
    call = {
        **{"arguments": list(arguments), "argv": sys.argv, "environment": environment(), "umask": umask},
        "streams": forms,
    }
    content = json.dumps(call).encode()
    here = os.open(".", os.O_PATH | os.O_DIRECTORY)
    try:
        socket.send_fds(connection, [NUMBER.pack(len(content))], [0, 1, 2, here])
    finally:
        os.close(here)
    connection.sendall(content)


def _answered(connection: socket.socket, worker: int) -> int:
    """The exit code, after signals to this process were passed on until it came."""
    passed_on: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        passed_on.append(number)
        with suppress(OSError):
            connection.sendall(bytes([number]))

    def pause(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)

    before = {number: signal.getsignal(number) for number in (*FORWARDED, signal.SIGTSTP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, pause if number == signal.SIGTSTP else pass_on)
    try:
        connection.sendall(BEGIN)
    except OSError:  # it has ended: this process does the call, and hears its signals again
        for number, handler in before.items():
            signal.signal(number, handler)
        for passed in passed_on:
            signal.raise_signal(passed)
        raise
    try:
        code: int = NUMBER.unpack(received(connection, NUMBER.size))[0]
    except (OSError, EOFError):
        if passed_on:  # one that ends a process at once, as it would have ended this one
            signal.signal(passed_on[-1], signal.SIG_DFL)
            os.kill(os.getpid(), passed_on[-1])
        sys.stderr.write("reposer: The ready process that did this was ended from outside. Run the command again.\n")
        return 1
    return code


def kept_ready(minutes: float) -> tuple[Files | None, str | None]:
    """Keeps a process ready for this user's next calls, until so many minutes after the last one.

    Its files, None if there is none; and what is to be said, None if one was there already.
    """
    try:
        place = folder(make=True)
        if place is None:
            return None, (
                "No process is kept ready: there is no folder for it, in $XDG_RUNTIME_DIR or the user's cache, that is "
                "closed to others."
            )
        files = Files(place, key())
        files.minutes.write_text(f"{minutes}")
        lock = files.locked()
        if lock is None:
            return files, None
        try:
            _begin(files, lock)
        finally:
            os.close(lock)  # the process has it
    except OSError as error:
        return None, f"No process is kept ready: {error.strerror or error}."
    return files, (
        f"A process stays for the next `reposer transfer`; a single call takes about 60 % of the time. It has {MEMORY} "
        f"of memory, and ends {minutes:g} minutes after the last one, or with `reposer ready --stop`."
    )


def _begin(files: Files, lock: int) -> None:
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    with files.said.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, *flags, "-c", START, json.dumps(sys.path), str(files.folder), files.name],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            cwd="/",
            env=environment(),
            pass_fds=[lock],
            start_new_session=True,
        )
    files.tell(process.pid, "starting", 0, time.time())
