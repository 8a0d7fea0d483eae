import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
from unittest.mock import patch

import pytest

from reposer.cli import COMMANDS, main
from reposer.cli.options import unbroken
from reposer.cli.trainable import trainable


def test_the_help_imports_no_torch():
    code = "import sys; from reposer.cli import main; main(['--help']); sys.exit('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert all(command in result.stdout for command in COMMANDS)


WITHOUT_RECIPES = [
    *([command] for command in COMMANDS if command not in ("train", "data", "pose", "study")),
    *(["data", word] for word in ("check", "list", "card", "synthesize", "synthesize-objects")),
    *(["pose", word] for word in ("extract",)),
    *(["study", word] for word in ("real-or-generated", "best", "results")),
]


def test_a_command_s_help_imports_no_torch_unless_its_options_are_a_recipe_s():
    code = """
import contextlib, io, json, sys
from reposer.cli import main
for command in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main([*command, "--help"])
    assert "usage" in said.getvalue(), command
    assert "torch" not in sys.modules, command
"""
    arguments = [sys.executable, "-c", code, json.dumps(WITHOUT_RECIPES)]
    result = subprocess.run(arguments, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_an_unknown_command_names_the_nearest(capsys):
    assert main(["trian"]) == 2
    assert "Did you mean 'train'" in capsys.readouterr().err


def test_an_unknown_recipe_names_the_nearest(capsys):
    assert main(["train", "gfla-mni"]) == 2
    error = capsys.readouterr().err
    assert "Did you mean gfla-mini" in error and error.count("\n") == 1


@pytest.mark.parametrize("command", [["recipes"], ["models"], ["data", "list"]])
def test_what_there_is_can_be_listed(command, capsys):
    assert main(command) == 0
    assert "gfla" in capsys.readouterr().out or command == ["data", "list"]


def test_lines_that_go_on_are_joined_in_a_help_and_entries_stay_apart():
    text = """Write it.

    A paragraph that
    goes on.

    Args:
        one: a text that goes
            on, and
            on.
        two: another.
    """
    joined = "Write it.\n\nA paragraph that goes on.\n\nArgs:\n    one: a text that goes on, and on.\n    two: another."
    assert unbroken(text) == joined


COMMAND_LINES = [
    *([command] for command in COMMANDS if command not in ("train", "estimate")),
    *(["data", word] for word in ("check", "list", "synthesize", "views", "card", "synthesize-objects")),
    *(["pose", word] for word in ("extract", "convert", "show", "list")),
    *(["study", word] for word in ("real-or-generated", "best", "results")),
]


def help_of(words):
    """As in a narrow terminal, where it has one column of boxes."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with patch.dict(os.environ, COLUMNS="60"), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    said.seek(0)
    return said.read()


def breaks_inside_sentences(text):
    """Lines of a help that end within a sentence, although the next word would have fitted."""
    lines = [line.replace("│", " ").rstrip() for line in text.splitlines()]
    room = max(len(line) for line, shown in zip(lines, text.splitlines(), strict=True) if "│" in shown)
    for line, after in itertools.pairwise(lines):
        indent = len(line) - len(line.lstrip())
        goes_on = line.strip() and after[:indent].isspace() and not after[indent:].startswith((" ", "-"))
        if goes_on and len(line) + 1 + len(after.split()[0]) <= room and line[-1] not in ".:,;)?!":
            yield f"{line.strip()} / {after.strip()}"


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_no_line_of_a_command_s_help_ends_inside_a_sentence(words):
    said = help_of(words)
    assert "show this help message" in said
    assert list(breaks_inside_sentences(said)) == []


@pytest.mark.slow
def test_no_line_of_a_recipe_s_help_ends_inside_a_sentence():
    for name in trainable():
        said = help_of(["train", name])
        assert "--stages.0.steps" in said, name
        assert list(breaks_inside_sentences(said)) == [], name
