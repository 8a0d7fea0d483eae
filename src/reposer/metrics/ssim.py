"""SSIM (Wang et al. 2004, doi:10.1109/TIP.2003.819861), in each of the forms used in this field.

They differ in the window, in the range of levels that the constants assume, and at the picture's border: the protocols
say which form each project uses. Numbers of different forms are not comparable.
"""

import math
from typing import ClassVar

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from reposer.core import BadInput

from .masked import black_outside
from .metric import METRICS, PairMetric
from .windows import GaussianWindow, UniformWindow, Window, mirrored

K1, K2 = 0.01, 0.03


class SSIM(PairMetric):
    """Mean structural similarity over windows and RGB.

    Exactly scikit-image's `structural_similarity` with `channel_axis=-1` and the same window, unless mirrored borders
    count.
    """

    higher_is_better = True
    best = 1.0
    window: ClassVar[Window]
    range_of_generated: ClassVar[bool] = False
    """Whether the constants assume the range (largest - smallest level of the generated picture) instead of 255.

    A picture of one level has no such range and no value, and is excluded."""
    mirror: ClassVar[bool] = False
    """Whether windows over mirrored borders count, so that every pixel has one."""

    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        needed = self.window.radius + 1 if self.mirror else 2 * self.window.radius + 1
        if min(target.shape[:2]) < needed:
            raise BadInput(
                f"A picture of {target.shape[0]}x{target.shape[1]} pixels is too small for {self.name}, which needs "
                f"{needed} on each side; score larger pictures or leave this metric out."
            )
        if self.mask:
            assert mask is not None
            generated, target = black_outside(generated, mask), black_outside(target, mask)
        levels = int(generated.max()) - int(generated.min()) if self.range_of_generated else 255
        if levels == 0:
            return math.nan
        x, y = generated.movedim(-1, 0).double(), target.movedim(-1, 0).double()
        # only the sum of var x and var y is needed: four planes per channel suffice
        planes = torch.cat([x, y, x * x + y * y, x * y])
        if self.mirror:
            planes = mirrored(planes, self.window.radius)
        mean_x, mean_y, squares, xy = self.window.means(planes).chunk(4)
        c1, c2 = (K1 * levels) ** 2, (K2 * levels) ** 2
        mean_xy, mean_squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
        covariance = self.window.covariance_factor * (xy - mean_xy)
        variances = self.window.covariance_factor * (squares - mean_squares)
        luminance = (2 * mean_xy + c1) / (mean_squares + c1)
        structure = (2 * covariance + c2) / (variances + c2)
        return (luminance * structure).mean().item()


@METRICS.register("ssim-gaussian1.5")
class GaussianSSIM(SSIM):
    """The authors' window: Gaussian, sigma 1.5; data range 255. Ours."""

    name = "ssim-gaussian1.5"
    window = GaussianWindow(1.5)


@METRICS.register("ssim-gaussian1.5-range")
class RangeSSIM(GaussianSSIM):
    """PATN's, DiOr's, and GFLA's `SSIM_256`: the constants depend on the generated picture's own range of levels."""

    name = "ssim-gaussian1.5-range"
    range_of_generated = True


@METRICS.register("ssim-gaussian1.2")
class NarrowSSIM(SSIM):
    """Gaussian, sigma 1.2; data range 255: what a reader may expect of the number in PIDM and its successors."""

    name = "ssim-gaussian1.2"
    window = GaussianWindow(1.2)


@METRICS.register("ssim-gaussian1.2-range")
class NarrowRangeSSIM(NarrowSSIM):
    """PIDM's and PCDMs' `SSIM_256`: sigma 1.2, and constants from the generated picture's own range of levels."""

    name = "ssim-gaussian1.2-range"
    range_of_generated = True


@METRICS.register("ssim-uniform51")
class WideSSIM(SSIM):
    """GFLA's, DPTN's and CFLD's first: a square of 51 pixels, sample covariance, the whole range of levels."""

    name = "ssim-uniform51"
    window = UniformWindow(51)


@METRICS.register("ssim-uniform7")
class UniformSSIM(SSIM):
    """PG2's: scikit-image's defaults, a square of 7 pixels with sample covariance; data range 255."""

    name = "ssim-uniform7"
    window = UniformWindow(7)


@METRICS.register("ssim-torchmetrics")
class MirroredSSIM(GaussianSSIM):
    """Leffa's: torchmetrics' default for pictures in [0, 1] and `data_range=1`. Gaussian of 11 pixels, sigma 1.5.

    Windows over mirrored borders count (torchmetrics 1.9 pads by reflection and crops nothing off the mean).
    """

    name = "ssim-torchmetrics"
    mirror = True


@METRICS.register("ssim-uniform7-masked-source")
class SourceMaskedSSIM(UniformSSIM):
    """PG2's masked SSIM as its code computes it: `ssim-uniform7` of both pictures, black outside the source's pose.

    The black is the same in both pictures and counts, so values are high.
    """

    name = "ssim-uniform7-masked-source"
    mask = "pose-source"


@METRICS.register("ssim-uniform7-masked-target")
class TargetMaskedSSIM(UniformSSIM):
    """PG2's masked SSIM as its paper defines it: `ssim-uniform7-masked-source` with the target's pose."""

    name = "ssim-uniform7-masked-target"
    mask = "pose-target"


@METRICS.register("ssim-gaussian1.5-range-masked-polygons")
class RangeMaskedSSIM(RangeSSIM):
    """PATN's masked SSIM (Market-1501): `ssim-gaussian1.5-range` of both pictures, black outside the target's polygons.

    Its mask is not PG2's: rectangles instead of rows of discs, and a disc on every visible joint.
    """

    name = "ssim-gaussian1.5-range-masked-polygons"
    mask = "polygons-target"
