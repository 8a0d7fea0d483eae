"""Pictures and poses from files, and people that nobody photographed."""

from reposer.core.registry import import_siblings

from .dataset import (
    DATASETS,
    FilePairs,
    PairDataset,
    PairRow,
    frame_picture,
    frame_pose,
    open_dataset,
)
from .synthetic import SyntheticPeople

import_siblings(__path__, __name__)
DATASETS.add("synthetic-people", SyntheticPeople)

__all__ = [
    "DATASETS",
    "FilePairs",
    "PairDataset",
    "PairRow",
    "frame_picture",
    "frame_pose",
    "open_dataset",
]
