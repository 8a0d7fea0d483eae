"""Instance norm: each channel of each picture to mean 0 and variance 1. Trains fast in the layout of our networks.

On the CPU torch's gradient of it takes 5 to 15 times as long with channels last as with channels first, and so does the
norm of maps of fewer than 1,024 places. What is computed here for training are the same sums, as products of matrices.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

EPSILON = 1e-5
SMALL = 1024  # places of a map, below which torch's own norm is slow in this layout


class InstanceNorm(nn.GroupNorm):
    """`instance_norm` with a weight and a bias for each channel, or with neither."""

    def __init__(self, channels: int, *, affine: bool = False) -> None:
        super().__init__(channels, channels, affine=affine)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return instance_norm(x, self.weight, self.bias)


def instance_norm(
    x: Float[Tensor, "B C H W"], weight: Float[Tensor, "C"] | None = None, bias: Float[Tensor, "C"] | None = None
) -> Float[Tensor, "B C H W"]:
    """(x - mean) / deviation of each channel of each row; times `weight`, plus `bias`, if they are there."""
    if not _slow_in_torch(x):
        return F.group_norm(x, x.shape[1], weight, bias, EPSILON)
    normal: Tensor = _ChannelsLast.apply(x)  # type: ignore[no-untyped-call]
    return (
        normal if weight is None or bias is None else torch.addcmul(bias[:, None, None], normal, weight[:, None, None])
    )


def _slow_in_torch(x: Tensor) -> bool:
    """Whether it trains on the CPU with channels last. What only generates keeps torch's norm and its last bits."""
    return (
        x.requires_grad
        and torch.is_grad_enabled()
        and x.device.type in ("cpu", "meta")  # of the latter only the memory is counted, as on the CPU
        and x.dtype in (torch.float32, torch.float64)
        and x.is_contiguous(memory_format=torch.channels_last)
        and not x.is_contiguous()
        and not torch.compiler.is_compiling()
    )


class _ChannelsLast(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        places = height * width
        if places >= SMALL:
            normal, mean, scale = torch.native_group_norm(x, None, None, batch, channels, places, channels, EPSILON)
            mean, scale = mean[:, None], scale[:, None]
        else:
            rows = _rows(x)
            mean = _mean(rows)
            centred = rows - mean
            scale = torch.rsqrt(_mean(centred.square()) + EPSILON)
            normal = torch.empty_like(x)  # not a view, so that what follows may work in place
            torch.mul(centred, scale, out=_rows(normal))
        ctx.save_for_backward(x, mean, scale)
        return normal

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """With h the result and s = 1 / deviation: s (g - mean(g) - h mean(g h))."""
        x, mean, scale = ctx.saved_tensors
        rows, g = _rows(x), _rows(gradients[0].contiguous(memory_format=torch.channels_last))
        if torch.is_grad_enabled():  # for the gradient of this gradient, in which mean and scale depend on x
            mean = _mean(rows)
            scale = torch.rsqrt(_mean((rows - mean).square()) + EPSILON)
        of_g = _mean(g)
        slope = -scale.pow(3) * (_mean(g * rows) - mean * of_g)  # -s^2 mean(g h)
        return _picture(torch.addcmul(-scale * of_g - slope * mean, rows, slope).addcmul_(g, scale), x)


def _rows(x: Tensor) -> Float[Tensor, "B HW C"]:
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _picture(rows: Tensor, like: Tensor) -> Float[Tensor, "B C H W"]:
    places: Tensor = rows.unflatten(1, (like.shape[2], like.shape[3]))
    return places.permute(0, 3, 1, 2)


def _mean(rows: Tensor) -> Float[Tensor, "B 1 C"]:
    """Over the places. A product with a row of equal numbers is the fastest sum; autocast would round it."""
    share = rows.new_full((1, 1, rows.shape[1]), 1 / rows.shape[1]).expand(len(rows), -1, -1)
    with torch.autocast("cpu", enabled=False):
        return torch.bmm(share, rows)
