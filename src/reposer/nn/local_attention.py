"""Local attention at flowed places (Ren et al. 2020), without patches and without a compiled extension.

Every place of the target looks at a k x k window of the source around the place its flow points to. The plain form
copies each window: k^2 copies of the source features, and as many of the target's. Two facts avoid this.

* The scores are a linear map of the windows, and sampling is linear too: the source is convolved once with
  the kernel's source half, and the *result* is sampled at p + flow.
* All taps of a window share one fractional offset, so k^2 bilinear samples touch only (k + 1)^2 whole pixels:
  the coefficients are spread over those, and one gather-and-sum reads the source.
"""

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .call import call
from .layout import at_least_float32
from .warp import Places, flowed_places, gather_taps, warp


class LocalAttention(nn.Module):
    """Softmax-weighted sums of k x k source windows around the flowed places.

    channels: of source and target alike. kernel_size: k; an even window reaches further left and up.
    hidden: channels between the two layers of the score.
    normalize: "sum" = the coefficients sum to 1; "mean" = to 1 / k^2, as published (a softmax, then an average).
    """

    def __init__(
        self, channels: int, kernel_size: int, *, hidden: int = 128, normalize: Literal["sum", "mean"] = "sum"
    ) -> None:
        super().__init__()
        self.kernel_size, self.normalize = kernel_size, normalize
        # Stored like the released layers, which read [target, source] patches tiled k x k with stride k.
        self.score = nn.Conv2d(2 * channels, hidden, kernel_size, stride=kernel_size)
        self.mix = nn.Conv2d(hidden, kernel_size**2, 1)

    def forward(
        self, source: Float[Tensor, "B C H W"], target: Float[Tensor, "B C h w"], flow: Float[Tensor, "B 2 h w"]
    ) -> Float[Tensor, "B C h w"]:
        """`flow` in pixels of the source map; beyond the border the edge pixels repeat."""
        coefficients = self.coefficients(source, target, flow)
        if self.normalize == "mean":
            coefficients = coefficients / self.kernel_size**2
        return gather_windows(source, flow, coefficients)

    def coefficients(
        self, source: Float[Tensor, "B C H W"], target: Float[Tensor, "B C h w"], flow: Float[Tensor, "B 2 h w"]
    ) -> Float[Tensor, "B h w k k"]:
        """The softmax over each place's window, row by row, in float32 at least."""
        k, channels = self.kernel_size, source.shape[1]
        before, after = k // 2, k - 1 - k // 2  # taps run from -before to +after
        target_kernel, source_kernel = self.score.weight.split(channels, dim=1)
        around = F.pad(target, (before, after, before, after), mode="replicate")
        of_target = F.conv2d(around, target_kernel, self.score.bias)
        # A window wholly outside is constant: k - 1 pixels of margin contain every score that a flow can ask for, and
        # repeating the border of the *convolved* map beyond them is exact. The margin shifts its pixels by `after`.
        of_source = F.conv2d(F.pad(source, (k - 1,) * 4, mode="replicate"), source_kernel)
        hidden = of_target + warp(of_source, at_least_float32(flow) + after)
        scores = call(self.mix, F.leaky_relu(hidden, 0.1)).permute(0, 2, 3, 1)
        share: Tensor = at_least_float32(scores).softmax(-1).unflatten(-1, (k, k))
        return share


def gather_windows(
    source: Float[Tensor, "B C H W"], flow: Float[Tensor, "B 2 h w"], coefficients: Float[Tensor, "B h w k k"]
) -> Float[Tensor, "B C h w"]:
    """At each place p, the sum over the window's taps o of coefficients(p, o) * source(p + flow(p) + o)."""
    k = coefficients.shape[-1]
    places = flowed_places(flow, (source.shape[-2], source.shape[-1]), reach=k)
    return gather_taps(source, places, -(k // 2), spread(coefficients, places))


def spread(coefficients: Float[Tensor, "B h w k k"], places: Places) -> Float[Tensor, "B h w k+1 k+1"]:
    """The weights of whole pixels: 1 - a of a tap falls on its own column and a on the next; b likewise for rows."""
    a, b = places.a[..., None, None], places.b[..., None, None]
    columns = F.pad(coefficients * (1 - a), (0, 1)) + F.pad(coefficients * a, (1, 0))
    return F.pad(columns * (1 - b), (0, 0, 0, 1)) + F.pad(columns * b, (0, 0, 1, 0))
