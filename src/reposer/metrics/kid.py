"""KID: the maximum mean discrepancy of features under a cubic kernel (Bińkowski et al. 2018, arXiv:1801.01401)."""

import math

from jaxtyping import Float
from torch import Tensor

from .metric import METRICS
from .picture_sets import Rows, SetMetric

BLOCK = 1024  # rows of the kernel matrix at a time: 8 MB each for 1024 others


def polynomial_mmd(x: Float[Tensor, "N D"], y: Float[Tensor, "M D"]) -> float:
    """The unbiased squared discrepancy under k(a, b) = (a . b / D + 1)^3, from all rows.

    The published estimate is a mean over random subsets of (usually) 1000; the mean over *all* subsets is this number,
    and it needs no seed.
    """
    n, m = len(x), len(y)
    within_x = (_kernel_sum(x, x) - _kernel_diagonal(x)) / (n * (n - 1))
    within_y = (_kernel_sum(y, y) - _kernel_diagonal(y)) / (m * (m - 1))
    return within_x + within_y - 2 * _kernel_sum(x, y) / (n * m)


def _kernel_sum(x: Float[Tensor, "N D"], y: Float[Tensor, "M D"]) -> float:
    blocks = ((a.double() @ b.double().T / x.shape[1] + 1) ** 3 for a in x.split(BLOCK) for b in y.split(BLOCK))
    return math.fsum(block.sum().item() for block in blocks)


def _kernel_diagonal(x: Float[Tensor, "N D"]) -> float:
    return float(((x.double().square().sum(1) / x.shape[1] + 1) ** 3).sum())


class KernelDistance(SetMetric):
    """Stores all features (8 KB per picture). Unbiased: for two samples of one distribution it scatters around 0,
    negative values included.
    """

    kind = Rows
    best = math.nan  # the value of identical sets depends on their pictures, and is slightly below 0

    def distance(self) -> float:
        assert isinstance(self.generated, Rows) and isinstance(self.reference, Rows)
        return polynomial_mmd(self.generated.all(), self.reference.all())


@METRICS.register("kid")
class KID(KernelDistance):
    """KID against the pairs' targets, through the same network as `fid`; not multiplied by 1000."""

    name = "kid"


@METRICS.register("kid-train")
class KIDTrain(KernelDistance):
    """`kid` against the reference set: in this field, the training pictures."""

    name = "kid-train"
    needs_reference = True
