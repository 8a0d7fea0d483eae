"""FID: the Fréchet distance between Gaussians fitted to two sets' features (Heusel et al. 2017, arXiv:1706.08500)."""

import torch
from jaxtyping import Float64
from torch import Tensor

from .metric import METRICS
from .picture_sets import Moments, SetMetric


def frechet_distance(
    mean_1: Float64[Tensor, "D"],
    covariance_1: Float64[Tensor, "D D"],
    mean_2: Float64[Tensor, "D"],
    covariance_2: Float64[Tensor, "D D"],
) -> float:
    """|m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2).

    With C = R R^T, the eigenvalues of C1 C2 are the squares of the singular values of R1^T R2: no root of rounding
    noise is ever taken, and sets with fewer pictures than features need no regularised diagonal.
    """
    shift = (mean_1 - mean_2).square().sum()
    overlap = torch.linalg.svdvals(_root(covariance_1).T @ _root(covariance_2)).sum()
    return float(shift + covariance_1.trace() + covariance_2.trace() - 2 * overlap)


def _root(covariance: Float64[Tensor, "D D"]) -> Float64[Tensor, "D R"]:
    """R with R R^T = covariance, one column for each eigenvalue that is not rounding noise."""
    values, vectors = torch.linalg.eigh(covariance)
    noise = values[-1].clamp(min=0) * len(values) * torch.finfo(values.dtype).eps
    real = values > noise
    root: Tensor = vectors[:, real] * values[real].sqrt()
    return root


class FrechetDistance(SetMetric):
    """Memory and state do not grow with the number of pictures. Their order affects only the last digits."""

    kind = Moments
    best = 0.0

    def distance(self) -> float:
        assert isinstance(self.generated, Moments) and isinstance(self.reference, Moments)
        return frechet_distance(
            self.generated.mean(), self.generated.covariance(), self.reference.mean(), self.reference.covariance()
        )


@METRICS.register("fid")
class FID(FrechetDistance):
    """The standard FID against the pairs' targets: 2015 Inception after its own graph's resize.

    Also that of torch-fidelity and torchmetrics. Targets count once for each pair.
    """

    name = "fid"


@METRICS.register("fid-train")
class FIDTrain(FrechetDistance):
    """`fid` against the reference set: in this field, the training pictures."""

    name = "fid-train"
    needs_reference = True


@METRICS.register("fid-pytorch")
class FIDPytorch(FrechetDistance):
    """`fid` as the package pytorch-fid computes it: the same network after torch's bilinear resize."""

    name = "fid-pytorch"
    form = "pytorch-fid"


@METRICS.register("fid-peers")
class FIDPeers(FrechetDistance):
    """What GFLA's script and its eight descendants print as FID: another network on pictures of low contrast.

    torchvision's ImageNet Inception instead of the 2015 one, input scaled to about [-0.03, 0.43], bilinear to 299x299
    without antialias, the training set as reference. They also drop the last incomplete batch (64; PCDMs 128; CFLD and
    MCLD none): that depends on the order of files and is the protocol's `tail`.
    """

    name = "fid-peers"
    form = "gfla"
    needs_reference = True
