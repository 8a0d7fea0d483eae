"""Views of objects in an HDF5 file, in the form of the published ShapeNet sets for view synthesis.

`data_KIND.hdf5` contains a group MODEL_AZIMUTH_ELEVATION for each view (azimuth in tens of degrees) with `image`, uint8
(height, width, 3), and `pose`, the two numbers of the name. `id_KIND_SPLIT.txt` lists a split's views and
`name_KIND_SPLIT.txt` its models.
"""

import os
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Framing, Sample
from reposer.core.view import EVERY_THIRD, HELD_OUT

from .dataset import CACHE_BYTES, DATASETS, Asked, FilePairs, NoSplit, PairRow, PictureMemory
from .hdf5_pictures import image_of, opened
from .lists import read_names
from .view_pairs import Rows, Views, read_view_name, rows_of


@DATASETS.register("shapenet-views")
class ShapeNetViews(FilePairs):
    """Views of objects in data_KIND.hdf5, the published form of the ShapeNet cars and chairs of view synthesis.

    In the split train, each listed view is paired with the same model from a random azimuth at the same elevation
    (`sample` picks another). In the split held-out, which reads the lists of train, each training view is turned to
    every held-out azimuth, at its own elevation. In other splits each model is turned from one azimuth to all 18, at
    elevation 0.

    root: the HDF5 file with its lists beside it, or a folder with one such file.
    hold_out: exclude every n-th azimuth of the training models from the split train; 0 = none.
    ids, names: the split's lists, if they are elsewhere.
    """

    looks_for = "data_KIND.hdf5 with id_KIND_train.txt and id_KIND_test.txt beside it"

    def __init__(
        self,
        root: Path | str,
        split: str,
        framing: Framing | None = None,
        *,
        hold_out: int = 0,
        ids: Path | str | None = None,
        names: Path | str | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.path = sole_hdf5(Path(root))
        self.root, self.split, self.framing = self.path.parent, split, framing
        self.kind = self.path.stem.removeprefix("data_")
        self._file: tuple[int, Any] | None = None
        self.memory = PictureMemory(cache_bytes)
        listed = "train" if split == HELD_OUT else split
        id_list = Path(ids) if ids else self.root / f"id_{self.kind}_{listed}.txt"
        if not id_list.is_file():
            raise NoSplit(f"{id_list} is missing; it lists the views of the split, one MODEL_AZIMUTH_ELEVATION a line.")
        views = read_list(id_list)
        name_list = Path(names) if names else self.root / f"name_{self.kind}_{listed}.txt"
        if name_list.is_file():
            self.models = read_list(name_list)
        else:
            self.models = list(dict.fromkeys(read_view_name(view)[0] for view in views))
        self.rows: Rows = rows_of(split, views, self.models, hold_out)
        self.poses = Views(views)
        first = image_of(self._open(), self.path, views[0])
        self.picture_size = (first.shape[0], first.shape[1])
        self.picture(views[-1])  # refuses a different size

    @classmethod
    def recognises(cls, root: Path) -> bool:
        return bool(hdf5_files(root))

    @classmethod
    def open(cls, root: Path, split: str, framing: Framing | None, asked: Asked) -> "ShapeNetViews":
        """The split held-out has every third azimuth by default."""
        return cls(root, split, framing, hold_out=EVERY_THIRD if split == HELD_OUT else 0)

    def __getitem__(self, i: int) -> Sample:
        if not -len(self) <= i < len(self):
            raise IndexError(f"pair {i} of {len(self)}")
        return self._sample(self.rows[i % len(self)])

    def sample(self, i: int, seed: int) -> Sample:
        """Pair i with a target sampled by `seed` (in the split train)."""
        return self._sample(self.rows.sampled(i % len(self), seed))

    def picture_path(self, name: str) -> Path:
        return self.path

    def picture(self, name: str) -> UInt8[Tensor, "h w 3"]:
        image = image_of(self._open(), self.path, name)
        size = (image.shape[0], image.shape[1])
        if size != self.picture_size:
            raise BadInput(
                f"{self.path}, {name}: the image has {size[0]}x{size[1]} pixels, the first one has "
                f"{self.picture_size[0]}x{self.picture_size[1]} (height x width); one size was expected."
            )
        return image

    def _sample(self, row: PairRow) -> Sample:
        source, source_view = self.framed(row.source_name)
        target, target_view = self.framed(row.target_name)
        return Sample(source, target, source_view, target_view, f"{row.source_name}_2_{row.target_name}")

    def _open(self) -> Any:
        """The file, opened once in each process: a handle does not survive a fork."""
        if self._file is None or self._file[0] != os.getpid():
            self._file = os.getpid(), opened(self.path)
        return self._file[1]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None}


def hdf5_files(root: Path) -> list[Path]:
    """The files data_KIND.hdf5 of a folder, or the file itself."""
    if root.is_dir():
        return sorted(root.glob("data_*.hdf5"))
    return [root] if root.is_file() and root.name.startswith("data_") and root.suffix == ".hdf5" else []


def sole_hdf5(root: Path) -> Path:
    """The only file of views; several are refused."""
    found = hdf5_files(root)
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadInput(f"{root} holds no views of objects; {ShapeNetViews.looks_for} was expected.")
    names = ", ".join(path.name for path in found)
    raise BadInput(f"{root} holds {names}. Name the one that is meant: {found[0]}.")


def read_list(path: Path) -> list[str]:
    """The lines of a list."""
    lines = read_names(path)
    if not lines:
        raise BadInput(f"{path} is empty; one MODEL_AZIMUTH_ELEVATION a line was expected.")
    return lines
