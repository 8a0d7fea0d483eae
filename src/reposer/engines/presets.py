"""Named choices of model, size and runtime; `python -m benchmarks presets` measures them."""

from collections.abc import Mapping
from dataclasses import dataclass

from reposer.core import BadInput
from reposer.core.choices import Preset, Runtime

DEFAULT_MODEL = "trueflow"


@dataclass(frozen=True)
class Choice:
    """What is used for a picture. size: (height, width) at which the network works; None = that of its training."""

    model: str = DEFAULT_MODEL
    runtime: Runtime | None = None
    size: tuple[int, int] | None = None


PRESETS: Mapping[Preset, Choice] = {"fast": Choice(size=(192, 144)), "balanced": Choice(), "best": Choice()}
"""best is the network at its own size: docs/fast.md says what was measured at others."""


def chosen(preset: Preset | None, model: str, runtime: Runtime | None) -> Choice:
    """The choice of a preset, or these where none is named. A preset goes with the default model and runtime only."""
    if preset is None:
        return Choice(model, runtime)
    if model != DEFAULT_MODEL or runtime is not None:
        other = f"--model {model}" if model != DEFAULT_MODEL else f"the engine {runtime}"
        raise BadInput(
            f"--preset {preset} chooses the model, its size and its engine; leave {other} out, or the preset."
        )
    return PRESETS[preset]
