"""The documentation's commands run and succeed: as printed, but with tiny recipes, few people and few steps.

`reposer web` and `reposer study` are asked for their page and stopped.
"""

import contextlib
import functools
import io
import shutil
import threading
import urllib.request
from pathlib import Path

import pytest

import reposer.cli.train
from reposer.cli import main
from reposer.cli.trainable import trainable
from reposer.generators import RECIPES, save
from reposer.web.server import WebServer

from .documents import DOCUMENTS, PLACEHOLDER, ROOT, command_lines, python_blocks
from .world import PLACEHOLDERS, copy_of, idea_installed, lay_out_study, tiny_recipes, write_world

SMALLER = {
    "--people": "2",
    "--test-people": "1",
    "--objects": "1",
    "--minutes": "0.05",
    "--processor-minutes": "0.001",
    "--workers": "2",
}
"""Values of options that decide how much work there is."""

ADDED = {
    ("data", "synthesize"): ("--test-people", "1"),
    ("data", "synthesize-objects"): ("--test-objects", "1"),
    ("data", "views"): ("--people", "16"),
    ("evaluate",): ("--pairs", "2"),
    ("leaderboard",): ("--people", "2", "--pairs", "2", "--pictures", "8", "--processor-minutes", "0.001"),
    ("personalize",): ("--minutes", "0.05"),
    ("web",): ("--port", "0", "--no-browser"),
    ("study", "best"): ("--port", "0", "--trials", "6", "--practice", "2"),  # a multiple of the systems
    ("study", "real-or-generated"): ("--port", "0", "--trials", "8", "--practice", "2"),
}
"""Options that are added to a command's lines, where the line does not have them."""

FILES_OF = {
    "drn-landmarks-mini": ("DIR", "marked"),
    "motion-2020": ("DIR", "human36m"),
    "gfla-face-2020": ("latest_net_G.pth", "face_net_G.pth"),
}
"""Recipes that need another file than others under its name: poses with landmarks, tracks, the network of faces."""

ONLY_PARSED = {
    "a file of 1.7 GB": lambda words: words[:2] == ("import-weights", "pg2"),
    "a GPU": lambda words: "--full-size" in words,
    "no command, but its pattern": lambda words: bool({"...", "COMMAND"} & {*words}) or _is_fragment(words),
}
"""Classes of lines that are not run here; `test_commands.py` parses them."""

FINDINGS = ("evaluate", "leaderboard", "personalize", "score")
"""Commands that end with 1 where a number is absent (its network is not on this machine), or the result no better."""
SERVERS = ("web", "study best", "study real-or-generated")
RUN_SHARE = 0.88


def _is_fragment(words):
    """A command's name alone or with options only, within a sentence, though it needs more."""
    alone = {"demo", "leaderboard", "models", "recipes", "runs", "web"}
    command = words[:2] if words[0] in ("data", "pose", "study") else words[:1]
    rest = words[len(command) :]
    if command[0] in alone or command in (("pose", "list"), ("data", "list"), ("data", "card")):
        return False
    if command[0] == "train" and rest[:1] == ("--from",):
        return False
    return not rest or (rest[0].startswith("-") and command[0] != "study") or rest == ("--help",)


def lines():
    """Each different line of the documents once."""
    return sorted({line.words for path in DOCUMENTS for line in command_lines(path)})


def why_only_parsed(words):
    return next((why for why, holds in ONLY_PARSED.items() if holds(words)), None)


def small(words):
    """The line with less to do."""
    words = [PLACEHOLDERS.get(word, word) for word in words]
    for recipe, (name, instead) in FILES_OF.items():
        if recipe in words and name in words:
            words[words.index(name)] = instead
    for k in range(len(words) - 1):
        words[k + 1] = SMALLER.get(words[k], words[k + 1])
    if words[:2] == ["data", "views"] and "--people" in words:
        words[words.index("--people") + 1] = "16"  # they come in steps of 16
    for command, options in ADDED.items():
        if tuple(words[: len(command)]) == command:
            for option, value in _pairs(options):
                of_synthetic_people = option == "--people" and "--data" in words
                words += () if option in words or of_synthetic_people else (option, *value)
    return words


def _pairs(options):
    """(option, its values) of some words."""
    starts = [k for k, word in enumerate(options) if word.startswith("--")]
    return [(options[a], options[a + 1 : b]) for a, b in zip(starts, [*starts[1:], len(options)], strict=True)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = write_world(tmp_path_factory.mktemp("world") / "world", tmp_path_factory.mktemp("valid") / "files")
    with pytest.MonkeyPatch.context() as path, idea_installed(path):
        (root / "runs/mine").mkdir()
        save(RECIPES["mine"]().tiny().build().eval(), root / "runs/mine/generator.safetensors")
        yield root


@pytest.fixture
def tiny_steps(monkeypatch):
    """Training ends after two steps; recipes are tiny, but for lines that begin with a network of full size."""
    whole = reposer.cli.train.train
    monkeypatch.setattr(reposer.cli.train, "train", functools.partial(whole, until_step=2))

    def choose(words):
        full = "--init" in words or "gfla-synthetic" in words
        monkeypatch.setattr(reposer.cli.train, "trainable", trainable if full else tiny_recipes)
        return ["--batch-size", "1"] if full else []

    return choose


def served(server, ready=None):
    """Instead of serving until Ctrl-C: the page is asked for once."""
    with server._socket:
        if ready is not None:
            ready()
        thread = threading.Thread(target=server._server.run, kwargs={"sockets": [server._socket]}, daemon=True)
        thread.start()
        with urllib.request.urlopen(server.url, timeout=60) as page:
            assert page.status == 200 and b"<html" in page.read()
        server.shutdown()
        thread.join(60)


@pytest.mark.nightly
@pytest.mark.parametrize("words", [w for w in lines() if why_only_parsed(w) is None], ids=" ".join)
def test_a_command_of_the_documents_runs(words, world, tmp_path, monkeypatch, tiny_steps):
    place = copy_of(world, tmp_path / "here")
    typed = small(words)
    if typed[0] == "study":
        lay_out_study(place)
    if "--out" in typed:  # what a line writes is not there yet
        out = place / typed[typed.index("--out") + 1]
        shutil.rmtree(out, ignore_errors=True) if out.is_dir() else out.unlink(missing_ok=True)
    if typed[0] == "train" and typed[1] != "--from":
        shutil.rmtree(place / "runs" / typed[1], ignore_errors=True)
    if "train" in (typed[0], *typed[1:2]):  # also `estimate train`
        typed += [] if "--help" in typed else tiny_steps(typed)
    if typed[0] == "data" and typed[1] in ("synthesize", "synthesize-objects", "views") and len(typed) > 2:
        shutil.rmtree(place / typed[2], ignore_errors=True)
    monkeypatch.chdir(place)
    monkeypatch.setattr(WebServer, "serve_forever", served)
    typed = [str(path) for word in typed for path in (sorted(Path().glob(word)) if "*" in word else [word])]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main(typed)
        except SystemExit as stop:
            code = stop.code
    assert code in ((0, 1) if typed[0] in FINDINGS else (0,)), said.getvalue()[-1500:]
    assert not (code == 1 and "Traceback" in said.getvalue())


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["own-photo", "synthetic"])
def test_the_python_of_a_document_runs(name, world, tmp_path, monkeypatch):
    place = copy_of(world, tmp_path / "here")
    monkeypatch.chdir(place)
    blocks = python_blocks(ROOT / f"docs/{name}.md")
    assert blocks
    for block in blocks:
        exec(compile(block, name, "exec"), {})
    assert name != "own-photo" or (place / "reposed.png").is_file()


def test_most_lines_of_the_documents_are_run():
    every = lines()
    parsed = [words for words in every if why_only_parsed(words) is not None]
    assert len(every) > 150 and 1 - len(parsed) / len(every) > RUN_SHARE
    assert not any(PLACEHOLDER.fullmatch(word) for words in parsed for word in words if word in PLACEHOLDERS)


if __name__ == "__main__":  # prints which lines are run and which are only parsed
    for each in lines():
        print(f"{why_only_parsed(each) or 'run':30} reposer {' '.join(each)}")
