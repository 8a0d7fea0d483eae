"""Identity of faces: the scores of chance and of two real pictures, and the nearest of all identities."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

ROWS_AT_ONCE = 512
STEPS = 1e6
"""Cosines are rounded to a millionth, so that cosines that differ by less, as by the rounding of some batch, are
ties."""


def chance(vectors: Float[Tensor, "N D"], identities: Sequence[str], threshold: float | None) -> tuple[float, float]:
    """Over all pairs of faces of different identities: the mean cosine, and the share that reaches the threshold.

    This is the expectation over random pairs, without sampling any. An identity is one person in one set of clothes,
    and DeepFashion does not say which other identities are the same model: there the floor is slightly too high. NaN if
    there is no such pair, or no threshold.
    """
    total = reached = 0.0
    pairs = 0
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        cosines = vectors[part].double() @ vectors.double().T
        others = ~_same(identities[part], identities)
        total += cosines[others].sum().item()
        pairs += int(others.sum())
        reached += float((cosines[others] >= (torch.inf if threshold is None else threshold)).sum())
    if not pairs:
        return torch.nan, torch.nan
    return total / pairs, torch.nan if threshold is None else reached / pairs


def first_faces(names: Sequence[str], identities: Sequence[str]) -> list[int]:
    """The index of each identity's first face by name: a gallery with one of each, in the order of names."""
    first: dict[str, int] = {}
    for place in sorted(range(len(names)), key=names.__getitem__):
        first.setdefault(identities[place], place)
    return list(first.values())


def nearest_is_right(
    queries: Float[Tensor, "N D"],
    identities: Sequence[str],
    gallery: Float[Tensor, "G D"],
    gallery_identities: Sequence[str],
) -> Float64[Tensor, "N"]:
    """1 where the gallery's nearest face is the query's, else 0; the first of equally near ones counts."""
    steps = ((queries.double() @ gallery.double().T) * STEPS).round()
    return _same(identities, gallery_identities).gather(1, steps.argmax(1, keepdim=True))[:, 0].double()


def preservation(score: float, floor: float, ceiling: float) -> float:
    """Position of the score between chance (0) and two real pictures (1); NaN unless that exceeds chance."""
    return (score - floor) / (ceiling - floor) if ceiling > floor else torch.nan


def _same(identities: Sequence[str], others: Sequence[str]) -> Bool[Tensor, "N G"]:
    code = {text: n for n, text in enumerate({*identities, *others})}
    one, two = (torch.tensor([code[text] for text in texts]) for texts in (identities, others))
    return one[:, None] == two
