"""What `reposer estimate` says a command will need, beside what its processes had at their peak (Linux).

REPOSER_CONFIGURATIONS=2,5 takes only these of the ten, counted from 1.
"""

import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import torch
from PIL import Image

from reposer.cli.needed import Estimated, estimating
from reposer.core import Pose
from reposer.data.poses import write_track
from reposer.data.poses.presets import preset

from .measure import Table

FEW = ("--picture-every", "1000", "--validation-pairs", "4")
SECONDS = 0.25  # between two looks at the processes
CONFIGURATIONS: dict[str, tuple[str, ...]] = {
    "train pg2-mini, batch 4": ("train", "pg2-mini", "--batch-size", "4", *FEW, "--out", "OUT", "STEPS 2"),
    "train pg2-mini, batch 16": ("train", "pg2-mini", "--batch-size", "16", *FEW, "--out", "OUT", "STEPS 2"),
    "train gfla-mini, batch 16": ("train", "gfla-mini", "--batch-size", "16", *FEW, "--out", "OUT", "STEPS 2"),
    "train appearance-flow-mini, batch 8": (
        *("train", "appearance-flow-mini", "--batch-size", "8", *FEW, "--out", "OUT", "STEPS 1"),
    ),
    "transfer, 0.8 megapixels": ("transfer", "SMALL", "--pose", "POSE", "--out", "OUT.png"),
    "transfer, 12 megapixels": ("transfer", "LARGE", "--pose", "POSE", "--out", "OUT.png"),
    "batch, 12 megapixels, 2 workers": ("batch", "ALBUM", "--poses", "POSE", "--workers", "2", "--out", "OUT"),
    "animate, 0.8 megapixels, 60 frames": ("animate", "SMALL", "--driving", "TRACK", "--out", "OUT.mp4"),
    "score, 200 pairs, 2 workers": (
        *("score", "PAIRS", "--targets", "PAIRS", "--protocol", "cfld2024", "--without-networks", "--out", "OUT"),
    ),
    "evaluate trueflow, batch 16": ("evaluate", "trueflow", "--pairs", "32", "--batch-size", "16", "--out", "OUT"),
}


def run(device: torch.device) -> list[Table]:
    assert device.type == "cpu", "the model is of the CPU"
    asked = os.environ.get("REPOSER_CONFIGURATIONS")
    chosen = range(1, len(CONFIGURATIONS) + 1) if asked is None else [int(n) for n in asked.split(",")]
    rows: list[tuple[str | float, ...]] = []
    with tempfile.TemporaryDirectory() as name:
        places = write_files(Path(name))
        for number in chosen:
            title, words = [*CONFIGURATIONS.items()][number - 1]
            arguments = [*filled(words, places | {"OUT": str(Path(name) / f"out{number}")})]
            expected, found = predicted(arguments), measured(arguments)
            rows.append((title, expected / 1e6, found / 1e6, 100 * (expected / found - 1)))
    columns = ("command", "said (MB)", "measured (MB)", "error (%)")
    note = f"sum over the processes, what they share counted once; they are looked at every {SECONDS} s"
    return [Table("memory of commands, said before and measured", columns, rows, note)]


def write_files(root: Path) -> dict[str, str]:
    """Photos of two sizes, an album of four, a track of 60 frames and 200 pictures of 256x176, by their names above."""
    sample = Path(str(files("reposer.web") / "samples" / "green-shirt.jpg"))
    photo = Image.open(sample)
    large = photo.resize((3000, 4000))
    large.save(root / "large.jpg")
    for folder in ("album", "pairs"):
        (root / folder).mkdir()
    for k in range(4):
        os.link(root / "large.jpg", root / "album" / f"{k}.jpg")
    photo.resize((176, 256)).save(root / "pair.png")
    for k in range(200):
        os.link(root / "pair.png", root / "pairs" / f"{k:03d}.png")
    poses = [preset(name) for name in ("standing", "arms-up")]
    write_track(root / "track.json", Pose.stack(poses * 30), 25)
    return {
        "SMALL": str(sample),
        "LARGE": str(root / "large.jpg"),
        "POSE": str(sample.with_name("orange-shirt.jpg")),
        "ALBUM": str(root / "album"),
        "PAIRS": str(root / "pairs"),
        "TRACK": str(root / "track.json"),
    }


def filled(words: tuple[str, ...], places: dict[str, str]) -> Iterator[str]:
    """The command with the files in place. STEPS n: two steps in each of n stages."""
    for word in words:
        if word.startswith("STEPS"):
            for stage in range(int(word.split()[1])):
                yield from (f"--stages.{stage}.steps", "2")
        else:
            name = word.split(".")[0]
            yield places[name] + word.removeprefix(name) if name in places else word


def predicted(arguments: list[str]) -> float:
    """Bytes, as `reposer estimate` says."""
    try:
        with estimating():
            importlib.import_module(f"reposer.cli.{arguments[0]}").run(arguments[1:])
    except Estimated as found:
        return found.need.memory
    raise AssertionError(f"{arguments[0]} did not say what it needs")


def measured(arguments: list[str]) -> float:
    """Bytes at the peak over a command's processes: what each has of its own, and the code of one."""
    command = [sys.executable, "-c", "from reposer.cli import entry; entry()", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    alone, most = 0, 0
    while process.poll() is None:
        own, code = 0, 0
        for pid in tree(process.pid):
            found = fields(Path(f"/proc/{pid}/smaps_rollup"))
            private = found.get("Pss_Anon", 0) + found.get("Pss_Shmem", 0)
            own += private
            code = max(code, found.get("Rss", 0) - found.get("Anonymous", 0) - found.get("Pss_Shmem", 0))
        most = max(most, own + code)
        alone = max(alone, fields(Path(f"/proc/{process.pid}/status")).get("VmHWM", 0))
        time.sleep(SECONDS)
    assert process.stderr is not None
    assert process.returncode in (0, 1), process.stderr.read()
    return max(most, alone)


def tree(pid: int) -> list[int]:
    """A process and those that it started, and so on."""
    found = [pid]
    for one in found:
        for task in _within(Path(f"/proc/{one}/task")):
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:  # it has just ended
                continue
    return found


def _within(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def fields(file: Path) -> dict[str, int]:
    """The sizes in a file of /proc, in bytes; none if its process has ended."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return {}
    pairs = [line.split() for line in lines]
    return {p[0].rstrip(":"): 1024 * int(p[1]) for p in pairs if len(p) == 3 and p[2] == "kB"}
