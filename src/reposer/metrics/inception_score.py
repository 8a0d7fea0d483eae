"""Inception Score: how confident a classifier is in each picture, and how many classes it sees (Salimans et al.
2016, arXiv:1606.03498).
"""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Float64, UInt8
from torch import Tensor

from reposer.nn.picture_reader import PictureReader, digest

from .masked import black_outside
from .metric import METRICS, Own, Value
from .picture_sets import InceptionMetric

SPLITS = 10


def inception_scores(probabilities: Float64[Tensor, "N C"], splits: int) -> list[float]:
    """exp of the mean divergence of p(class | picture) from its mean, for each of `splits` runs of rows."""
    n = len(probabilities)
    scores = []
    for i in range(splits):
        p = probabilities[i * n // splits : (i + 1) * n // splits]
        divergence = torch.special.xlogy(p, p / p.mean(0)).sum(1)
        scores.append(math.exp(divergence.mean().item()))
    return scores


@METRICS.register("is")
class InceptionScore(InceptionMetric):
    """Mean over 10 splits of the generated pictures; 1008 classes of the 2015 Inception, without their biases.

    The published scripts split the files in the order in which the file system lists them, which is arbitrary. Here the
    order is that of the pictures' SHA-256: a shuffle that depends only on the pictures. Stores 4 KB per picture.
    Fewer pictures than splits have no score (NaN). Pictures that the mask blanks entirely are excluded and counted.
    The score says nothing about people: report it, do not optimise it.
    """

    name = "is"
    higher_is_better = True
    best = math.nan  # the score does not use targets
    classes = 1008

    def __init__(self, reader: PictureReader) -> None:
        super().__init__(reader)
        self.keys: list[bytes] = []
        self.logits: list[Float[Tensor, "C"]] = []
        self.left_out = 0

    def update(
        self,
        generated: UInt8[Tensor, "B H W 3"],
        target: UInt8[Tensor, "B H W 3"],
        mask: Bool[Tensor, "B 1 H W"] | Float[Tensor, "B 1 H W"] | None = None,
    ) -> None:
        if self.mask:
            assert mask is not None, f"{self.name} is taken inside a mask"
            inside = mask[:, 0].bool()
            there = inside.flatten(1).any(1)
            self.left_out += int((~there).sum())
            generated = black_outside(generated[there], inside[there])
        if not len(generated):
            return
        self.keys += [digest(picture) for picture in generated]
        self.logits += self.reader.logits(self.reader(generated))[:, : self.classes].unbind()

    def merge(self: Own, other: Own) -> None:
        assert other.name == self.name, "metrics of one kind merge"
        self.keys += other.keys
        self.logits += other.logits
        self.left_out += other.left_out

    def compute(self) -> Value:
        count = len(self.keys)
        if count < SPLITS:
            return Value(math.nan, count, self.left_out)
        order = sorted(range(count), key=self.keys.__getitem__)
        probabilities = torch.stack([self.logits[i] for i in order]).double().softmax(1)
        return Value(math.fsum(inception_scores(probabilities, SPLITS)) / SPLITS, count, self.left_out)

    def state(self) -> dict[str, Tensor]:
        left_out = torch.tensor(self.left_out)
        return {"keys": _to_tensor(self.keys), "logits": _stacked(self.logits), "left_out": left_out}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self.keys = [bytes(row.tolist()) for row in state["keys"]]
        self.logits = list(state["logits"].unbind())
        self.left_out = int(state["left_out"])


def _to_tensor(keys: Sequence[bytes]) -> UInt8[Tensor, "N 32"]:
    return torch.tensor([list(key) for key in keys], dtype=torch.uint8).view(-1, 32)


def _stacked(rows: Sequence[Float[Tensor, "C"]]) -> Float[Tensor, "N C"]:
    return torch.stack(list(rows)) if rows else torch.zeros(0, 0)


@METRICS.register("is-1000")
class InceptionScore1000(InceptionScore):
    """`is` over the first 1000 of the 1008 classes, as in the script of DRN's author."""

    name = "is-1000"
    classes = 1000


@METRICS.register("is-masked-source")
class SourceMaskedInceptionScore(InceptionScore):
    """PG2's masked score as its code computes it: pictures black outside the source's pose."""

    name = "is-masked-source"
    mask = "pose-source"


@METRICS.register("is-masked-target")
class TargetMaskedInceptionScore(InceptionScore):
    """PG2's masked score as its paper defines it: pictures black outside the target's pose."""

    name = "is-masked-target"
    mask = "pose-target"


@METRICS.register("is-masked-polygons")
class PolygonMaskedInceptionScore(InceptionScore):
    """PATN's masked score: pictures black outside the target's polygons (see
    `ssim-gaussian1.5-range-masked-polygons`)."""

    name = "is-masked-polygons"
    mask = "polygons-target"
