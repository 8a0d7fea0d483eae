"""A digest of the code that made a file, so that files of two versions are not mixed."""

import hashlib
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
