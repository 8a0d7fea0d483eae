"""Text files. Lists of joints and pairs are in lists.py, poses and tracks in `poses`."""

from pathlib import Path

from reposer.core import BadInput

MISSING = -1  # a coordinate of a joint that was not found


def read_text(path: Path, what: str) -> str:
    if not path.is_file():
        raise BadInput(f"There is no file {path}; {what} was expected there.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text; {what} was expected.") from None
