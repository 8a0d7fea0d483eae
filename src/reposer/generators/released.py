"""Published networks whose released weights can be imported; each family's file adds its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reposer.core import Generator, Registry
from reposer.nn.weights import save_generator


@dataclass(frozen=True)
class Released:
    """family: for the command line. config: of the network. read: (checkpoint, config, name) to the generator."""

    family: str
    config: Callable[[], Any]
    read: Callable[[Path, Any, str], Generator]


RELEASED: Registry[Released] = Registry("released network", "reposer.generators", package="reposer.generators")
"""What another package registers, it registers in a module of the entry point of its families."""


def import_released(checkpoint: Path, recipe: str, out: Path) -> Generator:
    """Reads a released checkpoint into a generator and writes it to `out` (.safetensors).

    recipe: name in RELEASED. An unknown or missing key, a wrong shape or a tied pair that differs is BadInput, and
    nothing is written.
    """
    network = RELEASED[recipe]
    generator = network.read(checkpoint, network.config(), recipe)
    save_generator(generator, out, {"recipe": recipe, "imported_from": checkpoint.name})
    return generator
