"""Pairs by name, findings that are means over them, and texts as tensors for a state."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float64, UInt8
from torch import Tensor

from ..intervals import ratios
from .part import Finding, PairBatch, PictureSet


class Pair(NamedTuple):
    """A pair's name, those of its pictures, and what they show."""

    name: str
    source: str
    target: str
    item: str
    variant: str

    def picture(self, which: PictureSet) -> str:
        """The name of its picture in one of the three sets; a generated picture has the pair's."""
        return {"generated": self.name, "target": self.target, "source": self.source}[which]


def pairs_of(batch: PairBatch) -> list[Pair]:
    sources = batch.source_names or tuple(f"{name}:source" for name in batch.names)
    targets = batch.target_names or tuple(f"{name}:target" for name in batch.names)
    columns = (batch.names, sources, targets, batch.items or batch.identities, batch.identities)
    return [Pair(*row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class PairValues:
    """One value of each of N pairs; NaN where a pair has none."""

    metric: str
    pictures: PictureSet
    values: Float64[Tensor, "N"]
    higher_is_better: bool | None = True
    unit: str = ""


def mean_findings(numbers: Sequence[PairValues], estimator: str) -> list[Finding]:
    """The mean of each number over the pairs that have a value, with its interval; numbers without any value are
    omitted.

    The intervals depend on the order of the pairs: sort them first.
    """
    numbers = [number for number in numbers if bool(number.values.isfinite().any())]
    if not numbers:
        return []
    values = torch.stack([number.values for number in numbers], 1)
    known = values.isfinite()
    results = torch.stack(ratios(values.where(known, 0.0), known.double()), 1).tolist()
    covered = known.sum(0).tolist()
    return [
        Finding(
            metric=number.metric,
            part="",
            pictures=number.pictures,
            estimator=estimator,
            value=value,
            low=low,
            high=high,
            covered=pairs,
            total=len(values),
            higher_is_better=number.higher_is_better,
            unit=number.unit,
        )
        for number, (value, low, high), pairs in zip(numbers, results, covered, strict=True)
    ]


def as_bytes(plain: Any) -> UInt8[Tensor, "N"]:
    """Lists, mappings and texts as a tensor."""
    return torch.frombuffer(bytearray(json.dumps(plain).encode()), dtype=torch.uint8)


def from_bytes(tensor: UInt8[Tensor, "N"]) -> Any:
    """The inverse of `as_bytes`; tuples come back as lists."""
    return json.loads(tensor.cpu().numpy().tobytes())
