"""The files of the shipped estimators: found, read strictly, and described."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from torch import nn

from reposer.core import BadInput, quoted
from reposer.core.shipped import SHIPPED
from reposer.nn.weights import network_of, read_about, read_safetensors, sha256

Network = TypeVar("Network", bound=nn.Module)
Built = TypeVar("Built", bound=nn.Module, covariant=True)

BODY_FILE, FACE_FILE = "people-body.safetensors", "people-face.safetensors"


@runtime_checkable
class NetworkConfig(Protocol[Built]):
    """The config in a file's header, from which its network is rebuilt."""

    def build(self) -> Built: ...


@dataclass(frozen=True)
class Shipped(Generic[Network]):
    """A frozen network and its file's description.

    card: the header: kind, licence, config, and measurements.
    description: file and checksum, for reports.
    """

    network: Network
    card: Mapping[str, Any]
    description: str


def open_shipped(filename: str, config: type[NetworkConfig[Network]], weights: Path | None) -> Shipped[Network]:
    """The network in the file `weights`, or in `filename` in the folder `weights`; else the shipped one."""
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
