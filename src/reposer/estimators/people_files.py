"""The files of the estimators that ship: found, read strictly, and described."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from torch import nn

from reposer.core import BadInput, quoted
from reposer.nn.weights import SHIPPED, network_of, read_about, read_safetensors, sha256

Network = TypeVar("Network", bound=nn.Module)
Built = TypeVar("Built", bound=nn.Module, covariant=True)

BODY_FILE, FACE_FILE = "people-body.safetensors", "people-face.safetensors"


@runtime_checkable
class NetworkConfig(Protocol[Built]):
    """What a file's header rebuilds its network from."""

    def build(self) -> Built: ...


@dataclass(frozen=True)
class Shipped(Generic[Network]):
    """A network, frozen, and what its file says of it.

    card: the header: kind, licence, config, and whatever was measured.
    description: file and checksum, for reports.
    """

    network: Network
    card: Mapping[str, Any]
    description: str


def open_shipped(filename: str, config: type[NetworkConfig[Network]], weights: Path | None) -> Shipped[Network]:
    """The network in the file `weights`, or in `filename` in the folder `weights`; else in the one that ships."""
    path = SHIPPED / filename
    if weights is not None and (not weights.is_dir() or (weights / filename).is_file()):
        path = weights / filename if weights.is_dir() else weights
    if not path.is_file():
        raise BadInput(
            f"There is no file {path}. {filename} comes with the package: install it again, or train it "
            f"(python -m reposer.probes.readers --help)."
        )
    tensors, header = read_safetensors(path)
    card = read_about(header, path)
    kind = filename.removesuffix(".safetensors")
    if card.get("kind") != kind:
        raise BadInput(
            f"{path} holds {quoted(card.get('kind', 'no network of ours'))}, not {kind}. Name the right file."
        )
    network = network_of(config, card.get("config"), tensors, path)
    network.requires_grad_(False)
    return Shipped(network, card, f"{path.name}, SHA-256 {sha256(path)[:16]}")
