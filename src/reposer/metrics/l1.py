"""Mean absolute differences: of the whole picture, of the target's limbs, and relative to the levels."""

import math

from jaxtyping import Bool, UInt8
from torch import Tensor

from .metric import METRICS, PairMetric

UNIT = "of the range 0..255"


@METRICS.register("l1")
class L1(PairMetric):
    """Mean absolute difference of 8-bit levels divided by 255: 0 is identical, 1 is black against white."""

    name = "l1"
    higher_is_better = False
    best = 0.0
    unit = UNIT

    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        return (generated.int() - target.int()).abs().sum().item() / (255.0 * target.numel())


@METRICS.register("l1-limbs")
class L1Limbs(PairMetric):
    """`l1` over the pixels of the target pose's limbs alone. NaN, and excluded, if there are none.

    The background does not move with the person: a copy of the source is nearly perfect there.
    """

    name = "l1-limbs"
    higher_is_better = False
    best = 0.0
    unit = UNIT
    mask = "limbs"

    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        assert mask is not None
        pixels = int(mask.sum())
        difference = (generated.int() - target.int()).abs() * mask[..., None]
        return difference.sum().item() / (255.0 * 3 * pixels) if pixels else math.nan


@METRICS.register("mae-gfla")
class RelativeError(PairMetric):
    """GFLA's `MAE`: the sum of absolute differences over the sum of all levels of both pictures.

    Dark pictures err more than bright ones. Two black pictures have no value and are excluded.
    """

    name = "mae-gfla"
    higher_is_better = False
    best = 0.0

    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        levels = int(generated.sum()) + int(target.sum())
        return (generated.int() - target.int()).abs().sum().item() / levels if levels else math.nan
