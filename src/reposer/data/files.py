"""Text files, whole or not at all. Lists of joints and pairs are in lists.py, poses and tracks in `poses`."""

from pathlib import Path

from reposer.core import BadInput
from reposer.core.disk import whole_file

MISSING = -1  # a coordinate of a joint that was not found


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8; it appears whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())


def read_text(path: Path, what: str) -> str:
    if not path.is_file():
        raise BadInput(f"There is no file {path}; {what} was expected there.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text; {what} was expected.") from None
