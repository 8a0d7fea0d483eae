"""Pairs in tar shards in WebDataset form: SPLIT-000000.tar contains KEY.source.png, KEY.target.png, KEY.json, ...

A key is SOURCE__TARGET, the names of two pictures of one person. The shards support random access.
"""

import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from reposer.core import BadInput, Framing, Pose, Skeleton, quoted
from reposer.core.json_files import parse_json
from reposer.core.skeleton import OPENPOSE_18

from .dataset import CACHE_BYTES, DATASETS, Asked, FilePairs, NoSplit, PairRow, PictureMemory
from .pairs import name_identity
from .picture_kinds import PICTURE_SUFFIXES
from .pictures import decode_picture
from .poses import OwnPose, choose_pose

SPLITS = ("train", "val", "test")
BETWEEN = "__"


def shard_name(split: str, k: int) -> str:
    return f"{split}-{k:06d}.tar"


def picture_bytes(picture: UInt8[Tensor, "H W 3"] | UInt8[Tensor, "H W"], suffix: str = ".png") -> bytes:
    """A picture as a PNG or JPEG file."""
    file = io.BytesIO()
    image = Image.fromarray(picture.cpu().contiguous().numpy())
    if suffix == ".jpg":
        image.save(file, "JPEG", quality=95)
    else:
        image.save(file, "PNG")
    return file.getvalue()


def pose_words(pose: Pose) -> dict[str, Any]:
    """A single pose in our JSON form, unrounded."""
    joints = {
        name: [float(x) for x in pose.xy[k]] if bool(pose.visible[k]) else None
        for k, name in enumerate(pose.skeleton.joints)
    }
    return {"skeleton": pose.skeleton.name, "size": list(pose.size), "joints": joints}


def write_shard(path: Path, samples: Iterator[tuple[str, Mapping[str, bytes]]]) -> None:
    """Write a shard of (key, files by the suffix after the key); the same samples always give the same bytes."""
    with tarfile.open(path, "w") as tar:
        for key, files in samples:
            for name, content in files.items():
                member = tarfile.TarInfo(f"{key}.{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


@DATASETS.register("shards")
class ShardPairs(FilePairs):
    """Pairs in tar shards, as `reposer data synthesize --form shards` writes them: `ROOT/{train,test}-000000.tar`, ...

    Opening reads only the shards' headers; pictures are read on demand, in any order.
    """

    looks_for = "tar shards {train,val,test}-000000.tar"

    def __init__(
        self,
        root: Path | str,
        split: str,
        framing: Framing | None = None,
        *,
        skeleton: Skeleton = OPENPOSE_18,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.root, self.split, self.framing, self.skeleton = Path(root), split, framing, skeleton
        self.memory = PictureMemory(cache_bytes)
        self.shards = shards_of(self.root, split)
        if not self.shards:
            raise NoSplit(f"{self.root} has no shards of the split '{split}'; {shard_name(split, 0)} was expected.")
        self._samples = [sample for path in self.shards for sample in _contents(path)]
        if not self._samples:
            raise BadInput(f"The shards {self.shards[0].name}, ... of {self.root} hold no pair. Write them anew.")
        self.rows = [_row(sample.key, sample.shard) for sample in self._samples]
        self._where: dict[str, tuple[int, str]] = {}
        for i, row in enumerate(self.rows):
            self._where.setdefault(row.source_name, (i, "source"))
            self._where.setdefault(row.target_name, (i, "target"))
        self.poses: Mapping[str, Pose] = _Poses(self)
        self.picture_size = self.poses[self.rows[0].source_name].size
        if not any(pose.visible.any() for pose in self.poses.values()):  # the first one, as a rule
            raise BadInput(
                f"No picture in the shards {self.shards[0].name}, ... of {self.root} has a joint: all of them are "
                "missing."
            )

    @classmethod
    def recognises(cls, root: Path) -> bool:
        return any(shards_of(root, split) for split in SPLITS)

    @classmethod
    def open(cls, root: Path, split: str, framing: Framing | None, asked: Asked) -> "ShardPairs":
        return cls(root, split, framing, skeleton=asked.skeleton)

    def picture_path(self, name: str) -> Path:
        return self._samples[self._where[name][0]].shard

    def picture(self, name: str) -> UInt8[Tensor, "h w 3"]:
        i, side = self._where[name]
        sample = self._samples[i]
        file = next((f"{side}{s}" for s in PICTURE_SUFFIXES if f"{side}{s}" in sample.files), f"{side}.png")
        picture = decode_picture(sample.read(file), f"{sample.shard}: {sample.key}.{file}")
        size = self.poses[name].size
        if tuple(picture.shape[:2]) != size:
            raise BadInput(
                f"{sample.shard}: {sample.key}.{file} has {picture.shape[0]}x{picture.shape[1]} pixels, but "
                f"{sample.key}.json says the pose of a {size[0]}x{size[1]} picture (height x width)."
            )
        return picture

    def files(self, i: int) -> tuple[str, ...]:
        """The files of pair i: "source.png", "json", "source.parts.png", "flow.npz", ..."""
        return tuple(self._samples[i].files)

    def read(self, i: int, file: str) -> bytes:
        """The content of one file of pair i."""
        return self._samples[i].read(file)

    def about(self, i: int) -> dict[str, Any]:
        """The metadata of pair i: identity, attributes, and name and pose of source and target."""
        sample = self._samples[i]
        words = parse_json(sample.read("json"), f"{sample.shard}: {sample.key}.json")
        if not isinstance(words, dict):
            raise BadInput(f"{sample.shard}: {sample.key}.json holds {quoted(words)}; an object was expected.")
        return words


class _SampleFiles:
    """Positions of one sample's files in its shard."""

    __slots__ = ("files", "key", "shard")

    def __init__(self, shard: Path, key: str) -> None:
        self.shard, self.key = shard, key
        self.files: dict[str, tuple[int, int]] = {}

    def read(self, file: str) -> bytes:
        if file not in self.files:
            raise BadInput(f"{self.shard} has no {self.key}.{file}; it has {', '.join(self.files)}.")
        offset, size = self.files[file]
        with self.shard.open("rb") as shard:
            shard.seek(offset)
            content = shard.read(size)
        if len(content) != size:
            raise BadInput(f"{self.shard} ends too early: it is damaged. Fetch it again.")
        return content


class _Poses(Mapping[str, Pose]):
    """The poses of the shards' pictures, read on demand."""

    def __init__(self, data: ShardPairs) -> None:
        self._data = data

    def __getitem__(self, name: str) -> Pose:
        i, side = self._data._where[name]
        sample = self._data._samples[i]
        where = Path(f"{sample.shard}: {sample.key}.json")
        words = self._data.about(i).get(side)
        if not (isinstance(words, dict) and "pose" in words and OwnPose().recognises(words["pose"])):
            raise BadInput(f"{where} does not tell the pose of its {side}: {quoted(words)}.")
        return choose_pose(OwnPose().read(where, words["pose"])).pose.convert(self._data.skeleton)

    def __iter__(self) -> Iterator[str]:
        return iter(self._data._where)

    def __len__(self) -> int:
        return len(self._data._where)


def shards_of(root: Path, split: str) -> Sequence[Path]:
    """The shards of a split in a folder, in order."""
    return sorted(root.glob(f"{split}-[0-9]*.tar")) if root.is_dir() else []


def _contents(path: Path) -> list[_SampleFiles]:
    """The samples of a shard, in order; only headers are read."""
    samples: dict[str, _SampleFiles] = {}
    end = 0
    if not path.is_file():  # opening a pipe would block forever
        raise BadInput(f"{path} is not a file; a tar shard was expected there.")
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                end = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                if member.isfile():
                    key, _, file = member.name.partition(".")
                    sample = samples.setdefault(key, _SampleFiles(path, key))
                    sample.files[file] = (member.offset_data, member.size)
    except (tarfile.TarError, OSError, ValueError) as error:
        raise BadInput(f"{path} is no whole tar file ({error}). Fetch or write it again.") from None
    _refuse_no_end(path, end)
    return list(samples.values())


def _refuse_no_end(path: Path, end: int) -> None:
    """Refuse a shard that is not all zeros after `end`: tarfile takes truncated or unreadable data for the end."""
    with path.open("rb") as file:
        file.seek(end)
        mark = file.read(tarfile.BLOCKSIZE)
        if len(mark) < tarfile.BLOCKSIZE:
            raise BadInput(f"{path} ends too early: its end mark is missing. Fetch or write it again.")
        if any(mark):
            raise BadInput(f"{path} is damaged at byte {end:,}: no file begins there. Fetch or write it again.")
        while rest := file.read(1 << 20):
            if any(rest):
                raise BadInput(
                    f"{path} goes on behind its end mark: two tar files joined into one, it seems. Keep them as two "
                    "shards."
                )


def _row(key: str, shard: Path) -> PairRow:
    source, between, target = key.rpartition("/")[2].partition(BETWEEN)
    if not between:
        raise BadInput(f"{shard} holds a sample '{key}'; keys SOURCE{BETWEEN}TARGET were expected.")
    return PairRow(source, target, name_identity(source))
