"""Folders of small pictures for a study."""

import numpy as np
from PIL import Image

from reposer.study import Study, open_folders
from reposer.study.design import REAL, SOURCE

SIZE = (24, 16)


def write_folder(folder, count, seed, suffix=".png", size=SIZE):
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for k in range(count):
        pixels = random.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"pair{k:02}{suffix}", compress_level=0)  # noise stays as large
    return folder


def some_folders(root, count=20, systems=("ours", "theirs")):
    real = write_folder(root / "real", count, 0)
    generated = {name: write_folder(root / name, count, 1 + k) for k, name in enumerate(systems)}
    return open_folders(real, generated, sources=write_folder(root / "sources", count, 99))


def a_study(design="real-or-generated", **changes):
    options = {
        "systems": ("ours", "theirs"),
        "names": tuple(f"pair{k:02}" for k in range(20)),
        "trials": 8,
        "practice": 2,
        "checks": 2,
        "beside": (SOURCE, REAL) if design == "best" else (),
    }
    return Study(design, **{**options, **changes})
