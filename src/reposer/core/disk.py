"""Files that appear whole or not at all, and folders that one process at a time works in."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from .errors import BadInput

LOCK = ".lock"


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write into. It takes its name at the end, flushed to the disk: a kill or an error leaves the old one.

    Folders that are missing are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        draft.chmod(0o666 & ~umask)
        into_place(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def into_place(draft: Path, path: Path) -> None:
    """The draft, flushed to the disk, under its name: a kill leaves the old file or the new one."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def only_user(folder: Path, what: str) -> FileLock:
    """A lock on a folder that is there, for this process: until it is released or forgotten, or the process ends.

    what: is being done there, for the refusal of a second one.
    """
    lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise BadInput(
            f"{folder} is in use: another process {what} there. Wait for its end, or give another --out."
        ) from None
    return lock
