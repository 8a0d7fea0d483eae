"""Networks with weights that others published: loaded exactly, frozen, and named with their checksum."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from torch import Tensor, nn

from reposer.core import BadInput

from .weights import fill, read_checkpoint, sha256

SHOWN = 6  # names of each kind in a message, at most


def load_published(network: nn.Module, path: Path, *, without: tuple[str, ...] = ()) -> str:
    """Loads every tensor of the network from the file, which may have others only under the prefixes `without`.

    The network is frozen and in eval mode afterwards. Returns the file's name and checksum, for reports.
    Batch norms' counts of batches, which newer files have and old ones lack, are ignored.
    """
    own = network.state_dict()
    counts = {name: tensor for name, tensor in own.items() if name.endswith("num_batches_tracked")}
    came = counts | {name: tensor for name, tensor in read_checkpoint(path).items() if not name.startswith(without)}
    fill(network, came, path)
    network.requires_grad_(False).eval()
    return f"{path.name}, SHA-256 {sha256(path)[:16]}"


def refuse_another_layout(
    tensors: Mapping[str, Tensor],
    shapes: Mapping[str, tuple[int, ...]],
    path: Path,
    network: str,
    copies: Mapping[str, str] | None = None,
) -> None:
    """BadInput unless the file `path` has tensors of exactly these names and shapes.

    network: what it should contain, for the message. copies: names of tensors that must equal those of other names.
    """
    faults = list(_faults(tensors, shapes, copies or {}))
    if faults:
        raise BadInput(f"{path} is not the released checkpoint of {network}: {'; '.join(faults)}.")


def _faults(
    tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], copies: Mapping[str, str]
) -> Iterator[str]:
    """The ways in which `tensors` differ from exactly these shapes and equal copies."""
    yield from _listed("it also has", (key for key in tensors if key not in shapes))
    yield from _listed("it lacks", (key for key in shapes if key not in tensors))
    both = [key for key in shapes if key in tensors]
    yield from _listed(
        "of another shape are",
        (f"{k} {tuple(tensors[k].shape)} for {tuple(shapes[k])}" for k in both if tensors[k].shape != shapes[k]),
    )
    pairs = [(copy, layer) for copy, layer in copies.items() if copy in tensors and layer in tensors]
    yield from _listed(
        "copies that must be equal differ:",
        (f"{copy} and {layer}" for copy, layer in pairs if not tensors[copy].equal(tensors[layer])),
    )


def _listed(what: str, keys: Iterable[str]) -> Iterator[str]:
    """One clause with the first few keys, or none."""
    found = list(keys)
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        yield f"{what} {', '.join(found[:SHOWN])}{more}"
