"""Scoring 8,570 pairs of 256x176 under cfld2024 without its networks, beside the peers' loop over single pairs."""

import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from reposer.evaluation import PROTOCOLS, Folders, score_folder
from reposer.synthetic.people import SyntheticPeople

from .measure import Table

Picture = npt.NDArray[Any]
PAIRS = 8570  # DeepFashion's test pairs in PATN's list
FEW = 1000
LOOPED = 60  # pairs of the slow loops; their time is proportional to their number
DIFFERENT = 16  # pictures that are rendered; the files repeat them
COLUMNS = (
    "what",
    "processes",
    "seconds",
    "pairs/s",
    f"seconds for {PAIRS:,} pairs",
    "peak memory of the largest process (MB)",
    f"mean SSIM 51 / SSIM 1.5 / PSNR of the first {LOOPED}",
)


def run(device: torch.device) -> list[Table]:
    with tempfile.TemporaryDirectory() as name:
        context = multiprocessing.get_context("spawn")  # a fresh process each: its peak of memory is its own

        def apart(call: Callable[..., Any], *arguments: Any) -> Any:
            with ProcessPoolExecutor(1, mp_context=context) as pool:  # it may have processes of its own
                return pool.submit(call, *arguments).result()

        folders = apart(write_pairs, Path(name))
        rows: list[tuple[str | float, ...]] = []
        for pairs, workers in ((FEW, 0), (FEW, 2), (PAIRS, 2)):
            seconds, memory, values = apart(scored, folders, pairs, workers)
            of_all = PAIRS / pairs * seconds
            what = f"reposer score, {pairs:,} pairs"
            rows.append((what, max(1, workers), seconds, pairs / seconds, of_all, memory, values))
        for what, compared in (("scikit-image", by_scikit_image), ("OpenCV", by_opencv)):
            seconds, memory, values = apart(looped, folders, compared)
            of_all = PAIRS / LOOPED * seconds
            what = f"the peers' loop, pair by pair, with {what}, {LOOPED} pairs"
            rows.append((what, 1, seconds, LOOPED / seconds, of_all, memory, values))
    note = "PNG files. OpenCV has no SSIM: its loop is the usual one of its filters. One torch thread a process."
    return [Table("scoring under cfld2024 without its networks", COLUMNS, rows, note)]


def write_pairs(root: Path, pairs: int = PAIRS) -> Folders:
    """Files of rendered people, each a link to one of a few; by default as many as DeepFashion has test pairs."""
    people = SyntheticPeople((256, 176), "test", DIFFERENT)
    rendering = people.rendered([(people.identity_number(i), view) for i in range(DIFFERENT) for view in (0, 1)])
    originals = root / "originals"
    originals.mkdir()
    for row, picture in enumerate(rendering.picture):
        Image.fromarray(picture.numpy()).save(originals / f"{row}.png")
    for folder, offset in (("generated", 0), ("targets", 1)):
        (root / folder).mkdir()
        for k in range(pairs):
            os.link(originals / f"{2 * (k % DIFFERENT) + offset}.png", root / folder / f"p{k:05d}.png")
    return Folders(root / "generated", root / "targets")


def scored(folders: Folders, pairs: int, workers: int) -> tuple[float, float, str]:
    """Seconds, the peak of the largest process in MB, and the numbers of the first pairs."""
    names = sorted(path.stem for path in folders.generated.iterdir())[:pairs]
    listed = Folders(folders.generated, folders.targets, wanted=[(name, name) for name in names])
    out = folders.generated.parent / f"report-{pairs}-{workers}"
    start = time.perf_counter()
    found = score_folder(listed, PROTOCOLS["cfld2024"], out, without_networks=True, workers=workers, show=False)
    seconds = time.perf_counter() - start
    assert len(found.report.rows) == pairs
    first = sorted(found.report.rows, key=lambda row: row.name)[:LOOPED]
    return seconds, peak(), shown([sum(row.values[m] for row in first) / LOOPED for m in METRICS])


METRICS = ("ssim-uniform51", "ssim-gaussian1.5-range", "psnr")
Compared = Callable[[Picture, Picture], tuple[float, float, float]]


def looped(folders: Folders, compared: Compared) -> tuple[float, float, str]:
    """The peers' way: decode a pair, ask a library for each number, take the next. The same as `scored`."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sums = np.zeros(3)
    start = time.perf_counter()
    for k in range(LOOPED):
        generated, target = (np.array(Image.open(f / f"p{k:05d}.png")) for f in (folders.generated, folders.targets))
        sums += compared(generated, target)
    return time.perf_counter() - start, peak(), shown((sums / LOOPED).tolist())


def by_scikit_image(generated: Picture, target: Picture) -> tuple[float, float, float]:
    settings = {"channel_axis": -1, "data_range": 255}
    return (
        structural_similarity(generated, target, win_size=51, **settings),
        structural_similarity(
            generated,
            target,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=-1,
            data_range=_range(generated),
        ),
        peak_signal_noise_ratio(target, generated, data_range=255),
    )


def by_opencv(generated: Picture, target: Picture) -> tuple[float, float, float]:
    """Float64, windows and borders as scikit-image has them: averages over whole windows only."""
    a, b = generated.astype(np.float64), target.astype(np.float64)
    n = 51**2
    uniform = _ssim(a, b, lambda x: cv2.blur(x, (51, 51)), 255, edge=25, share=n / (n - 1))
    gaussian = _ssim(a, b, lambda x: cv2.GaussianBlur(x, (11, 11), 1.5), _range(generated), edge=5)
    return uniform, gaussian, cv2.PSNR(target, generated)


def _ssim(
    a: Picture, b: Picture, mean: Callable[[Picture], Picture], data_range: int, *, edge: int, share: float = 1.0
) -> float:
    """share: of the sample's covariance over the population's."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    of_a, of_b = mean(a), mean(b)
    aa, bb, ab = (
        share * (mean(x * y) - u * v) for x, y, u, v in ((a, a, of_a, of_a), (b, b, of_b, of_b), (a, b, of_a, of_b))
    )
    ssim = (2 * of_a * of_b + c1) * (2 * ab + c2) / ((of_a**2 + of_b**2 + c1) * (aa + bb + c2))
    return float(ssim[edge:-edge, edge:-edge].mean())


def _range(picture: Picture) -> int:
    return int(picture.max()) - int(picture.min())


def peak() -> float:
    """MB of the largest of this process and those that it started."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def shown(values: Iterable[float]) -> str:
    return " / ".join(f"{value:.4f}" for value in values)
