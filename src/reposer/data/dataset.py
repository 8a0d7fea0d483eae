"""Interface of data sets of pairs of pictures of one person, and how a picture is placed in a frame."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from reposer.core import BadInput, Batch, Framing, Pose, Registry, Sample, Skeleton
from reposer.core.choices import Frame, PictureForm
from reposer.core.framing import frame_bytes, frame_pose
from reposer.core.samples import Condition
from reposer.core.skeleton import OPENPOSE_18

from .pictures import read_picture

DATASETS: "Registry[type[PairDataset]]" = Registry("data set", "reposer.datasets", package="reposer.data")
CACHE_BYTES = 256 << 20  # cache of framed pictures, per process and data set


def pair_name(source: str, target: str) -> str:
    """SOURCE_2_TARGET without suffixes: the peers' name for a generated picture."""
    return f"{Path(source).stem}_2_{Path(target).stem}"


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair: the names of its pictures and its person."""

    source_name: str
    target_name: str
    identity: str


class PairDataset(ABC):
    """Pairs of pictures of one person, with poses, in the order of the list.

    framing: how pictures are placed in a generator's frame; None leaves them at `picture_size`.
    picture_size: (height, width) of pictures before framing, in pixels.
    """

    framing: Framing | None
    picture_size: tuple[int, int]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, i: int) -> Sample:
        """Pair i, with pictures and poses in the frame (deterministic)."""

    @abstractmethod
    def identity(self, i: int) -> str:
        """The identity in pair i: one person in one set of clothes."""

    def target_size(self, i: int) -> tuple[int, int]:
        """(height, width) of the target of pair i before framing, in pixels."""
        return self.picture_size

    def picture_names(self, i: int) -> tuple[str, str]:
        """The names of pair i's source and target; one name is one picture."""
        return f"{i}:source", f"{i}:target"

    def attributes(self, i: int) -> Mapping[str, str]:
        """Attributes of the person in pair i, question to answer; empty if unknown."""
        return {}

    def sample(self, i: int, seed: int) -> Sample:
        """Pair i with random augmentation by `seed`, if the data set supports it."""
        return self[i]

    @staticmethod
    def collate(samples: Sequence[Sample], seeds: Int64[Tensor, "B"] | None = None) -> Batch:
        """The batch of these pairs; `seeds` are its rows' noise addresses."""
        return Batch.stack(samples, seeds)


class PictureMemory:
    """Cache of the first `num_bytes` of decoded pictures, by name; further ones are not cached. Not sent to workers."""

    def __init__(self, num_bytes: int = CACHE_BYTES) -> None:
        self.num_bytes = num_bytes
        self._kept: dict[str, Tensor] = {}
        self._used = 0

    def get(self, name: str, make: Callable[[], Tensor]) -> Tensor:
        """The result of `make`, cached if it fits. A copy: the caller may change it."""
        if name not in self._kept:
            picture = make()
            size = picture.numel() * picture.element_size()
            if self._used + size > self.num_bytes:
                return picture
            self._kept[name], self._used = picture, self._used + size
        return self._kept[name].clone()

    def __getstate__(self) -> dict[str, Any]:
        return {"num_bytes": self.num_bytes, "_kept": {}, "_used": 0}


@dataclass(frozen=True)
class SplitFiles:
    """Paths of the parts of one split of a listed data set. A missing part is None."""

    annotations: tuple[Path, ...]
    pairs: tuple[Path, ...]
    pictures: Path | None


@dataclass(frozen=True)
class Asked:
    """How the files of a data set are to be read.

    skeleton: of the poses. augment: move the pictures slightly at random, if the kind supports it.
    frame, pictures: the user's declarations about files that do not state them; None = stated, or proved by the
    content. frame is the picture to which x and y of a fashion list refer, pictures how files contain the 256x176
    pictures of such a list.
    together: cut both pictures of a pair by one box around both poses, as `transfer` does, if the kind supports it.
    """

    skeleton: Skeleton = OPENPOSE_18
    augment: bool = False
    frame: Frame | None = None
    pictures: PictureForm | None = None
    together: bool = False

    @property
    def declared(self) -> tuple[str, ...]:
        """The names of the declarations that were made."""
        return tuple(name for name in ("frame", "pictures") if getattr(self, name) is not None)


class NoSplit(BadInput):
    """The folder has no files of the requested split; other splits may be complete."""


class FilePairs(PairDataset):
    """Pairs of picture files. A subclass recognises its kind of folder and reads it.

    rows: the pairs, in order.
    poses: by the picture's name, in pixels of `picture_size` (pictures of any other size are scaled to it), or views.
    memory: the cache of framed pictures.
    """

    looks_for: ClassVar[str]
    """What a folder of this kind contains, for messages."""
    cuts_together: ClassVar[bool] = False
    """Whether `open` can cut both pictures of a pair by one box."""
    takes_declared: ClassVar[bool] = False
    """Whether `open` accepts declarations of frame and pictures, because not all files of this kind state them."""

    unreadable: Mapping[str, str] = MappingProxyType({})
    """Unreadable pictures that were left out when the data set was opened: name and reason."""

    root: Path
    split: str
    rows: Sequence[PairRow]
    poses: Mapping[str, Condition]
    memory: PictureMemory

    @classmethod
    @abstractmethod
    def recognises(cls, root: Path) -> bool:
        """Whether the files in this folder are of this kind."""

    @classmethod
    @abstractmethod
    def open(cls, root: Path, split: str, framing: Framing | None, asked: Asked) -> "FilePairs":
        """Open a split of the data set in this folder."""

    @abstractmethod
    def picture_path(self, name: str) -> Path:
        """Path of the picture of this name."""

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Sample:
        if not -len(self) <= i < len(self):
            raise IndexError(f"pair {i} of {len(self)}")
        row = self.rows[i]
        source, source_pose = self.framed(row.source_name)
        target, target_pose = self.framed(row.target_name)
        return Sample(source, target, source_pose, target_pose, pair_name(row.source_name, row.target_name))

    def identity(self, i: int) -> str:
        return self.rows[i].identity

    def picture_names(self, i: int) -> tuple[str, str]:
        return Path(self.rows[i].source_name).stem, Path(self.rows[i].target_name).stem

    def target_size(self, i: int) -> tuple[int, int]:
        pose = self.poses[self.rows[i].target_name]
        return pose.size if isinstance(pose, Pose) else self.picture_size

    def framed(self, name: str) -> tuple[Float[Tensor, "3 H W"], Condition]:
        """The picture of this name and its pose, in the frame."""
        pose = self.poses[name]
        size = pose.size if isinstance(pose, Pose) else self.picture_size
        picture = self.memory.get(name, lambda: frame_bytes(self.picture(name), self.framing, size))
        return picture, frame_pose(pose, self.framing) if isinstance(pose, Pose) else pose

    def pair_name(self, i: int) -> str:
        """The peers' name for the generated picture of pair i."""
        return pair_name(self.rows[i].source_name, self.rows[i].target_name)

    def picture(self, name: str) -> UInt8[Tensor, "h w 3"]:
        """The picture of this name, at its file's size."""
        return read_picture(self.picture_path(name))


def unreadable_pictures(dataset: FilePairs, names: Iterable[str]) -> dict[str, str]:
    """Which of the named pictures cannot be decoded, and why."""
    found = {}
    for name in dict.fromkeys(names):
        try:
            dataset.picture(name)
        except BadInput as error:
            found[name] = str(error)
    return found


def refuse_unreadable(dataset: object) -> None:
    """Refuse to train on a data set with unreadable pictures, so that nothing is left out silently.

    Every picture is decoded, except those in one large HDF5 file.
    """
    if not isinstance(dataset, FilePairs):
        return
    reasons = list(dataset.unreadable.values())
    names = dict.fromkeys(name for row in dataset.rows for name in (row.source_name, row.target_name))
    if names and dataset.picture_path(next(iter(names))).suffix != ".hdf5":
        reasons += unreadable_pictures(dataset, names).values()
    if reasons:
        others = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        raise BadInput(
            f"{reasons[0]}{others} Nothing is left out of training silently: mend these pictures or take them out; "
            f"`reposer data check` lists them all."
        )


def recognise(root: Path) -> type[FilePairs]:
    """The kind of data set in this folder, recognised by its files."""
    kinds = {name: kind for name, kind in DATASETS.items() if issubclass(kind, FilePairs)}
    if not root.exists():
        raise BadInput(f"There is no folder {root}. Give the folder of a data set.")
    if not (root.is_dir() or root.is_file()):
        raise BadInput(f"There is no file or folder {root}, but something else. Give the folder of a data set.")
    found = {name: kind for name, kind in kinds.items() if kind.recognises(root)}
    if len(found) == 1:
        return next(iter(found.values()))
    sought = "; ".join(f"{name}: {kind.looks_for}" for name, kind in (found or kinds).items())
    if found:
        raise BadInput(
            f"{root} holds the files of several kinds of data sets ({sought}). Give each a folder of its own."
        )
    raise BadInput(f"{root} holds no data set that Reposer knows. It looked for {sought}.")


def holds_pairs(root: Path) -> bool:
    """Whether this folder has a known kind of data set of pairs."""
    return any(kind.recognises(root) for kind in DATASETS.values() if issubclass(kind, FilePairs))


def open_dataset(
    root: Path | str,
    split: str,
    framing: Framing | None,
    *,
    skeleton: Skeleton = OPENPOSE_18,
    augment: bool = False,
    frame: Frame | None = None,
    pictures: PictureForm | None = None,
    together: bool = False,
) -> FilePairs:
    """Open a split of the data set in a folder, whose kind is recognised by its files.

    frame, pictures, together: see `Asked`; refused if the kind of data set does not accept them.
    """
    root, asked = Path(root), Asked(skeleton, augment, frame, pictures, together)
    kind = recognise(root)
    refuse_declared(kind, root, asked)
    if together and not kind.cuts_together:
        raise BadInput(f"{root} is not a folder of your own photos; only their pairs are cut together. Leave it out.")
    return kind.open(root, split, framing, asked)


def refuse_declared(kind: type[FilePairs], root: Path, asked: Asked) -> None:
    """Refuse declarations for a kind of data set whose files state them."""
    if asked.declared and not kind.takes_declared:
        name = next(name for name, known in DATASETS.items() if known is kind)
        raise BadInput(
            f"{root} is a data set of the kind {name}, whose files say themselves what {' and '.join(asked.declared)} "
            f"would declare; leave that out. It is for lists in DeepFashion's form."
        )


def check_pairs(pairs_path: Path, pairs: Sequence[tuple[str, str]], poses: Mapping[str, Pose], pictures: Path) -> None:
    """Refuse a pair whose picture or joints are missing, naming the row of the list."""
    if not pictures.is_dir():
        raise BadInput(f"The pictures of {pairs_path} should lie in {pictures}, which is not a folder.")
    there = {entry.name for entry in pictures.iterdir()}
    for row, pair in enumerate(pairs, start=2):
        for name in pair:
            if name not in there:
                raise BadInput(
                    f"{pairs_path}, row {row}: the picture {pictures / name} is missing. Put it there or take the "
                    f"row out; `reposer data check` lists everything that is missing."
                )
            if name not in poses:
                raise BadInput(
                    f"{pairs_path}, row {row}: the annotation file has no joints for {name}. Add its row there or "
                    f"take the pair out."
                )
    if not any(poses[name].visible.any() for pair in pairs for name in pair):
        raise BadInput(
            f"No picture of {pairs_path} has a joint in the list of joints: every one of them is missing. Make the "
            f"list with a pose estimator that finds the people."
        )


def sole_file(found: Sequence[Path], root: Path, example: str, looks_for: str) -> Path:
    """The only file found; several must be identical."""
    if not found:
        raise BadInput(f"{root} has no {example} (or another spelling of it); a folder of this kind holds {looks_for}.")
    if len({path.read_bytes() for path in found}) > 1:
        names = ", ".join(path.name for path in found)
        raise BadInput(f"{root} holds {names}, which differ. Keep the one that is meant.")
    return found[0]
