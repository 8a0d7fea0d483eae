"""SSIM with the Gaussian window of its authors (Wang et al. 2004, doi:10.1109/TIP.2003.819861)."""

import math

import torch
from jaxtyping import Bool, Float64, UInt8
from torch import Tensor

from reposer.core import BadInput

from .metric import METRICS, PairMetric

SIGMA = 1.5
RADIUS = 5  # 3.5 sigma, rounded: 11 taps
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@METRICS.register("ssim-gaussian1.5")
class SSIM(PairMetric):
    """Mean structural similarity: Gaussian window of sigma 1.5, data range 255, mean over pixels and RGB.

    Only windows that lie wholly in the picture count. Equal to scikit-image's `structural_similarity` with
    `data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=-1`; not to
    torchmetrics, which also counts windows over mirrored borders.
    """

    name = "ssim-gaussian1.5"
    higher_is_better = True
    best = 1.0

    def score(
        self,
        generated: UInt8[Tensor, "H W 3"],
        target: UInt8[Tensor, "H W 3"],
        mask: Bool[Tensor, "H W"] | None,
    ) -> float:
        if min(target.shape[:2]) < 2 * RADIUS + 1:
            raise BadInput(
                f"A picture of {target.shape[0]}x{target.shape[1]} pixels is too small for {self.name}; "
                f"its window is {2 * RADIUS + 1} pixels wide; score larger pictures or leave this metric out."
            )
        x, y = generated.movedim(-1, 0).double(), target.movedim(-1, 0).double()
        mean_x, mean_y, xx, yy, xy = _blur(torch.stack([x, y, x * x, y * y, x * y]))
        var_x, var_y, cov = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
        luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
        structure = (2 * cov + C2) / (var_x + var_y + C2)
        return (luminance * structure).mean().item()


def _blur(planes: Float64[Tensor, "N C H W"]) -> Float64[Tensor, "N C h w"]:
    """Gaussian-weighted means over the windows that fit: both sides shrink by twice the radius."""
    weights = [math.exp(-0.5 * (k / SIGMA) ** 2) for k in range(-RADIUS, RADIUS + 1)]
    total = math.fsum(weights)
    for axis in (-2, -1):
        length = planes.shape[axis] - 2 * RADIUS
        blurred = torch.zeros_like(planes.narrow(axis, 0, length))
        for k, weight in enumerate(weights):
            blurred.add_(planes.narrow(axis, k, length), alpha=weight / total)
        planes = blurred
    return planes
