"""A command's output. Text from outside is shown literally: no markup, and no control of the screen."""

from collections.abc import Callable, Iterable, Sequence
from string import ascii_uppercase
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import StyleType
from rich.text import Text

from .shown import UNSEEN, one_line, visible

WIDEST = 100_000  # columns: nothing is wrapped


class Terminal(Console):
    """Prints a command's lines, tables and bars to standard output or standard error."""

    def __init__(self, *, stderr: bool = False, quiet: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, quiet=quiet, width=width, markup=False, emoji=False, highlight=False)

        self._in_line = False  # whether the last output has not ended its line

    def say(self, text: str, style: StyleType = "") -> None:
        """Prints one line without wrapping it, so that a path in it can be copied."""
        self.print(Text(one_line(text), style=style), soft_wrap=True)

    def text(self, text: str) -> None:
        """Prints several lines without wrapping them."""
        self.print(Text(visible(text)), soft_wrap=True)

    def print_columns(self, names: Sequence[str], build: Callable[[tuple[str, ...]], RenderableType]) -> None:
        """Prints a table with a column per name, by `build`. If names would wrap, letters head the columns, with a
        legend below."""
        table = build(tuple(names))
        unbroken = self.measure(table, options=self.options.update(width=WIDEST)).minimum
        if unbroken <= self.width:
            self.print(table)
            return
        letters = tuple(ascii_uppercase[k % 26] * (k // 26 + 1) for k in range(len(names)))
        self.print(build(letters))
        for letter, name in zip(letters, names, strict=True):
            self.say(f"{letter} = {name}")

    def print(self, *objects: Any, **options: Any) -> None:
        """Like rich's. A bar that was never shown, in a file or a pipe, ends without an empty line."""
        if objects or self.is_interactive or self._in_line:
            super().print(*objects, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text in a table's cell, measured as it is shown."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """All output passes here, including texts that rich made itself."""
        for segment in super().render(renderable, options):
            if segment.control is None and UNSEEN.search(segment.text):
                yield Segment(visible(segment.text), segment.style)
            else:
                yield segment
            if segment.control is None and segment.text:
                self._in_line = not segment.text.endswith("\n")
