"""Communication between processes. Every function is the identity if there is only one process."""

from collections.abc import Iterable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from reposer.core import BadInput


def num_processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rows_of_process(batch_size: int, process: int, processes: int) -> range:
    """The rows of a batch that belong to one of several processes: in order, as evenly as possible, at least one
    each."""
    if batch_size < processes:
        raise BadInput(
            f"A batch of {batch_size} cannot be shared by {processes} processes: each needs at least one row. Give a "
            f"larger --batch-size, or begin fewer processes."
        )
    return range(batch_size * process // processes, batch_size * (process + 1) // processes)


def average_gradients(parameters: Iterable[nn.Parameter], share: float) -> None:
    """Replaces gradients by their mean over the rows of all processes, in one flat all-reduce.

    share: this process's rows over all rows. A parameter without a gradient here counts as zero if any other process
    has one, and keeps none if none has: a branch that one process's rows do not use must not change the step, unlike
    one that no process uses.
    """
    if num_processes() == 1:
        return
    parameters = list(parameters)
    used = torch.tensor([p.grad is not None for p in parameters], dtype=torch.uint8, device=parameters[0].device)
    dist.all_reduce(used, dist.ReduceOp.MAX)
    shared = [p for p, u in zip(parameters, used.tolist(), strict=True) if u]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in shared]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    flat *= share
    dist.all_reduce(flat)
    for p, mean in zip(shared, flat.split([p.numel() for p in shared]), strict=True):
        p.grad = mean.view_as(p).clone()


def mean_over_rows(values: Tensor, share: float) -> Tensor:
    """The mean of `values` over the rows of all processes; a non-finite one anywhere is non-finite everywhere."""
    if num_processes() == 1:
        return values
    total = values * share
    dist.all_reduce(total)
    return total


def sum_over_processes(number: float, device: torch.device) -> float:
    """The sum over all processes."""
    if num_processes() == 1:
        return number
    total = torch.tensor([number], dtype=torch.float32, device=device)
    dist.all_reduce(total)
    return float(total.item())


def largest_over_processes(number: int, device: torch.device) -> int:
    """The maximum over all processes."""
    if num_processes() == 1:
        return number
    said = torch.tensor([number], device=device)
    dist.all_reduce(said, dist.ReduceOp.MAX)
    return int(said.item())


def refuse_other_steps(step: int, root: Path, device: torch.device) -> None:
    """BadInput, in all processes, unless all found this saved step in the run folder: nodes that do not share it would
    go on from different weights."""
    largest, smallest = largest_over_processes(step, device), -largest_over_processes(-step, device)
    if largest != smallest:
        raise BadInput(
            f"The processes do not find the same run in {root}: this one is at step {step}, others are at {smallest} "
            f"to {largest}. Give an --out on a disk that all nodes share."
        )
