"""Whether vectors say who is the same: the equal error rate and the first rank."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def pairs(vectors: Float[Tensor, "N D"], who: Int64[Tensor, "N"]) -> tuple[Float[Tensor, "S"], Float[Tensor, "F"]]:
    """The cosines of all pairs of vectors of the same person, and of different ones."""
    a, b = torch.triu_indices(len(who), len(who), 1)
    cosines, same = (vectors[a] * vectors[b]).sum(1), who[a] == who[b]
    return cosines[same], cosines[~same]


def equal_error(same: Float[Tensor, "S"], different: Float[Tensor, "F"]) -> tuple[float, float]:
    """(threshold, rate): the cosine from which two are taken for the same, chosen so that as many of `same` lie below
    as
    of `different` from there on, and how many that is (the mean of both shares, where they cannot be equal).
    """
    marks = torch.cat([same, different]).unique()
    marks = torch.cat([marks, marks[-1:] + 1e-3])
    refused = torch.searchsorted(same.sort().values, marks) / len(same)
    taken = 1 - torch.searchsorted(different.sort().values, marks) / len(different)
    best = int((refused - taken).abs().argmin())
    below = float(marks[best - 1]) if best else float(marks[0]) - 1e-3
    return (below + float(marks[best])) / 2, float(refused[best] + taken[best]) / 2


def rank1(vectors: Float[Tensor, "N D"], who: Int64[Tensor, "N"]) -> float:
    """Each person's first vector is the gallery; of the others, how many lie nearest to their own person's."""
    people = who.unique()
    first = torch.stack([torch.nonzero(who == person)[0, 0] for person in people])
    query = torch.ones_like(who, dtype=torch.bool)
    query[first] = False
    nearest = (vectors[query] @ vectors[first].T).argmax(1)
    return float((people[nearest] == who[query]).double().mean())
