"""Text from outside (names of files, words of reports) as a terminal, a page or a table may show it."""

import html
import re

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed: a terminal's escapes begin with one
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these turn the direction of writing
    "\u2028\u2029\ud800-\udfff]"  # more ends of lines, and halves of characters, which no file can be written in
)
_SPECIAL_IN_MARKDOWN = re.compile(r"([\\`*\[\]|~])")


def visible(text: str) -> str:
    """The text with escapes (`\\x1b`) in place of characters that nobody sees, lines and tabs excepted."""
    return UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same, with escapes for line feeds and tabs, too: a name with a line feed in it makes no second message."""
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")


def in_markdown(text: str) -> str:
    """The text as a cell of a Markdown table that shows it as it is: no HTML, no link, no emphasis, no further cell."""
    return html.escape(_SPECIAL_IN_MARKDOWN.sub(r"\\\1", one_line(text)), quote=False)


def in_html(text: str) -> str:
    """The text in a page, between tags or in an attribute's quotes."""
    return html.escape(visible(text))
