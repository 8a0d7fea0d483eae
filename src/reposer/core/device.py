"""Devices: the one on which a command runs, and batches moved to one."""

from dataclasses import fields, replace
from typing import TypeVar

import torch

from .errors import BadInput

Batched = TypeVar("Batched")


def on_device(batch: Batched, device: torch.device | str) -> Batched:
    """The same dataclass with all its tensors, poses and truths on the device; seeds stay on the CPU."""
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}  # type: ignore[arg-type]
    moved = {k: v.to(device) for k, v in values.items() if k != "seeds" and hasattr(v, "to")}
    return replace(batch, **moved)  # type: ignore[type-var]


def chosen_device(name: str | None) -> torch.device:
    """The device of this name; None = a CUDA GPU if there is one, else the CPU."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().split("\n")[0]
        raise BadInput(f"There is nothing to compute on called '{name}' ({reason}). Say cpu or cuda.") from None
    return device
