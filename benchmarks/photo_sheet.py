"""A sheet of 24 results on real photos, to look at: source, wanted pose, result. It is written outside this repository.

The folder of real data is named by the environment (REPOSER_REAL_DATA), the folder of the results by REPOSER_SHEET (a
folder of that name beside the temporary files if it is not set). Each result is also written at its photo's own size.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from reposer.core import BadInput
from reposer.core.images import from_uint8
from reposer.data.pictures import write_picture
from reposer.data.poses import openpose_picture
from reposer.evaluation.sheets import picture_sheet
from reposer.own_photo import Reposed, as_bytes, repose

from .measure import Table

MODEL = "trueflow"
PHOTOS, REAL = "people_photos", "people_real"
RESULTS = (
    (f"{PHOTOS}/tfjs_pose.jpg", "arms-up"),
    (f"{PHOTOS}/tfjs_pose.jpg", "standing"),
    (f"{PHOTOS}/coral_couple_snow.png", "waving"),
    (f"{REAL}/single_views/person_1.jpg", "arms-wide"),
    (f"{REAL}/single_views/person_2.jpg", "hands-on-hips"),
    (f"{REAL}/single_views/person_3.jpg", "lunge"),
    (f"{REAL}/single_views/person_4.jpg", "walking"),
    (f"{REAL}/single_views/person_5.jpg", "from-behind"),
    (f"{REAL}/codait_white/test_y.jpg", "squat"),
    (f"{REAL}/codait_white/test_a.jpg", "from-the-side"),
    (f"{REAL}/codait_white/t5.jpg", f"{REAL}/caliscope_plaid/cam0_f0200.jpg"),
    (f"{REAL}/caliscope_plaid/cam0_f0200.jpg", f"{REAL}/codait_white/y1.jpg"),
    (f"{REAL}/caliscope_plaid/cam1_f0800.jpg", "from-behind"),
    (f"{REAL}/pose2sim_a/cam1_f0000.jpg", "arms-wide"),
    (f"{REAL}/pose2sim_a/cam2_f0048.jpg", "kick"),
    (f"{REAL}/sports2d_woman/f0078.jpg", "running"),
    (f"{REAL}/sports2d_man/f0216.jpg", "waving"),
    (f"{REAL}/intel_room_1/f0078.jpg", "arms-up"),
    (f"{REAL}/intel_signer_1/book_f004.jpg", "thinking"),
    (f"{REAL}/openpeople_01/front.jpg", f"{PHOTOS}/tfjs_pose.jpg"),
    (f"{REAL}/openpeople_02/amateur_posture.jpg", "sitting"),
    (f"{REAL}/openpeople_03/amateur_posture.jpg", "hand-on-hip"),
    (f"{REAL}/openpeople_04/front.jpg", "from-the-side"),
    (f"{REAL}/openpeople_05/amateur_posture.jpg", "tree"),
)
"""Photo and wanted pose (a preset, or another person's photo)."""
CELL = 384
"""Sides of a picture on the sheet, in pixels; a photo is fitted into it."""
BLOCKS = 2
"""Results in a row of the sheet."""
COLUMNS = ("photo", "pose", "size", "invented (%)", "filled (%)", "seconds")


def run(device: torch.device) -> list[Table]:
    """One row per result; the note says where the sheet is."""
    root = os.environ.get("REPOSER_REAL_DATA")
    if root is None:
        return [Table("photo sheet: REPOSER_REAL_DATA names no folder, so nothing was made", COLUMNS, [])]
    folder = results_folder()
    cells, rows = [], []
    for number, (photo, pose) in enumerate(RESULTS):
        start = time.perf_counter()
        picture = as_bytes(Path(root) / photo)
        made = repose(
            Path(root) / photo,
            Path(root) / pose if "/" in pose else pose,
            model=MODEL,
            canvas="inside",
            provenance=True,
            device=str(device),
        )
        seconds = time.perf_counter() - start
        made.save(folder / f"{number:02d}_{Path(photo).parent.name}_{Path(photo).stem}_{Path(pose).stem}.png")
        cells.append(_cells(picture, made))
        assert made.provenance is not None
        shares = made.provenance.shares
        size = f"{picture.shape[0]}x{picture.shape[1]}"
        rows.append(
            (short_name(photo), short_name(pose), size, 100 * shares["invented"], 100 * shares["filled"], seconds)
        )
    lines = [[cell for block in cells[n : n + BLOCKS] for cell in block] for n in range(0, len(cells), BLOCKS)]
    write_picture(folder / "sheet.png", picture_sheet(lines, ("photo", "pose", "result") * BLOCKS))
    return [
        Table(f"{MODEL} on {len(RESULTS)} real photos", COLUMNS, list(rows), f"the sheet is {folder / 'sheet.png'}")
    ]


def short_name(name: str) -> str:
    """A photo by its folder and its name, without what all have in common; a preset as it is."""
    return name.split("/", 1)[-1].rpartition(".")[0] if "/" in name else name


def results_folder() -> Path:
    """Where the results go, which is not in this repository."""
    folder = Path(os.environ.get("REPOSER_SHEET") or Path(tempfile.gettempdir()) / "reposer-photo-sheet").resolve()
    if folder.is_relative_to(Path(__file__).resolve().parents[1]):
        raise BadInput(
            f"{folder} is in the repository, where no pictures of real people belong: name another REPOSER_SHEET."
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cells(photo: UInt8[Tensor, "H W 3"], made: Reposed) -> list[Tensor]:
    skeleton = openpose_picture([made.pose], made.pose.size)
    return [fitted_cell(picture) for picture in (photo.numpy(), skeleton.numpy(), np.array(made.image))]


def fitted_cell(picture: UInt8[np.ndarray, "H W 3"]) -> Tensor:
    """The picture fitted into a square of CELL, the rest white."""
    small = Image.fromarray(picture)
    small.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
    cell = Image.new("RGB", (CELL, CELL), "white")
    cell.paste(small, ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return from_uint8(torch.from_numpy(np.array(cell)))
