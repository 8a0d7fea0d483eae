"""Makes text from outside (file names, words of reports) safe to show in a terminal, a page or a table."""

import html
import re

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters except tab and line feed: terminal escapes begin with one
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these change the direction of writing
    "\u2028\u2029\ud800-\udfff]"  # more line ends, and lone surrogates, which cannot be written to a file
)
_SPECIAL_IN_MARKDOWN = re.compile(r"([\\`*\[\]|~])")


def visible(text: str) -> str:
    """The text with escapes (`\\x1b`) for invisible characters, except line feeds and tabs."""
    return UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same, with escapes for line feeds and tabs too: a name with a line feed in it cannot forge a second
    message."""
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")


def in_markdown(text: str) -> str:
    """The text as a cell of a Markdown table that shows it literally: no HTML, no link, no emphasis, no further
    cell."""
    return html.escape(_SPECIAL_IN_MARKDOWN.sub(r"\\\1", one_line(text)), quote=False)


def in_html(text: str) -> str:
    """The text for an HTML page, between tags or in an attribute's quotes."""
    return html.escape(visible(text))
