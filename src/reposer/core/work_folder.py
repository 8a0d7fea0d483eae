"""Work folders beside a user's files, for unfinished work: recognised by a marker, and safe to remove."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .disk import LOCK, only_user
from .errors import BadInput
from .json_files import object_in

MARKER = ".reposer-work.json"
"""The file that marks such a folder. A folder without it is the user's: nothing in it is changed or removed."""


class WorkFolder:
    """A folder locked for this process until it is released or removed.

    path: of the folder, created if it does not exist. doing: what is done there, for the refusal of a second process.
    own: patterns of the names of our files there; only these are ever removed.
    about: the inputs of the work. A folder that was started with other values is refused; {} fits every folder.

    Refused: a file of that name, a link, and a folder with something in it but no marker.
    """

    def __init__(self, path: Path, doing: str, own: Sequence[str], about: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self._own = (*own, ".*.tmp")
        self._marker = path / MARKER
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise BadInput(
                f"{path} is in the way: unfinished work would lie in a folder of that name. Move it, or give another "
                "--out."
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"{path} cannot be made ({error.strerror}). Give another --out.") from error
        self._refuse_foreign()
        self._lock = only_user(path, doing)
        try:
            self._refuse_foreign()  # a folder of ours may have been removed before the lock was acquired
            self._mark(json.loads(json.dumps({"doing": doing, "about": dict(about or {})})))
        except BaseException:
            self._lock.release()
            raise

    def _refuse_foreign(self) -> None:
        found = {entry.name for entry in self.path.iterdir()} - {LOCK}
        if found and MARKER not in found:
            raise BadInput(
                f"{self.path} is not a work folder of Reposer (it has no {MARKER}), so its files are left alone. Move "
                f"or rename it, or give another --out."
            )

    def _mark(self, wanted: Mapping[str, Any]) -> None:
        if not self._marker.exists():
            note = "This folder is Reposer's: it replaces and removes its own files here. Keep nothing else in it."
            self._marker.write_text(json.dumps({"note": note, **wanted}, indent=1) + "\n", encoding="utf-8")
            return
        found = object_in(self._marker).get("about")
        if wanted["about"] and found != wanted["about"]:
            known = found if isinstance(found, dict) else {}
            other = [key for key, value in wanted["about"].items() if known.get(key) != value]
            raise BadInput(
                f"{self._marker} is damaged, or of other work. Remove that folder to begin anew, or give another --out."
                f" What differs: {', '.join(other) or 'it holds more than is asked for'}."
            )

    def files(self) -> list[Path]:
        """Our files, sorted by name."""
        return sorted(path for path in self.path.iterdir() if self._is_ours(path))

    def _is_ours(self, path: Path) -> bool:
        its_own = path.name not in (MARKER, LOCK) and any(fnmatchcase(path.name, pattern) for pattern in self._own)
        return its_own and path.is_file() and not path.is_symlink()

    def clear(self) -> None:
        """Removes our files; the folder stays ours."""
        for path in self.files():
            path.unlink()

    def remove(self) -> None:
        """Removes our files, the marker and the folder. Foreign files stay, and the folder with them."""
        self.clear()
        self._marker.unlink(missing_ok=True)
        (self.path / LOCK).unlink(missing_ok=True)  # while it is locked: see only_user
        with suppress(OSError):
            self.path.rmdir()
        self._lock.release()

    def release(self) -> None:
        """Unlocks the folder and leaves it for later."""
        self._lock.release()
