"""A sheet of 24 synthetic people whom no network saw, each put into another pose at the picture's own size.

Beside each result the true picture of that pose. REPOSER_SHEET names the folder of the sheet.
"""

import torch
from torch import Tensor

from reposer.core import Generator
from reposer.core.images import from_uint8, to_uint8
from reposer.data.pictures import write_picture
from reposer.evaluation.sheets import picture_sheet
from reposer.generators import load
from reposer.pipeline import transfer
from reposer.synthetic.people import SyntheticPeople

from .measure import Table
from .photo_sheet import MODEL, results_folder

PEOPLE, FIRST = 24, 100
"""How many of the split test, and the first one's number."""
POSES = 6
"""Different wanted poses; person n takes number n of them, counted around."""
SIZE = 512, 384
BLOCKS = 3
"""People in a row of the sheet."""
COLUMNS = ("person", "PSNR (dB)", "L1", "PSNR copied (dB)", "L1 copied")


def run(device: torch.device) -> list[Table]:
    """The mean over all of them, then each person."""
    generator = load(MODEL).to(device)
    found = [_result(generator, n) for n in range(PEOPLE)]
    cells = [pictures for pictures, _ in found]
    lines = [[cell for block in cells[n : n + BLOCKS] for cell in block] for n in range(0, PEOPLE, BLOCKS)]
    path = results_folder() / "synthetic.jpg"
    write_picture(path, picture_sheet(lines, ("photo", "result", "truth") * BLOCKS, scale=0.5))
    rows: list[tuple[str | float, ...]] = [
        ("all, mean", *torch.tensor([scores for _, scores in found]).mean(0).tolist()),
        *((str(FIRST + n), *scores) for n, (_, scores) in enumerate(found)),
    ]
    title = f"{MODEL}: people of the split test at {SIZE[0]}x{SIZE[1]}, whole pictures"
    return [Table(title, COLUMNS, rows, f"the sheet is {path}")]


def _result(generator: Generator, n: int) -> tuple[list[Tensor], tuple[float, ...]]:
    """Source, result and truth of a person, and the scores of the result and of the source."""
    pair = SyntheticPeople(SIZE, "test", FIRST + n + 1).held_out_demo(POSES, FIRST + n)[n % POSES]
    source, truth = pair.source, pair.target
    made = transfer(generator, to_uint8(source), pair.source_pose, pair.target_pose, retargeted=False)
    result = from_uint8(made.picture)
    return [source, result, truth], (*_scores(result, truth), *_scores(source, truth))


def _scores(picture: Tensor, truth: Tensor) -> tuple[float, float]:
    """PSNR in dB, L1 of values in [0, 1]."""
    error = (picture - truth) / 2
    return float(-10 * error.square().mean().log10()), float(error.abs().mean())
