"""Every command line of the documentation is one that the command line understands."""

import ast
import contextlib
import functools
import importlib.util
import inspect
import io
import itertools
import re

import pytest
import tyro

from reposer.cli import COMMANDS, main
from reposer.cli.train import parse
from reposer.cli.trainable import trainable
from reposer.core import BadInput
from reposer.data.poses.presets import preset_names
from reposer.estimators import POSE_ESTIMATORS
from reposer.evaluation import PROTOCOLS
from reposer.generators import shipped_models

from .documents import DOCUMENTS, PLACEHOLDER, ROOT, command_lines, made_lines, python_blocks, typed_in

LINES = {str(path.relative_to(ROOT)): command_lines(path) for path in DOCUMENTS}


@pytest.fixture
def only_parsed(monkeypatch):
    """Commands read their options, and do nothing."""
    parse_one, parse_several = tyro.cli, tyro.extras.subcommand_cli_from_dict

    def idle(function):
        if not inspect.isfunction(function):
            return function
        return functools.wraps(function)(lambda *values, **named: 0)

    def several(functions, **options):
        return parse_several({name: idle(function) for name, function in functions.items()}, **options)

    monkeypatch.setattr(tyro, "cli", lambda function, **options: parse_one(idle(function), **options))
    monkeypatch.setattr(tyro.extras, "subcommand_cli_from_dict", several)


def understood(words):
    """Why the command line does not understand these words; nothing if it does."""
    if words[0] == "estimate":  # of a command as it would be run
        return understood(words[1:])
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            code = trained(words[1:]) if words[0] == "train" else main(list(words))
        except SystemExit as stop:
            code = stop.code
        except BadInput as error:
            return str(error)
    return "" if code == 0 else said.getvalue()


def trained(words):
    """Parses `reposer train RECIPE OPTIONS`, or `--from RUN OPTIONS`, whose options are the recipe's."""
    if words[0] == "--from":
        return trained(["gfla-mini", *words[2:]])
    recipe = trainable()["gfla-mini" if PLACEHOLDER.fullmatch(words[0]) else words[0]]()
    parse(recipe, list(words[1:]))
    return 0


NAMES = {
    "--protocol": {*PROTOCOLS, "all"},
    "--joints": set(POSE_ESTIMATORS),
    "--model": set(shipped_models()),
    "--pose": set(preset_names()),
}


def unknown_names(words):
    """Values of options that look like a name and are none."""
    for option, value in itertools.pairwise(words):
        if option in NAMES and re.fullmatch(r"[a-z0-9-]+", value) and value not in NAMES[option]:
            yield f"{option} {value}"


@pytest.mark.slow
@pytest.mark.parametrize("document", LINES)
def test_every_command_of_a_document_can_be_typed(document, only_parsed):
    wrong = {}
    for line in LINES[document]:
        if line.whole and not ({"-h", "--help", "..."} & {*line.words}) and line.words[0] not in ("COMMAND",):
            why = understood(line.words) or ", ".join(unknown_names(line.words))
            if why:
                wrong[str(line)] = why
    assert not wrong, "\n".join(f"{line}\n{why}" for line, why in wrong.items())


@functools.cache
def help_of(*words):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return said.getvalue()


def test_every_command_within_a_sentence_and_its_options_exist():
    assert not (wrong := unknown(line for lines in LINES.values() for line in lines if not line.whole)), "\n".join(
        wrong
    )


@pytest.mark.slow
def test_every_command_of_the_pages_made_from_the_code_and_its_options_exist():
    lines = made_lines()
    assert {line.document for line in lines} >= {"commands.md", "recipes.md", "protocols.md"} and len(lines) > 60
    assert not (wrong := unknown(lines)), "\n".join(wrong)


def unknown(lines):
    """The lines whose command, or one of its options, there is not."""
    wrong = []
    for line in lines:
        command, *rest = line.words[1:] if line.words[0] == "estimate" and len(line.words) > 1 else line.words
        if PLACEHOLDER.fullmatch(command):
            continue
        if command not in COMMANDS:
            wrong.append(str(line))
            continue
        options = [word for word in rest if word.startswith("--") and word != "--help"]
        if command == "train":
            options = options[rest[:1] == ["--from"] :]  # which stands in the place of a recipe
            recipe = next((word for word in rest if word in trainable()), "gfla-mini")
            said = help_of("train", recipe)
        else:
            words = [
                word for word in rest[:1] if command in ("data", "pose", "study") and re.fullmatch(r"[a-z-]+", word)
            ]
            said = help_of(command, *words)
        wrong += [f"{line}: {option}" for option in options if not re.search(rf"{option}(?![\w-])", said)]
    return wrong


def test_every_module_and_target_of_make_that_a_document_starts_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = {target for path in DOCUMENTS for target in typed_in(path, r"make ([a-z-]+)")}
    started = {name for path in DOCUMENTS for name in typed_in(path, r"python -m\s+([\w.]+)")}
    assert {"web", "nightly"} <= made <= targets
    assert {"scripts.container", "benchmarks", "reposer.probes.motion"} <= started
    assert not [name for name in started if importlib.util.find_spec(name) is None]


def test_python_in_a_document_is_python():
    blocks = [block for path in DOCUMENTS for block in python_blocks(path)]
    assert len(blocks) > 4
    for block in blocks:
        ast.parse(block)


def test_each_of_the_twenty_questions_is_answered_with_a_command():
    _, *questions = re.split(r"^## (?=\d+\. )", (ROOT / "docs/faq.md").read_text(), flags=re.MULTILINE)
    assert [int(question.split(".")[0]) for question in questions] == list(range(1, 21))
    assert all(re.search(r"^```\nreposer ", question, re.MULTILINE) for question in questions)


def test_the_documents_have_commands_of_every_kind():
    assert {line.words[0] for lines in LINES.values() for line in lines} >= set(COMMANDS)
