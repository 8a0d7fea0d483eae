"""Which pairs a step sees: a function of (seed, step), independent of earlier steps and of the number of processes."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from reposer.core import BadInput
from reposer.core.processes import deaf_to_interrupts
from reposer.core.rng import mix, permutation, row_seeds

from .distributed import rows_of_process


class Addressed(Dataset[Any]):
    """A data set indexed by (item, seed): the seed determines the item's augmentation."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __getitem__(self, address: tuple[int, int]) -> Any:
        try:
            return self.dataset.sample(*address)
        except BadInput as error:
            return _Refused(str(error))  # an exception in a worker process would arrive as a traceback


@dataclass(frozen=True)
class _Refused:
    """The reason why an item cannot be read."""

    reason: str


class StepSampler(Sampler[list[tuple[int, int]]]):
    """For each step from `first_step` on, the (item, seed) addresses of this process's rows.

    Rounds: pair number p = step * batch_size + row is item p modulo the length in the order of round p div length.
    """

    def __init__(
        self, length: int, *, seed: int, batch_size: int, rows: range, first_step: int, last_step: int
    ) -> None:
        self.length, self.seed, self.batch_size = length, seed, batch_size
        self.rows = rows
        self.span = range(first_step, last_step)
        self._order = lru_cache(maxsize=2)(lambda round_number: permutation(seed, round_number, length))

    def __len__(self) -> int:
        return len(self.span)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in self.span:
            yield [self._address(step, row) for row in self.rows]

    def _address(self, step: int, row: int) -> tuple[int, int]:
        place = step * self.batch_size + row
        item = int(self._order(place // self.length)[place % self.length])
        return item, mix(self.seed, step, row, 1)


def batches_in_parts(
    dataset: Any,
    *,
    seed: int,
    batch_size: int,
    first_step: int,
    last_step: int,
    process: int = 0,
    processes: int = 1,
    workers: int = 0,
    parts: int = 1,
) -> Iterator[list[tuple[Any, float]]]:
    """For each of steps `first_step` .. `last_step - 1`, the rows of one of several processes in `parts` batches:
    (batch, its share of those rows)."""
    rows = rows_of_process(batch_size, process, processes)
    if len(rows) < parts:
        raise BadInput(
            f"{len(rows)} rows of a step cannot be divided into {parts} parts. Give a larger --batch-size, or a "
            "smaller --accumulation."
        )
    spans = [slice(len(rows) * k // parts, len(rows) * (k + 1) // parts) for k in range(parts)]
    sampler = StepSampler(
        len(dataset), seed=seed, batch_size=batch_size, rows=rows, first_step=first_step, last_step=last_step
    )
    loader = DataLoader(
        Addressed(dataset),
        batch_sampler=sampler,
        collate_fn=list,
        num_workers=workers,
        persistent_workers=False,
        pin_memory=False,
        multiprocessing_context="spawn" if workers else None,
        generator=torch.Generator(),
    )
    with deaf_to_interrupts() if workers else nullcontext():
        loaded = iter(loader)
    for step, samples in zip(sampler.span, loaded, strict=True):
        refused = next((sample.reason for sample in samples if isinstance(sample, _Refused)), None)
        if refused is not None:
            raise BadInput(
                f"{refused} Step {step} needs it, so training stops. `reposer data check` lists all that cannot be "
                "read."
            )
        seeds = row_seeds(seed, step, rows.start, len(rows))
        yield [(dataset.collate(samples[own], seeds[own]), (own.stop - own.start) / len(rows)) for own in spans]
