"""Families of networks that draw a person in another pose, their recipes, and their weights.

Every module in this folder is imported here, so that it registers its config in GENERATORS and its recipes in
RECIPES: adding a family is adding a file.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reposer.core import SKELETONS, BadInput, Framing, Generator
from reposer.core.configs import from_plain
from reposer.core.registry import import_siblings
from reposer.nn.weights import HEADER, read_header, read_safetensors, save_generator, unfilled
from reposer.training import RECIPES

from .registries import GENERATORS

__all__ = ["GENERATORS", "RECIPES", "load", "save", "shipped_models"]

SHIPPED = Path(__file__).parent.parent / "weights"

import_siblings(__path__, __name__)


def load(name_or_path: str | Path) -> Generator:
    """The generator of a `.safetensors` that Reposer wrote, or of a shipped model by its name: float32, in eval mode."""
    path = _find(name_or_path)
    tensors, header = read_safetensors(path)
    about = _about(header)
    if about is None:
        raise BadInput(
            f"{path} does not say which generator it holds ({_names(tensors)}); files that `reposer train` and "
            f"`reposer import-weights` wrote do. A released checkpoint goes through `reposer import-weights` first."
        )
    config = from_plain(GENERATORS[about["family"]], about["config"], f"config in {path.name}")
    generator: Generator = unfilled(config.build)
    own = {name: tensor.shape for name, tensor in generator.state_dict().items()}
    if own != {name: tensor.shape for name, tensor in tensors.items()}:
        wrong = [name for name in tensors if own.get(name) != tensors[name].shape] or sorted(
            set(own) - set(tensors)
        )
        raise BadInput(
            f"{path} does not hold the weights that its own config asks for: {len(wrong)} tensors do not fit or are "
            f"missing ({', '.join(wrong[:5])}). It was changed, or written by another version of Reposer."
        )
    generator.load_state_dict(tensors)
    generator.framing = from_plain(Framing, about["framing"], f"framing in {path.name}")
    generator.skeleton = SKELETONS[about["skeleton"]]
    return generator.eval()


def save(generator: Generator, path: str | Path, extra_header: Mapping[str, Any] | None = None) -> None:
    """A `.safetensors` that `load` reads. `extra_header`: plain values that ride along (recipe, step, ...)."""
    save_generator(generator, Path(path), extra_header or {})


def shipped_models() -> dict[str, Path]:
    """The generators that come with the package, by name."""
    files = sorted(SHIPPED.glob("*.safetensors"))
    return {file.stem: file for file in files if _about(read_header(file)) is not None}


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = {} if path.suffix else shipped_models()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    raise BadInput(
        f"'{name_or_path}' is neither a file nor a shipped model; shipped are: {', '.join(shipped_models()) or 'none'}."
    )


def _about(header: Mapping[str, str]) -> dict[str, Any] | None:
    """What Reposer wrote about a generator; None if the file holds something else."""
    try:
        about = json.loads(header[HEADER])
        return about if {"family", "config", "framing", "skeleton"} <= set(about) else None
    except (KeyError, json.JSONDecodeError, TypeError):
        return None


def _names(tensors: Mapping[str, Any]) -> str:
    return f"it has the tensors {', '.join(list(tensors)[:5])}" if tensors else "it has no tensors"
