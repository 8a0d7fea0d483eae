"""A case: a command of `commands.py` whose files or options were changed, and what must hold after it ran."""

import csv
import hashlib
import json
import os
import random
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from PIL import Image
from safetensors import safe_open

from tests.hostile.commands import COMMANDS, Command
from tests.hostile.mutations import change_arguments, change_file

CODES = (0, 1, 2, 130, 143)
MOST_MEMORY = 1_500_000_000
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]")

NOT_TRIED = {"--help", "--ready"}
"""The second leaves a process behind, as it should: see `tests/cli/test_ready.py`."""


@dataclass
class Case:
    """number: decides all of it. changed: what was done to the files and options, in words."""

    number: int
    name: str
    command: Command
    arguments: list[str]
    changed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"case {self.number} ({self.name}): {'; '.join(self.changed)}\n    reposer {shlex.join(self.arguments)}"


def options_of(server: "ForkServer", folder: Path) -> dict[str, tuple[str, ...]]:
    """Every option of every command, as its own help names them."""
    of_words: dict[tuple[str, ...], tuple[str, ...]] = {}
    for command in COMMANDS.values():
        words = command.arguments[: command.words]
        if words not in of_words:
            answer = server.run([*words, "--help"], folder)
            assert answer["code"] == 0, f"{words}: {answer['said']}"
            options = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9.-]+", answer["said"])) - NOT_TRIED
            of_words[words] = tuple(sorted(options))
    return {name: of_words[command.arguments[: command.words]] for name, command in COMMANDS.items()}


def lay(number: int, options: Mapping[str, tuple[str, ...]], valid: Path, folder: Path) -> Case:
    """The files of a case in a new folder. options: see `options_of`."""
    numbers = random.Random(number)
    name = list(COMMANDS)[number % len(COMMANDS)]
    command = COMMANDS[name]
    case = Case(number, name, command, list(command.arguments))
    folder.mkdir()
    for there in command.inputs:
        copy = shutil.copytree if (valid / there).is_dir() else shutil.copy
        copy(valid / there, folder / there)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    if not files or numbers.random() < 0.3:
        case.changed.append(change_arguments(case.arguments, options[name], numbers))
    else:
        for file in numbers.sample(files, min(len(files), numbers.choice((1, 1, 1, 1, 2)))):
            if file.is_file():
                case.changed.append(change_file(file, numbers))
    return case


def faults(case: Case, answer: dict[str, Any], before: dict[str, str], folder: Path) -> list[str]:
    """What of the promises does not hold; empty if all do."""
    found = []
    if answer["code"] not in CODES:
        found.append(f"exit code {answer['code']}")
    if "Traceback (most recent call last)" in answer["said"]:
        found.append("a traceback")
    if answer["killed"]:
        found.append("it hung and was killed")
    if answer["peak"] > MOST_MEMORY:
        found.append(f"{answer['peak'] / 1e9:.2f} GB of memory")
    if CONTROL.search(answer["said"]):
        found.append(f"control characters printed: {CONTROL.findall(answer['said'])[:5]}")
    if answer["code"] and not answer["said"].strip():
        found.append("refused without a word")
    own = tuple(case.command.outputs)
    after = listing(folder)
    for name, digest in before.items():
        if not name.startswith(own) and after.get(name) != digest:
            found.append(f"the input {name} was {'changed' if name in after else 'deleted'}")
    for name in sorted(set(after) - set(before)):
        wrong = "" if case.name == "results of a study" else _half(folder / name)  # --json takes any ending
        if wrong:
            found.append(f"{name} is half a file: {wrong}")
        if answer["code"] == 2 and not (folder / Path(name).parts[0] / "state.pt").exists():  # a saved run stays
            found.append(f"refused, but {name} was left behind")
    return found


def listing(folder: Path) -> dict[str, str]:
    """Every file by its place in the folder, with a digest of its content; links and pipes by what they are."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(mode):
            found[str(path.relative_to(folder))] = f"link to {os.readlink(path)}"
    return found


def _half(path: Path) -> str:
    """Why a file that a command left is not whole; empty if it is."""
    if path.is_symlink() or not path.is_file():
        return ""
    if path.suffix == ".tmp":
        return "a draft stayed"
    try:
        if path.suffix in (".png", ".jpg"):
            with Image.open(path) as picture:
                picture.load()
        elif path.suffix == ".mp4":
            with av.open(str(path)) as clip:
                if not sum(1 for _ in clip.decode(video=0)):
                    return "no frames"
        elif path.suffix == ".json":
            json.loads(path.read_text(), parse_constant=lambda word: 1 / 0)
        elif path.suffix == ".csv":
            list(csv.reader(path.read_text().splitlines()))
        elif path.suffix == ".safetensors":
            with safe_open(path, "pt") as weights:
                list(weights.keys())
        elif path.suffix == ".html" and "</html>" not in path.read_text():
            return "no end"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


class ForkServer:
    """The warm process that runs cases one after the other. valid: the folder of valid files."""

    def __init__(self, valid: Path) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "CUDA_VISIBLE_DEVICES": ""}
        environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"  # a fork copies half as many entries of pages
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.fork_server", str(valid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, arguments: list[str], folder: Path) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"arguments": arguments, "folder": str(folder)}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
