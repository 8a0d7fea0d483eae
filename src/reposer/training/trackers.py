"""Trackers of experiments by their names, through accelerate: whichever is installed; none is required."""

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from accelerate import Accelerator
from accelerate.tracking import get_available_trackers

from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.core.extras import install

from .recipe import Recipe

LONGEST_REASON = 600
"""Characters of a tracker's own message that are shown: MLflow's last sentence is the one that helps."""

TrackerName = Literal["tensorboard", "wandb", "mlflow"]


def refuse_missing(name: TrackerName) -> None:
    """BadInput if the tracker's library is not installed."""
    if name not in {str(getattr(found, "value", found)) for found in get_available_trackers()}:
        how = install("track") if name == "tensorboard" else f"pip install {name}"
        raise BadInput(f"{name} is not installed: {how}, or leave --tracker out.")


def accepted(name: str) -> str:
    """The name of a number as every tracker takes it: MLflow refuses the "+" of players that step together."""
    return name.replace("+", "-")


def begin_tracker(accelerator: Accelerator, name: TrackerName, recipe: Recipe, root: Path, step: int) -> None:
    """Starts the tracker of a run in the folder `root`, which goes on after `step`.

    TensorBoard writes to ROOT/tensorboard; Weights & Biases and MLflow to the place that they are configured for (their
    own environment variables), with every value of the recipe.
    """
    shown = f"{recipe.name}, seed {recipe.seed}"
    settings: dict[TrackerName, dict[str, Any]] = {
        "tensorboard": {"purge_step": step + 1},
        "wandb": {"name": shown, "dir": str(root)},
        "mlflow": {"run_name": shown},
    }
    # TensorBoard would write the values to a folder of its own; MLflow has those of a run that it goes on with, and
    # refuses others, such as the number of steps of a run that was extended.
    without_values = name == "tensorboard" or (name == "mlflow" and step > 0 and "MLFLOW_RUN_ID" in os.environ)
    values = None if without_values else dict(_flat(to_plain(recipe)))
    try:
        accelerator.init_trackers(name if name == "tensorboard" else "reposer", values, {name: settings[name]})
    except Exception as error:  # the tracker's own: no account, no server, no place to write to
        said = textwrap.shorten(str(error), LONGEST_REASON, placeholder=" ...")
        raise BadInput(f"{name} cannot be started ({said}). Set it up, or leave --tracker out.") from error


def _flat(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """The innermost values by their path."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    )
    if entries is None:
        yield where, value if isinstance(value, bool | int | float | str) else str(value)
        return
    for key, inner in entries:
        yield from _flat(inner, f"{where}.{key}" if where else str(key))
