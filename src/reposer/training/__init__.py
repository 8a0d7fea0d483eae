"""The training loop and its inputs: objectives yield turns, recipes determine a run completely.

Each name is imported on first use, so that a network is loaded without what trains it. `__init__.pyi` lists the same
names for type checkers.
"""

from reposer.core.lazy import on_first_use

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
__getattr__ = on_first_use(__name__, _HOMES)
