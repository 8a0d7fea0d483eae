"""What an exported file says of the weights that it holds."""

from typing import Any

from reposer.generators import model_file
from reposer.nn.weights import read_about, read_header, sha256

SAID = ("licence", "data", "recipe", "step")
"""Entries of a weights file's header that are passed on."""


def header_of(model: str) -> dict[str, Any]:
    """The model's name, the checksum of its weights, and what their file says of licence and data."""
    path = model_file(model)
    about = read_about(read_header(path), path)
    said = {key: about[key] for key in SAID if isinstance(about.get(key), str | int)}
    card = {"licence": "not said in the file", "data": "not said in the file"} | said
    return {"model": path.stem, "weights_sha256": sha256(path), "card": card}
