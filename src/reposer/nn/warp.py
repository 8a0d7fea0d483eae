"""Backward warps: `result(p) = source(p + flow(p))`, flow in pixels, channel 0 = x. Positions stay float32.

All sampling is one operation: `gather_taps`, a weighted sum of a few whole pixels of the source for every place.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from .layout import at_least_float32


class Places(NamedTuple):
    """Positions in pixels, split into a whole pixel (left, top) and the remainders a and b in [0, 1)."""

    left: Int[Tensor, "B h w"]
    top: Int[Tensor, "B h w"]
    a: Float[Tensor, "B h w"]
    b: Float[Tensor, "B h w"]


def flowed_places(flow: Float[Tensor, "B 2 h w"], size: tuple[int, int], reach: int) -> Places:
    """Where p + flow(p) lies in a map of `size` = (height, width).

    Places further than `reach` pixels outside are moved to that distance, so that they fit an integer: with taps at
    most `reach` away, all read the same border pixel before and after. A NaN stays NaN in a and b.
    """
    flow = at_least_float32(flow)
    (height, width), (h, w) = size, flow.shape[-2:]
    x = flow[:, 0] + torch.arange(w, device=flow.device, dtype=flow.dtype)
    y = flow[:, 1] + torch.arange(h, device=flow.device, dtype=flow.dtype)[:, None]
    x, y = x.clamp(-reach, width - 1 + reach), y.clamp(-reach, height - 1 + reach)
    left, top = x.detach().floor(), y.detach().floor()
    return Places(left.int(), top.int(), x - left, y - top)


def gather_taps(
    source: Float[Tensor, "B C H W"], places: Places, first: int, weights: Float[Tensor, "B h w T T"]
) -> Float[Tensor, "B C h w"]:
    """At each place, the sum of weights[..., j, i] * source(top + first + j, left + first + i).

    Beyond the border the edge pixels repeat. Summed in float32 at least; the result has the source's dtype.
    """
    batch, channels, height, width = source.shape
    taps = weights.shape[-1]
    offsets = torch.arange(first, first + taps, device=source.device, dtype=torch.int32)
    columns = (places.left[..., None] + offsets).clamp(0, width - 1)
    rows = (places.top[..., None] + offsets).clamp(0, height - 1)
    rows = rows + height * torch.arange(batch, device=source.device, dtype=torch.int32).view(-1, 1, 1, 1)
    pixels = rows[..., :, None] * width + columns[..., None, :]
    # A bag of embeddings is a gather and a weighted sum in one pass, on every device, differentiable in both. Rows that
    # are not contiguous would be read 50 times slower.
    table = at_least_float32(source).permute(0, 2, 3, 1).contiguous().view(-1, channels)
    taken = F.embedding_bag(
        pixels.reshape(-1, taps**2), table, per_sample_weights=weights.reshape(-1, taps**2).to(table.dtype), mode="sum"
    )
    return taken.view(batch, *weights.shape[1:3], channels).permute(0, 3, 1, 2).to(source.dtype)


def warp(source: Float[Tensor, "B C H W"], flow: Float[Tensor, "B 2 h w"]) -> Float[Tensor, "B C h w"]:
    """Bilinear samples of `source` at p + flow(p); beyond the border the edge pixels repeat."""
    places = flowed_places(flow, _size(source), reach=1)
    return gather_taps(source, places, 0, _outer(_linear(places.b), _linear(places.a)))


def gaussian_sample(
    source: Float[Tensor, "B C H W"], flow: Float[Tensor, "B 2 h w"], *, taps: int = 4, sigma: float = 2.0
) -> Float[Tensor, "B C h w"]:
    """Means over the taps x taps pixels around p + flow(p), Gaussian of `sigma` pixels; `taps` is even.

    As published (GFLA's loss), the window leans right and down at whole positions, by 0.36 pixels (taps 4,
    sigma 2), and jumps where the flow crosses a whole number.
    """
    assert taps % 2 == 0, taps
    first = 1 - taps // 2
    places = flowed_places(flow, _size(source), reach=taps)

    def gaussian(fraction: Tensor) -> Tensor:
        offsets = torch.arange(first, first + taps, device=fraction.device, dtype=fraction.dtype)
        distance = offsets - fraction[..., None]
        return (-distance.square() / (2 * sigma**2)).softmax(-1)  # exp(-d^2 / 2 sigma^2) over its sum

    return gather_taps(source, places, first, _outer(gaussian(places.b), gaussian(places.a)))


def flow_picture(flow: Float[Tensor, "B 2 h w"], longest: float | None = None) -> Float[Tensor, "B 3 h w"]:
    """Flow as colours in [-1, 1]: the hue is its direction, white is no flow.

    longest: the length, in pixels, shown at full saturation; None = each row's own 99th percentile.
    """
    x, y = flow.float().unbind(1)
    length = torch.hypot(x, y)
    if longest is None:
        full = torch.quantile(length.flatten(1), 0.99, dim=1).clamp(min=1e-6)[:, None, None]
    else:
        full = length.new_tensor(longest)
    strength = (length / full).clamp(max=1)
    angle = torch.atan2(y, x)
    # three cosines, 120 degrees apart, fading to white
    hues = [0.5 + 0.5 * torch.cos(angle - turn * 2 * math.pi / 3) for turn in range(3)]
    return torch.stack([1 - strength * (1 - hue) for hue in hues], 1) * 2 - 1


def _linear(fraction: Tensor) -> Float[Tensor, "B h w 2"]:
    return torch.stack([1 - fraction, fraction], -1)


def _outer(rows: Float[Tensor, "B h w T"], columns: Float[Tensor, "B h w T"]) -> Float[Tensor, "B h w T T"]:
    return rows[..., :, None] * columns[..., None, :]


def _size(picture: Tensor) -> tuple[int, int]:
    return picture.shape[-2], picture.shape[-1]
