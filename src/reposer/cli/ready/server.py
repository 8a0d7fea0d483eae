"""The process that keeps one ready for `reposer transfer`, and the one that is ready.

The keeper imports what the command needs, and computes nothing, so that a copy of it can (a library's threads do not
survive copying). The copy makes a small picture, waits for one call, does it, and ends: no call finds anything of the
one before. Then the keeper makes the next copy.
"""

import gc
import importlib
import io
import json
import os
import select
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from contextlib import redirect_stdout, suppress
from functools import partial
from importlib.resources import files as files_of
from pathlib import Path
from typing import Any, NoReturn

from reposer.cli import main
from reposer.cli.startup import finish, spin_little

from .client import BEGIN, FORWARDED, NUMBER, PATIENCE
from .option import VARIABLE
from .place import Files, address, is_own_user, received

IMPORTED = (
    *("torch", "PIL.ImageMath", "PIL.ImageOps", "reposer.cli.transfer"),
    *("reposer.cli.photo_poses", "reposer.cli.pose_pictures", "reposer.data.pictures"),
    *("reposer.data.provenance_files", "reposer.engines.presets", "reposer.estimated", "reposer.estimators.movenet"),
    *("reposer.generators.trueflow", "reposer.own_photo"),
)
SAMPLES = "lilac-shirt.jpg", "green-shirt.jpg"
AT_WORK = b"!"
LOOK = 2.0
"""Seconds after which it is looked up how long to wait."""
GRACE = 30.0
"""Seconds in which a job whose caller was killed removes what is half written."""


class _Keeper:
    """calls: taken so far. at_work: whether the last one is being done. stopping: whether this ends with it."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.copy: int | None = None
        self.at_work = self.stopping = False
        self.calls, self.since = 0, time.monotonic()

    def tell(self, state: str) -> None:
        """Writes the state for `reposer ready`, if it can be written: the call that is being done goes on."""
        with suppress(OSError):
            self.files.tell(os.getpid(), state, self.calls, time.time() - time.monotonic() + self.since)

    def stop(self, number: int, frame: object) -> None:
        """SIGTERM: ends this, after the call that is being done."""
        if not self.at_work:
            self.files.said.unlink(missing_ok=True)
            raise SystemExit
        self.stopping = True

    def keep(self) -> None:
        """Makes copies until nobody called for long enough."""
        listening: socket.socket | None = self.listening()  # who comes meanwhile is not faster alone
        self.tell("starting")
        _import_all()
        while not self.stopping:
            self.tell("starting")
            with listening or self.listening() as listening:
                ours, theirs = socket.socketpair()
                with theirs:
                    self.copy = self.copied(listening, theirs, ours)
            listening = None
            with ours:
                self.watch(ours)
            _, status = os.waitpid(self.copy, 0)
            self.copy = None
            if not self.at_work:
                if status:
                    raise RuntimeError("The process that was to wait for a call failed.")
                break
            self.at_work = False

    def watch(self, copy: socket.socket) -> None:
        """Tells how it is with the copy, until it ends."""
        while word := copy.recv(1):
            self.at_work, self.since = word == AT_WORK, time.monotonic()
            self.calls += self.at_work
            self.tell("working" if self.at_work else "waiting")

    def copied(self, listening: socket.socket, theirs: socket.socket, ours: socket.socket) -> int:
        """The number of a process that is a copy of this one, and serves one call."""
        gc.freeze()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # numpy's threads know how to be copied
            number = os.fork()
        if number:
            return number
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            ours.close()
            _serve(self.files, listening, theirs)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)

    def listening(self) -> socket.socket:
        """A new socket under this name, for one call."""
        found = socket.socket(socket.AF_UNIX)
        draft = self.files.socket.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with address(draft) as name:
            found.bind(name)
        found.listen(0)  # one call waits at most
        draft.replace(self.files.socket)
        return found

    def close(self) -> None:
        """Ends a copy that waits, or waits for one that works, and removes the files of this name."""
        if self.copy is not None:
            if not self.at_work:
                os.kill(self.copy, signal.SIGKILL)
            os.waitpid(self.copy, 0)
        shutil.rmtree(self.files.pictures, ignore_errors=True)
        for path in (self.files.socket, self.files.state, self.files.minutes, self.files.lock):
            path.unlink(missing_ok=True)


def keep(folder: str, name: str) -> None:
    """Keeps a process ready, as long as calls come. The name is locked by a descriptor that was given to this one."""
    os.environ.pop(VARIABLE, None)
    keeper = _Keeper(Files(Path(folder), name))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        signal.signal(signal.SIGTERM, keeper.stop)
        keeper.keep()
    except Exception:
        traceback.print_exc()  # stays for whoever asks
    else:
        keeper.files.said.unlink(missing_ok=True)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.close()


def _import_all() -> None:
    spin_little()  # libgomp reads this once
    gc.disable()  # until all is imported: nothing of that is garbage
    for name in IMPORTED:
        importlib.import_module(name)
    from PIL import Image

    from reposer.core.onnx_sessions import onnxruntime

    Image.preinit()
    onnxruntime()
    with suppress(SystemExit), redirect_stdout(io.StringIO()):  # imports what reads options
        main(["transfer", "--help"])


def _serve(files: Files, listening: socket.socket, keeper: socket.socket) -> NoReturn:
    gc.enable()
    for step in (_open_networks, partial(_make_a_picture, files.pictures)):
        if not _comes(listening):  # else the call itself is the first to need it
            step()
    keeper.sendall(b".")
    since, ready = time.monotonic(), list[Any]()  # what was to be prepared takes nothing of the time asked for
    while not ready and (left := since + files.seconds() - time.monotonic()) > 0:  # which may be asked for anew
        ready, _, _ = select.select([listening, keeper], [], [], min(left, LOOK))
    if listening not in ready:  # it is time, or the keeper has ended
        os._exit(0)
    connection, _ = listening.accept()
    keeper.sendall(AT_WORK)
    files.socket.unlink(missing_ok=True)
    listening.close()
    connection.settimeout(PATIENCE)
    if not is_own_user(connection):
        os._exit(0)
    call = _received(connection)
    connection.sendall(NUMBER.pack(os.getpid()))
    if connection.recv(1) != BEGIN:  # the caller does it alone
        os._exit(0)
    connection.settimeout(None)
    threading.Thread(target=_hear, args=(connection,), daemon=True).start()
    try:
        code = _code(call["arguments"])
        finish()
        connection.sendall(NUMBER.pack(code))
    finally:
        os._exit(0)


def _comes(listening: socket.socket) -> bool:
    """Whether a call waits."""
    return bool(select.select([listening], [], [], 0)[0])


def _open_networks() -> None:
    """The default ones, which the package keeps for the next call."""
    from reposer.estimated import ESTIMATOR, kept_estimator
    from reposer.own_photo import kept_generator

    kept_estimator(ESTIMATOR)
    kept_generator("trueflow")


def _make_a_picture(folder: Path) -> None:
    """Lets everything compute once, as the command does it."""
    folder.mkdir(exist_ok=True)
    samples = files_of("reposer.web").joinpath("samples")
    photo, pose = (str(samples.joinpath(name)) for name in SAMPLES)
    code = main(["transfer", photo, "--pose", pose, "--out", str(folder / "picture.png")])
    if code != 0:
        raise RuntimeError(f"The first picture of a ready process failed with code {code}.")
    shutil.rmtree(folder)


def _received(connection: socket.socket) -> dict[str, Any]:
    """The call, after this process has its streams, folder, variables and umask."""
    head, descriptors, _, _ = socket.recv_fds(connection, NUMBER.size, 4)
    call: dict[str, Any] = json.loads(received(connection, NUMBER.unpack(head)[0]))
    *streams, here = descriptors
    os.fchdir(here)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(open(number, mode, closefd=False), **form)  # noqa: SIM115 (as Python's own, they stay open)
        for number, mode, form in zip(range(3), ("rb", "wb", "wb"), call["streams"], strict=True)
    )
    os.umask(call["umask"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.argv[:] = call["argv"]
    for number in FORWARDED:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    return call


def _hear(connection: socket.socket) -> None:
    """Does to this process what was done to the caller's."""
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    with suppress(OSError):
        while number := connection.recv(1):
            signal.pthread_kill(main_thread, number[0])
    nowhere = os.open(os.devnull, os.O_RDWR)  # a process that is killed says nothing more
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    signal.pthread_kill(main_thread, signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


def _code(arguments: list[str]) -> int:
    """The exit code of this call, as Python's own end gives it."""
    try:
        return main(arguments)
    except SystemExit as stop:
        if isinstance(stop.code, int):
            return stop.code & 0xFF
        if stop.code is not None:
            sys.stderr.write(f"{stop.code}\n")
        return 0 if stop.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
