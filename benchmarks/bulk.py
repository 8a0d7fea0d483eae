"""What a picture costs in bulk: processor time of one thread and bytes, and what 10^8 of them come to."""

import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

import torch

from reposer.batch import Job, Options, make
from reposer.engines.presets import PRESETS
from reposer.evaluation import PROTOCOLS, score_folder
from reposer.generators import model_file
from reposer.synthetic.people import write_people

from . import scoring
from .measure import Table, Value

MANY = 10**8
PHOTOS = ("green-shirt.jpg", "lilac-shirt.jpg", "orange-shirt.jpg")
POSES = ("arms-up", "walking", "hands-on-hips")
SIZE = (256, 176)
PEOPLE, VIEWS, PAIRS = 6, 4, 200
COLUMNS = ("what", "processor s each", "kB each", "core hours for 10^8", "TB for 10^8")


def run(device: torch.device) -> list[Table]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = [*_generated(Path(folder), device), *_rendered(Path(folder)), _scored(Path(folder))]
    finally:
        torch.set_num_threads(threads)
    note = (
        "Processor time of one process with one thread, its networks loaded; photos of 768x1024, each in "
        f"{len(POSES)} poses. Rendered people: {SIZE[0]}x{SIZE[1]} PNG, {VIEWS} views each."
    )
    return [Table(f"In bulk: what {MANY:,} pictures cost", COLUMNS, rows, note)]


def row(what: str, seconds: float, size: float) -> tuple[Value, ...]:
    """seconds, size (bytes): of one picture."""
    return what, seconds, size / 1e3, MANY * seconds / 3600, MANY * size / 1e12


def _generated(folder: Path, device: torch.device) -> list[tuple[Value, ...]]:
    rows = []
    for name, ending in (("balanced", "png"), ("balanced", "jpg"), ("fast", "jpg")):
        choice = PRESETS[name]
        options = Options(str(model_file(choice.model)), device=str(device), network_size=choice.size)
        with as_file(files("reposer.web") / "samples") as samples:
            jobs = [
                Job(samples / photo, pose, folder / name / ending / f"{Path(photo).stem}_{pose}.{ending}")
                for photo in PHOTOS
                for pose in POSES
            ]
            _make(Job(jobs[0].photo, "standing", folder / name / f"first.{ending}"), options)  # loads everything
            start = time.process_time()
            for job in jobs:
                _make(job, options)
            seconds = (time.process_time() - start) / len(jobs)
        size = sum(job.out.stat().st_size for job in jobs) / len(jobs)
        rows.append(row(f"reposer batch, preset {name}, {ending.upper()}", seconds, size))
    return rows


def _make(job: Job, options: Options) -> None:
    done = make(job, options)
    assert not done.failure, done.failure


def _rendered(folder: Path) -> list[tuple[Value, ...]]:
    rows = []
    for truth in (False, True):
        root = folder / f"people-{truth}"
        start = time.process_time()
        write_people(root, size=SIZE, num_train=PEOPLE, num_test=1, views=VIEWS, truth=truth, workers=1, progress=False)
        pictures = (PEOPLE + 1) * VIEWS
        seconds = (time.process_time() - start) / pictures
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / pictures
        rows.append(row(f"reposer data synthesize{' --truth' if truth else ''}", seconds, size))
    return rows


def _scored(folder: Path) -> tuple[Value, ...]:
    (folder / "scored").mkdir()
    folders = scoring.write_pairs(folder / "scored", PAIRS)
    start = time.process_time()
    score_folder(folders, PROTOCOLS["cfld2024"], folder / "report", without_networks=True, workers=0, show=False)
    return row("reposer score, a pair under cfld2024 without networks", (time.process_time() - start) / PAIRS, 0.0)
