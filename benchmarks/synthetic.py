"""Synthetic people: rendered on the spot with all their truth, read from disk, and beside them decoding a JPEG."""

import io
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from reposer.core import Framing
from reposer.data import open_dataset
from reposer.synthetic.people import SyntheticPeople, render, write_people

from .measure import Table, best_times

SIZE = (256, 176)
VIEWS = 4  # of each person: who is dressed is rendered four times
PEOPLE, ROUNDS = 8, 3


def run(device: torch.device) -> list[Table]:
    seconds = {
        f"rendered with all truth, {VIEWS} views a person, one process": _rendering(0, VIEWS)
        / (ROUNDS * PEOPLE * VIEWS),
        "rendered with all truth, 2 views a person, one process": _rendering(0, 2) / (ROUNDS * PEOPLE * 2),
        f"rendered with all truth, {VIEWS} views a person, two processes": _two_processes()
        / (2 * ROUNDS * PEOPLE * VIEWS),
        "true flow and visibility of a pair": _flow(),
        "a pair's picture read from a written folder": _read_folder(),
        "a JPEG decoded": _decode(),
    }
    if device.type == "cuda":
        seconds[f"rendered with all truth on {torch.cuda.get_device_name(device)}, people dressed before"] = _on(device)
    rows: list[tuple[str | float, ...]] = [(name, 1e3 * s, 1 / s) for name, s in seconds.items()]
    note = (
        f"{SIZE[0]}x{SIZE[1]}, PNG folder. Truth: albedo, parts, depth, surface coordinates, joints of three "
        "skeletons. One torch thread a process; all but the renderings: best of 3."
    )
    return [Table("Synthetic people", ("what", "ms a picture", "pictures / s"), rows, note)]


def _rendering(seed: int, views: int, start: Any = None) -> float:
    """Seconds to sample, dress and render ROUNDS x PEOPLE people in some views each, one torch thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    people = SyntheticPeople(SIZE, seed=seed)
    people.rendered([(0, 0)])
    if start is not None:
        start.wait()
    begin = time.perf_counter()
    for n in range(ROUNDS * PEOPLE):
        people.rendered([(1 + n, view) for view in range(views)])
    torch.set_num_threads(threads)
    return time.perf_counter() - begin


def _two_processes() -> float:
    """Seconds that the slower of two needs for the same people as one process above; they begin together."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(2) as pool:
        start = manager.Barrier(2)
        return max(pool.starmap(_rendering, [(0, VIEWS, start), (0, VIEWS, start)]))


def _timed(call: Callable[[], object], device: torch.device | None = None) -> float:
    return best_times({"": call}, repeats=3, device=device or torch.device("cpu"))[""]


def _flow() -> float:
    rendering = SyntheticPeople(SIZE).rendered([(0, 0), (0, 1)])
    return _timed(lambda: rendering.flow(0, 1))


def _read_folder() -> float:
    with tempfile.TemporaryDirectory() as parent:
        root = write_people(Path(parent) / "people", size=SIZE, num_train=4, num_test=1, progress=False)
        names = sorted((root / "train").iterdir())

        def read() -> None:  # a new data set each time: one keeps what it has decoded
            data = open_dataset(root, "train", Framing(SIZE))
            for name in names:
                data.framed(name.name)

        return _timed(read) / len(names)


def _decode() -> float:
    held = io.BytesIO()
    Image.fromarray(SyntheticPeople(SIZE).rendered([(0, 0)]).picture[0].numpy()).save(held, "JPEG", quality=95)
    return _timed(lambda: [Image.open(io.BytesIO(held.getvalue())).convert("RGB").load() for _ in range(50)]) / 50


def _on(device: torch.device) -> float:
    people = SyntheticPeople(SIZE)
    shots = [people.shot(n, view) for n in range(8) for view in range(8)]
    return _timed(lambda: render(shots, SIZE, device), device) / len(shots)
