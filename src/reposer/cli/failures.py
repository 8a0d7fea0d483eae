"""What the command line reports for errors that are not bugs."""

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reposer.core.errors import is_of_memory
from reposer.core.processes import Terminated

USAGE_ERROR, FAILED = 2, 1
_FULL = {errno.ENOSPC, errno.EDQUOT}
_OF_THE_MACHINE = {
    errno.EIO: "the disk reports an error",
    errno.EFBIG: "it would be larger than a file may be here",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
}
_OF_A_FILE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP}


def said_of(error: BaseException) -> tuple[int, str] | None:
    """(exit code, sentence) for an error of the system or the user; None for a bug, which keeps its traceback."""
    if isinstance(error, KeyboardInterrupt):
        return stopped_code(error), str(error) or "stopped."
    if is_of_memory(error):
        return FAILED, "There is not enough memory for this. Give smaller pictures, or fewer at a time."
    for cause in _causes(error):
        if isinstance(cause, OSError) and (found := _of_the_system(cause)):
            return found
    return None


def stopped_code(error: KeyboardInterrupt) -> int:
    """The exit code that shells use for a process ended by a signal."""
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Make SIGTERM raise `Terminated`, as Ctrl-C raises KeyboardInterrupt."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: the surrounding program handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes: libraries wrap the errors of the system."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (error.__context__ if isinstance(error, RuntimeError) else None)


def _of_the_system(error: OSError) -> tuple[int, str] | None:
    path = error.filename2 or error.filename
    shown = path.decode(errors="surrogateescape") if isinstance(path, bytes) else path
    if error.errno in _FULL:
        where = f": {shown} was not written" if shown else ""
        return FAILED, f"The disk is full, or your share of it{where}. Make room, or give another place."
    if error.errno in _OF_THE_MACHINE:
        return FAILED, f"{shown or 'A file'} cannot be used: {_OF_THE_MACHINE[error.errno]}."
    if shown or error.errno in _OF_A_FILE:
        reason = (error.strerror or type(error).__name__).lower()
        return USAGE_ERROR, f"{shown or 'A file'} cannot be used: {reason}."
    return None
