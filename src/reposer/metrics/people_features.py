"""A perceptual distance by the shipped network of whole people, which no training loss uses (after Zhang et al. 2018,
arXiv:1801.03924, without learned weights).
"""

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from reposer.core import Framing
from reposer.core.framing import frame_picture
from reposer.core.images import from_uint8
from reposer.core.shipped import SHIPPED
from reposer.nn.residual import trunk
from reposer.nn.weights import fill, read_safetensors, sha256

from .metric import METRICS, PairMetric

FILE = "people-body.safetensors"
WIDTHS = (24, 48, 80, 112)
PARTS = ("stem.", "down8.", "down16.")
FRAME = Framing((128, 96), fit="pad")
"""The frame in which that network was trained; pictures of any size are laid into it."""
EPSILON = 1e-10


@METRICS.register("perceptual-people-body")
class PeopleBodyDistance(PairMetric):
    """Squared distance of features of length 1 at each place, its mean over the places, summed over strides 4, 8 and
    16; 0 is identical.
    """

    name = "perceptual-people-body"
    looks_through_a_network = True
    higher_is_better = False
    best = 0.0

    def __init__(self, device: torch.device | str = "cpu", file: Path | None = None) -> None:
        super().__init__()
        self.file = file or SHIPPED / FILE
        tensors, _ = read_safetensors(self.file)
        self.trunk = trunk(WIDTHS)
        fill(self.trunk, {name: t for name, t in tensors.items() if name.startswith(PARTS)}, self.file)
        self.trunk.requires_grad_(False).eval().to(device)
        self.device = device

    @classmethod
    def open(cls, weights: Path | None = None, device: torch.device | str = "cpu") -> "PeopleBodyDistance":
        """Its network ships with the package; `weights` may be a folder with another file of that name."""
        own = None if weights is None or not weights.is_dir() else weights / FILE
        return cls(device, own if own is not None and own.is_file() else None)

    @property
    def network(self) -> str:
        return f"people-body ({self.file.name}, SHA-256 {sha256(self.file)[:16]})"

    @torch.no_grad()
    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        pair = torch.stack([frame_picture(from_uint8(p), FRAME) for p in (generated, target)])
        distance = 0.0
        for features in self._features(pair.to(self.device)):
            x, y = F.normalize(features, dim=1, eps=EPSILON)
            distance += (x - y).square().sum(0).double().mean().item()
        return distance

    def _features(self, pictures: Float[Tensor, "B 3 H W"]) -> Iterator[Tensor]:
        x = pictures
        for part in self.trunk.values():
            x = part(x)
            yield F.relu(x)
