"""Small learned weights that ship with torchmetrics, found without importing it."""

import importlib.util
from pathlib import Path

from reposer.core.extras import install
from reposer.nn.weights import first_file

PACKAGE = "torchmetrics"


def find_packaged(inside: str, checksum: str, *, folder: Path | None, source: str) -> Path:
    """The file: in `folder` under its own name, else at `inside` in the package.

    checksum: its whole SHA-256, which is verified.
    source: where else a user can get it, for the message.
    """
    name = Path(inside).name
    own = [folder / name] if folder is not None and folder.is_dir() else []
    spec = importlib.util.find_spec(PACKAGE)
    packaged = [Path(place) / inside for place in (spec.submodule_search_locations or ())] if spec else []
    way_out = f"Install it with `{install('score')}`, or get it from {source} and give its folder."
    return first_file(name, own + packaged, checksum, way_out)
