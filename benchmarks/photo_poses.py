"""A sheet of 12 real photos, each in 4 poses, to look at; like `photo_sheet`, it is written outside this repository.

REPOSER_REAL_DATA names the folder of real data, REPOSER_SHEET that of the results.
"""

import os
import time
from pathlib import Path

import numpy as np
import torch

from reposer.data.pictures import write_picture
from reposer.evaluation.sheets import picture_sheet
from reposer.own_photo import Opened, as_bytes, repose

from .measure import Table
from .photo_sheet import MODEL, PHOTOS, REAL, fitted_cell, results_folder, short_name

CHOSEN = (
    f"{PHOTOS}/tfjs_pose.jpg",
    f"{REAL}/single_views/person_1.jpg",
    f"{REAL}/single_views/person_5.jpg",
    f"{REAL}/codait_white/test_a.jpg",
    f"{REAL}/codait_white/t5.jpg",
    f"{REAL}/caliscope_plaid/cam0_f0200.jpg",
    f"{REAL}/pose2sim_a/cam1_f0000.jpg",
    f"{REAL}/sports2d_man/f0216.jpg",
    f"{REAL}/intel_room_1/f0078.jpg",
    f"{REAL}/openpeople_01/front.jpg",
    f"{REAL}/openpeople_03/amateur_posture.jpg",
    f"{REAL}/openpeople_05/amateur_posture.jpg",
)
POSES = ("arms-up", "walking", "hands-on-hips", "from-behind")
COLUMNS = ("photo", *(f"{pose}, invented (%)" for pose in POSES), "seconds")


def run(device: torch.device) -> list[Table]:
    """One row a photo: what share of each result is invented."""
    root = os.environ.get("REPOSER_REAL_DATA")
    if root is None:
        return [Table("photo poses: REPOSER_REAL_DATA names no folder, so nothing was made", COLUMNS, [])]
    folder = results_folder()
    lines, rows = [], []
    for name in CHOSEN:
        start = time.perf_counter()
        photo = Path(root) / name
        opened = Opened(photo, as_bytes(photo))
        line, shares = [fitted_cell(opened.pixels.numpy())], []
        for pose in POSES:
            made = repose(photo, pose, model=MODEL, canvas="inside", provenance=True, device=str(device), opened=opened)
            assert made.provenance is not None
            shares.append(100 * made.provenance.shares["invented"])
            made.save(folder / f"{Path(name).parent.name}_{Path(name).stem}_{pose}.png")
            line.append(fitted_cell(np.array(made.image)))
        lines.append(line)
        rows.append((short_name(name), *shares, time.perf_counter() - start))
    path = folder / "twelve.png"
    write_picture(path, picture_sheet(lines, ("photo", *POSES)))
    title = f"{MODEL} on {len(CHOSEN)} real photos in {len(POSES)} poses"
    return [Table(title, COLUMNS, list(rows), f"the sheet is {path}")]
