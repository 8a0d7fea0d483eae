"""Pictures, poses and clips from files."""

from reposer.core.registry import import_siblings

from .dataset import DATASETS, FilePairs, PairDataset, PairRow, open_dataset

import_siblings(__path__, __name__)

__all__ = ["DATASETS", "FilePairs", "PairDataset", "PairRow", "open_dataset"]
