"""Families of networks that generate a person in another pose, their recipes, and their weights.

Every module in this folder is imported when one of the registries is first looked into, so that it registers its config
in GENERATORS and its recipes in RECIPES: adding a family means adding a file. A family that bears its module's name is
loaded without the others.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reposer.core import BadInput, Framing, Generator, quoted
from reposer.core.configs import from_plain
from reposer.nn.weights import SHIPPED, network_of, read_about, read_header, read_safetensors, save_generator
from reposer.training.recipe import RECIPES

from .hub import WEIGHTS, fetched, on_hub, push_to_hub
from .old_names import renewed
from .registries import GENERATORS

__all__ = ["GENERATORS", "RECIPES", "load", "model_file", "push_to_hub", "save", "shipped_models"]

ENTRIES = ("family", "config", "framing", "skeleton")
"""The entries of a generator file's header."""
LARGEST_SIDE = 2048
"""Longest side of a generator's pictures, in pixels. A header could otherwise ask for any amount of memory."""

RECIPES.fill_from(__name__)


def load(name_or_path: str | Path) -> Generator:
    """Loads a generator: float32, in eval mode. name_or_path: see `model_file`."""
    path = model_file(name_or_path)
    tensors, header = read_safetensors(path)
    about = read_about(header, path)
    missing = [entry for entry in ENTRIES if entry not in about]
    if missing:
        raise BadInput(
            f"{path} does not say which generator it holds: its header lacks {', '.join(missing)} ({_names(tensors)}). "
            f"Files that `reposer train` and `reposer import-weights` wrote say it. A released checkpoint goes through "
            f"`reposer import-weights` first."
        )
    family, skeleton = (_text(about, entry, path) for entry in ("family", "skeleton"))
    if family not in GENERATORS:
        raise BadInput(
            f"family in {path.name} is {quoted(family)}; known are {', '.join(GENERATORS)}. It was written by another "
            f"version of Reposer, or by a package that is not installed here."
        )
    about = renewed(about, GENERATORS[family])
    generator: Generator = network_of(GENERATORS[family], about["config"], tensors, path)
    framing = from_plain(Framing, about["framing"], f"framing in {path.name}", bounded=True)
    if max(framing.size) > LARGEST_SIDE:
        raise BadInput(
            f"framing.size in {path.name} is {framing.size}; pictures of a generator have sides up to {LARGEST_SIDE} "
            "pixels."
        )
    if framing.size != generator.framing.size:
        raise BadInput(
            f"framing.size in {path.name} is {framing.size}; the network works at {generator.framing.size}. The header "
            f"was changed: get the file again."
        )
    if skeleton != generator.skeleton.name:
        raise BadInput(
            f"skeleton in {path.name} is {quoted(skeleton)}; the network works with {generator.skeleton.name}. The "
            f"header was changed: get the file again."
        )
    generator.framing = framing
    return generator


def save(generator: Generator, path: str | Path, extra_header: Mapping[str, Any] | None = None) -> None:
    """Writes a `.safetensors` that `load` reads. `extra_header`: further plain values (recipe, step, ...)."""
    save_generator(generator, Path(path), extra_header or {})


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


def _text(about: Mapping[str, Any], entry: str, path: Path) -> str:
    if not isinstance(about[entry], str):
        raise BadInput(f"{entry} in {path.name} is {quoted(about[entry])}; a text was expected. Get the file again.")
    return str(about[entry])


def _names(tensors: Mapping[str, Any]) -> str:
    return f"it has the tensors {', '.join(map(quoted, list(tensors)[:5]))}" if tensors else "it has no tensors"
