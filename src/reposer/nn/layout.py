"""Memory layout of tensors, and the precision of computations that must be exact."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """The layout in which convolutions and norms are fastest, on the CPU and on the GPU."""
    if not torch.compiler.is_compiling() and len(x) == 1 and x.is_contiguous() and not x.is_cuda:
        rows = x[0].flatten(1).T.contiguous()  # torch transposes a matrix in less than half of the time
        return rows.view(1, *x.shape[2:], x.shape[1]).permute(0, 3, 1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def joined(*maps: Tensor) -> Tensor:
    """Maps one after the other along their channels, which are last in memory whatever they were in each."""
    return torch.cat([x.permute(0, 2, 3, 1) for x in maps], 3).permute(0, 3, 1, 2)


def trains_with_channels_last(x: Tensor, weight: Tensor) -> bool:
    """Whether a layer's result has a gradient, on the CPU, in full precision and with channels last."""
    return (
        torch.is_grad_enabled()
        and (x.requires_grad or weight.requires_grad)
        and weight.device.type in ("cpu", "meta")  # of the latter only the memory is counted, as on the CPU
        and weight.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and weight.is_contiguous(memory_format=torch.channels_last)
        and not weight.is_contiguous()
        and not torch.compiler.is_compiling()
    )


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float64 stays."""
    return x if x.dtype == torch.float64 else x.float()


def without_autocast(x: Tensor) -> AbstractContextManager[object]:
    """A block that computes in the precision of its numbers on the device of `x`. Tensors of torch's "meta" device,
    which have shapes and no numbers, know no other precision."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)
