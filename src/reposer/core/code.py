"""A digest of the code that made a file, so that files of two versions are not mixed."""

import hashlib
import sys
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


@cache
def code_digest(*parts: str) -> str:
    """Digest of the Python files of these parts of the package (`"nn"`, `"pipeline.py"`)."""
    digest = hashlib.sha256()
    for part in parts:
        place = _PACKAGE / part
        assert place.exists(), f"{part} is no part of the package"
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def package_digest(name: str) -> str | None:
    """Digest of the Python files of an imported package, or of a module of one file; None if it lies in none."""
    module = sys.modules.get(name)
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    found = [(path.relative_to(folder), path) for folder in folders for path in folder.rglob("*.py")]
    own = getattr(module, "__file__", None)
    if not folders and own is not None and Path(own).is_file():
        found = [(Path(own).relative_to(Path(own).parent), Path(own))]
    if not found:
        return None
    digest = hashlib.sha256()
    for told, path in sorted(found):
        digest.update(told.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
