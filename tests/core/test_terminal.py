"""What is printed and shown is what came: no markup, nothing that moves the cursor, no HTML."""

import ast
from pathlib import Path

import pytest
from rich.console import Group
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

import reposer
from reposer.core.shown import in_html, in_markdown, one_line, visible
from reposer.core.terminal import Terminal

HOSTILE = "pose [final] b[/b] [red]x :smile: \x1b[31m\x1b]0;title\x07\x9b2J\u202egnp.exe"
SHOWN = r"pose [final] b[/b] [red]x :smile: \x1b[31m\x1b]0;title\x07\x9b2J\u202egnp.exe"


def test_square_brackets_and_escapes_are_printed_as_they_are(capsys):
    terminal = Terminal(width=200)
    terminal.say(HOSTILE)
    assert capsys.readouterr().out == SHOWN + "\n"


def test_a_path_is_printed_whole_on_one_line_however_narrow_the_terminal(capsys):
    path = "/folder with spaces/" + "x" * 300 + "\n.png"
    Terminal(width=40).say(f"The picture: {path}")
    assert capsys.readouterr().out == f"The picture: {path[:-5]}\\n.png\n"


def test_titles_heads_and_cells_of_tables_are_printed_as_they_are(capsys):
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    Terminal(width=400).print(Group(table, HOSTILE))
    said = capsys.readouterr().out
    assert said.count(SHOWN) == 4 and not any(c in said for c in "\x1b\x07\x9b\u202e")


def test_a_text_that_was_made_elsewhere_moves_nothing_either(capsys):
    table = Table(title=Text(HOSTILE))
    table.add_row(Text(HOSTILE))
    Terminal(width=40).print(Group(table, Text(HOSTILE)))
    assert not any(c in capsys.readouterr().out for c in "\x1b\x07\x9b\u202e")


def test_halves_of_characters_are_shown_as_escapes_and_other_alphabets_as_they_are():
    assert visible("a\udc80b") == r"a\udc80b"
    assert one_line("Ünïcode 日本語 🎉\n\ttab") == "Ünïcode 日本語 🎉\\n\\ttab"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("a|b", r"a\|b"),
        ("[here](javascript:x)", r"\[here\](javascript:x)"),
        ("two\nlines `code` *bold*", r"two\\nlines \`code\` \*bold\*"),
        ("\x1b[31m", r"\\x1b\[31m"),
        ("gfla_mini-0.5", "gfla_mini-0.5"),
    ],
)
def test_a_cell_of_markdown_shows_what_came(text, shown):
    assert in_markdown(text) == shown


def test_a_page_shows_what_came():
    assert in_html("\"'><script>\x1b") == "&quot;&#x27;&gt;&lt;script&gt;\\x1b"


def test_a_bar_in_a_pipe_leaves_nothing_or_a_line(capsys):
    with Progress(console=Terminal(stderr=True), transient=True) as bar:
        bar.add_task("scoring", total=2)
    assert capsys.readouterr() == ("", "")
    with Progress(console=Terminal(stderr=True)) as bar:
        bar.add_task("scoring", total=2)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.endswith("\n"), "one that stays ends its line"


def test_names_that_do_not_fit_become_letters_and_are_told_whole(capsys):
    names = ("a-name-of-thirty-characters-one", "a-name-of-thirty-characters-two")

    def build(shown):
        table = Table("metric", *shown)
        table.add_row("ssim", "0.5", "0.6")
        return table

    Terminal(width=80).print_columns(names, build)
    said = capsys.readouterr().out
    assert all(name in said.splitlines()[1] for name in names) and " = " not in said
    Terminal(width=60).print_columns(names, build)
    said = capsys.readouterr().out
    assert "…" not in said and f"A = {names[0]}\nB = {names[1]}\n" in said


@pytest.mark.slow
def test_the_package_prints_through_the_terminal_alone():
    for path in Path(reposer.__file__).parent.rglob("*.py"):
        if path.name == "terminal.py":
            continue
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        names = {alias.name for node in calls if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert "Console" not in names, path
        assert not any(isinstance(n, ast.Call) and getattr(n.func, "id", "") == "print" for n in calls), path
