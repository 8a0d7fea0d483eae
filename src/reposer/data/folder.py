"""A folder of your own photos with key points."""

import hashlib
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Framing, Pose, Sample, Skeleton
from reposer.core.framing import between, edges_around, frame_bytes, in_picture, whole
from reposer.core.images import resize_part, to_uint8
from reposer.core.pose import Edges
from reposer.core.skeleton import OPENPOSE_18

from .dataset import CACHE_BYTES, DATASETS, Asked, FilePairs, PairRow, PictureMemory, pair_name
from .pairs import name_identity
from .picture_kinds import PICTURE_SUFFIXES as SUFFIXES
from .picture_kinds import UNREAD_SUFFIXES
from .pictures import picture_header
from .poses import Chosen, choose_pose, read_recording

SPLITS = ("train", "val", "test")


@DATASETS.register("folder")
class Folder(FilePairs):
    """Your own photos: `PERSON_VIEW.jpg`, with its pose beside it, `PERSON_VIEW.json` (our form or OpenPose's).

    Has all ordered pairs of photos of one person, whose name is the file's up to the last `_`. With a sub-folder train,
    the sub-folders are the splits; otherwise a hash of the person's name decides (80 of 100 train, 10 val, 10 test), so
    that new photos never move a person to another split. `OPENPOSE_keypoints.json`, OpenPose's file name, also works.

    together: cut the photos of a pair by one box around both poses if they have one size, as frames of one camera; this
        needs a framing.
    picture_size: the photos' common size; if they differ, or are cut, that of the frame.
    """

    poses: Mapping[str, Pose]
    cuts_together = True
    looks_for = "photos PERSON_VIEW.jpg with a pose PERSON_VIEW.json beside each, here or in train and test"

    def __init__(
        self,
        root: Path | str,
        split: str,
        framing: Framing | None = None,
        *,
        skeleton: Skeleton = OPENPOSE_18,
        together: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        assert framing is not None or not together, "a cut fills a frame"
        self.root, self.split, self.framing, self.together = Path(root), split, framing, together
        self.memory = PictureMemory(cache_bytes)
        photos, self.unreadable = _readable(split_photos(self.root, split))
        people: dict[str, list[str]] = {}
        for name in photos:
            people.setdefault(name_identity(name), []).append(name)
        self.rows = [
            PairRow(source, target, identity)
            for identity, own in people.items()
            for source, target in permutations(own, 2)
        ]
        if not self.rows:
            raise BadInput(
                f"{self.root} has no two photos of one person for the split '{split}'. Photos of one person share "
                f"their name up to the last '_' (anna_1.jpg, anna_2.jpg); to choose the splits yourself, put the "
                f"photos into sub-folders train and test."
            )
        self.paths = photos
        poses = {name: photo_pose(photo).convert(skeleton) for name, photo in photos.items()}
        self.poses = poses
        if not any(pose.visible.any() for pose in poses.values()):
            raise BadInput(
                f"No photo of {self.root} in the split '{split}' has a joint: in every pose file all joints are "
                f"missing. Make the poses with an estimator that finds the people."
            )
        sizes = {pose.size for pose in poses.values()}
        if len(sizes) > 1 and framing is None:
            few = ", ".join(f"{h}x{w}" for h, w in sorted(sizes)[:3])
            raise BadInput(
                f"The photos of {self.root} have {len(sizes)} sizes ({few}, ...); without a framing they cannot be "
                f"stacked. Pass the generator's framing, or crop them alike."
            )
        self.picture_size = sizes.pop() if framing is None or (len(sizes) == 1 and not together) else framing.size

    @classmethod
    def recognises(cls, root: Path) -> bool:
        folders = (root, *(root / split for split in SPLITS))
        return any(pose_path(photo) is not None for folder in folders for photo in photos_in(folder))

    @classmethod
    def open(cls, root: Path, split: str, framing: Framing | None, asked: Asked) -> "Folder":
        return cls(root, split, framing, skeleton=asked.skeleton, together=asked.together)

    def __getitem__(self, i: int) -> Sample:
        if not self.together:
            return super().__getitem__(i)
        row = self.rows[i]
        names = row.source_name, row.target_name
        source, target = (self.poses[name] for name in names)
        if source.size == target.size:
            box = self._box(source, target)
            boxes = box, box
        else:
            boxes = self._box(source, source), self._box(target, target)
        (a, own), (b, wanted) = (self._cut(name, box) for name, box in zip(names, boxes, strict=True))
        return Sample(a, b, own, wanted, pair_name(*names))

    def target_size(self, i: int) -> tuple[int, int]:
        return self.picture_size if self.together else super().target_size(i)

    def _box(self, source: Pose, target: Pose) -> Edges:
        framing = self.framing
        assert framing is not None, "see __init__"
        seen = source if in_picture(source).visible.any() else target
        if not in_picture(seen).visible.any():
            return whole(source.size)
        height, width = framing.person_size
        return edges_around(seen, framing.margin, width / height, target)

    def _cut(self, name: str, box: Edges) -> tuple[Float[Tensor, "3 H W"], Pose]:
        """The picture and pose inside `box`, which is in pixels of the pose's picture, in the frame."""
        pose, framing = self.poses[name], self.framing
        assert framing is not None, "see __init__"
        picture = self.memory.get(name, lambda: self._of_size(name, pose.size))
        content = framing.content_box(framing.person_size)
        placed = pose.affine(between(box, content), framing.size)
        return frame_bytes(picture, framing, framing.person_size, box), placed

    def _of_size(self, name: str, size: tuple[int, int]) -> UInt8[Tensor, "h w 3"]:
        picture = self.picture(name)
        own = (picture.shape[0], picture.shape[1])
        return picture if own == size else to_uint8(resize_part(picture, whole(own), size))[0]

    def picture_path(self, name: str) -> Path:
        return self.paths[name]


def photos_in(folder: Path) -> list[Path]:
    """The picture files of a folder, by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != ".")


def unread_in(folder: Path) -> list[str]:
    """The names of a folder's picture files of unsupported kinds."""
    entries = folder.iterdir() if folder.is_dir() else ()
    return sorted(path.name for path in entries if path.suffix.lower() in UNREAD_SUFFIXES)


def _readable(photos: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, str]]:
    """The photos whose size can be read, and for the others the reason, by name."""
    readable, reasons = {}, {}
    for name, photo in photos.items():
        try:
            picture_header(photo)
            readable[name] = photo
        except BadInput as error:
            reasons[name] = str(error)
    return readable, reasons


def split_photos(root: Path, split: str) -> dict[str, Path]:
    """The photos of a split, by name."""
    if split not in SPLITS:
        raise BadInput(f"There is no split '{split}' of {root}; there are {', '.join(SPLITS)}.")
    if (root / "train").is_dir():
        return {photo.name: photo for photo in photos_in(root / split)}
    return {photo.name: photo for photo in photos_in(root) if split_of(name_identity(photo.name)) == split}


def split_of(identity: str) -> str:
    """The split of a person, by a hash of the name."""
    place = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "big") % 100
    return "train" if place < 80 else "val" if place < 90 else "test"


def pose_path(photo: Path) -> Path | None:
    """The file with the photo's pose, if there is one."""
    candidates = (photo.with_suffix(".json"), photo.with_name(f"{photo.stem}_keypoints.json"))
    return next((path for path in candidates if path.is_file()), None)


def photo_pose(photo: Path) -> Pose:
    """The pose beside a photo; refused if it states another picture size than the photo's."""
    return chosen_photo_pose(photo).pose


def chosen_photo_pose(photo: Path) -> Chosen:
    """The same, with the decisions made while reading its file: which of several people, and who was left out."""
    path = pose_path(photo)
    if path is None:
        raise BadInput(f"{photo} has no pose; {photo.with_suffix('.json').name} was expected beside it.")
    size = picture_header(photo)
    chosen = choose_pose(read_recording(path), size, told=False)
    pose = chosen.pose
    if pose.size != size:
        raise BadInput(
            f"{path} is the pose of a {pose.size[0]}x{pose.size[1]} picture, but {photo.name} is {size[0]}x{size[1]} "
            f"(height x width). Make the pose of this photo."
        )
    return chosen
