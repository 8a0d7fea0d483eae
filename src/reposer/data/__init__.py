"""Pictures, poses and clips from files. The modules of data sets are imported when their registry is first read."""

from .dataset import DATASETS, FilePairs, PairDataset, PairRow, open_dataset

__all__ = ["DATASETS", "FilePairs", "PairDataset", "PairRow", "open_dataset"]
