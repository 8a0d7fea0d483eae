"""Memory layout of tensors, and the precision of computations that must be exact."""

import torch
from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """The layout in which convolutions and norms are fastest, on the CPU and on the GPU."""
    return x.contiguous(memory_format=torch.channels_last)


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float64 stays."""
    return x if x.dtype == torch.float64 else x.float()
