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
from reposer.nn.weights import network_of, read_about, read_safetensors, save_generator
from reposer.training.recipe import RECIPES

from .model_files import ENTRIES, model_file, shipped_models
from .old_names import renewed
from .registries import GENERATORS
from .sharing import push_to_hub

__all__ = ["GENERATORS", "RECIPES", "load", "model_file", "push_to_hub", "save", "shipped_models"]

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


def _text(about: Mapping[str, Any], entry: str, path: Path) -> str:
    if not isinstance(about[entry], str):
        raise BadInput(f"{entry} in {path.name} is {quoted(about[entry])}; a text was expected. Get the file again.")
    return str(about[entry])


def _names(tensors: Mapping[str, Any]) -> str:
    return f"it has the tensors {', '.join(map(quoted, list(tensors)[:5]))}" if tensors else "it has no tensors"
