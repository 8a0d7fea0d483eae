"""What a command prints. Text from outside is shown as it is: it is no markup, and it moves nothing on the screen."""

from collections.abc import Callable, Iterable, Sequence
from string import ascii_uppercase
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import StyleType
from rich.text import Text

from .shown import UNSEEN, one_line, visible

WIDEST = 100_000  # columns: where nothing is broken


class Terminal(Console):
    """Where a command prints its lines, tables and bars: standard output, or standard error."""

    def __init__(self, *, stderr: bool = False, quiet: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, quiet=quiet, width=width, markup=False, emoji=False, highlight=False)

        self._in_line = False  # whether what was rendered last has not ended its line

    def say(self, text: str, style: StyleType = "") -> None:
        """One line, never broken: a path in it can be copied."""
        self.print(Text(one_line(text), style=style), soft_wrap=True)

    def text(self, text: str) -> None:
        """Several lines, each whole."""
        self.print(Text(visible(text)), soft_wrap=True)

    def print_columns(self, names: Sequence[str], build: Callable[[tuple[str, ...]], RenderableType]) -> None:
        """A table with a column per name, by `build`. Where names would be broken, letters head the columns, told
        below."""
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
        """As rich's. A bar that was hidden all the time, in a file or a pipe, ends without an empty line."""
        if objects or self.is_interactive or self._in_line:
            super().print(*objects, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text in a table's cell: measured as it is shown."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """All that is printed passes here, texts that rich made itself, too."""
        for segment in super().render(renderable, options):
            if segment.control is None and UNSEEN.search(segment.text):
                yield Segment(visible(segment.text), segment.style)
            else:
                yield segment
            if segment.control is None and segment.text:
                self._in_line = not segment.text.endswith("\n")
