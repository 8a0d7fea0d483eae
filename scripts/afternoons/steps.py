"""The steps of an afternoon: commands in a folder that was empty, each with its time by the clock and of processors."""

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.release import build, install, outside

SHOWN = 3000  # characters of a failed command's output


class StepFailed(RuntimeError):
    """A command of the afternoon ended with another exit code than it should."""


class Afternoon:
    """Runs commands in `folder` with the interpreter `python`, and keeps the time of each.

    borrow: packages are built with this environment's tools, offline.
    """

    def __init__(self, folder: Path, python: Path, *, borrow: bool) -> None:
        self.folder, self.python, self.borrow = folder, python, borrow
        self.steps: list[tuple[str, float]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Times what is done inside, and prints it when it is done."""
        start, worked = time.monotonic(), processor_seconds()
        yield
        self.took(title, time.monotonic() - start, processor_seconds() - worked)

    def took(self, title: str, seconds: float, worked: float) -> None:
        """Keeps and prints a step's time; on a machine that does other work, that of the processors is the fair one."""
        self.steps.append((title, seconds))
        print(f"{seconds:7.1f} s  {title} ({worked:.1f} s of processor time)", flush=True)

    def reposer(self, title: str, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Runs `reposer WORDS`, and returns what it prints; StepFailed if its exit code is another than these."""
        return self.command(title, str(self.python), "-m", "reposer.cli", *words, codes=codes)

    def command(self, title: str, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        start, worked = time.monotonic(), processor_seconds()
        done = subprocess.run(words, cwd=self.folder, env=outside(), capture_output=True, text=True)
        if done.returncode not in codes:
            said = (done.stdout + done.stderr)[-SHOWN:]
            raise StepFailed(f"'{title}' ended with exit code {done.returncode}: {shlex.join(words)}\n{said}")
        self.took(title, time.monotonic() - start, processor_seconds() - worked)
        return done.stdout

    def install(self, title: str, package: Path) -> None:
        """Installs a package of one's own."""
        pip = (str(self.python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps")
        if not self.borrow:
            self.command(title, *pip, str(package))
            return
        wheel = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(package / "dist"))
        self.command(f"{title}: build it", sys.executable, *wheel, str(package))
        self.command(title, *pip, "--no-index", *map(str, package.glob("dist/*.whl")))

    def need(self, *names: str) -> None:
        """StepFailed unless the folder has these files."""
        if missing := [name for name in names if not (self.folder / name).is_file()]:
            raise StepFailed(f"The steps so far wrote no {', '.join(missing)}.")

    def summary(self) -> str:
        """The time of all steps."""
        seconds = sum(took for _, took in self.steps)
        return f"{seconds:7.1f} s  {len(self.steps)} steps in {self.folder}"


def processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def begin(description: str, arguments: Sequence[str] | None) -> tuple[Afternoon, Path | None]:
    """Reads the options, and makes the environment: the afternoon, and the folder of real data if one was given."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("out", type=Path, help="folder in which all of it happens; it must be new or empty")
    parser.add_argument(
        "--real-data", type=Path, help="folder of real clips, photos and lists; none = synthetic people"
    )
    parser.add_argument("--borrow", action="store_true", help="take the dependencies of this environment: offline")
    parser.add_argument("--pip", default="", help="options for pip, e.g. the index of the CPU build of torch")
    options = parser.parse_args(arguments)
    if options.real_data is not None and not options.real_data.is_dir():
        parser.error(f"there is no folder {options.real_data}")
    out = options.out.resolve()
    if out.exists() and any(out.iterdir()):
        parser.error(f"{out} is not empty; give a new folder")
    work, install_in = out / "work", out / "installed"
    work.mkdir(parents=True)
    start, worked = time.monotonic(), processor_seconds()
    wheel = build(install_in)
    python = install(wheel, install_in, borrow=options.borrow, pip=options.pip.split())
    afternoon = Afternoon(work, python, borrow=options.borrow)
    afternoon.took("install the wheel in an empty environment", time.monotonic() - start, processor_seconds() - worked)
    return afternoon, None if options.real_data is None else options.real_data.resolve()


def spend(description: str, work: Callable[[Afternoon, Path | None], None], arguments: Sequence[str] | None) -> int:
    """Reads the options, makes the environment, does the work and prints the time of all steps: the exit code."""
    afternoon, real_data = begin(description, arguments)
    try:
        work(afternoon, real_data)
    except StepFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(afternoon.summary())
    return 0
