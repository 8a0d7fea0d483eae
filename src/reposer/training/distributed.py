"""What processes say to each other. Every function is the identity where there is one process."""

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn


def num_processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their mean over all processes, in one flat all-reduce.

    A parameter without a gradient here counts as zero if any other process has one, and keeps none if none has:
    a branch that one process's rows do not use must not be a different step than one that nobody uses.
    """
    if num_processes() == 1:
        return
    parameters = list(parameters)
    used = torch.tensor(
        [p.grad is not None for p in parameters], dtype=torch.uint8, device=parameters[0].device
    )
    dist.all_reduce(used, dist.ReduceOp.MAX)
    shared = [p for p, u in zip(parameters, used.tolist(), strict=True) if u]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in shared]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= num_processes()
    for p, mean in zip(shared, flat.split([p.numel() for p in shared]), strict=True):
        p.grad = mean.view_as(p).clone()


def mean_over_processes(values: Tensor) -> Tensor:
    """The mean of `values` over all processes; a non-finite one anywhere is non-finite everywhere."""
    if num_processes() == 1:
        return values
    total = values.clone()
    dist.all_reduce(total)
    return total / num_processes()


def any_process(flag: bool, device: torch.device) -> bool:
    """Whether the flag is up in some process."""
    if num_processes() == 1:
        return flag
    raised = torch.tensor([int(flag)], device=device)
    dist.all_reduce(raised, dist.ReduceOp.MAX)
    return bool(raised.item())
