"""Data sets in the layout of PATN's DeepFashion, from real frames and from the field's real lists."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from reposer.core import Pose
from reposer.data import open_dataset
from reposer.data.lists import read_annotation, read_pairs, write_pairs
from reposer.nn.maps import stick_picture

FRAMES = "people_mini"
"""Folder of the real data with frames and lists in this layout."""
LISTS = "annotations/fashion"
"""Folder of the real data with DeepFashion's own lists, without pictures."""


def real_frames(real_data: Path, out: Path) -> None:
    """Copies the frames and their lists."""
    shutil.copytree(real_data / FRAMES, out)


def sketched_test(real_data: Path, out: Path, *, pairs: int) -> int:
    """The test split of DeepFashion's own lists, its first pairs, with a sketch of the joints under each name.

    The pictures may not be redistributed; names, joints and pairs are the field's. Returns the number of pictures.
    """
    lists, pictures = real_data / LISTS, out / "test"
    pictures.mkdir(parents=True)
    shutil.copyfile(lists / "fasion-annotation-test.csv", out / "fasion-annotation-test.csv")
    own = read_pairs(lists / "fashion-pairs-test.csv")[:pairs]
    write_pairs(out / "fasion-pairs-test.csv", own)
    poses = read_annotation(lists / "fasion-annotation-test.csv", frame="padded256")
    names = sorted({name for pair in own for name in pair})
    for name in names:
        sketch = (stick_picture(Pose.stack([poses[name]]))[0].permute(1, 2, 0).numpy() + 1) * 127.5
        Image.fromarray(np.asarray(sketch.round(), np.uint8)).save(pictures / name, quality=95)
    return len(names)


def other_systems_pictures(data: Path, generated: Path, out: Path) -> int:
    """Writes generated pictures of the test split as another system would have made them, at the size of the data's
    files: alone in `pictures`, and beside their source and target in `strips`. Returns how many."""
    dataset = open_dataset(data, "test", None)
    for name in ("pictures", "strips"):
        (out / name).mkdir(parents=True)
    count = 0
    for i, row in enumerate(dataset.rows):
        name = f"{dataset.pair_name(i)}.png"
        if not (generated / name).is_file():
            continue
        files = (dataset.picture_path(row.source_name), dataset.picture_path(row.target_name), generated / name)
        panels = [Image.open(file).convert("RGB") for file in files]
        panels = [panel.resize(panels[1].size, Image.Resampling.BICUBIC) for panel in panels]
        panels[2].save(out / "pictures" / name)
        Image.fromarray(np.concatenate([np.asarray(panel) for panel in panels], 1)).save(out / "strips" / name)
        count += 1
    return count
