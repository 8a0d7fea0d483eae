"""Metrics of two sets of pictures by Inception features: generated ones, and the pairs' targets or a reference set.

Statistics of the features accumulate over pictures and merge by addition, in float64.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Float64, UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.nn.picture_reader import Form, PictureReader, open_reader

from .metric import Metric, Own, Value


class InceptionMetric(Metric):
    """A metric on Inception's features."""

    looks_through_a_network = True
    form: ClassVar[Form] = "graph"

    def __init__(self, reader: PictureReader) -> None:
        self.reader = reader

    @classmethod
    def open(cls, weights: Path | None = None, device: torch.device | str = "cpu") -> "InceptionMetric":
        return cls(open_reader(cls.form, weights, device))

    @property
    def network(self) -> str:
        return self.reader.description


class Statistics(ABC):
    """The statistics of one set's features."""

    count: int

    @abstractmethod
    def __init__(self, width: int) -> None:
        """Statistics of no pictures. width: number of features."""

    @abstractmethod
    def add(self, features: Float[Tensor, "B D"]) -> None: ...

    @abstractmethod
    def merge(self, other: "Statistics") -> None: ...

    @abstractmethod
    def state(self) -> dict[str, Tensor]: ...

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None: ...


class Moments(Statistics):
    """Number, sum, and sum of outer products: 34 MB for 2048 features, independent of the number of pictures."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.total = torch.zeros(width, dtype=torch.float64)
        self.outer = torch.zeros(width, width, dtype=torch.float64)

    def add(self, features: Float[Tensor, "B D"]) -> None:
        rows = features.double()
        self.count += len(rows)
        self.total += rows.sum(0)
        self.outer.addmm_(rows.T, rows)

    def merge(self, other: Statistics) -> None:
        assert isinstance(other, Moments)
        self.count += other.count
        self.total += other.total
        self.outer += other.outer

    def mean(self) -> Float64[Tensor, "D"]:
        return self.total / self.count

    def covariance(self) -> Float64[Tensor, "D D"]:
        """Unbiased: divided by one less than the number."""
        mean = self.mean()
        return (self.outer - self.count * torch.outer(mean, mean)) / (self.count - 1)

    def state(self) -> dict[str, Tensor]:
        return {"count": torch.tensor(self.count), "total": self.total, "outer": self.outer}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self.count = int(state["count"])
        self.total, self.outer = state["total"].clone(), state["outer"].clone()


class Rows(Statistics):
    """All features, float32: 8 KB a picture for 2048 features, 400 MB for the training set of DeepFashion."""

    def __init__(self, width: int) -> None:
        self.parts = [torch.zeros(0, width)]

    @property
    def count(self) -> int:  # type: ignore[override]
        return sum(len(part) for part in self.parts)

    def add(self, features: Float[Tensor, "B D"]) -> None:
        self.parts.append(features.float())

    def merge(self, other: Statistics) -> None:
        assert isinstance(other, Rows)
        self.parts += other.parts

    def all(self) -> Float[Tensor, "N D"]:
        self.parts = [torch.cat(self.parts)]
        return self.parts[0]

    def state(self) -> dict[str, Tensor]:
        return {"rows": self.all()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self.parts = [state["rows"]]


class SetMetric(InceptionMetric):
    """A distance between the generated pictures and the pairs' targets, or the reference set if it needs one.

    If several metrics are merged, each reference picture must be added to only one of them.
    """

    higher_is_better = False
    kind: ClassVar[type[Statistics]]

    def __init__(self, reader: PictureReader) -> None:
        super().__init__(reader)
        self.generated, self.reference = self.kind(reader.width), self.kind(reader.width)

    @abstractmethod
    def distance(self) -> float:
        """Between the two sets, of at least two pictures each."""

    def add_reference(self, pictures: UInt8[Tensor, "B H W 3"]) -> None:
        assert self.needs_reference, f"{self.name} compares with the pairs' targets"
        self.reference.add(self.reader(pictures))

    def update(
        self,
        generated: UInt8[Tensor, "B H W 3"],
        target: UInt8[Tensor, "B H W 3"],
        mask: Bool[Tensor, "B 1 H W"] | Float[Tensor, "B 1 H W"] | None = None,
    ) -> None:
        self.generated.add(self.reader(generated))
        if not self.needs_reference:
            self.reference.add(self.reader(target))

    def merge(self: Own, other: Own) -> None:
        assert other.name == self.name, "metrics of one kind merge"
        self.generated.merge(other.generated)
        self.reference.merge(other.reference)

    def compute(self) -> Value:
        """The distance; NaN where there are fewer than two generated pictures. `pairs` are the generated pictures."""
        pairs = self.generated.count
        if self.needs_reference and self.reference.count < 2:
            raise BadInput(
                f"{self.name} compares with a reference set and was given {self.reference.count} pictures of it; "
                f"name the folder of the training pictures."
            )
        return Value(self.distance() if pairs > 1 else float("nan"), pairs)

    def state(self) -> dict[str, Tensor]:
        both = {"generated": self.generated, "reference": self.reference}
        return {f"{side}.{name}": t for side, s in both.items() for name, t in s.state().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        for side, statistics in (("generated.", self.generated), ("reference.", self.reference)):
            statistics.load_state({n.removeprefix(side): t for n, t in state.items() if n.startswith(side)})
