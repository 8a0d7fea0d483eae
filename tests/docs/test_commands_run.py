"""The documentation's commands run and succeed: as printed, but with tiny recipes, few people and few steps.

`reposer web` and `reposer study` are asked for their page and stopped. What is not run is no command: a name
alone, or a pattern. Its Python is run, too.
"""

import contextlib
import dataclasses
import functools
import io
import re
import shutil
import sys
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import reposer.cli.train
import reposer.leaderboard
from reposer.cli import main
from reposer.cli.trainable import trainable
from reposer.generators import RECIPES, push_to_hub, save
from reposer.generators.pg2 import PG2Config
from reposer.generators.released import RELEASED
from reposer.leaderboard import full, mini
from reposer.web.server import WebServer
from scripts.documentation.generated import pages
from tests.generators import test_hub

from .documents import DOCUMENTS, PLACEHOLDER, ROOT, command_lines, made_lines, python_in
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

PATTERN = re.compile(r"\.\.\.|COMMAND|FAMILY|.*\|.*")
"""A word of a line that says which words may stand there."""

FINDINGS = ("evaluate", "leaderboard", "personalize", "ready", "score")
"""Commands that end with 1 where no process is ready, a number is absent (its network is not on this machine), or the
result is no better."""
SERVERS = ("web", "study best", "study real-or-generated")


def is_fragment(words):
    """A pattern, or a command's name alone or with options only, within a sentence, though it needs more."""
    if any(PATTERN.fullmatch(word) for word in words):
        return True
    alone = {"demo", "leaderboard", "models", "ready", "recipes", "runs", "web"}
    command = words[:2] if words[0] in ("data", "pose", "study") else words[:1]
    rest = words[len(command) :]
    if command[0] in alone or command in (("pose", "list"), ("data", "list"), ("data", "card")):
        return False
    if command[0] == "train" and rest[:1] == ("--from",):
        return False
    if command[0] == "import-weights" and "--out" not in rest:
        return True
    if command == ("study", "best") or "--help" in rest:
        return False
    return not rest or (rest[0].startswith("-") and command[0] != "study")


def lines():
    """Each different line of the documents once."""
    return sorted({line.words for path in DOCUMENTS for line in command_lines(path)})


def commands(found):
    return [words for words in found if not is_fragment(words)]


def small(words):
    """The line with less to do."""
    words = list(words)
    if "--protocol" in words and words[-1] == "NAME":
        words[-1] = "gfla2020"
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
def tiny_networks(monkeypatch):
    """The contest at full size, and PG2's published networks, at their tiny size."""
    tiny = {name: lambda build=build: build().tiny() for name, build in full().systems.items()}
    few = {"size": (64, 44), "systems": tiny}
    monkeypatch.setattr(reposer.leaderboard, "full", lambda whole=full: dataclasses.replace(whole(), **few))
    monkeypatch.setattr(reposer.leaderboard, "mini", lambda whole=mini: dataclasses.replace(whole(), **few))
    released = RELEASED["pg2-fashion-2017"]
    small = dataclasses.replace(released, config=lambda: PG2Config.fashion().tiny())
    monkeypatch.setitem(RELEASED._entries, "pg2-fashion-2017", small)


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
@pytest.mark.parametrize("words", commands(lines()), ids=" ".join)
def test_a_command_of_the_documents_runs(words, world, tmp_path, monkeypatch, tiny_steps, tiny_networks):
    if "ray" in words:
        pytest.importorskip("ray", reason="needs the extra `cluster`")
    runs(words, world, tmp_path / "here", monkeypatch, tiny_steps)


@pytest.mark.nightly
def test_the_commands_of_pages_made_from_the_code_run(world, tmp_path, monkeypatch, tiny_steps, tiny_networks):
    others = sorted({line.words for line in made_lines()} - set(lines()))
    assert len(commands(others)) > 10
    failed = {}
    for number, words in enumerate(commands(others)):
        with monkeypatch.context() as patch:
            try:
                runs(words, world, tmp_path / str(number), patch, tiny_steps)
            except AssertionError as error:
                failed[" ".join(words)] = str(error)
    assert not failed, "\n\n".join(f"reposer {line}: {said}" for line, said in failed.items())


def runs(words, world, place, monkeypatch, tiny_steps):
    """AssertionError unless the line runs in a copy of the world."""
    copy_of(world, place)
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
    session = place.with_name(f"{place.name}-session")
    session.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main(typed)
        except SystemExit as stop:
            code = stop.code
        if any(session.iterdir()):
            main(["ready", "--stop"])
    assert code in ((0, 1) if typed[0] in FINDINGS else (0,)), said.getvalue()[-1500:]
    assert not (code == 1 and "Traceback" in said.getvalue())


hub = test_hub.hub  # a fixture

PYTHON = {
    "README.md": ["reposed.png"],
    "docs/own-photo.md": ["reposed.png"],
    "docs/synthetic.md": [],
    "docs/training.md": ["pg2.npz"],
    "docs/models.md": [],
    "api.md": ["reposed.png"],
    "api/reposer.md": ["reposed.png"],
}
"""Pages with Python that is run, and the files that it writes. CONTRIBUTING.md has the outline of a family, which
`scripts/afternoons/idea` fills; other pages made from the code have signatures."""


@pytest.mark.nightly
@pytest.mark.parametrize("name", PYTHON)
def test_the_python_of_a_document_runs(name, world, tmp_path, monkeypatch, hub):
    place = copy_of(world, tmp_path / "here")
    monkeypatch.chdir(place)
    monkeypatch.setitem(sys.modules, "tensorflow", as_tensorflow(place / "pg2.npz"))
    for file in PYTHON[name]:
        (place / file).unlink(missing_ok=True)
    if name == "docs/models.md":  # the address has to lead somewhere
        push_to_hub("runs/walker", "OWNER/NAME")
    text = (ROOT / name).read_text() if (ROOT / name).is_file() else pages()[name]
    blocks = [block for block in python_in(text) if not re.match(r"\w+\(.*->", block, re.DOTALL)]  # no signatures
    assert blocks
    for block in blocks:
        exec(compile(block, name, "exec"), {})
    assert all((place / file).is_file() for file in PYTHON[name])


def as_tensorflow(checkpoint):
    """What the documents need of TensorFlow: it reads a checkpoint's variables by their names."""
    arrays = dict(np.load(checkpoint)) | {"Pose_AE/G/Conv/weights/Adam": np.zeros(2)}
    read = SimpleNamespace(
        get_variable_to_shape_map=lambda: {name: array.shape for name, array in arrays.items()},
        get_tensor=lambda name: arrays[name],
    )
    return SimpleNamespace(train=SimpleNamespace(load_checkpoint=lambda path: read))


def test_every_page_with_python_is_known():
    with_code = {str(path.relative_to(ROOT)) for path in DOCUMENTS if python_in(path.read_text())}
    assert with_code == {name for name in PYTHON if not name.startswith("api")} | {"CONTRIBUTING.md"}


def test_what_is_not_run_is_a_name_alone_or_a_pattern():
    every = lines()
    parsed = [words for words in every if is_fragment(words)]
    assert len(every) > 150
    for words in parsed:
        said = " ".join(words)
        alone = len(words) <= 2 or words[1].startswith("-")
        assert alone or any(PATTERN.fullmatch(word) for word in words), said
    assert not any(PLACEHOLDER.fullmatch(word) for words in parsed for word in words if word in PLACEHOLDERS)


if __name__ == "__main__":  # prints which lines are run and which are only parsed
    for each in lines():
        print(f"{'only parsed' if is_fragment(each) else 'run':12} reposer {' '.join(each)}")
