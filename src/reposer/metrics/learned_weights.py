"""Small learned weights that lie in the package of torchmetrics, found without importing it."""

import importlib.util
from pathlib import Path

from reposer.core import BadInput
from reposer.core.extras import install
from reposer.nn.weights import sha256

PACKAGE = "torchmetrics"


def find_packaged(inside: str, checksum: str, *, folder: Path | None, source: str) -> Path:
    """The file: in `folder` under its own name, else where the package keeps it, at `inside`.

    checksum: its whole SHA-256, which is verified. source: where else a user gets it, for the message.
    """
    name = Path(inside).name
    own = folder / name if folder is not None and folder.is_dir() else None
    spec = importlib.util.find_spec(PACKAGE)
    packaged = [Path(place) / inside for place in (spec.submodule_search_locations or ())] if spec else []
    places = ([own] if own else []) + packaged
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        looked = (
            " nor ".join(str(place) for place in places) or f"the package {PACKAGE}, which is not installed"
        )
        raise BadInput(
            f"There is no {name} (SHA-256 {checksum[:8]}...): not at {looked}. Install it with "
            f"`{install('score')}`, or get it from {source} and give its folder."
        )
    came = sha256(found)
    if came != checksum:
        raise BadInput(
            f"{found} has the SHA-256 {came[:8]}..., not {checksum[:8]}... as the published {name} has; it is damaged or "
            f"another version. Get it from {source} and give its folder."
        )
    return found
