"""The files of generators: which file a model's name means, and what a file's header must say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reposer.core import BadInput
from reposer.core.shipped import SHIPPED
from reposer.nn.weights import read_about, read_header
from reposer.training.recipe import RECIPES

from .hub import WEIGHTS, fetched, on_hub

ENTRIES = ("family", "config", "framing", "skeleton")
"""The entries of a generator file's header."""


def shipped_models() -> dict[str, Path]:
    """The generators that come with the package, by name."""
    files = sorted(SHIPPED.glob("*.safetensors"))
    return {file.stem: file for file in files if _about(read_header(file)) is not None}


def model_file(name_or_path: str | Path) -> Path:
    """The file of a model: a `.safetensors` written by Reposer, the folder of a run, a shipped model by name, or
    hf://OWNER/NAME, see `hub.fetched`."""
    if on_hub(name_or_path):
        return fetched(name_or_path)
    path = Path(name_or_path)
    if path.is_file():
        return path
    if (path / WEIGHTS).is_file():
        return path / WEIGHTS
    shipped = {} if path.suffix else shipped_models()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    said = f"'{name_or_path}' is neither a file nor a shipped model; shipped are: {', '.join(shipped_models())}."
    if str(name_or_path) in RECIPES:
        said += f" It is a recipe: name the run that `reposer train {name_or_path}` made, as in runs/{name_or_path}."
    raise BadInput(said)


def _about(header: Mapping[str, str]) -> dict[str, Any] | None:
    """A generator file's header entries; None if Reposer did not write the file as a generator."""
    try:
        about = read_about(header, Path("the file"))
    except BadInput:
        return None
    return about if set(about) >= set(ENTRIES) else None
