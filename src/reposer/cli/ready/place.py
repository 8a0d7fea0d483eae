"""Where a ready process is found: in a folder of the user's own, under a name that tells for which calls it is right.

Imports nothing heavy: every `reposer transfer` begins with it.
"""

import fcntl
import hashlib
import json
import os
import resource
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from reposer.cli.startup import environment
from reposer.core.cache import cache_folder

from .option import USUAL_MINUTES, VARIABLE

PACKAGE = Path(__file__).parents[2]
COUNTS = (
    *("ACCELERATE_", "ATEN_", "BLIS_", "CUBLAS_", "CUDA_", "CUDNN_", "DNNL_", "GLIBC_", "GOMP_", "HF_", "HIP_", "HSA_"),
    *("JAXTYPING_", "KMP_", "LANG", "LC_", "LD_", "MALLOC_", "MKL_", "NPY_", "NUMEXPR_", "NVIDIA_", "OMP_", "ONEDNN_"),
    *("OPENBLAS_", "ORT_", "PYTHON", "PYTORCH_", "REPOSER_", "ROCR_", "TORCH"),
)
"""Beginnings of the names of variables that interpreter and libraries read when they begin; others are passed on."""
COUNT_TOO = ("HOME", "PATH", "TEMP", "TMP", "TMPDIR", "TZ", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")


PROBE = 0.05
"""Seconds for which somebody who only looks may hold a lock."""


class Files:
    """The files of one ready process. name: from `key`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.socket, self.lock, self.state, self.said, self.minutes, self.pictures = (
            folder / f"{name}.{ending}" for ending in ("socket", "lock", "json", "log", "minutes", "pictures")
        )

    def held(self) -> bool:
        """Whether a process keeps one ready under this name."""
        try:
            with self.lock.open("r+b") as file:  # over a network, a lock needs it to be writable
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def locked(self) -> int | None:
        """A descriptor that holds this name, for a process that is begun; None if another one does."""
        end = time.monotonic() + PROBE
        while True:
            found = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(found), os.stat(self.lock)):
                    return found
            except FileNotFoundError:  # the one that held it has just ended, and removed it
                pass
            except BlockingIOError:
                if time.monotonic() > end:
                    os.close(found)
                    return None
                time.sleep(PROBE / 10)
            os.close(found)

    def tell(self, pid: int, state: str, calls: int, since: float) -> None:
        """Writes how it is with the process. since: when it last had something to do, in seconds since 1970."""
        draft = self.state.with_suffix(f".{os.getpid()}")
        told = {"pid": pid, "state": state, "calls": calls, "since": since, "python": sys.executable, "where": here()}
        draft.write_text(json.dumps(told))
        draft.replace(self.state)

    def seconds(self) -> float:
        """How long after its last call the process ends, as was last asked for."""
        try:
            return 60 * float(self.minutes.read_text())
        except (OSError, ValueError):
            return 60 * USUAL_MINUTES

    def told(self) -> dict[str, Any]:
        """What the process says of itself; empty if it has not yet, or is one of another machine or container, which
        shares the folder: its number says nothing here."""
        try:
            found: dict[str, Any] = json.loads(self.state.read_text())
        except (OSError, ValueError):
            return {}
        return found if found.get("where") == here() else {}


def all_files() -> list[Files]:
    """Of every name in the user's folders."""
    places = [place for place in _folders() if _is_own(place)]
    return [Files(place, path.stem) for place in places for path in sorted(place.glob("*.lock"))]


def folder(*, make: bool = False) -> Path | None:
    """The user's own folder for sockets; None where there is none, or where others may read it or write into it."""
    place = next(iter(_folders()), None)
    if place is None:
        return None
    if make:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place if _is_own(place) else None


def _folders() -> list[Path]:
    """Where it may be, the best first: of the session, and of the user."""
    session, found = os.environ.get("XDG_RUNTIME_DIR"), []
    if session and _is_own(Path(session)):
        found.append(Path(session, "reposer").absolute())
    with suppress(RuntimeError):  # a user without a home
        found.append((cache_folder() / "ready").absolute())
    return found


def here() -> str:
    """Stands for the machine and the container in which numbers of processes are these."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()} {boot} {os.stat('/proc/self/ns/pid').st_ino}"


def _is_own(place: Path) -> bool:
    try:
        found = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


@cache
def key() -> str:
    """Stands for all that a process cannot change for a call: two with the same one make the same picture."""
    variables = {
        name: value
        for name, value in environment().items()
        if name != VARIABLE and (name.startswith(COUNTS) or name in COUNT_TOO)
    }
    limits = [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")]
    packages = [os.stat(path).st_mtime_ns for path in sys.path if path.endswith("-packages") and os.path.isdir(path)]
    spaces = [os.stat(f"/proc/self/ns/{name}").st_ino for name in ("mnt", "net", "pid", "user")]
    told = (
        *(
            sys.executable,
            sys.version,
            tuple(sys.flags),
            sys._xoptions,
            sys.warnoptions,
            sys.path,
            sys.getrecursionlimit(),
        ),
        *(variables, list(_package_files()), packages, limits, spaces, os.stat("/").st_ino, socket.gethostname()),
        *(os.getresuid(), os.getresgid(), os.getgroups(), sorted(os.sched_getaffinity(0)), os.nice(0)),
        *(os.sched_getscheduler(0), _rights()),
        Path("/proc/sys/kernel/random/boot_id").read_text(),
    )
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]


def _rights() -> list[str]:
    """What a sandbox has taken from this process, or a service manager given."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return [line for line in lines if line.startswith(("CapEff", "CapBnd", "NoNewPrivs", "Seccomp:"))]


def _package_files() -> Iterator[tuple[str, int, int]]:
    for where, folders, names in os.walk(PACKAGE):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            found = os.stat(os.path.join(where, name))
            yield os.path.join(where, name), found.st_mtime_ns, found.st_size


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name of this socket that is short enough for the system, however long the folder's is."""
    place = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{place}/{path.name}"
    finally:
        os.close(place)


def is_own_user(connection: socket.socket) -> bool:
    """Whether the process at the other end is one of this user."""
    about = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", about)[1] == os.geteuid())


def received(connection: socket.socket, count: int) -> bytes:
    """Exactly as many bytes; EOFError if the other end closes before."""
    found = b""
    while len(found) < count:
        more = connection.recv(count - len(found))
        if not more:
            raise EOFError
        found += more
    return found
