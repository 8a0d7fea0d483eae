"""Which data set a folder holds, told by the files that are there."""

from pathlib import Path

from reposer.core import BadInput, Framing

from .dataset import PairDataset
from .deepfashion import PLAIN, RESIZED, DeepFashion
from .folder import SUFFIXES, Folder
from .listed import find_list
from .market1501 import Market1501

SPLITS = ("train", "val", "test")


def kind_of(root: Path) -> type[DeepFashion] | type[Market1501] | type[Folder]:
    """The class of the data set in `root`."""
    if not root.is_dir():
        raise BadInput(f"There is no folder {root}.")
    if any(find_list(root, kind, split, RESIZED + PLAIN) for kind in ("annotation", "pairs") for split in SPLITS):
        return DeepFashion
    if any(find_list(root, kind, split, ("market",)) for kind in ("annotation", "pairs") for split in SPLITS):
        return Market1501
    photos = [p for p in (*root.glob("*"), *root.glob("train/*")) if p.suffix.lower() in SUFFIXES]
    if any(photo.with_suffix(".json").is_file() for photo in photos):
        return Folder
    raise BadInput(
        f"{root} holds no data set: looked for {RESIZED[0]}-annotation-train.csv (DeepFashion), "
        f"market-annotation-train.csv (Market-1501), and photos with a .json of the same name beside them."
    )


def open_dataset(root: Path, split: str, framing: Framing | None, *, augment: bool = False) -> PairDataset:
    """The data set in `root`; `augment` where it offers that."""
    kind = kind_of(root)
    if kind is Market1501:
        return Market1501(root, split, framing, augment=augment)
    return kind(root, split, framing)
