"""What the families that turn objects have in common: views as conditions, which of them are known, and their runs."""

from dataclasses import dataclass, field
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from reposer.core import BadInput, Generator, View
from reposer.core.samples import Condition
from reposer.data.objects import EVERY_THIRD, HELD_OUT
from reposer.nn.view_code import unknown_angle
from reposer.training import Recipe, ViewDataConfig


class ViewGenerator(Generator):
    """Draws the object of one picture as a camera elsewhere sees it."""

    condition = View

    @property
    def one_hot(self) -> bool:
        """Whether the published angles alone are known."""
        return False

    def admitted(self, source: Float[Tensor, "B 3 H W"], *conditions: Condition) -> tuple[View, ...]:
        """The views, on the picture's device, if they are such as this network knows and the picture has its size."""
        name, size = type(self).__name__.removesuffix("Generator"), tuple(source.shape[-2:])
        if size != self.config.size:
            height, width = self.config.size
            raise BadInput(
                f"This {name} draws pictures of {height}x{width} pixels, not of {size[0]}x{size[1]}. "
                f"generator.framing says how a picture becomes one."
            )
        views = []
        for view in conditions:
            if not isinstance(view, View):
                raise BadInput(
                    f"{name} turns objects: it needs a View (azimuth and elevation in degrees), not a {type(view).__name__}."
                )
            if wrong := unknown_angle(view, one_hot=self.one_hot):
                raise BadInput(f"{name} was asked for {wrong}. Give another angle.")
            views.append(view.to(source.device))
        return tuple(views)

    def admitted_row(self, source: Float[Tensor, "1 3 H W"], view: Condition) -> View:
        """A single view as a batch of one."""
        if not isinstance(view, View):
            return self.admitted(source, view)[0]  # which refuses it
        return self.admitted(source, View(view.azimuth.reshape(1), view.elevation.reshape(1)))[0]


@dataclass(frozen=True)
class ViewRecipe(Recipe):
    """A run that learns to turn objects. A family narrows the types of `model` and `stages`."""

    data: ViewDataConfig = field(default_factory=ViewDataConfig)  # type: ignore[assignment]
    """Where the views come from."""
    protocol: str = "reposer-views-v1"
    """What the finished generator is scored by."""

    def afterwards(self, out: Path) -> str:
        split = f" --split {HELD_OUT}" if self.data.root and self.data.hold_out == EVERY_THIRD else ""
        return super().afterwards(out) + split
