"""Networks whose weights others have published: loaded exactly, frozen, and named with their checksum."""

from pathlib import Path

from torch import nn

from .weights import fill, read_checkpoint, sha256


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
    fill(network, came, path)
    network.requires_grad_(False).eval()
    return f"{path.name}, SHA-256 {sha256(path)[:16]}"
