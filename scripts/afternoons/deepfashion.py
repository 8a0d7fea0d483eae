"""Data sets in the layout of PATN's DeepFashion, from real frames and from the field's real lists."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from reposer.core import Pose
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
