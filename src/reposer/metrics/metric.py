"""The interface of metrics: pictures or frames in, one number out, independent of batches."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Bool, Float, Float64, UInt8
from torch import Tensor

from reposer.core import Registry

METRICS: Registry[type["Metric"]] = Registry("metric", "reposer.metrics")
Own = TypeVar("Own", bound=Any)
"""A metric's own class."""


@dataclass(frozen=True)
class Value:
    """The mean over `pairs` pairs. `left_out` more had no finite value (identical in PSNR, an empty mask)."""

    mean: float
    pairs: int
    left_out: int = 0

    @staticmethod
    def of(values: list[float]) -> "Value":
        """The mean of the finite values, exact to rounding and therefore independent of their order.

        If no value is finite the mean is their common value (all pairs identical: infinite PSNR), or NaN.
        """
        finite = [v for v in values if math.isfinite(v)]
        if finite:
            return Value(math.fsum(finite) / len(finite), len(finite), len(values) - len(finite))
        mean = values[0] if values and all(v == values[0] for v in values) else math.nan
        return Value(mean, 0, len(values))


class AnyMetric(ABC):
    """The common base of metrics of pictures and of clips: statistics that `merge` joins and `compute` turns into a
    number.

    A value depends only on what was scored: not on its order, its batches, or which process counted it.
    """

    name: ClassVar[str]
    """Display name: the metric and its variant."""
    higher_is_better: ClassVar[bool | None]
    """None: the value nearest to `best` is the best."""
    best: ClassVar[float]
    """The value of identical pictures or clips; NaN where that depends on them."""
    unit: ClassVar[str] = ""
    counts: ClassVar[str] = "pair"
    """The unit that its mean is taken over, in the singular."""
    looks_through_a_network: ClassVar[bool] = False
    """Whether `open` loads a network."""

    @classmethod
    def open(cls: type[Own], weights: Path | None = None, device: torch.device | str = "cpu") -> Own:
        """A metric without data. weights: the file or folder of its network; None = the usual places.

        Raises `BadInput`, which names file, source and checksum, if a network is needed and missing.
        """
        metric: Own = cls()
        return metric

    @property
    def network(self) -> str:
        """Name, file and checksum of the network that it uses; empty if there is none."""
        return ""

    @abstractmethod
    def merge(self: Own, other: Own) -> None:
        """Add the statistics of `other`, a metric of the same kind."""

    @abstractmethod
    def compute(self) -> Value:
        """The value over everything scored so far."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All accumulated data, for a scoring run that is resumed later. A clip in progress starts over there."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned."""


class MeanMetric(AnyMetric):
    """A metric that is the mean of one value per pair or clip."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def merge(self: Own, other: Own) -> None:
        assert other.name == self.name, "metrics of one kind merge"
        self.values += other.values

    def compute(self) -> Value:
        return Value.of(self.values)

    def state(self) -> dict[str, Tensor]:
        return {"values": torch.tensor(self.values, dtype=torch.float64)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self.values = state["values"].tolist()


class Metric(AnyMetric):
    """Statistics of picture pairs, accumulated by `update`."""

    mask: ClassVar[str | None] = None
    """The name of the mask that `update` needs, made from a pose: one of `evaluation.MASKS`."""
    needs_reference: ClassVar[bool] = False
    """Whether it compares with a set of pictures besides the pairs (`add_reference`)."""

    def add_reference(self, pictures: UInt8[Tensor, "B H W 3"]) -> None:
        """Add pictures of the reference set, if the metric uses one."""
        raise AssertionError(f"{self.name} has no reference set")

    @abstractmethod
    def update(
        self,
        generated: UInt8[Tensor, "B H W 3"],
        target: UInt8[Tensor, "B H W 3"],
        mask: Bool[Tensor, "B 1 H W"] | Float[Tensor, "B 1 H W"] | None = None,
    ) -> Float64[Tensor, "B"] | None:
        """Add B pairs; returns each pair's own value, if the metric has one."""


class PairMetric(MeanMetric, Metric):
    """A metric that is the mean of one value per pair."""

    @abstractmethod
    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        """The value of one pair; NaN if it has none. A mask is never empty: `update` excludes such pairs."""

    def update(
        self,
        generated: UInt8[Tensor, "B H W 3"],
        target: UInt8[Tensor, "B H W 3"],
        mask: Bool[Tensor, "B 1 H W"] | Float[Tensor, "B 1 H W"] | None = None,
    ) -> Float64[Tensor, "B"]:
        assert generated.shape == target.shape, (generated.shape, target.shape)
        assert generated.dtype == target.dtype == torch.uint8, (generated.dtype, target.dtype)
        assert mask is not None or self.mask is None, f"{self.name} is taken inside a mask"
        masks = [None] * len(target) if mask is None else [m[0].bool() for m in mask]
        # row by row: a batched sum may round differently with the size of the batch
        rows = [
            self.score(g, t, m) if m is None or bool(m.any()) else math.nan  # nothing to compare: excluded
            for g, t, m in zip(generated, target, masks, strict=True)
        ]
        self.values += rows
        return torch.tensor(rows, dtype=torch.float64)
