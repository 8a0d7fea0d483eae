"""The smallest valid data set of each kind that is registered: what a new one adds here, if it reads files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from reposer.core import Framing
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.view import AZIMUTHS
from reposer.data import DATASETS
from reposer.data.clip_dataset import CLIP_DATASETS, ClipReading
from reposer.data.dataset import Asked
from reposer.data.view_pairs import view_name
from reposer.synthetic.objects import SyntheticObjects
from reposer.synthetic.people import SyntheticPeople, write_people
from reposer.synthetic.people.clips import SyntheticClips, SyntheticFaceClips
from tests.data.folders import some_picture, write_fashion
from tests.data.test_clip_datasets import write_dance, write_faces, write_video
from tests.data.test_datasets import write_folder, write_market

Open = Callable[[Path, Framing | None], Any]
FRAMES = 3
SPLIT = "train"


@dataclass(frozen=True)
class Smallest:
    """write: the files into a folder, if it reads any. open: the split train, in the frame of a framing."""

    open: Open
    write: Callable[[Path], object] | None = None


def _of_files(name: str, write: Callable[[Path], object]) -> Smallest:
    return Smallest(lambda root, framing: DATASETS[name].open(root, SPLIT, framing, Asked()), write)


def _clips_of_files(name: str, write: Callable[[Path], object]) -> Smallest:
    reading = ClipReading(frames=FRAMES, skeleton=OPENPOSE_18 if name == "dance-clips" else None)
    return Smallest(lambda root, framing: CLIP_DATASETS[name](root, SPLIT, framing, reading), write)


def _write_views(root: Path) -> None:
    root.mkdir(exist_ok=True)
    with h5py.File(root / "data_car.hdf5", "w") as file:
        for azimuth in AZIMUTHS:
            group = file.create_group(view_name("car1", azimuth, 0))
            group["image"] = some_picture((16, 16), azimuth).numpy()
            group["pose"] = np.array([azimuth // 10, 0], np.int64)
        (root / "id_car_train.txt").write_text("\n".join(file) + "\n")


def _write_shards(root: Path) -> None:
    small = {"size": (64, 48), "num_train": 1, "num_test": 1, "views": 2, "workers": 1}
    written = write_people(root / "people", form="shards", progress=False, **small)
    for path in written.iterdir():
        path.rename(root / path.name)
    written.rmdir()


PAIRS = {
    "deepfashion": _of_files("deepfashion", lambda root: write_fashion(root, {SPLIT: ("ann",)})),
    "folder": _of_files("folder", lambda root: write_folder(root, "train/ann_1.jpg", "train/ann_2.jpg")),
    "market1501": _of_files("market1501", write_market),
    "shapenet-views": _of_files("shapenet-views", _write_views),
    "shards": _of_files("shards", _write_shards),
    "synthetic-objects": Smallest(lambda root, framing: SyntheticObjects("cars", (32, 32), SPLIT, 1, framing=framing)),
    "synthetic-people": Smallest(lambda root, framing: SyntheticPeople((64, 48), SPLIT, 2, framing=framing)),
}
CLIPS = {
    "clip-folder": _clips_of_files("clip-folder", lambda root: write_video(root, frames=10)),
    "dance-clips": _clips_of_files("dance-clips", lambda root: write_dance(root, frames=FRAMES + 1, masks=True)),
    "face-clips": _clips_of_files("face-clips", lambda root: write_faces(root, frames=FRAMES + 1)),
    "synthetic-clips": Smallest(
        lambda root, framing: SyntheticClips(SPLIT, framing, frames=FRAMES, num_clips=1, length=FRAMES + 1)
    ),
    "synthetic-face-clips": Smallest(
        lambda root, framing: SyntheticFaceClips(SPLIT, framing, frames=FRAMES, num_clips=1, length=FRAMES + 1)
    ),
}


def equal(one: Any, other: Any) -> bool:
    """Whether two samples or batches contain the same numbers, to the bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(
            equal(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__
        )
    return one == other
