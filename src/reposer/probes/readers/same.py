"""Verification and retrieval by identity vectors: equal error rate and rank 1."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def pairs(vectors: Float[Tensor, "N D"], who: Int64[Tensor, "N"]) -> tuple[Float[Tensor, "S"], Float[Tensor, "F"]]:
    """The cosines of all pairs of vectors of the same person, and of different people."""
    a, b = torch.triu_indices(len(who), len(who), 1)
    cosines, same = (vectors[a] * vectors[b]).sum(1), who[a] == who[b]
    return cosines[same], cosines[~same]


def equal_error(same: Float[Tensor, "S"], different: Float[Tensor, "F"]) -> tuple[float, float]:
    """(threshold, rate): the cosine at or above which two vectors count as the same person, chosen so that as many
    of `same` fall below it as of `different` reach it; the rate is the mean of both shares where they cannot be
    equal.
    """
    marks = torch.cat([same, different]).unique()
    marks = torch.cat([marks, marks[-1:] + 1e-3])
    refused = torch.searchsorted(same.sort().values, marks) / len(same)
    taken = 1 - torch.searchsorted(different.sort().values, marks) / len(different)
    best = int((refused - taken).abs().argmin())
    below = float(marks[best - 1]) if best else float(marks[0]) - 1e-3
    return (below + float(marks[best])) / 2, float(refused[best] + taken[best]) / 2


def rank1(vectors: Float[Tensor, "N D"], who: Int64[Tensor, "N"]) -> float:
    """Each person's first vector is the gallery; the share of the others that are nearest to their own person's."""
    people = who.unique()
    first = torch.stack([torch.nonzero(who == person)[0, 0] for person in people])
    query = torch.ones_like(who, dtype=torch.bool)
    query[first] = False
    nearest = (vectors[query] @ vectors[first].T).argmax(1)
    return float((people[nearest] == who[query]).double().mean())
