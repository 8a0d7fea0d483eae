"""A digest of a recipe's files: data and weights are recognised by their bytes, not by their location."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reposer.core import BadInput

from .recipe import Recipe


def contents(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """By the path in the recipe that names them: number of files, bytes and digest. Empty for a run without files."""
    named: dict[str, str] = {}
    root = getattr(recipe.data, "root", None)
    if root is not None:
        named["data.root"] = root
    for number, stage in enumerate(recipe.stages):
        if stage.start is not None:
            named[f"stages.{number}.start.file"] = stage.start.file
    return {where: digest(Path(path)) for where, path in named.items()}


def digest(root: Path) -> dict[str, Any]:
    """Digest of a file, with the lists (.txt) beside it if it is a data set; or of all files below a folder.

    Names count relative to the folder. Hidden files and run folders in it are ignored: they are not data.
    """
    if not (root.is_file() or root.is_dir()):
        raise BadInput(f"There is no file or folder {root}. Give the folder of a data set.")
    whole, count, size = hashlib.sha256(), 0, 0
    for path in _files(root):
        name = path.relative_to(root if root.is_dir() else root.parent).as_posix()
        try:
            with path.open("rb") as file:
                its_own = hashlib.file_digest(file, "sha256").digest()
                size += file.tell()
        except OSError as error:
            raise BadInput(f"{path} cannot be read ({error.strerror}). Make it readable, or take it out.") from error
        count += 1
        # A single file may be renamed; in a folder, names are part of the data.
        whole.update((name.encode() if root.is_dir() else path.suffix.encode()) + b"\0" + its_own)
    return {"files": count, "bytes": size, "sha256": whole.hexdigest()}


def _files(root: Path, seen: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Sorted by name, so that the order is the same on every machine. Links are followed, but never in a cycle."""
    if root.is_file():
        yield root
        if root.suffix == ".hdf5":
            yield from sorted(path for kind in ("id", "name") for path in root.parent.glob(f"{kind}_*.txt"))
        return
    seen = seen | {root.resolve()}
    for path in sorted(root.iterdir(), key=lambda p: p.name):
        if path.name.startswith("."):
            continue
        if not path.is_dir():
            yield from [path] if path.is_file() else []
        elif path.resolve() not in seen and not (path / "recipe.json").exists():
            yield from _files(path, seen)
