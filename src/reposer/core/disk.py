"""Files that appear whole or not at all, and folders that one process at a time works in."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from .errors import BadInput

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
_MARK = ".reposer.tmp"
"""How the names of unfinished files of ours end."""
_DRAFT = re.compile(rf"\..+\.[a-z0-9_]{{8}}{re.escape(_MARK)}")
_YOUNG = 60.0  # seconds
_swept: set[Path] = set()
_LONGEST_NAME = 200
"""Bytes of a file's name that its draft's name begins with."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write into. It takes its name at the end, flushed to the disk: a kill or an error leaves the old one.

    Folders that are missing are made.
    """
    handle, draft = new_draft(path)
    try:
        with _said_of(path, draft):
            with os.fdopen(handle, "wb") as file:
                yield file
            into_place(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def new_draft(path: Path) -> tuple[int, Path]:
    """An open file beside the path, for what shall become that file, and its own name. Folders that are missing are
    made.

    While the file is open, it counts as somebody's; what killed processes left is removed on the way.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_orphans(path.parent)
    with _said_of(path):
        handle, name = tempfile.mkstemp(prefix=_draft_prefix(path.name), suffix=_MARK, dir=path.parent)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
    _locked(handle)
    return handle, Path(name)


def _remove_orphans(folder: Path) -> None:
    """Remove drafts that nobody has open any more, once for each folder and process; young ones may be about to be
    locked."""
    if fcntl is None or folder.absolute() in _swept:
        return
    _swept.add(folder.absolute())
    for path in folder.glob(f".*{_MARK}"):
        if _DRAFT.fullmatch(path.name) is None or path.is_symlink() or not path.is_file():
            continue
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR)
            try:
                if time.time() - path.stat().st_mtime > _YOUNG and _locked(handle):
                    path.unlink()
            finally:
                os.close(handle)


def _locked(handle: int) -> bool:
    """Whether the file is this process's now. Where files have no locks, nothing is."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _draft_prefix(name: str) -> str:
    """A name that fits where the file's own does: most file systems take 255 bytes, and a draft's name ends in 22
    more."""
    return f".{os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])}."


@contextmanager
def _said_of(path: Path, draft: Path | None = None) -> Iterator[None]:
    """What the system refuses, it refuses of this file: nobody knows the draft's name, or that of an open file."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (draft is None or error.filename in (None, str(draft))):
            error.filename, error.filename2 = str(path), None
        raise


def into_place(draft: Path, path: Path) -> None:
    """The draft, flushed to the disk, under its name: a kill leaves the old file or the new one."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def remove_drafts(folder: Path, names: str) -> None:
    """Remove what killed `whole_file`s left of the files whose names match the pattern `names`.

    Only for who has the folder alone (`only_user`): the draft of somebody who still writes looks the same.
    """
    draft_of = re.compile(rf"\.(?:{names})\.[a-z0-9_]{{8}}(?:\.reposer)?\.tmp")
    for path in folder.glob(".*.tmp"):
        if draft_of.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def remove_locked(folder: Path) -> None:
    """Remove a folder that this process has locked. The lock's file goes last: until then nobody else can take the
    folder.

    A folder in which somebody begins anew in that very moment stays.
    """
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def only_user(folder: Path, what: str) -> FileLock:
    """A lock on a folder that is there, for this process: until it is released or forgotten, or the process ends.

    what: is being done there, for the refusal of a second one. Who removes or renames a locked folder does it while it
    has the lock, and the lock's file goes last: whoever waited for that file then finds it unlinked, and is refused.
    """
    lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise BadInput(
            f"{folder} is in use: another process {what} there. Wait for its end, or give another --out."
        ) from None
    except OSError as error:
        raise BadInput(
            f"{folder} cannot be worked in ({error.strerror or type(error).__name__}). Give another --out."
        ) from error
    return lock


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8; it appears whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())
