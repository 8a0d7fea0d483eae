"""Batch norm over the rows of all processes, so that two processes train as one with the whole batch would."""

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn

from .layout import at_least_float32

EPSILON = 1e-5
MOMENTUM = 0.1


class GatheredBatchNorm(nn.Module):
    """Normalises every channel to mean 0 and variance 1, then scales and shifts it (Ioffe and Szegedy 2015).

    In training mode over the batch of all processes, each of which has at least one row; in eval mode by the running
    statistics, so that each row is independent of the others.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        mean, variance = self._of_batch(x) if self.training else (self.mean, self.variance)
        scale = self.weight * torch.rsqrt(variance + EPSILON)
        shift = self.bias - mean * scale
        return torch.addcmul(
            shift.to(x.dtype)[:, None, None], x, scale.to(x.dtype)[:, None, None]
        )  # (x - mean) / deviation * weight + bias

    def _of_batch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        full = at_least_float32(x)
        share = _share_of_rows(x)
        mean = _over_rows(full.mean((0, 2, 3)), share)
        variance = _over_rows((full - mean[:, None, None]).square().mean((0, 2, 3)), share)
        with torch.no_grad():
            self.mean.lerp_(mean.detach(), MOMENTUM)
            self.variance.lerp_(variance.detach(), MOMENTUM)
        return mean, variance


def _share_of_rows(x: Tensor) -> float | None:
    """This process's share of the rows of all processes; None if there is only one process."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return None
    rows = _summed(torch.tensor([len(x)], device=x.device))
    return len(x) / int(rows.item())


def _over_rows(value: Tensor, share: float | None) -> Tensor:
    """Turns a mean over this process's rows into the mean over the rows of all processes."""
    if share is None:
        return value
    mean_over_rows: Callable[[Tensor, float], Tensor] = _MeanOverRows.apply
    return mean_over_rows(value, share)


class _MeanOverRows(torch.autograd.Function):
    """Each process's loss is a mean over its own rows and is later weighted by its share of all rows; its gradient here
    is weighted likewise."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, share: float) -> Tensor:
        ctx.share = share
        return _summed(value * share)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _summed(gradient * ctx.share), None


def _summed(value: Tensor) -> Tensor:
    total = value.clone()
    dist.all_reduce(total)
    return total
