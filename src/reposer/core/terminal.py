"""What a command prints. Text from outside is shown as it is: it is no markup, and it moves nothing on the screen."""

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import StyleType
from rich.text import Text

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed: a terminal's escapes begin with one
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these turn the direction of writing
    "\u2028\u2029\ud800-\udfff]"  # more ends of lines, and halves of characters, which no file can be written in
)
_SPECIAL_IN_MARKDOWN = re.compile(r"([\\`*\[\]|~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def visible(text: str) -> str:
    """The text with escapes (`\\x1b`) in place of characters that nobody sees, lines and tabs excepted."""
    return _UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same, with escapes for line feeds and tabs, too: a name with a line feed in it makes no second message."""
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")


def in_markdown(text: str) -> str:
    """The text as a cell of a Markdown table that shows it as it is: no HTML, no link, no emphasis, no further cell."""
    escaped = _SPECIAL_IN_MARKDOWN.sub(r"\\\1", one_line(text))
    return re.sub("[&<>]", lambda found: _ENTITIES[found.group()], escaped)


class Terminal(Console):
    """Where a command prints its lines, tables and bars: standard output, or standard error."""

    def __init__(self, *, stderr: bool = False, quiet: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, quiet=quiet, width=width, markup=False, emoji=False, highlight=False)

    def say(self, text: str, style: StyleType = "") -> None:
        """One line, never broken: a path in it can be copied."""
        self.print(Text(one_line(text), style=style), soft_wrap=True)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text in a table's cell: measured as it is shown."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """All that is printed passes here, texts that rich made itself, too."""
        for segment in super().render(renderable, options):
            if segment.control is None and _UNSEEN.search(segment.text):
                yield Segment(visible(segment.text), segment.style)
            else:
                yield segment
