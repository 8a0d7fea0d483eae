"""PSNR: the ratio of the largest possible squared error to the mean squared error, in decibels."""

import math

from jaxtyping import Bool, UInt8
from torch import Tensor

from .metric import METRICS, PairMetric


@METRICS.register("psnr")
class PSNR(PairMetric):
    """10 log10(255^2 / MSE) of each pair, over all pixels and channels; the mean is over pairs.

    Identical pictures have no error and an infinite PSNR. A cap would be an invented number, so such a pair keeps
    `inf`, and the mean is over the other pairs and says how many were excluded.
    """

    name = "psnr"
    higher_is_better = True
    best = math.inf
    unit = "dB"

    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        squares = (generated.int() - target.int()).square().sum().item()  # integers: exact
        return 10 * math.log10(255.0**2 * target.numel() / squares) if squares else math.inf
