"""Memory layout of tensors, and the precision of computations that must be exact."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn


def channels_last(x: Tensor) -> Tensor:
    """The layout in which convolutions and norms are fastest, on the CPU and on the GPU."""
    return x.contiguous(memory_format=torch.channels_last)


def in_layout_of(x: Tensor, weight: Tensor) -> Tensor:
    """In the layout of the weights of the convolution that reads it."""
    last = weight.is_contiguous(memory_format=torch.channels_last)
    return channels_last(x) if last else x.contiguous()


def channels_first_on_cpu(network: nn.Module) -> None:
    """For training networks of wide maps and no norms: on the CPU the gradients of their weights take up to three times
    as long with channels last. A GPU keeps the layout."""
    if not torch.cuda.is_available():
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float64 stays."""
    return x if x.dtype == torch.float64 else x.float()


def without_autocast(x: Tensor) -> AbstractContextManager[object]:
    """A block that computes in the precision of its numbers on the device of `x`. Tensors of torch's "meta" device,
    which have shapes and no numbers, know no other precision."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)
