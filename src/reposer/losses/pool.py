"""A pool of generated pictures, so that a discriminator also sees older results."""

from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float, Int64
from torch import Tensor

from reposer.core.rng import numpy_stream

ADDRESS = 0x9001  # address of the pool's random numbers within a row's seed


class ImagePool:
    """The last `size` rows or so; a new row replaces an old one half of the time (Shrivastava et al. 2017).

    All processes share one pool: it takes the rows of the whole batch in their order, and a row's random choice comes
    from its seed. So every process has the same pool, the one that a single process with the whole batch would have.
    """

    def __init__(self, size: int = 50) -> None:
        self.size = size
        self._rows: list[Float[Tensor, "C H W"]] = []

    @property
    def bytes_to_come(self) -> int:
        """Of the rows that are still missing; 0 before the first row, whose size is unknown."""
        return (self.size - len(self._rows)) * self._rows[0].nbytes if self._rows else 0

    @torch.no_grad()
    def exchange(self, rows: Float[Tensor, "B C H W"], seeds: Int64[Tensor, "B"]) -> Float[Tensor, "B C H W"]:
        """For each row itself or, once the pool is full, every second time an old one that it replaces. No gradient
        history."""
        rows = rows.detach()
        if self.size == 0:
            return rows
        every_row, first = _gathered(rows)
        every_seed, _ = _gathered(seeds.to(rows.device))
        shown = [self._put(row, seed) for row, seed in zip(every_row.unbind(), every_seed.tolist(), strict=True)]
        return torch.stack(shown[first : first + len(rows)])

    def _put(self, row: Tensor, seed: int) -> Tensor:
        if len(self._rows) < self.size:
            self._rows.append(row.clone())
            return row
        dice = numpy_stream(seed, ADDRESS)
        if dice.random() < 0.5:
            return row
        place = int(dice.integers(self.size))
        old, self._rows[place] = self._rows[place], row.clone()
        return old.to(row.device)

    def state(self) -> dict[str, Any]:
        """State for `Objective.state`."""
        return {"rows": [row.cpu() for row in self._rows]}

    def load_state(self, state: dict[str, Any]) -> None:
        self._rows = list(state["rows"])


def _gathered(rows: Tensor) -> tuple[Tensor, int]:
    """The rows of all processes, and the index of this one's first row. The processes may have different numbers of
    rows."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return rows, 0
    counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, torch.tensor([len(rows)], device=rows.device))
    numbers = [int(count.item()) for count in counts]
    filled = rows.new_zeros(max(numbers), *rows.shape[1:])  # all_gather needs equal shapes
    filled[: len(rows)] = rows
    parts = [torch.empty_like(filled) for _ in numbers]
    dist.all_gather(parts, filled)
    every = torch.cat([part[:number] for part, number in zip(parts, numbers, strict=True)])
    return every, sum(numbers[: dist.get_rank()])
