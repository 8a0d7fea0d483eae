"""Attribute recall: are the true attributes among a reader's most confident ones? Two published definitions.

Per picture: Intrinsic Flow (Li et al. 2019). Per class: mmfashion (Liu et al. 2020). They do not compare.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

PICTURE_DEPTHS = (3, 5, 10, 20)
CLASS_DEPTHS = (3, 5, 10)
BEST_CLASSES = 50
STEPS = 1e6
"""Scores are rounded to a millionth, so that scores that differ by less, as by the rounding of some batch, are ties."""


def true_answers(attributes: Sequence[Mapping[str, str]], questions: Sequence[str]) -> Bool[Tensor, "N A"]:
    """Which of a reader's questions are true of each pair: "sleeves: long" is if the pair's `sleeves` are `long`.

    Attributes that a pair does not mention are not true of it (DeepFashion's -1, and 0).
    """
    truths = [{f"{question}: {answer}" for question, answer in own.items()} for own in attributes]
    told = [[q in own for q in questions] for own in truths]
    return torch.tensor(told, dtype=torch.bool).view(len(truths), len(questions))


def surest(scores: Float[Tensor, "N A"], questions: Sequence[str], depth: int) -> Bool[Tensor, "N A"]:
    """The `depth` questions of each picture with the highest scores; ties are broken by name."""
    count = len(questions)
    by_name = torch.tensor(sorted(range(count), key=questions.__getitem__), dtype=torch.int64).argsort()
    keys = _steps(scores) * count + (count - 1 - by_name)
    return torch.zeros_like(keys, dtype=torch.bool).scatter(1, keys.topk(min(depth, count)).indices, True)


def picture_recall(
    scores: Float[Tensor, "N A"], truth: Bool[Tensor, "N A"], questions: Sequence[str], depth: int
) -> Float64[Tensor, "N"]:
    """The share of a picture's true attributes among its `depth` most confident; NaN if none is true.

    Attributes that are true of no picture are ignored, as in the released code.
    """
    used = truth.any(0)
    kept = [q for q, is_used in zip(questions, used.tolist(), strict=True) if is_used]
    if not kept:
        return torch.full((len(truth),), torch.nan, dtype=torch.float64)
    hits = surest(scores[:, used], kept, depth) & truth[:, used]
    return hits.sum(1).double() / truth.sum(1)  # 0 / 0 = NaN


def class_recall(
    scores: Float[Tensor, "N A"], truth: Bool[Tensor, "N A"], questions: Sequence[str], depth: int
) -> float:
    """Per attribute, the share of its pictures that have it among their `depth` most confident; the mean of the 50
    best classes.
    """
    hits = (surest(scores, questions, depth) & truth).sum(0).double()
    recalls = (hits / truth.sum(0))[truth.any(0)].sort(descending=True).values
    return recalls[:BEST_CLASSES].mean().item()


def mean_average_precision(scores: Float[Tensor, "N A"], truth: Bool[Tensor, "N A"]) -> float:
    """Per attribute, the mean precision down to each of its pictures; the mean over attributes that occur.

    Ties are broken by row: the rows are sorted by name.
    """
    used = truth.any(0)
    order = (-_steps(scores[:, used])).argsort(dim=0, stable=True)
    right = truth[:, used].gather(0, order).double()
    precision = right.cumsum(0) / torch.arange(1, len(right) + 1)[:, None]
    return ((precision * right).sum(0) / right.sum(0)).mean().item()


def _steps(scores: Float[Tensor, "N A"]) -> Int64[Tensor, "N A"]:
    return (scores.double() * STEPS).round().long()
