"""How much memory and disk a run will need on the CPU, from the sizes of its tensors: nothing is computed, where
`dry_run` takes steps and measures."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from reposer.core import BadInput
from reposer.core.memory import Need, size_in_words
from reposer.nn.live_bytes import META, bytes_at_peak, tensors_of, without_numbers

from .loop import must_begin, set_up
from .objective import Objective
from .recipe import Recipe, Stage

PROCESS = 470e6
"""Bytes of Python, torch and this package in a process that trains, with what it needs to read data, save and score."""
WORKER = 260e6
"""Bytes of a process that loads data, beyond what it shares with the others."""
STEP = 1.33
"""Bytes of the process for each byte of tensors that a step has at a time: what libraries take besides, and what lies
between tensors."""


MARGIN = 1.1
"""A run that is chosen for a ceiling is to need this much less, since it may take a few percent more than is said."""
MOST_TURNS = 8
"""Turns that are counted; the later updates of a clip repeat the first."""


class RunMemory:
    """What the runs of a recipe with other numbers of parts and of workers need."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._generator = recipe.build()
        self._dataset = recipe.data.open(self._generator.framing)
        self._counted: dict[int, list[tuple[float, float, float]]] = {}

    def need(self, accumulation: int | None = None, workers: int | None = None) -> Need:
        """None: the recipe's own number. `core.memory.NotCounted` if a step asks for numbers."""
        stages = self._stages(self.recipe.accumulation if accumulation is None else accumulation)
        workers = self.recipe.workers if workers is None else workers
        networks, step, _ = max(stages, key=lambda own: own[0] + own[1])
        parts = {"Python, torch and reading data": PROCESS, "networks and optimisers": networks, "a step": step}
        if workers:
            parts["processes that load data"] = workers * WORKER
        rendered = getattr(self._dataset, "bytes_to_keep", 0)
        if rendered:
            parts["rendered people"] = max(1, workers) * rendered
        return Need(parts, disk=2 * max(saved for _, _, saved in stages))

    def _stages(self, accumulation: int) -> list[tuple[float, float, float]]:
        """`_of_stage` of each, counted once."""
        if accumulation not in self._counted:
            recipe = replace(self.recipe, accumulation=accumulation)
            self._counted[accumulation] = [
                _of_stage(recipe, stage, n, self._dataset) for n, stage in enumerate(recipe.stages)
            ]
        return self._counted[accumulation]

    def within(self, most: float) -> tuple[Recipe, Need]:
        """The recipe with the fewest parts of a batch, and then with the most workers, that stays within `most` bytes
        with the `MARGIN`. Its steps see the same pictures. BadInput, which says what would fit, if there is none."""
        recipe, most = self.recipe, most / MARGIN
        parts = recipe.accumulation
        if self.need(workers=0).memory > most:
            parts = self._fewest_parts(most)
        workers = recipe.workers
        while workers and self.need(parts, workers).memory > most:
            workers -= 1
        found = self.need(parts, workers)
        changed = []
        if parts != recipe.accumulation:
            changed.append(f"--accumulation {parts}: a step's {recipe.batch_size} pictures in {parts} parts")
        if workers != recipe.workers:
            changed.append(f"--workers {workers} instead of {recipe.workers}")
        return replace(recipe, accumulation=parts, workers=workers), replace(found, changed=tuple(changed))

    def _fewest_parts(self, most: float) -> int:
        """By bisection: more parts need less. most: without the margin."""
        choices = _divisions(self.recipe.accumulation, self.recipe.batch_size)
        try:
            for stage in self.recipe.stages:
                must_begin(stage, self._generator, choices[-1])
        except BadInput:
            choices = choices[:1]  # such a network cannot be trained in parts
        least = self.need(choices[-1], 0)
        if least.memory > most:
            raise BadInput(
                f"{self.recipe.name} needs at least {size_in_words(least.memory)} of memory with these networks"
                f"{f' (--accumulation {choices[-1]} --workers 0)' if len(choices) > 1 else ''}; --max-memory allows "
                f"{size_in_words(MARGIN * most)}, of which {1 - 1 / MARGIN:.0%} stay free. Give at least --max-memory "
                f"{MARGIN * least.memory // 1e6 + 1:.0f}M, a smaller --batch-size, or smaller --model values."
            )
        low, high = 0, len(choices) - 1
        while high - low > 1:
            middle = (low + high) // 2
            if self.need(choices[middle], 0).memory <= most:
                high = middle
            else:
                low = middle
        return choices[high]


def _divisions(first: int, batch_size: int) -> list[int]:
    """Numbers of parts, from `first` on, of which the largest part has fewer pictures than with the number before."""
    sizes: dict[int, int] = {}
    for parts in range(first, batch_size + 1):
        sizes.setdefault(-(-batch_size // parts), parts)
    return list(sizes.values())


def _of_stage(recipe: Recipe, stage: Stage, number: int, dataset: Any) -> tuple[float, float, float]:
    """Bytes of the networks, their averaged copy and the optimisers; of what a step has; of the saved state."""
    generator = recipe.build()
    objective, _ = set_up(stage, generator, recipe.seed + number, torch.device("cpu"))
    averaged = _bytes(chain(generator.parameters(), generator.buffers()))
    objective.to(META)
    networks = _bytes(chain(objective.parameters(), objective.buffers()))
    saved = sum(_bytes(chain(net.parameters(), net.buffers())) for net in objective.networks.values())
    moments = 2 * _bytes(p for player in objective.players.values() for p in player.parameters())
    n = recipe.accumulation
    sizes = [recipe.batch_size * (k + 1) // n - recipe.batch_size * k // n for k in range(n)]
    sample = dataset.sample(0, 0)
    batches = [without_numbers(dataset.collate([sample] * rows, torch.arange(rows))) for rows in sizes]
    peak = sum(_bytes(tensors_of(batch)) for batch in batches) + bytes_at_peak(lambda: _step(objective, batches))
    pools = sum(pool.bytes_to_come for pool in objective.pools.values())
    return networks + averaged + moments, STEP * peak + pools, saved + 2 * averaged + moments


def _step(objective: Objective, parts: list[Any]) -> None:
    """The turns of a step as `loop.take_step` takes them, after the first: all players have gradients."""
    for player in objective.players.values():
        for p in player.parameters():
            p.grad = torch.empty_like(p)
    turns_of_parts = [objective.steps(batch) for batch in parts]
    for _ in range(MOST_TURNS):
        for number, turns in enumerate(turns_of_parts):
            turn = next(turns, None)
            if turn is None:
                return
            if number == 0:
                for name in turn.players:
                    objective.players[name].zero_grad(set_to_none=True)
            turn.total().backward()


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(t.nbytes for t in {id(t): t for t in tensors}.values())
