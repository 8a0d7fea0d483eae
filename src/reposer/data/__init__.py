"""Data sets of pairs, the door for files, and picture sheets."""

from .dataset import DATASETS, PairDataset, identity_of, pair_name
from .deepfashion import DeepFashion
from .folder import Folder
from .market1501 import Market1501
from .open import open_dataset
from .synthetic import SyntheticPeople

DATASETS.add("synthetic-people", SyntheticPeople)

__all__ = [
    "DATASETS",
    "DeepFashion",
    "Folder",
    "Market1501",
    "PairDataset",
    "SyntheticPeople",
    "identity_of",
    "open_dataset",
    "pair_name",
]
