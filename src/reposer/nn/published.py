"""Networks whose weights others have published: loaded exactly, frozen, and named with their checksum."""

from pathlib import Path

from torch import nn

from reposer.core import BadInput

from .weights import read_checkpoint, sha256


def load_published(network: nn.Module, path: Path, *, without: tuple[str, ...] = ()) -> str:
    """Every tensor of the network from the file, which may hold more only under the prefixes `without`.

    The network is frozen and in eval mode afterwards. Returns the file's name and checksum, for reports.
    Counts of batches, which young files of batch norms have and old ones lack, do not matter.
    """
    own = network.state_dict()
    counts = {name: tensor for name, tensor in own.items() if name.endswith("num_batches_tracked")}
    came = counts | {
        name: tensor for name, tensor in read_checkpoint(path).items() if not name.startswith(without)
    }
    wrong = sorted(
        name
        for name in own.keys() | came.keys()
        if name not in own or name not in came or own[name].shape != came[name].shape
    )
    if wrong:
        raise BadInput(
            f"{path} is no file of {type(network).__name__}: {len(wrong)} tensors are missing, left over or of another "
            f"shape ({', '.join(wrong[:4])}). Name the right file."
        )
    network.load_state_dict(came)
    network.requires_grad_(False).eval()
    return f"{path.name}, SHA-256 {sha256(path)[:16]}"
