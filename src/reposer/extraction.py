"""Poses out of photos, clips and folders: what `reposer pose extract` writes."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.disk import only_user, whole_file, write_text
from reposer.core.framing import between, edges_around, in_picture, size_of
from reposer.core.images import resize_bytes
from reposer.core.json_files import read_json
from reposer.core.pose import Edges
from reposer.data.folder import SPLITS
from reposer.data.picture_kinds import PICTURE_SUFFIXES, UNREAD_SUFFIXES
from reposer.data.pictures import read_picture, write_picture
from reposer.data.poses import write_pose_json
from reposer.data.skeleton_pictures import skeleton_over
from reposer.data.stick_figures import refuse_stick_figure
from reposer.data.video_files import ClipWriter, VideoFile
from reposer.estimators import PoseEstimator
from reposer.estimators.following import follow
from reposer.estimators.people_choice import Person, estimate
from reposer.nn.weights import sha256

RECEIPT = "reposer-extract.json"
"""A data set's file that says how it was made: a run with other options is not mixed in."""
CONTENTS = "reposer-extract.photos"
"""The file that keeps checksums of the photos: one that was replaced is looked at again, whatever its time says."""
SKELETONS = "skeletons"
"""The folder of the pictures of skeletons, in a data set."""
MARGIN = 0.25
"""Space around the pose in a cut picture, as a share of the larger side of the pose's box, as in `transfer`."""


def clip_poses(clip: VideoFile, estimator: PoseEstimator, person: Person | None) -> Iterator[Pose]:
    """The pose of one person in each frame of a clip's file; see `follow`."""
    return follow(estimator, clip.stored_frames(), str(clip.path), person)


def write_clip_skeletons(path: Path, clip: VideoFile, poses: Pose) -> None:
    """An MP4 of the clip with the skeleton over each frame. poses: a row for each frame of its file."""
    with ClipWriter(path, Fraction(clip.fps)) as writer:
        for frame, pose in zip(clip.frames(), poses[torch.tensor(clip.order())], strict=True):
            writer.add(skeleton_over(frame, pose))


@dataclass(frozen=True)
class Made:
    """What became of one photo of a folder.

    name: in the data set. photo: the file. failure: why it is not in the data set; empty if it is. new: whether this
    run made it. notes: for the user.
    """

    name: str
    photo: Path
    failure: str = ""
    new: bool = True
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Extraction:
    """A data set that is made from the photos of a folder: of each photo a picture and its pose file.

    estimator: the pose estimator. person: which of several people in each photo. size: (height, width) to which people
    are cut and scaled; None keeps the photos as they are. show: also write pictures of the skeletons.
    """

    folder: Path
    out: Path
    estimator: PoseEstimator
    person: Person | None = None
    size: tuple[int, int] | None = (256, 176)
    show: bool = False
    _contents: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def photos(self) -> Mapping[str, Path]:
        """The photos by their names in the data set, sorted; BadInput if there are none, or two of one name, or
        if --out is not a folder of its own.

        A photo in a sub-folder gets the sub-folder's name as its person's; sub-folders train, val and test stay.
        """
        self._refuse_other_files()
        out = self.out.resolve()
        files = [
            path for path in sorted(self.folder.rglob("*")) if path.is_file() and not _is_hidden(path, self.folder)
        ]
        files = [path for path in files if out not in path.resolve().parents]
        photos = [path for path in files if path.suffix.lower() in (*PICTURE_SUFFIXES, *UNREAD_SUFFIXES)]
        if not photos:
            raise BadInput(f"{self.folder} holds no photo. Give a folder of picture files, or a photo, or a clip.")
        named: dict[str, Path] = {}
        for photo in photos:
            name = self._name(photo)
            if name in named:
                raise BadInput(
                    f"{named[name]} and {photo} would both become {name} in the data set. Rename one of them."
                )
            named[name] = photo
        return dict(sorted(named.items()))

    def run(self, photos: Mapping[str, Path]) -> Iterator[Made]:
        """Make what is missing, photo by photo; unreadable photos, and those without a person, are told."""
        self.out.mkdir(parents=True, exist_ok=True)
        lock = only_user(self.out, "extracts poses")
        try:
            self._keep_receipt()
            self._contents.update(self._read_contents())
            for name, photo in photos.items():
                yield self._made(name, photo)
        finally:
            lock.release()

    def _name(self, photo: Path) -> str:
        parts = photo.relative_to(self.folder).parts
        split = [parts[0]] if len(parts) > 1 and parts[0] in SPLITS else []
        people = parts[len(split) : -1]
        stem = "-".join(people) + "_" + photo.stem.replace("_", "-") if people else photo.stem
        return "/".join([*split, stem + (photo.suffix.lower() if self.size is None else ".jpg")])

    def _made(self, name: str, photo: Path) -> Made:
        picture_path = self.out / name
        pose_path = picture_path.with_suffix(".json")
        checksum = sha256(photo)
        if picture_path.is_file() and pose_path.is_file() and self._contents.get(name) == checksum:
            return Made(name, photo, new=False)
        skeleton_path = self.out / SKELETONS / f"{Path(name).with_suffix('')}.png"
        for made_before in (pose_path, picture_path, skeleton_path):  # of another photo: none of it may stay
            made_before.unlink(missing_ok=True)
        try:
            picture = read_picture(photo)
            refuse_stick_figure(picture, photo, "Take it out of the folder.")
            found = estimate(self.estimator, picture, str(photo), self.person)
        except BadInput as error:
            return Made(name, photo, failure=str(error))
        pose = found.pose
        if not in_picture(pose).visible.any():
            return Made(name, photo, failure=f"{photo} shows no person: all joints were placed outside of the picture.")
        if self.size is None:
            with whole_file(picture_path) as file, photo.open("rb") as content:
                shutil.copyfileobj(content, file)
        else:
            picture, pose = person_picture(picture, pose, self.size)
            write_picture(picture_path, picture)
        if self.show:
            write_picture(skeleton_path, skeleton_over(picture, pose))
        write_pose_json(pose_path, pose)  # last: a picture without it is made again
        self._keep_content(name, checksum)
        return Made(name, photo, notes=found.notes)

    def _read_contents(self) -> dict[str, str]:
        """The checksum of the photo that each picture was made from, by the picture's name; the last one counts."""
        path = self.out / CONTENTS
        if not path.is_file():
            return {}
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # a cut last line is none
        found = {json.loads(name): digest for digest, _, name in (line.partition(" ") for line in lines)}
        write_text(path, "".join(_line(name, digest) for name, digest in found.items()))  # nothing follows a cut line
        return found

    def _keep_content(self, name: str, digest: str) -> None:
        with (self.out / CONTENTS).open("a", encoding="utf-8") as file:
            file.write(_line(name, digest))

    def _refuse_other_files(self) -> None:
        """Refuse a folder in which files of somebody else could be overwritten: above all the photos themselves."""
        out, folder = self.out.resolve(), self.folder.resolve()
        if out == folder or out in folder.parents:
            raise BadInput(f"--out {self.out} holds the photos themselves. Give a folder of its own for the data set.")
        if self.out.is_dir() and not (self.out / RECEIPT).is_file() and any(self.out.iterdir()):
            raise BadInput(
                f"--out {self.out} holds other files, and no data set of this command. Give a new or empty folder."
            )

    def _keep_receipt(self) -> None:
        """Write what decides the data set, or compare it with what is there."""
        about = {
            "folder": str(self.folder.resolve()),
            "pose estimator": self.estimator.description,
            "person": str(self.person or "largest"),
            "size": "as the photos" if self.size is None else f"{self.size[0]}x{self.size[1]}",
        }
        path = self.out / RECEIPT
        if path.is_file():
            before = read_json(path)
            others = [key for key in about if not isinstance(before, dict) or before.get(key) != about[key]]
            if others:
                raise BadInput(
                    f"{self.out} holds poses that were extracted with another {' and '.join(others)}. Give another "
                    "--out, or remove that folder."
                )
        else:
            write_text(path, json.dumps(about, indent=1) + "\n")


def person_picture(
    picture: UInt8[Tensor, "H W 3"], pose: Pose, size: tuple[int, int]
) -> tuple[UInt8[Tensor, "h w 3"], Pose]:
    """The person cut out of a photo with a margin, scaled to (height, width) = `size`; beyond the photo its edge
    repeats."""
    height, width = picture.shape[0], picture.shape[1]
    left, top, right, bottom = edges_around(pose, MARGIN, size[1] / size[0])
    inside = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    first_x, last_x = _placed(inside[0] - left, inside[2] - left, right - left, size[1])
    first_y, last_y = _placed(inside[1] - top, inside[3] - top, bottom - top, size[0])
    placed: Edges = (first_x, first_y, last_x, last_y)
    part = resize_bytes(picture[inside[1] : inside[3], inside[0] : inside[2]], size_of(placed))
    rows = torch.arange(size[0]).clamp(first_y, last_y - 1) - first_y
    columns = torch.arange(size[1]).clamp(first_x, last_x - 1) - first_x
    return part[rows][:, columns], pose.affine(between(inside, placed), size)


def _placed(start: int, end: int, length: int, pixels: int) -> tuple[int, int]:
    """A stretch of `length`, in whole pixels of a line of `pixels`: at least one."""
    first = min(pixels - 1, round(start * pixels / length))
    return first, max(first + 1, min(pixels, round(end * pixels / length)))


def _line(name: str, digest: str) -> str:
    """Of the file of contents."""
    return f"{digest} {json.dumps(name)}\n"


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)
