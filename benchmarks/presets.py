"""The presets, and a larger size than theirs: time of a whole picture, memory and scores.

A photo of 768x1024 pixels with its joints, to a PNG's pixels.

REPOSER_PRESET_PAIRS: pairs of synthetic people that are scored (200 by default, as `reposer evaluate` does).
"""

import multiprocessing
import os
import time
from importlib.resources import as_file, files
from typing import Any

import torch

from reposer.core import Pose
from reposer.core.images import resize
from reposer.core.memory import own_peak
from reposer.data.pictures import read_picture
from reposer.data.poses.presets import preset
from reposer.engines.presets import PRESETS, Choice
from reposer.engines.run import chosen_runtime, load_for
from reposer.evaluation import evaluate
from reposer.own_photo import estimate_pose
from reposer.pipeline import transfer
from reposer.recipes import DataConfig
from reposer.scoring.pairs import SYNTHETIC_PAIRS

from .measure import Table, Value

PROTOCOL = "reposer-v1-synthetic"
PAIRS = int(os.environ.get("REPOSER_PRESET_PAIRS", SYNTHETIC_PAIRS))
REPEATS = 8
LARGER = (320, 240)
"""(height, width) at which the default network is measured, too."""
SAMPLE = "green-shirt.jpg"


def run(device: torch.device) -> list[Table]:
    context = multiprocessing.get_context("spawn")  # a fresh process each: its peak of memory is its own
    rows: list[tuple[Value, ...]] = []
    columns: tuple[str, ...] = ()
    for name, choice in {**PRESETS, f"(trueflow at {LARGER[0]}x{LARGER[1]})": Choice(size=LARGER)}.items():
        with context.Pool(1) as pool:
            seconds, peak = pool.apply(timed, (choice, str(device), torch.get_num_threads()))
        with context.Pool(1) as pool:
            scores = pool.apply(scored, (choice, str(device), torch.get_num_threads()))
        columns = ("preset", "ms a picture", "pictures/s", "peak memory (MB)", *scores)
        rows.append((name, 1000 * seconds, 1 / seconds, peak / 1e6, *scores.values()))
    note = (
        f"best of {REPEATS}; a photo of 768x1024 and its joints, in memory, to the whole result, without estimation; "
        f"scores under {PROTOCOL}, n = {PAIRS}, at 256x192 for each; load of the machine over the last five minutes: "
        f"{os.getloadavg()[1]:.1f}"
    )
    return [Table("presets", columns, rows, note)]


def timed(choice: Choice, device: str, threads: int) -> tuple[float, int]:
    """Seconds of `transfer`, and the peak of the process in bytes."""
    torch.set_num_threads(threads)
    generator = opened(choice, device)
    with as_file(files("reposer.web") / "samples" / SAMPLE) as path:
        photo = read_picture(path)
    own, wanted = estimate_pose(photo), preset("arms-up")
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        transfer(generator, photo, own, wanted)
        best = min(best, time.perf_counter() - start)
    return best, own_peak()


def opened(choice: Choice, device: str) -> Any:
    place, runtime = chosen_runtime(device, choice.runtime)
    return load_for(choice.model, place, runtime, choice.size)


def scored(choice: Choice, device: str, threads: int) -> dict[str, float]:
    """The scores of its pictures at the size of the model's training."""
    torch.set_num_threads(threads)
    generator, whole = opened(choice, device), opened(Choice(choice.model), device)
    size, own_size = generator.framing.size, whole.framing.size

    def generate(source: Any, source_pose: Pose, target_pose: Pose, *, seeds: Any = None) -> Any:
        poses = source_pose.resize(size), target_pose.resize(size)
        return resize(generator.generate(resize(source, size), *poses, seeds=seeds), own_size)

    data = DataConfig(root=None, split="test", num_pairs=PAIRS, skeleton=whole.skeleton.name).open(whole.framing)
    plain = generator.generate if size == own_size else generate
    report = evaluate(plain, PROTOCOL, data, device=generator.device)
    return {metric: summary.value.mean for metric, summary in report.summary.items()}
