"""What a metric is: pixels in, batch by batch; one number out, whatever the batches were."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Float64, UInt8
from torch import Tensor

from reposer.core import Registry

METRICS: Registry[type["Metric"]] = Registry("metric", "reposer.metrics")


@dataclass(frozen=True)
class Value:
    """The mean over `pairs` pairs. `left_out` more had no finite value (identical in PSNR, an empty mask)."""

    mean: float
    pairs: int
    left_out: int = 0

    @staticmethod
    def of(values: list[float]) -> "Value":
        """The mean of the finite values, exact to rounding and so the same in every order.

        If no value is finite the mean is their common value (all pairs identical: infinite PSNR), or NaN.
        """
        finite = [v for v in values if math.isfinite(v)]
        if finite:
            return Value(math.fsum(finite) / len(finite), len(finite), len(values) - len(finite))
        mean = values[0] if values and all(v == values[0] for v in values) else math.nan
        return Value(mean, 0, len(values))


class Metric(ABC):
    """Statistics of picture pairs: they grow by `update`, join by `merge`, and end as a number by `compute`.

    A value depends on the pairs alone: not on their order, the batches they came in, or who counted them.
    """

    name: ClassVar[str]
    """How it is printed: the metric and its variant."""
    higher_is_better: ClassVar[bool]
    best: ClassVar[float]
    """The value of identical pictures."""
    unit: ClassVar[str] = ""
    needs_mask: ClassVar[bool] = False
    """Whether `update` wants the mask of the target's limbs."""

    @abstractmethod
    def update(
        self,
        generated: UInt8[Tensor, "B H W 3"],
        target: UInt8[Tensor, "B H W 3"],
        mask: Bool[Tensor, "B 1 H W"] | Float[Tensor, "B 1 H W"] | None = None,
    ) -> Float64[Tensor, "B"] | None:
        """Add B pairs; each pair's own value, where the metric has one."""

    @abstractmethod
    def merge(self, other: "Metric") -> None:
        """Add the pairs that `other` has seen."""

    @abstractmethod
    def compute(self) -> Value:
        """The value over all pairs so far."""


class PairMetric(Metric):
    """A metric that is the mean of a value that each pair has by itself."""

    def __init__(self) -> None:
        self.values: list[float] = []

    @abstractmethod
    def score(
        self,
        generated: UInt8[Tensor, "H W 3"],
        target: UInt8[Tensor, "H W 3"],
        mask: Bool[Tensor, "H W"] | None,
    ) -> float:
        """The value of one pair."""

    def update(
        self,
        generated: UInt8[Tensor, "B H W 3"],
        target: UInt8[Tensor, "B H W 3"],
        mask: Bool[Tensor, "B 1 H W"] | Float[Tensor, "B 1 H W"] | None = None,
    ) -> Float64[Tensor, "B"]:
        assert generated.shape == target.shape, (generated.shape, target.shape)
        assert generated.dtype == target.dtype == torch.uint8, (generated.dtype, target.dtype)
        assert mask is not None or not self.needs_mask, f"{self.name} is taken inside a mask"
        masks = [None] * len(target) if mask is None else [m[0].bool() for m in mask]
        # row by row: a batched sum may round differently with the size of the batch
        rows = [self.score(g, t, m) for g, t, m in zip(generated, target, masks, strict=True)]
        self.values += rows
        return torch.tensor(rows, dtype=torch.float64)

    def merge(self, other: "Metric") -> None:
        assert isinstance(other, PairMetric) and other.name == self.name, "metrics of one kind merge"
        self.values += other.values

    def compute(self) -> Value:
        return Value.of(self.values)
