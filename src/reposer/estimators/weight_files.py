"""Users' files whose names hold no checksum."""

from pathlib import Path

from reposer.core import BadInput
from reposer.nn.weights import sha256, weight_places


def find_file(filename: str, *, path: Path | None, source: str, checksum: str = "") -> Path:
    """The file at `path` (itself or its folder), in $REPOSER_WEIGHTS_DIR, or where torchvision keeps its downloads.

    checksum: the whole SHA-256, which is verified; empty where none is known (a file that the user trained).
    source: where a user gets it, for the message. Nothing is ever downloaded.
    """
    places = [path / filename if path.is_dir() else path] if path is not None else weight_places(filename)
    found = next((place for place in places if place.is_file()), None)
    known = f"SHA-256 {checksum[:16]}..." if checksum else "no checksum of it is known"
    if found is None:
        raise BadInput(
            f"There is no {filename} ({known}): {' nor '.join(str(place) for place in places)} is a file. "
            f"Get it from {source}, and give its path or its folder in $REPOSER_WEIGHTS_DIR."
        )
    if checksum and sha256(found) != checksum:
        raise BadInput(
            f"{found} has the SHA-256 {sha256(found)[:16]}..., not {checksum[:16]}... as {filename} has; "
            f"it is damaged or another file. Get it again from {source}."
        )
    return found
