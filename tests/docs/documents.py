"""The command lines of the documentation."""

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
DOCUMENTS = sorted([*ROOT.glob("docs/**/*.md"), *(ROOT / name for name in BESIDE)])
BLOCK = re.compile(r"^(```+)(\w*)\n(.*?)^\1$|(?<=\n\n)((?:^    .*\n)+)", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`(reposer\s[^`]+)`(?!`)")
PROGRAM = re.compile(r"(?:.*-m reposer\.cli|(?:\S*/)?reposer)\s+")
PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*|\.\.\.")


@dataclass(frozen=True)
class CommandLine:
    """A command line in a document; `words` come after `reposer`. whole: as printed to be typed, not part of a
    sentence."""

    document: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.document}: reposer {shlex.join(self.words)}"


def command_lines(path: Path) -> list[CommandLine]:
    """All command lines of a document: those of its code blocks, and those within its sentences."""
    return _lines_of(path.read_text(), str(path.relative_to(ROOT)))


@cache
def made_lines() -> list[CommandLine]:
    """Those of the site's pages that are made from the code: help, docstrings, notebooks."""
    from scripts.documentation.generated import pages

    found = []
    for name, text in pages().items():
        if name == "commands.md":  # what the commands' help says, without its frames
            text = re.sub(r"^```.*$|[│╭╮╰╯─]+|^ +", "", text, flags=re.MULTILINE)
        found += _lines_of(text, name)
    return found


def _lines_of(text: str, name: str) -> list[CommandLine]:
    found = []
    for block in BLOCK.finditer(text):
        language, body = (block[2], block[3]) if block[1] else ("", block[4])
        if language in ("", "text", "sh", "console"):
            found += [CommandLine(name, words, True) for words in _of_block(body)]
    for inline in INLINE.finditer(BLOCK.sub("", text)):
        found += [CommandLine(name, words, False) for words in _of_block(" ".join(inline[1].split()))]
    return found


def _of_block(body: str) -> list[tuple[str, ...]]:
    lines = re.sub(r"\\\n\s*", " ", body).splitlines()
    parts = (part.strip() for line in lines for part in re.split(r"&&|\s\|\s", line.partition("  #")[0]))
    typed = ((part, PROGRAM.match(part)) for part in parts)
    return [tuple(shlex.split(part[match.end() :], comments=True)) for part, match in typed if match is not None]


def python_blocks(path: Path) -> list[str]:
    """The Python code of a document, block by block."""
    return python_in(path.read_text())


def python_in(text: str) -> list[str]:
    """The Python code of a text, block by block; what is typed after `>>>` without that sign."""
    blocks = [block[3] for block in BLOCK.finditer(text) if block[2] == "python"]
    return [re.sub(r"^>>> ", "", block, flags=re.MULTILINE) for block in blocks]


def typed_in(path: Path, pattern: str) -> set[str]:
    """What the group of the pattern finds where a line or a piece of code begins with the pattern."""
    return set(re.findall(rf"(?:^|`|&& )\s*(?:\.venv/bin/)?{pattern}", path.read_text(), re.MULTILINE))
