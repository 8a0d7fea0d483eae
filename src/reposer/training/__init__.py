"""The training loop and its inputs: objectives yield turns, recipes determine a run completely.

Each name is imported on first use, so that a network is loaded without what trains it. `__init__.pyi` lists the same names
for type checkers.
"""

import importlib
from typing import Any

_HOMES = {
    "PROBE_RECIPES": "recipe",
    "RECIPES": "recipe",
    "Adam": "recipe",
    "Objective": "objective",
    "RAdam": "recipe",
    "Recipe": "recipe",
    "Stage": "recipe",
    "Start": "recipe",
    "TrainingStopped": "loop",
    "Turn": "objective",
    "frozen": "objective",
    "train": "loop",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
