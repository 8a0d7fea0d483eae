"""Small data sets for tests, written to a folder."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from reposer.core import Pose
from reposer.data.lists import write_annotation, write_pairs
from reposer.data.pictures import write_picture


def some_pose(size=(256, 176), seed=0, missing=()):
    """Eighteen joints on whole pixels inside a picture of this size."""
    numbers = np.random.default_rng(seed)
    xy = np.stack([numbers.integers(1, size[1] - 1, 18), numbers.integers(1, size[0] - 1, 18)], -1)
    visible = torch.ones(18, dtype=torch.bool)
    visible[list(missing)] = False
    return Pose(torch.from_numpy(xy.astype(np.float32)), visible, size)


def some_picture(size=(256, 176), seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8))


def write_fashion(root: Path, splits: Mapping[str, tuple[str, ...]], size=(256, 176), views=2, seed=0) -> Path:
    """A data set in DeepFashion's layout, all ordered pairs of each person."""
    for split, people in splits.items():
        poses, pairs = {}, []
        for person in people:
            names = [f"{person}_{view}.png" for view in range(views)]
            for name in names:
                seed += 1
                poses[name] = some_pose(seed=seed)
                write_picture(root / split / name, some_picture(size, seed))
            pairs += itertools.permutations(names, 2)
        write_annotation(root / f"fasion-resize-annotation-{split}.csv", poses, frame="crop176")
        write_pairs(root / f"fasion-resize-pairs-{split}.csv", pairs)
    return root
