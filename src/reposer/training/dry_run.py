"""A run tried out: a few steps of every stage in memory, nothing written; what the whole run would need."""

import copy
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reposer.core import BadInput
from reposer.core.errors import is_of_memory
from reposer.core.memory import memory_of_machine, own_peak

from .loader import batches_in_parts
from .loop import must_begin, set_up, take_step
from .recipe import Recipe, Stage

STEPS = 3  # of each stage; the first is not timed, since it also prepares


@dataclass(frozen=True)
class StageTrial:
    """A stage: its number of steps, and seconds of one, reading its batch included."""

    name: str
    steps: int
    seconds: float


@dataclass(frozen=True)
class Trial:
    """What a run needs.

    items: of the data set. memory: bytes at most, of the process or of the GPU; available: bytes that there are.
    disk: bytes of the saved state and network while they are written, without the pictures; free: bytes that are free.
    """

    items: int
    device: str
    stages: tuple[StageTrial, ...]
    memory: int
    available: int
    disk: int
    free: int

    @property
    def seconds(self) -> float:
        """Of all steps."""
        return sum(stage.steps * stage.seconds for stage in self.stages)


def try_out(recipe: Recipe, out: Path) -> Trial:
    """Opens the data, checks all of them, and takes a few steps of every stage on this machine.

    BadInput if the data or weights cannot be used, or a step does not fit into the memory.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = recipe.build()
    dataset = recipe.data.open(generator.framing)
    for stage in recipe.stages:
        must_begin(stage, generator, recipe.accumulation)
    recipe.refuse_unreadable(dataset)
    trials, disk = [], 0
    for number, stage in enumerate(recipe.stages):
        try:
            seconds, bytes_of_state = _trial(recipe, stage, number, copy.deepcopy(generator), dataset, device)
        except (RuntimeError, MemoryError) as error:
            if not is_of_memory(error):
                raise
            raise BadInput(
                f"A step of '{stage.name}' with {recipe.batch_size} pictures does not fit into the memory of "
                f"{device.type}. Give a larger --accumulation, a smaller --batch-size, or --precision bf16."
            ) from error
        trials.append(StageTrial(stage.name, stage.steps, seconds))
        disk = max(disk, bytes_of_state)
    memory, available = _memory(device)
    return Trial(len(dataset), device.type, tuple(trials), memory, available, 2 * disk, _free(out))


def _trial(
    recipe: Recipe, stage: Stage, number: int, generator: Any, dataset: Any, device: torch.device
) -> tuple[float, int]:
    """Seconds of a step, and bytes of the state that would be saved after it."""
    generator.to(device)
    objective, optimisers = set_up(stage, generator, recipe.seed + number, device)
    times = [time.monotonic()]
    steps = batches_in_parts(
        dataset,
        seed=recipe.seed,
        batch_size=recipe.batch_size,
        first_step=0,
        last_step=STEPS,
        parts=recipe.accumulation,
    )
    for step, parts in enumerate(steps):
        own = [(batch.to(device), part) for batch, part in parts]
        take_step(objective, optimisers, stage, own, 1.0, recipe.precision, step)
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic())
    took = [after - before for before, after in pairwise(times)]
    kept = [net.state_dict() for net in objective.networks.values()]
    saved = [
        *kept,
        generator.state_dict(),
        generator.state_dict(),
        *(rule.state_dict() for rule in optimisers.values()),
    ]
    return sum(took[1:]) / len(took[1:]), sum(t.numel() * t.element_size() for t in _tensors(saved))


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in nested mappings and lists."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _tensors(entry)


def _memory(device: torch.device) -> tuple[int, int]:
    """Bytes used at most, and bytes that there are."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(), torch.cuda.mem_get_info()[1]
    return own_peak(), memory_of_machine()


def _free(out: Path) -> int:
    """Free bytes where the folder `out` is, or will be."""
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free
