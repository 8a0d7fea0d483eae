"""FVD: how far the generated clips are, as a set, from the true ones (Unterthiner et al. 2018, arXiv:1812.01717).

The published number uses I3D's features. Another network gives another number: the name says which.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.nn.r3d import load_r3d18

from .clips import CLIP_METRICS, ClipFrame, ClipMetric
from .fid import frechet_distance
from .metric import Own, Value
from .picture_sets import Moments

WINDOW = 16
"""Frames per input window of the network."""

ClipFeatures = Callable[[UInt8[Tensor, "B T H W 3"]], Float[Tensor, "B D"]]


class FrechetClipDistance(ClipMetric):
    """The Fréchet distance of clip features, over consecutive windows of 16 frames without overlap.

    Frames after a clip's last whole window do not count; the number says how many clips had such a remainder. Two small
    samples of one distribution already differ: compare only numbers over equally many windows.
    """

    higher_is_better = False
    best = 0.0
    counts = "16-frame window"
    looks_through_a_network = True

    def __init__(self, features: ClipFeatures, width: int, network: str) -> None:
        """width: number of features. network: their source, for reports."""
        self.features, self.width, self._network = features, width, network
        self.generated, self.target, self.rests = Moments(width), Moments(width), 0
        self.begin_clip()

    def begin_clip(self) -> None:
        self._window: list[ClipFrame] = []
        self._running = (Moments(self.width), Moments(self.width))

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
            moments.add(self.features(frames[None]).cpu())
        self._window = []

    def end_clip(self) -> None:
        for moments, running in zip((self.generated, self.target), self._running, strict=True):
            moments.merge(running)
        self.rests += bool(self._window)
        self.begin_clip()

    def merge(self: Own, other: Own) -> None:
        assert other.network == self.network, "metrics of one kind merge"
        self.generated.merge(other.generated)
        self.target.merge(other.target)
        self.rests += other.rests

    def compute(self) -> Value:
        count = self.generated.count
        return Value(self._distance() if count > 1 else math.nan, count, self.rests)

    def _distance(self) -> float:
        first, second = self.generated, self.target
        return frechet_distance(first.mean(), first.covariance(), second.mean(), second.covariance())

    def state(self) -> dict[str, Tensor]:
        both = {"generated": self.generated, "target": self.target}
        moments = {f"{side}.{name}": t for side, m in both.items() for name, t in m.state().items()}
        return {"rests": torch.tensor(self.rests), **moments}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self.rests = int(state["rests"])
        for side, moments in (("generated.", self.generated), ("target.", self.target)):
            moments.load_state({n.removeprefix(side): t for n, t in state.items() if n.startswith(side)})
        self.begin_clip()


@CLIP_METRICS.register("fvd-r3d18")
class FVDR3D18(FrechetClipDistance):
    """`FrechetClipDistance` through R3D-18 (512 features), frames squashed to 112x112 pixels.

    Another network is another subclass with a name of its own.
    """

    name = "fvd-r3d18"

    @classmethod
    def open(cls, weights: Path | None = None, device: torch.device | str = "cpu") -> "FVDR3D18":
        network, description = load_r3d18(weights)
        return cls(network.to(device), network.features, description)
