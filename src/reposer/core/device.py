"""The device on which a command runs."""

import torch

from .errors import BadInput


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
