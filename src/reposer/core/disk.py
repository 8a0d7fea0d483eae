"""Files that appear whole or not at all, and folders that one process at a time works in."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
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
"""Ending of the names of our unfinished files."""
_DRAFT = re.compile(rf"\..+\.[a-z0-9_]{{8}}{re.escape(_MARK)}")
_YOUNG = 60.0  # seconds
_swept: set[Path] = set()
_LONGEST_NAME = 200
"""Bytes of a file's name that its draft's name begins with."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to. It gets its name at the end, flushed to the disk: a kill or an error leaves the old file.

    Missing folders are created.
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


@contextmanager
def checked_files(contents: Mapping[Path, bytes]) -> Iterator[Sequence[Path]]:
    """Writes files of one folder, under their own names, into a folder of drafts beside them, to be checked there. They
    move at the end, flushed to the disk and in this order: an error leaves the old files. Missing folders are created.
    """
    first = next(iter(contents))
    assert all(path.parent == first.parent for path in contents), "only a move within one folder is whole"
    first.parent.mkdir(parents=True, exist_ok=True)
    _remove_orphans(first.parent)
    with _said_of(first):
        folder = Path(tempfile.mkdtemp(prefix=_draft_prefix(first.name), suffix=_MARK, dir=first.parent))
    handle = None if fcntl is None else os.open(folder, os.O_RDONLY)
    try:
        if handle is not None:
            _locked(handle)
        drafts = [folder / path.name for path in contents]
        for draft, (path, content) in zip(drafts, contents.items(), strict=True):
            with _said_of(path, draft):
                draft.write_bytes(content)
        yield drafts
        for draft, path in zip(drafts, contents, strict=True):
            with _said_of(path, draft):
                into_place(draft, path)
    finally:
        if handle is not None:
            os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def new_draft(path: Path) -> tuple[int, Path]:
    """An open draft beside `path`, and its own name. Missing folders are created.

    While the file is open, it counts as in use; drafts of killed processes are removed on the way.
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
    """Removes drafts that no process has open, once per folder and process; recent ones may be about to be locked."""
    if fcntl is None or folder.absolute() in _swept:
        return
    _swept.add(folder.absolute())
    for path in folder.glob(f".*{_MARK}"):
        is_folder = path.is_dir()
        if _DRAFT.fullmatch(path.name) is None or path.is_symlink() or not (is_folder or path.is_file()):
            continue
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
            try:
                if time.time() - path.stat().st_mtime > _YOUNG and _locked(handle):
                    shutil.rmtree(path) if is_folder else path.unlink()
            finally:
                os.close(handle)


def _locked(handle: int) -> bool:
    """True if this process now has the file locked; always False where files have no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _draft_prefix(name: str) -> str:
    """A name that fits where the file's own does: most file systems allow 255 bytes, and a draft's name ends in 22
    more."""
    return f".{os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])}."


@contextmanager
def _said_of(path: Path, draft: Path | None = None) -> Iterator[None]:
    """Makes the system's errors name this file: users do not know the draft's name, or that of an open file."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (draft is None or error.filename in (None, str(draft))):
            error.filename, error.filename2 = str(path), None
        raise


def into_place(draft: Path, path: Path) -> None:
    """Moves the draft, flushed to the disk, to its name: a kill leaves the old file or the new one."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def remove_drafts(folder: Path, names: str) -> None:
    """Removes drafts that killed `whole_file`s left of the files whose names match the pattern `names`.

    Only for a process that has the folder locked (`only_user`): a draft that is still being written looks the same.
    """
    draft_of = re.compile(rf"\.(?:{names})\.[a-z0-9_]{{8}}(?:\.reposer)?\.tmp")
    for path in folder.glob(".*.tmp"):
        if draft_of.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def remove_locked(folder: Path) -> None:
    """Removes a folder that this process has locked. The lock's file goes last: until then no other process can lock
    it.

    A folder in which another process starts at that very moment stays.
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
    """Locks an existing folder for this process: until the lock is released or garbage-collected, or the process ends.

    what: is being done there, for the refusal of a second process. To remove or rename a locked folder, do it while it
    is locked, and remove the lock's file last: a process that waited for that file then finds it unlinked, and is
    refused.
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
    """Writes a text file in UTF-8; it appears whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())
