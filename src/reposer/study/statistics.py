"""Rates with intervals, and significance tests for differences."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from reposer.evaluation.intervals import bootstrap

OF_PARTICIPANTS = 0x9E09


def wilson_interval(hits: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a rate of independent answers (Wilson 1927): all p with |hits/total - p| <= z sqrt(p (1 - p) /
    total).

    (NaN, NaN) if nothing was counted.
    """
    if total == 0:
        return (math.nan, math.nan)
    z, p = NormalDist().inv_cdf((1 + confidence) / 2), hits / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    low = 0.0 if hits == 0 else centre - half
    high = 1.0 if hits == total else centre + half
    return (low, high)


def people_interval(
    hits: Sequence[int], totals: Sequence[int], *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of sum(hits) / sum(totals), resampling whole participants.

    hits, totals: of each participant. Resampling keeps the answers of one participant together, so this is about other
        participants asked the same way; it is wider than Wilson's if participants differ. (NaN, NaN) for fewer than two
        participants.
    """
    counts = np.array(sorted((h, n) for h, n in zip(hits, totals, strict=True) if n), dtype=np.int64)
    if len(counts) < 2:
        return (math.nan, math.nan)

    def rates(taken: Int64[np.ndarray, "R N"]) -> Float64[Tensor, "R 1"]:
        sums = counts[taken].sum(1)
        return torch.from_numpy(sums[:, :1] / sums[:, 1:])

    low, high = bootstrap(
        len(counts), rates, confidence=confidence, resamples=resamples, seed=seed, address=OF_PARTICIPANTS
    )
    return low.item(), high.item()


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p-value of a split at least this uneven, if both sides were equally likely (ties excluded)."""
    total, fewer = wins + losses, min(wins, losses)
    tail = sum(math.comb(total, k) for k in range(fewer + 1))
    p: float = min(1.0, 2 * tail / 2**total)
    return p


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979), in the same order: all those below 0.05 hold together at 5 %."""
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[k]))
        corrected[k] = highest
    return corrected
