"""`python -m scripts.release`: build the wheel, and check it as a user gets it: in an empty environment, outside of the
repository. Exit code 1 if something is wrong; nothing is published."""

import argparse
import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date
from email.message import Message
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[1]
LARGEST_WHEEL = 60e6  # bytes
SLOWEST_IMPORT = 0.1  # seconds of processor time, of `import reposer` beyond Python's own start
SLOWEST_HELP = 0.3  # seconds of processor time, of `reposer --help`
NEEDED = (
    "reposer/py.typed",
    "reposer/weights/trueflow.safetensors",
    "reposer/weights/movenet-thunder-h.onnx",
    "reposer/data/poses/presets.json",
    "reposer/web/page/index.html",
)
FIELDS = ("Name", "Version", "Summary", "License-Expression", "Requires-Python", "Description-Content-Type", "Keywords")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the wheel")
    parser.add_argument(
        "--borrow",
        action="store_true",
        help="take the dependencies of this environment instead of installing them: fast, offline",
    )
    parser.add_argument("--pip", default="", help="options for pip, e.g. the index of the CPU build of torch")
    parser.add_argument("--any-speed", action="store_true", help="print the seconds without judging them")
    options = parser.parse_args(arguments)
    wrong = [*version_faults()]
    wheel = build(options.out)
    wrong += wheel_faults(wheel)
    with tempfile.TemporaryDirectory(prefix="reposer-release-") as folder:
        python = install(wheel, Path(folder), borrow=options.borrow, pip=options.pip.split())
        wrong += use_faults(python, Path(folder))
        wrong += speed_faults(python, Path(folder), judged=not options.any_speed)
    for fault in wrong:
        print(f"wrong: {fault}", file=sys.stderr)
    if not metadata_of(wheel).get_all("Project-URL"):
        print("before it is published: give pyproject.toml [project.urls], the addresses of repository and pages")
    if not wrong:
        print(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB, ready")
    return 1 if wrong else 0


def version() -> str:
    """The version that the package says it is."""
    found = re.search(r'__version__ = "(.+)"', (ROOT / "src/reposer/__init__.py").read_text())
    assert found is not None, "reposer/__init__.py has no version"
    return found[1]


def version_faults() -> Iterator[str]:
    """Where another version stands than in the package, and what the changelog lacks."""
    ours = version()
    for name, line in (("pyproject.toml", f'version = "{ours}"'), ("CITATION.cff", f"version: {ours}")):
        if line not in (ROOT / name).read_text().splitlines():
            yield f"{name} has no line '{line}', the package's version"
    heads = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [(name, day) for name, day in heads if name != "Unreleased"]
    if not heads or heads[0][0] != "Unreleased":
        yield "CHANGELOG.md does not begin with [Unreleased]"
    if not released or released[0][0] != ours:
        yield f"the first release in CHANGELOG.md is not {ours}"
    for name, day in released:
        try:
            date.fromisoformat(day)
        except ValueError:
            yield f"the day of {name} in CHANGELOG.md is '{day}', not YYYY-MM-DD"


def build(out: Path) -> Path:
    """Builds the wheel from the repository, with this environment's setuptools; one process at a time."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    with FileLock(Path(tempfile.gettempdir()) / "reposer-build.lock"):
        shutil.rmtree(ROOT / "build/lib", ignore_errors=True)  # setuptools adds to it: removed modules would come back
        subprocess.run([*command, "--wheel-dir", str(out), str(ROOT)], check=True)
    return out / f"reposer-{version()}-py3-none-any.whl"


def wheel_faults(wheel: Path) -> Iterator[str]:
    """What a wheel has too much or too little of."""
    if wheel.stat().st_size > LARGEST_WHEEL:
        yield f"{wheel.name} has {wheel.stat().st_size / 1e6:.1f} MB; at most {LARGEST_WHEEL / 1e6:.0f} are wanted"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    about = next(name for name in names if name.endswith(".dist-info/METADATA"))
    metadata = metadata_of(wheel)
    yield from (f"{name} is not in the wheel" for name in NEEDED if name not in names)
    foreign = {name.split("/")[0] for name in names} - {"reposer", about.split("/")[0]}
    yield from (f"{name} is in the wheel, and is not ours to install" for name in sorted(foreign))
    yield from _metadata_faults(metadata)


def metadata_of(wheel: Path) -> Message:
    """What the wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        about = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(about))


def _metadata_faults(metadata: Message) -> Iterator[str]:
    yield from (f"the metadata has no {field}" for field in FIELDS if not metadata.get(field))
    for field in ("Classifier", "License-File", "Requires-Dist", "Provides-Extra"):
        if not metadata.get_all(field):
            yield f"the metadata has no {field}"
    if len(str(metadata.get_payload())) < 1000:
        yield "the metadata has no description"


def install(wheel: Path, folder: Path, *, borrow: bool, pip: Sequence[str]) -> Path:
    """The interpreter of a new environment with nothing but the wheel and what it needs."""
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if borrow:
        subprocess.run([*command, "--no-deps", "--no-index", str(wheel)], check=True, env=outside())
        borrow_dependencies(python)
    else:
        subprocess.run([*command, "-c", str(ROOT / "constraints.txt"), *pip, str(wheel)], check=True, env=outside())
    return python


def borrow_dependencies(python: Path) -> None:
    """Lets another environment's interpreter find the packages of this one, after its own."""
    say = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([str(python), "-c", say], check=True, capture_output=True, text=True).stdout.strip()
    (Path(own) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")


def use_faults(python: Path, folder: Path) -> Iterator[str]:
    """What does not work in the environment, from an empty folder outside of the repository."""
    empty = folder / "empty"
    empty.mkdir()
    program = [str(python), "-m", "reposer.cli"]
    said = _run([str(python), "-c", "import reposer; print(reposer.__file__)"], empty)
    if not said.startswith(str(folder.resolve())) and not said.startswith(str(folder)):
        yield f"the package was imported from {said.strip()}, not from the new environment"
    if _run([*program, "--version"], empty).strip() != f"reposer {version()}":
        yield "reposer --version does not print the version"
    for command in (["--help"], ["models"], ["recipes"], ["demo", "--help"], ["demo"], ["pose", "list"]):
        if not _run([*program, *command], empty).strip():
            yield f"reposer {' '.join(command)} failed or printed nothing"
    if not (empty / "reposer-demo/demo.png").is_file():
        yield "reposer demo wrote no reposer-demo/demo.png"


def speed_faults(python: Path, empty: Path, *, judged: bool) -> Iterator[str]:
    """Prints how long the package takes to start; what is too slow is wrong if that is judged."""
    program = [str(python), "-m", "reposer.cli"]
    start = _seconds([str(python), "-c", "pass"], empty)
    took = _seconds([str(python), "-c", "import reposer"], empty) - start
    print(f"import reposer: {took:.3f} s of processor time")
    if judged and took > SLOWEST_IMPORT:
        yield f"import reposer takes {took:.2f} s; at most {SLOWEST_IMPORT} are wanted"
    took = _seconds([*program, "--help"], empty)
    print(f"reposer --help: {took:.3f} s of processor time")
    if judged and took > SLOWEST_HELP:
        yield f"reposer --help takes {took:.2f} s; at most {SLOWEST_HELP} are wanted"


def outside() -> dict[str, str]:
    """The environment without what leads back to the repository."""
    return {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }


def _run(command: Sequence[str], folder: Path) -> str:
    """What a command prints; nothing if it fails, whose message goes to the terminal."""
    done = subprocess.run(command, cwd=folder, env=outside(), stdout=subprocess.PIPE, text=True)
    return done.stdout if done.returncode == 0 else ""


def _seconds(command: Sequence[str], folder: Path) -> float:
    """The least processor time of three runs: what else the machine does plays no part."""
    took = []
    for _ in range(3):
        before = os.times()
        subprocess.run(command, cwd=folder, env=outside(), check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        took.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(took)


if __name__ == "__main__":
    sys.exit(main())
