"""In-shop retrieval: does a picture find the other pictures of the same item (Liu et al. 2016, DeepFashion)?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from ..part import PictureSet

DEPTHS = (1, 3, 5, 10, 20, 30, 50)
GALLERIES = ("source", "source-without-own", "all-real")
Relevance = Literal["item", "item+variant"]
RELEVANCES: tuple[Relevance, ...] = ("item", "item+variant")
QUERIES_AT_ONCE = 512
STEPS = 1e6
"""Cosines are rounded to a millionth, so that cosines that differ by less, as by the rounding of some batch, are
ties."""


@dataclass(frozen=True)
class Pictures:
    """N pictures: their names, the item and variant that each shows, and unit vectors."""

    names: tuple[str, ...]
    items: tuple[str, ...]
    variants: tuple[str, ...]
    vectors: Float[Tensor, "N D"]

    def labels(self, relevance: Relevance) -> list[tuple[str, ...]]:
        """A label per picture; two pictures are relevant to each other if theirs are equal."""
        return list(zip(self.items) if relevance == "item" else zip(self.items, self.variants, strict=True))


def retrieve(
    queries: Pictures, gallery: Pictures, left_out: Sequence[set[str]]
) -> dict[Relevance, tuple[Float64[Tensor, "N K"], Float64[Tensor, "N K"]]]:
    """recall@k (the share of the relevant pictures among the first k) and hit@k (whether any is), per query.

    The K depths are `depths(gallery)`. left_out: for each query the pictures of the gallery that it is not shown. Ties
    are broken by name. NaN for a query without a relevant picture.
    """
    order = sorted(range(len(gallery.names)), key=gallery.names.__getitem__)
    place = {gallery.names[i]: g for g, i in enumerate(order)}
    vectors = gallery.vectors[order].double()
    codes = {relevance: _codes(queries, gallery, order, relevance) for relevance in RELEVANCES}
    parts: dict[Relevance, list[tuple[Tensor, Tensor]]] = {relevance: [] for relevance in RELEVANCES}
    for start in range(0, len(queries.names), QUERIES_AT_ONCE):
        part = slice(start, start + QUERIES_AT_ONCE)
        cosines = queries.vectors[part].double() @ vectors.T
        hidden = torch.zeros(cosines.shape, dtype=torch.bool)
        for row, names in enumerate(left_out[part]):
            hidden[row, [place[name] for name in names if name in place]] = True
        first = _first(cosines, hidden)
        for relevance, (wanted, there) in codes.items():
            relevant = (wanted[part, None] == there) & ~hidden
            found = relevant.gather(1, first).cumsum(1)[:, [k - 1 for k in depths(gallery)]]
            known = relevant.sum(1, keepdim=True).double()
            hit = (found > 0).double().where(known > 0, torch.nan)
            parts[relevance].append((found / known, hit))  # 0 / 0 = NaN
    return {
        relevance: (torch.cat([recall for recall, _ in own]), torch.cat([hit for _, hit in own]))
        for relevance, own in parts.items()
    }


def depths(gallery: Pictures) -> tuple[int, ...]:
    """The values of k, all below the size of the gallery: from there on everything is found, which is no
    information.
    """
    return tuple(k for k in DEPTHS if k < len(gallery.names))


def _codes(
    queries: Pictures, gallery: Pictures, order: Sequence[int], relevance: Relevance
) -> tuple[Int64[Tensor, "N"], Int64[Tensor, "P"]]:
    """Numbers that are equal for pictures relevant to each other; the gallery's in the given order."""
    asked, shown = queries.labels(relevance), gallery.labels(relevance)
    code = {label: n for n, label in enumerate({*asked, *shown})}
    return torch.tensor([code[label] for label in asked]), torch.tensor([code[shown[i]] for i in order])


def _first(cosines: Float64[Tensor, "Q P"], hidden: Bool[Tensor, "Q P"]) -> Int64[Tensor, "Q k"]:
    """Gallery indices, nearest first; ties are in gallery order, hidden pictures come last."""
    count = cosines.shape[1]
    keys = (cosines * STEPS).round_().mul_(count).add_(torch.arange(count - 1, -1, -1))  # exact: below 2^53
    return keys.masked_fill_(hidden, -torch.inf).topk(min(max(DEPTHS), count), dim=1).indices


def never_shown(which: PictureSet, gallery: str, source: str, target: str) -> set[str]:
    """The pictures hidden from a pair's query: a real picture itself and, in `source-without-own`, the pair's
    source."""
    own = {"generated": set(), "target": {target}, "source": {source}}[which]
    return own | ({source} if gallery == "source-without-own" else set())
