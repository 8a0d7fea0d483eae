"""SSIM's windows: weighted means over all windows that lie entirely in the picture."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor


@dataclass(frozen=True)
class GaussianWindow:
    """Weights that fall off with `sigma` (pixels), cut off at 3.5 sigma as scikit-image does."""

    sigma: float
    covariance_factor = 1.0  # turns a mean of products into a covariance: the weights sum to 1

    @property
    def radius(self) -> int:
        return int(3.5 * self.sigma + 0.5)

    def means(self, planes: Float64[Tensor, "N H W"]) -> Float64[Tensor, "N h w"]:
        """Weighted means: both sides shrink by twice the radius."""
        offsets = range(-self.radius, self.radius + 1)
        weights = [math.exp(-0.5 * (k / self.sigma) ** 2) for k in offsets]
        total = math.fsum(weights)
        for axis in (-2, -1):
            length = planes.shape[axis] - 2 * self.radius
            # shifted sums: four times as fast as torch's convolution in float64
            means = planes.narrow(axis, 0, length) * (weights[0] / total)
            for k, weight in enumerate(weights[1:], 1):
                means.add_(planes.narrow(axis, k, length), alpha=weight / total)
            planes = means
        return planes


@dataclass(frozen=True)
class UniformWindow:
    """Equal weights over a square of `width` pixels (odd), with the unbiased covariance of its samples."""

    width: int

    @property
    def radius(self) -> int:
        return self.width // 2

    @property
    def covariance_factor(self) -> float:
        samples = self.width**2
        return samples / (samples - 1)

    def means(self, planes: Float64[Tensor, "N H W"]) -> Float64[Tensor, "N h w"]:
        """Means: both sides shrink by twice the radius. From running sums, which are exact for integers below 2^53."""
        for axis in (-2, -1):
            sums = planes.cumsum(axis)
            length = planes.shape[axis] - self.width + 1
            planes = sums.narrow(axis, self.width - 1, length).clone()
            planes.narrow(axis, 1, length - 1).sub_(sums.narrow(axis, 0, length - 1))
        return planes / self.width**2


Window = GaussianWindow | UniformWindow


def mirrored(planes: Float64[Tensor, "N H W"], radius: int) -> Float64[Tensor, "N h w"]:
    """The planes with `radius` more pixels on each side, mirrored at the outermost pixel, which is not repeated."""
    return torch.nn.functional.pad(planes, (radius,) * 4, mode="reflect")
