"""FVD: how far the generated clips are, as a set, from the true ones (Unterthiner et al. 2018, arXiv:1812.01717).

The published number looks through I3D. Through another network it is another number: the name says which.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from reposer.nn.r3d import load_r3d18

from .clips import CLIP_METRICS, ClipFrame, ClipMetric
from .metric import Value

WINDOW = 16
"""Frames that the network sees at once."""

ClipFeatures = Callable[[UInt8[Tensor, "B T H W 3"]], Float[Tensor, "B D"]]


class Moments:
    """Mean and covariance of features, from sums in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.sum: Float64[Tensor, "D"] = torch.zeros(0, dtype=torch.float64)
        self.products: Float64[Tensor, "D D"] = torch.zeros(0, 0, dtype=torch.float64)

    def add(self, count: int, total: Float64[Tensor, "D"], products: Float64[Tensor, "D D"]) -> None:
        """Add so many features by their sum and the sum of their outer products."""
        if count:
            first = not self.count
            self.count += count
            self.sum = total.clone() if first else self.sum + total
            self.products = products.clone() if first else self.products + products

    def add_features(self, features: Float[Tensor, "N D"]) -> None:
        """Add N features."""
        rows = features.detach().cpu().double()
        self.add(len(rows), rows.sum(0), rows.T @ rows)

    def mean(self) -> Float64[Tensor, "D"]:
        return self.sum / self.count

    def covariance(self) -> Float64[Tensor, "D D"]:
        """The unbiased one, of at least two features."""
        mean = self.mean()
        return (self.products - self.count * mean.outer(mean)) / (self.count - 1)


def frechet_distance(a: Moments, b: Moments) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)): the squared 2-Wasserstein distance of two Gaussians.

    The trace of the root is taken from the eigenvalues of R S_b R with R = S_a^(1/2), which are those of S_a S_b.
    """
    first, second = a.covariance(), b.covariance()
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    product = root @ second @ root
    shared = torch.linalg.eigvalsh((product + product.T) / 2).clamp(min=0).sqrt().sum()
    means = (a.mean() - b.mean()).square().sum()
    return max(0.0, (means + first.trace() + second.trace() - 2 * shared).item())


class FrechetClipDistance(ClipMetric):
    """The Frechet distance of clip features: of windows of 16 frames, one after the other, without overlap.

    Frames behind a clip's last whole window do not count; the number says how many such rests there were. A small
    set is far from itself drawn again: compare numbers of equally many windows.
    """

    better = "lower"
    best = 0.0
    counts = "16-frame window"

    def __init__(self, features: ClipFeatures, network: str) -> None:
        self.features, self._network = features, network
        self.generated, self.target, self.rests = Moments(), Moments(), 0
        self._begin()

    def _begin(self) -> None:
        self._window: list[ClipFrame] = []
        self._running = (Moments(), Moments())

    @property
    def network(self) -> str:
        return self._network

    def update(self, frame: ClipFrame) -> None:
        self._window.append(ClipFrame(frame.generated, frame.target))
        if len(self._window) < WINDOW:
            return
        generated = torch.stack([f.generated for f in self._window])
        target = torch.stack([f.target for f in self._window])
        for moments, frames in zip(self._running, (generated, target), strict=True):
            moments.add_features(self.features(frames[None]))
        self._window = []

    def end_clip(self) -> None:
        for moments, more in zip((self.generated, self.target), self._running, strict=True):
            moments.add(more.count, more.sum, more.products)
        self.rests += bool(self._window)
        self._begin()

    def merge(self, other: ClipMetric) -> None:
        assert isinstance(other, FrechetClipDistance) and other.network == self.network, (
            "metrics of one kind merge"
        )
        for own, more in ((self.generated, other.generated), (self.target, other.target)):
            own.add(more.count, more.sum, more.products)
        self.rests += other.rests

    def compute(self) -> Value:
        count = self.generated.count
        return Value(
            frechet_distance(self.generated, self.target) if count > 1 else math.nan, count, self.rests
        )

    def state(self) -> dict[str, Tensor]:
        sets = {"generated": self.generated, "target": self.target}
        tensors = {"counts": torch.tensor([self.generated.count, self.rests])}
        for name, moments in sets.items():
            tensors |= {f"{name}_sum": moments.sum, f"{name}_products": moments.products}
        return tensors

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        count, self.rests = (int(n) for n in state["counts"])
        self.generated, self.target = Moments(), Moments()
        self._begin()
        self.generated.add(count, state["generated_sum"], state["generated_products"])
        self.target.add(count, state["target_sum"], state["target_products"])


@CLIP_METRICS.register("fvd-r3d18")
class FVDR3D18(FrechetClipDistance):
    """`FrechetClipDistance` through R3D-18 (512 features), frames squashed to 112x112 pixels.

    Another network is another subclass with a name of its own.
    """

    name = "fvd-r3d18"

    @classmethod
    def open(cls, weights: Path | None = None, device: torch.device | str = "cpu") -> "FVDR3D18":
        network, description = load_r3d18(weights)
        return cls(network.to(device), description)
