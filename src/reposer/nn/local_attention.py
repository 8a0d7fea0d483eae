"""Local attention at flowed places (Ren et al. 2020, section 3.3), without patches and without a compiled extension.

Every place of the target looks at a k x k window of the source around the place its flow points to. The plain form
copies each window: k^2 copies of the source features and as many of the target's. Two facts make that unnecessary.

* The scores are a linear map of the windows, and sampling is linear too: the source is convolved once with the
  kernel's source half, and the *result* is sampled at p + flow.
* All taps of a window share one fractional offset, so k^2 bilinear samples touch only (k + 1)^2 whole pixels:
  the coefficients are spread over those, and one gather-and-sum reads the source.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .warp import sampled_positions, warp_at


class LocalAttention(nn.Module):
    """Softmax-weighted sums of k x k source windows around the flowed places.

    channels: of source and target alike. kernel_size: k. hidden: channels between the two layers of the score.
    normalize: "sum" = the coefficients sum to one; "mean" = to 1 / k^2, as published (average pooling after a softmax).
    """

    def __init__(
        self, channels: int, kernel_size: int, *, hidden: int = 128, normalize: Literal["sum", "mean"] = "sum"
    ) -> None:
        super().__init__()
        self.kernel_size, self.normalize = kernel_size, normalize
        # The weights are laid out as for patches of [target, source] tiled k x k, read with stride k.
        self.score = nn.Conv2d(2 * channels, hidden, kernel_size, stride=kernel_size)
        self.mix = nn.Conv2d(hidden, kernel_size**2, 1)

    def forward(
        self,
        source: Float[Tensor, "B C H W"],
        target: Float[Tensor, "B C h w"],
        flow: Float[Tensor, "B 2 h w"],
    ) -> Float[Tensor, "B C h w"]:
        """`flow` in pixels of the source map; windows are cut at the border by repeating its pixels."""
        coefficients = self.coefficients(source, target, flow)
        if self.normalize == "mean":
            coefficients = coefficients / self.kernel_size**2
        return gather_windows(source, coefficients, flow, self.kernel_size)

    def coefficients(
        self,
        source: Float[Tensor, "B C H W"],
        target: Float[Tensor, "B C h w"],
        flow: Float[Tensor, "B 2 h w"],
    ) -> Float[Tensor, "B K h w"]:
        """The softmax over the window's K = k^2 taps, row by row."""
        k, channels = self.kernel_size, source.shape[1]
        before, after = k // 2, k - 1 - k // 2  # taps run from -before to +after
        weight = self.score.weight
        of_target = F.conv2d(
            F.pad(target, (before, after, before, after), mode="replicate"), weight[:, :channels], self.score.bias
        )
        # Windows that lie outside are constant, so a margin of k - 1 covers every flow: the position is clamped there.
        of_source = F.conv2d(F.pad(source, (k - 1,) * 4, mode="replicate"), weight[:, channels:])
        x, y = sampled_positions(flow)
        hidden = of_target + warp_at(of_source, x + after, y + after)
        return self.mix(F.leaky_relu(hidden, 0.1)).float().softmax(1).to(flow.dtype)


def gather_windows(
    source: Float[Tensor, "B C H W"],
    coefficients: Float[Tensor, "B K h w"],
    flow: Float[Tensor, "B 2 h w"],
    kernel_size: int,
) -> Float[Tensor, "B C h w"]:
    """At each place p: the sum over the taps o of coefficients[o](p) * source(p + flow(p) + o), bilinear."""
    batch, channels, height, width = source.shape
    h, w = flow.shape[-2:]
    k, before = kernel_size, kernel_size // 2
    x, y = sampled_positions(flow)
    # Beyond these bounds every tap is the border pixel; bounded numbers are safe to turn into indices.
    x, y = x.clamp(-k, width - 1 + k), y.clamp(-k, height - 1 + k)
    left, top = x.detach().floor(), y.detach().floor()
    a, b = (x - left)[:, None], (y - top)[:, None]

    # (1 - a) of a tap falls on its own column and a on the next one; likewise b for rows.
    taps = coefficients.reshape(batch, k, k, h, w)
    along = F.pad(taps, (0, 0, 0, 0, 0, 1)) * (1 - a)[:, None] + F.pad(taps, (0, 0, 0, 0, 1, 0)) * a[:, None]
    spread = F.pad(along, (0, 0, 0, 0, 0, 0, 0, 1)) * (1 - b)[:, None]
    spread = spread + F.pad(along, (0, 0, 0, 0, 0, 0, 1, 0)) * b[:, None]

    reach = torch.arange(-before, k + 1 - before, device=source.device)
    columns = (left.long()[..., None] + reach).clamp(0, width - 1)
    rows = (top.long()[..., None] + reach).clamp(0, height - 1)
    first = torch.arange(batch, device=source.device)[:, None, None, None, None] * (height * width)
    places = first + rows[..., :, None] * width + columns[..., None, :]

    table = source.permute(0, 2, 3, 1).reshape(batch * height * width, channels)
    drawn = F.embedding_bag(
        places.reshape(-1, (k + 1) ** 2),
        table,
        per_sample_weights=spread.permute(0, 3, 4, 1, 2).reshape(-1, (k + 1) ** 2).to(table.dtype),
        mode="sum",
    )
    return drawn.view(batch, h, w, channels).permute(0, 3, 1, 2)
