"""A folder of your own photos with key points."""

import hashlib
import itertools
from pathlib import Path

from reposer.core import BadInput, Framing, Pose
from reposer.core.images import from_uint8

from .dataset import DATASETS, PairDataset, PictureMemory, Sample, frame_picture, frame_pose, identity_of, pair_name
from .files import read_picture, read_pose

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@DATASETS.register("folder")
class Folder(PairDataset):
    """Your own photos: `PERSON_VIEW.jpg` with its pose beside it as `PERSON_VIEW.json` (our form, or OpenPose's).

    All ordered pairs of one person's photos. With sub-folders train/ and test/ those are the splits; without, a
    hash of the person's name decides: 8 of 10 train, one val, one test, and adding photos moves nobody.
    """

    def __init__(self, root: Path, split: str, framing: Framing | None = None) -> None:
        folder = root / split if (root / "train").is_dir() else root
        photos = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
        if folder == root:
            photos = [p for p in photos if split_of(identity_of(p.name)) == split]
        people: dict[str, list[Path]] = {}
        for photo in photos:
            people.setdefault(identity_of(photo.name), []).append(photo)
        self.pairs = [pair for own in people.values() for pair in itertools.permutations(own, 2)]
        if not self.pairs:
            raise BadInput(
                f"{folder} has no two photos of one person for the split '{split}'. Photos of one person share "
                f"their name up to the last '_': anna_1.jpg, anna_2.jpg, each with a pose in a .json beside it."
            )
        self.framing = framing
        self._memory = PictureMemory()
        self._poses: dict[Path, Pose] = {}
        sizes = {self._whole(p).shape[1:] for p in {p for pair in self.pairs for p in pair}}
        if len(sizes) > 1:
            raise BadInput(
                f"The photos of {folder} have {len(sizes)} different sizes, among them "
                f"{', '.join(f'{h}x{w}' for h, w in sorted(sizes)[:3])}; a data set has one. Crop them alike first."
            )
        ((height, width),) = sizes
        self.picture_size = (int(height), int(width))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> Sample:
        source, target = self.pairs[i]
        return Sample(
            self._memory.get(source.name, lambda: frame_picture(self._whole(source), self.framing)),
            self._memory.get(target.name, lambda: frame_picture(self._whole(target), self.framing)),
            frame_pose(self._pose(source), self.framing),
            frame_pose(self._pose(target), self.framing),
            pair_name(source.name, target.name),
        )

    def _whole(self, photo: Path):  # type: ignore[no-untyped-def]
        return from_uint8(read_picture(photo))

    def _pose(self, photo: Path) -> Pose:
        if photo not in self._poses:
            self._poses[photo] = read_pose(photo.with_suffix(".json"), size=self.picture_size)
        return self._poses[photo]


def split_of(identity: str) -> str:
    """Which split a person belongs to, by a hash of the name alone."""
    place = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "big") % 10
    return "test" if place == 0 else "val" if place == 1 else "train"
