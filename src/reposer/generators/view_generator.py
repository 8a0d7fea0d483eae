"""Common parts of the families that turn objects: views as conditions, and their recipes."""

from dataclasses import dataclass, field
from pathlib import Path

from reposer.core import Generator, View
from reposer.core.view import EVERY_THIRD, HELD_OUT
from reposer.nn.view_code import unknown_angle
from reposer.recipes import PairRecipe, ViewDataConfig


class ViewGenerator(Generator):
    """Generates an object as seen by a camera elsewhere, from one picture of it."""

    condition = View
    any_size = False

    @property
    def one_hot(self) -> bool:
        """Whether only the published angles are supported."""
        return False

    def refusal(self, condition: View) -> str | None:
        wrong = unknown_angle(condition, one_hot=self.one_hot)
        return wrong and f"was asked for {wrong}. Give another angle."


@dataclass(frozen=True)
class ViewRecipe(PairRecipe):
    """A run that learns to turn objects. Each family narrows the types of `model` and `stages`."""

    data: ViewDataConfig = field(default_factory=ViewDataConfig)  # type: ignore[assignment]
    """Where the views come from."""

    def afterwards(self, out: Path) -> str:
        split = f" --split {HELD_OUT}" if self.data.root and self.data.hold_out == EVERY_THIRD else ""
        return super().afterwards(out) + split
