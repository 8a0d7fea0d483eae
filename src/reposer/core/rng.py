"""Reproducible randomness: noise is a function of (seed, step, row), never of earlier calls."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

_MASK = (1 << 64) - 1


def mix(*numbers: int) -> int:
    """One 63-bit seed from several integers (splitmix64 over the sequence): similar inputs give unrelated outputs."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state ^ (number & _MASK)) & _MASK
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        state = z ^ (z >> 31)
    return state >> 1


def row_seeds(seed: int, step: int, first_row: int, num_rows: int) -> Int64[Tensor, "B"]:
    """The seeds of the rows of one step's batch; `first_row` is the global number of this process's first row."""
    return torch.tensor([mix(seed, step, row) for row in range(first_row, first_row + num_rows)], dtype=torch.int64)


def seeded_randn(
    shape: tuple[int, ...],
    seeds: Int64[Tensor, "B"],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Normal noise of shape (B, *shape): row b comes from `seeds[b]` alone and is the same on every device."""
    rows = [torch.randn(shape, generator=torch.Generator().manual_seed(int(s)), dtype=dtype) for s in seeds]
    return torch.stack(rows).to(device)


def numpy_stream(*numbers: int) -> np.random.Generator:
    """A NumPy random stream at the address `numbers`."""
    return np.random.default_rng(mix(*numbers))


def permutation(seed: int, round_number: int, length: int) -> np.ndarray:
    """The order in which round `round_number` of training visits a data set of `length` items."""
    return numpy_stream(seed, 0x0DE2, round_number).permutation(length)


def derived_seeds(seeds: Int64[Tensor, "B"], *address: int) -> Int64[Tensor, "B"]:
    """Seeds for another use of the same rows: independent of `seeds` and of those for every other `address`."""
    return torch.tensor([mix(seed, *address) for seed in seeds.tolist()], dtype=torch.int64)
