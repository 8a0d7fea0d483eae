"""Scoring 8,570 pairs of 256x176 under cfld2024 without its networks, beside the per-image loop that the peers use."""

import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from PIL import Image

from reposer.evaluation import PROTOCOLS, Folders, score_folder
from reposer.synthetic.people import SyntheticPeople

from .measure import Table

PAIRS = 8570  # DeepFashion's test pairs in PATN's list
FEW = 1000
LOOPED = 60  # pairs of the slow loop; its time is proportional to their number
DIFFERENT = 16  # pictures that are drawn; the files repeat them


def run(device: torch.device) -> list[Table]:
    with tempfile.TemporaryDirectory() as name:
        context = multiprocessing.get_context("spawn")  # a fresh process each: its peak of memory is its own
        with ProcessPoolExecutor(1, mp_context=context) as pool:  # a process hands its peak on to those it starts
            folders = pool.submit(write_pairs, Path(name)).result()
        rows: list[tuple[str | float, ...]] = []
        for pairs in (FEW, PAIRS):
            with ProcessPoolExecutor(1, mp_context=context) as pool:  # it may have processes of its own
                seconds, memory, values = pool.submit(scored, folders, pairs).result()
            rows.append((f"reposer score, {pairs:,} pairs", seconds, pairs / seconds, memory, values))
        seconds, values = looped(folders)
        rows.append((f"scikit-image, one by one, {LOOPED} pairs", seconds, LOOPED / seconds, float("nan"), values))
        rows.append((f"  at this pace {PAIRS:,} pairs", seconds / LOOPED * PAIRS, LOOPED / seconds, float("nan"), ""))
    columns = (
        "what",
        "seconds",
        "pairs/s",
        "peak memory of the largest process (MB)",
        "mean SSIM 51 / SSIM 1.5 / PSNR",
    )
    return [Table("scoring under cfld2024 without its networks", columns, rows, "two processes; PNG files")]


def write_pairs(root: Path) -> Folders:
    """Files of drawn people, each a link to one of a few, as many as DeepFashion has test pairs."""
    people = SyntheticPeople((256, 176), "test", DIFFERENT)
    rendering = people.rendered([(people.identity_number(i), view) for i in range(DIFFERENT) for view in (0, 1)])
    originals = root / "originals"
    originals.mkdir()
    for row, picture in enumerate(rendering.picture):
        Image.fromarray(picture.numpy()).save(originals / f"{row}.png")
    for folder, offset in (("generated", 0), ("targets", 1)):
        (root / folder).mkdir()
        for k in range(PAIRS):
            os.link(originals / f"{2 * (k % DIFFERENT) + offset}.png", root / folder / f"p{k:05d}.png")
    return Folders(root / "generated", root / "targets")


def scored(folders: Folders, pairs: int) -> tuple[float, float, str]:
    """Seconds, the peak of the largest process in MB, and the numbers."""
    names = sorted(path.stem for path in folders.generated.iterdir())[:pairs]
    listed = Folders(folders.generated, folders.targets, wanted=[(name, name) for name in names])
    out = folders.generated.parent / f"report-{pairs}"
    start = time.perf_counter()
    found = score_folder(listed, PROTOCOLS["cfld2024"], out, without_networks=True, workers=2, show=False)
    seconds = time.perf_counter() - start
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    assert len(found.report.rows) == pairs
    return seconds, max(peaks) / 1024, shown(found.report.summary[m].value.mean for m in METRICS)


METRICS = ("ssim-uniform51", "ssim-gaussian1.5-range", "psnr")


def looped(folders: Folders) -> tuple[float, str]:
    """The peers' way: decode a pair, ask scikit-image for each number, take the next."""
    import numpy as np
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    sums = np.zeros(3)
    start = time.perf_counter()
    for k in range(LOOPED):
        generated, target = (np.array(Image.open(f / f"p{k:05d}.png")) for f in (folders.generated, folders.targets))
        settings = {"channel_axis": -1, "data_range": 255}
        sums += [
            structural_similarity(generated, target, win_size=51, **settings),
            structural_similarity(
                generated,
                target,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                channel_axis=-1,
                data_range=int(generated.max()) - int(generated.min()),
            ),
            peak_signal_noise_ratio(target, generated, data_range=255),
        ]
    return time.perf_counter() - start, shown(sums / LOOPED)


def shown(values) -> str:  # type: ignore[no-untyped-def]
    return " / ".join(f"{value:.4f}" for value in values)
