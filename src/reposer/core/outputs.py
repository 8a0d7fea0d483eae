"""Checks that a command will be able to write its output, before the work rather than after it."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from .errors import BadInput

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg")
"""File endings of the picture formats that are written."""
ROOM = 1 << 20
"""Bytes that must be free wherever anything is written."""


def check_output_file(
    path: Path,
    *,
    endings: Sequence[str] = (),
    inputs: Iterable[Path | str | None] = (),
    room: int = ROOM,
    option: str = "--out",
) -> None:
    """Refuses a file that could not be written, or that would overwrite an input.

    endings: that the file's name may have, in lower case; none = any.
    inputs: files that the command reads; None and anything that is no path to a file (a shipped model's name) are
    ignored.
    room: minimum bytes that the file will take.
    option: the command's name for the path.
    """
    shown = f"{option} {path}"
    if endings and path.suffix.lower() not in endings:
        *others, last = endings
        kinds = f"{', '.join(others)} or {last}" if others else last
        raise BadInput(f"{shown} should end in {kinds}: that is what is written.")
    path = _where_it_leads(path, shown)
    found = _status(path, shown)
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise BadInput(f"{shown} is a folder; a file is written. Give the file's name, too.")
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise BadInput(f"{shown} is a device or a pipe; give the name of an ordinary file.")
    for own in inputs:
        if found is not None and own is not None and _same(path, Path(own)):
            raise BadInput(f"{shown} is {own} itself, which is read, and would be written over. Give another name.")
    _check_place(path.parent, path.name, shown, option, room)


def named_beside(path: Path, ending: str) -> Path:
    """The path with its ending replaced: `photo.jpg` and `-reposed.png` give `photo-reposed.png` in the same folder."""
    if not path.name or path.name == "..":
        raise BadInput(f"'{path}' is a folder; the path of a file was expected.")
    return path.with_name(f"{path.stem}{ending}")


def check_output_folder(path: Path, *, room: int = ROOM, option: str = "--out") -> None:
    """Refuses a folder that could not be created or written to.

    room: minimum bytes that its files will take.
    """
    shown = f"{option} {path}"
    path = _where_it_leads(path, shown)
    found = _status(path, shown)
    if found is not None and not stat.S_ISDIR(found.st_mode):
        raise BadInput(f"{shown} is a file; a folder is written. Give another name.")
    _check_place(path, "", shown, option, room)


def _where_it_leads(path: Path, shown: str) -> Path:
    """Resolves "..": a folder before it may not exist yet, and the path would lead elsewhere once it is made."""
    if ".." not in path.parts:
        return path
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise _cannot(shown, error) from None


def _status(path: Path, shown: str) -> os.stat_result | None:
    """The status of the path's target; None if it does not exist."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # a name that is too long, a cycle of links, a byte 0 in a name
        raise _cannot(shown, error) from None


def _same(path: Path, other: Path) -> bool:
    """True if both lead to one file, also through links."""
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return False


def _check_place(folder: Path, name: str, shown: str, option: str, room: int) -> None:
    """The folder, or its nearest existing parent, accepts new files; none of the names below it is too long."""
    missing = [name] if name else []
    while not os.path.lexists(folder):
        missing.append(folder.name)
        folder = folder.parent
    if not folder.exists():
        raise BadInput(f"{shown} lies behind {folder}, a link that leads nowhere. Give {_another(option)}.")
    if not folder.is_dir():
        raise BadInput(f"{shown} lies below {folder}, which is a file, not a folder. Give {_another(option)}.")
    try:
        for part in missing:
            _must_be_a_name(folder, part)
        with tempfile.TemporaryFile(dir=folder):  # permissions are not enough: the disk may be read-only
            pass
        free = shutil.disk_usage(folder)
    except (OSError, ValueError) as error:
        raise _cannot(shown, error, folder) from None
    if free.total and free.free < room:
        raise BadInput(
            f"{shown} needs {_megabytes(room)} MB at least; only {_megabytes(free.free)} are free there. "
            f"Make room, or give {_another(option)}."
        )


def _must_be_a_name(folder: Path, name: str) -> None:
    """Raises OSError for a name that the file system does not accept."""
    with suppress(FileNotFoundError):
        os.lstat(folder / name)


def _cannot(shown: str, error: OSError | ValueError, folder: Path | None = None) -> BadInput:
    reason = getattr(error, "strerror", None) or str(error)
    where = "" if folder is None else f" in the folder {folder}"
    return BadInput(f"{shown} cannot be written{where}: {reason.lower()}. Give another name or place.")


def _another(option: str) -> str:
    return f"another {option}" if option.startswith("--") else "another name or place"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f}"
