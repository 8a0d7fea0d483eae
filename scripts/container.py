"""`python -m scripts.container FOLDER`: what the container file does, step by step, without a container.

No image is built: there is no daemon here, nor in CI. Its COPY lines are copied into FOLDER instead of `/`, its pip
line runs in an empty environment of this Python (the image has 3.12), and its entry point and default arguments run
there. `useradd` is only looked at. Exit code 1 if a line cannot be carried out.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from scripts.release import ROOT, borrow_dependencies, build, outside

FILE, IGNORED = "Containerfile", ".dockerignore"
ONLY_READ = ("FROM", "USER", "WORKDIR")


class LineFailed(RuntimeError):
    """A line of the container file cannot be carried out."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder in the place of the image; it must be new or empty")
    parser.add_argument("--borrow", action="store_true", help="take the dependencies of this environment: offline")
    parser.add_argument("--pip", default="", help="the image's PIP_ARGS, e.g. the index of the CPU build of torch")
    options = parser.parse_args(arguments)
    out = options.out.resolve()
    if out.exists() and any(out.iterdir()):
        parser.error(f"{out} is not empty; give a new folder")
    try:
        carry_out(build(out / "wheel"), out / "image", borrow=options.borrow, pip=options.pip)
    except LineFailed as error:
        print(f"wrong: {error}", file=sys.stderr)
        return 1
    return 0


def carry_out(wheel: Path, image: Path, *, borrow: bool, pip: str = "") -> None:
    """Carries out the container file's lines in the folder `image`; LineFailed names the one that cannot be.

    wheel: stands for the one that `make release` leaves in `dist/`. borrow: nothing but the wheel is installed, beside
    this environment's packages.
    """
    subprocess.run([sys.executable, "-m", "venv", str(image / "environment")], check=True)
    programs, work, user = image / "environment/bin", image, ""
    words: dict[str, list[str]] = {}
    for keyword, rest in lines((ROOT / FILE).read_text()):
        if keyword == "COPY":
            _copy(rest.split(), wheel, image)
        elif keyword == "RUN" and rest.startswith("pip "):
            _install(rest, programs, image, f"--no-deps --no-index {pip}" if borrow else pip)
            if borrow:
                borrow_dependencies(programs / "python")
        elif keyword == "RUN" and (made := re.fullmatch(r"useradd --create-home (\w+)", rest)):
            user = made[1]
        elif keyword == "USER" and rest != user:
            raise LineFailed(f"{FILE} runs as {rest}, whom no line before made.")
        elif keyword == "WORKDIR":
            work = image / rest.lstrip("/")
            work.mkdir(parents=True)
        elif keyword in ("ENTRYPOINT", "CMD"):
            words[keyword] = json.loads(rest)
        elif keyword not in ("ARG", *ONLY_READ):
            raise LineFailed(f"{FILE} has a line that is not checked here: {keyword} {rest}")
        print(f"{keyword} {rest}", flush=True)
    if left := list((image / "tmp").iterdir()):
        raise LineFailed(f"{FILE} leaves {', '.join(path.name for path in left)} in /tmp.")
    for given in (words["CMD"], ["--version"], ["models"]):
        command = [str(programs / words["ENTRYPOINT"][0]), *words["ENTRYPOINT"][1:], *given]
        done = subprocess.run(command, cwd=work, env=outside(), capture_output=True, text=True)
        if done.returncode or not done.stdout:
            raise LineFailed(f"{' '.join([*words['ENTRYPOINT'], *given])} failed in the image: {done.stderr[-1000:]}")
        print(f"  {' '.join([*words['ENTRYPOINT'], *given])}: {done.stdout.splitlines()[0]}", flush=True)


def lines(text: str) -> Iterator[tuple[str, str]]:
    """The keyword and the rest of each line, without comments; lines that end with a backslash go on."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            keyword, _, rest = line.partition(" ")
            yield keyword, " ".join(rest.split())


def _copy(words: Sequence[str], wheel: Path, image: Path) -> None:
    *names, to = words
    (image / to.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for name in names:
        found = [wheel] if fnmatch(f"dist/{wheel.name}", name) else [ROOT / name]
        if not found[0].is_file():
            raise LineFailed(f"{FILE} copies {name}, which is not there.")
        if not sent(f"dist/{wheel.name}" if found == [wheel] else name):
            raise LineFailed(f"{FILE} copies {name}, which {IGNORED} leaves out.")
        shutil.copy(found[0], image / to.lstrip("/"))


def sent(name: str) -> bool:
    """Whether a file reaches the build: the last pattern that fits it in `.dockerignore` decides."""
    patterns = [line.strip() for line in (ROOT / IGNORED).read_text().splitlines() if line.strip()]
    fits = [pattern for pattern in patterns if fnmatch(name, pattern.removeprefix("!"))]
    return not fits or fits[-1].startswith("!")


def _install(line: str, programs: Path, image: Path, pip: str) -> None:
    line = line.replace("${PIP_ARGS}", pip).replace("/tmp/", f"{image}/tmp/")
    line = line.replace("pip ", f"{programs / 'python'} -m pip ", 1)
    done = subprocess.run(["sh", "-ec", line], env=outside(), cwd=image, capture_output=True, text=True)
    if done.returncode:
        raise LineFailed(f"This line failed: {line}\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
