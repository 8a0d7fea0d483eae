"""FashionVideo and iPER in the layout of GFLA."""

import ast
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import BadInput, ClipSample, Framing, Pose, Skeleton
from reposer.core.framing import frame_mask, frame_pose, in_frame
from reposer.core.json_files import read_json
from reposer.core.samples import Condition
from reposer.core.skeleton import COCO_17, H36M_17, OPENPOSE_18, OPENPOSE_25

from .clip_dataset import AS_PUBLISHED, CLIP_DATASETS, ClipReading, move_clip
from .dataset import CACHE_BYTES, NoSplit
from .frame_folders import FrameFolders, folders_in, frame_of, refuse_misplaced
from .moves import random_move
from .pictures import picture_header, read_picture
from .poses.pixels import frame_of as frame_of_joints
from .poses.pixels import in_pixels, scaled_to
from .poses.recording import PeopleInPicture, Person, PoseRecording
from .poses.values import canvas_in, is_number, person_of_triples

SPLITS = ("train", "val", "test")
# Sub-folders are called train_* in every split.
FRAMES, NOISY, CLEAN, FOREGROUND = "train_A", "train_alphapose", "train_video2d", "train_C"
FPS = 30.0  # of both sets; the files do not state it
# Largest random move of a clip: degrees, pixels (x, y), share.
ANGLE, SHIFT, SCALE = 5.0, (20.0, 3.0), 0.02
WHITE = 1.0
LONGEST_CELL = 16 << 20  # characters in a list's cell, which names all frames of a clip; Python's default is 131,072
Motion = Literal["noisy", "clean"]
SKELETONS_OF: dict[Motion, tuple[Skeleton, ...]] = {"noisy": (OPENPOSE_18, OPENPOSE_25, COCO_17), "clean": (H36M_17,)}


@dataclass(frozen=True)
class _Row:
    """One clip. frames: names of its frames; None = all. source: video of the reference, and its frame; None = any."""

    video: str
    frames: tuple[str, ...] | None = None
    source: tuple[str, str | None] | None = None


@CLIP_DATASETS.register("dance-clips")
class DanceClips(FrameFolders):
    """SPLIT_256/train_A/VIDEO/NNNNN.png with a detected track (train_alphapose) and a cleaned one (train_video2d).

    The detected track has 18 joints, the cleaned one 17 in the order of Human3.6M; a missing joint is 0 in both. A
    test_list.csv or val_list.csv gives the frames of each clip and its reference; without it every video is a clip and
    its first frame the reference. In training the reference is one of the first 20 frames.

    skeleton: of the driving poses: h36m17 comes from the cleaned track, any other from the detected one. None:
        h36m17 if there is a cleaned track (published), else openpose18.
    source_skeleton: of the reference's pose, by the same rule. None: coco17 beside h36m17 (published: channels then
        change their meaning), else the same as `skeleton`.
    augment: `sample` moves the frames and fills with white. "fashion": a rotation of up to 5 degrees, a shift of up to
        (20, 3) pixels, a scale of up to 2 %, sampled separately for the reference. "iper": one rotation for all; that
        it also fills with white is inferred. True takes "iper" if there are foreground masks.
    """

    looks_for = "train_256/train_A/VIDEO/NNNNN.png with train_alphapose/VIDEO/NNNNN.json"

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        framing: Framing | None = None,
        options: ClipReading = AS_PUBLISHED,
        *,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        super().__init__(root, split, framing, options, cache_bytes=cache_bytes)
        self.folder = self.root / f"{split}_256"
        if split not in SPLITS or not (self.folder / FRAMES).is_dir():
            there = ", ".join(s for s in SPLITS if (self.root / f"{s}_256" / FRAMES).is_dir()) or "none"
            raise NoSplit(f"{self.root} has no split '{split}' ({self.folder.name}/{FRAMES}); it has {there}.")
        cleaned = (self.folder / CLEAN).is_dir()
        self.skeleton = options.skeleton or (H36M_17 if cleaned else OPENPOSE_18)
        self.source_skeleton = options.source_skeleton or (COCO_17 if self.skeleton == H36M_17 else self.skeleton)
        if H36M_17 in (self.skeleton, self.source_skeleton) and not cleaned:
            raise BadInput(
                f"{self.folder} has no cleaned tracks ({CLEAN}), which {H36M_17.name} poses come from. Pass another "
                f"skeleton, or clean the tracks first (docs/animate.md)."
            )
        own: Literal["fashion", "iper"] = "iper" if self._has_masks() else "fashion"
        self.augment = own if options.augment is True else options.augment
        self.rows = self._rows()

    @classmethod
    def recognises(cls, root: Path) -> bool:
        return any((root / f"{split}_256" / FRAMES).is_dir() for split in SPLITS)

    def __len__(self) -> int:
        return len(self.rows)

    def identity(self, i: int) -> str:
        source = self.rows[i].source
        return source[0] if source else self.rows[i].video

    def name(self, i: int) -> str:
        row = self.rows[i]
        return row.video if self.identity(i) == row.video else f"{self.identity(i)}_as_{row.video}"

    def fps(self, i: int) -> float:
        return FPS

    def frame_files(self, i: int) -> Sequence[Path]:
        row = self.rows[i]
        files = self._frames(row.video)
        if row.frames is None:
            return list(files.values())
        lacking = [name for name in row.frames if name not in files]
        if lacking:
            raise BadInput(
                f"{self._list()} names frame {lacking[0]} of {row.video}, which is not in "
                f"{self.folder / FRAMES / row.video}. Put it there, or mend the list."
            )
        return [files[name] for name in row.frames]

    def conditions(self, i: int, frames: Sequence[int]) -> Condition:
        files = self.frame_files(i)
        return Pose.stack([self._pose(files[t], self.skeleton) for t in frames])

    def trusted(self, i: int) -> Tensor:
        files = self.frame_files(i)
        seen = [bool(self._pose(path, self.skeleton).visible.any()) for path in files]
        return torch.tensor(seen)

    def notes(self, i: int) -> Sequence[str]:
        for path in self.frame_files(i) if self._has_masks() else ():
            self._mask_file(path)
        motion: Motion = "clean" if self.skeleton == H36M_17 else "noisy"
        several = [path for path in self.frame_files(i) if len(_people(self._track_file(path, motion), motion)[0]) > 1]
        return [f"{self.name(i)}: {len(several)} frames, the first {frame_of(several[0])}"] if several else ()

    def starts(self, i: int) -> Sequence[int]:
        """Any frame, as published: frames without a person are known only after reading all their files."""
        return range(max(1, len(self.span(i)) - self.frames_per_sample + 1))

    def reference(self, i: int, frame: int) -> tuple[Float[Tensor, "3 H W"], Condition]:
        """Frame `frame` of the clip, or the reference that the list names."""
        video, only = self.rows[i].source or (None, None)
        files = self.frame_files(i) if video is None else list(self._frames(video).values())
        if only is not None:
            files = [path for path in files if frame_of(path) == only]
            if not files:
                raise BadInput(f"{self._list()} names frame {only} of {video}, which is not there. Mend the list.")
        path = files[min(frame, len(files) - 1)]
        return self.picture(path), self._pose(path, self.source_skeleton)

    def masks(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 1 H W"] | None:
        if not self._has_masks():
            return None
        files, size = self.frame_files(i), self.picture_size(i)
        found = []
        for t in frames:
            mask = (read_picture(self._mask_file(files[t])).float().mean(-1) > 127.5).float()[None]
            found.append(frame_mask(mask, self.framing, size))
        return torch.stack(found)

    def moved(self, sample: ClipSample, i: int, stream: np.random.Generator) -> ClipSample:
        if not self.augment:
            return sample
        size = self.picture_size(i)
        shift, scale = (SHIFT, SCALE) if self.augment == "fashion" else ((0.0, 0.0), 0.0)
        unit = size[1] / 256  # shifts are given in pixels of the published 256x256
        moves = [
            in_frame(random_move(stream, size, ANGLE, (unit * shift[0], unit * shift[1]), scale), self.framing, size)
            for _ in range(2)
        ]
        return move_clip(sample, moves[0], moves[1 if self.augment == "fashion" else 0], WHITE)

    def _mask_file(self, frame: Path) -> Path:
        """The mask of a frame; refused if it has another size."""
        folder = self.folder / FOREGROUND / frame.parent.name
        path = self.beside(frame, folder, (".png", ".jpg"), "foreground mask")
        own, size = picture_header(path), self.size_of(frame)
        if own != size:
            raise BadInput(
                f"{path} has {own[0]}x{own[1]} pixels, its frame {size[0]}x{size[1]} (height x width): where the "
                "person is in it is not known. Make the masks of these frames."
            )
        return path

    def _has_masks(self) -> bool:
        return (self.folder / FOREGROUND).is_dir()

    def _frames(self, video: str) -> dict[str, Path]:
        files = self.listed(self.folder / FRAMES / video)
        if not files:
            raise BadInput(f"{self.folder / FRAMES / video} holds no frames. Put them there, or take the video out.")
        return files

    def _pose(self, frame: Path, skeleton: Skeleton) -> Pose:
        """The pose of a frame, in the generator's frame."""
        motion: Motion = "clean" if skeleton == H36M_17 else "noisy"
        path = self._track_file(frame, motion)
        pose = read_joints(path, self.size_of(frame), motion)
        refuse_misplaced(path, pose)
        return frame_pose(pose.convert(skeleton), self.framing)

    def _track_file(self, frame: Path, motion: Motion) -> Path:
        folder = self.folder / (CLEAN if motion == "clean" else NOISY) / frame.parent.name
        return self.beside(frame, folder, (".json",), "joints")

    def _list(self) -> Path | None:
        """The list of this split's clips, if there is one."""
        if self.split == "train":
            return None
        places = (self.folder / f"{self.split}_list.csv", self.root / f"{self.split}_list.csv")
        return next((path for path in places if path.is_file()), None)

    def _rows(self) -> list[_Row]:
        path = self._list()
        if path is None:
            return [_Row(video) for video in folders_in(self.folder / FRAMES)]
        with path.open(newline="", encoding="utf-8-sig") as file:
            csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
            lines = list(csv.DictReader(file))
        return [_row(path, number, line.get("A_paths")) for number, line in enumerate(lines, start=2)]


def _row(path: Path, number: int, cell: str | None) -> _Row:
    """Parse a list's row, whose cells are Python dicts {"gen": ..., "ref": ...}: paths of frames or a video's folder.

    The other columns name the tracks' files, which have the same names. The format of a cell is inferred: one path
    or a list of paths; the folders before VIDEO/NNNNN.png are those of the list's author.
    """
    try:
        value = ast.literal_eval(cell or "")
        driving, reference = value["gen"], value["ref"]
        driving = [driving] if isinstance(driving, str) else list(driving)
        reference = [reference] if isinstance(reference, str) else list(reference)
        places = [Path(p) for p in driving]
        source = Path(reference[0])
        assert len({p.parent.name if p.suffix else p.name for p in places}) == 1
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, AssertionError):
        raise BadInput(
            f"{path}, row {number}: A_paths should hold {{'gen': [paths of one video's frames], 'ref': path of one}}, "
            f"not '{(cell or '')[:60]}'."
        ) from None
    own = (source.parent.name, frame_of(source)) if source.suffix else (source.name, None)
    if not places[0].suffix:
        return _Row(places[0].name, None, own)
    return _Row(places[0].parent.name, tuple(frame_of(p) for p in places), own)


def read_joints(path: Path, size: tuple[int, int], motion: Motion) -> Pose:
    """The surest person of a frame's OpenPose JSON in a picture of `size`; without one no joint is visible.

    motion: "noisy" for OpenPose's 18 or 25 joints or COCO's 17, "clean" for Human3.6M's 17. Missing = 0, 0 or -1, -1,
    or a score of 0 where others have more. Joints of a canvas of the frame's shape are scaled to the frame.
    """
    people, canvas = _people(path, motion)
    if not people:
        skeleton = SKELETONS_OF[motion][0]
        return Pose(torch.zeros(len(skeleton), 2), torch.zeros(len(skeleton), dtype=torch.bool), size, skeleton)
    person = max(people, key=lambda one: one.sureness)
    recording = PoseRecording(path, "the track of a frame", [PeopleInPicture(people, canvas)], normalised=False)
    pose = scaled_to(recording, in_pixels([person], frame_of_joints(recording, canvas, size), person.skeleton)[0], size)
    return Pose(pose.xy, pose.visible, size, pose.skeleton)  # published tracks are used without their scores


def _people(path: Path, motion: Motion) -> tuple[list[Person], tuple[int, int] | None]:
    """The people of a frame, and the size of the canvas, if the file states it."""
    content = read_json(path)
    listed = content.get("people", 0) if isinstance(content, dict) else 0
    kinds = {3 * len(skeleton): skeleton for skeleton in SKELETONS_OF[motion]}
    people = []
    for entry in listed or [] if listed is None or isinstance(listed, list) else [None]:
        values = entry.get("pose_keypoints_2d") if isinstance(entry, dict) else None
        if not isinstance(values, list) or len(values) not in kinds or not all(map(is_number, values)):
            raise BadInput(
                f"{path} has no joints of a {motion} track: "
                '{"people": [{"pose_keypoints_2d": [x, y, score, ...]}]} '
                f"with {' or '.join(str(n // 3) for n in kinds)} joints was expected. Fetch or make it again."
            )
        if not any(value > 0 for value in values[2::3]):  # a file without scores has zeros there
            values = [1.0 if n % 3 == 2 else value for n, value in enumerate(values)]
        person = person_of_triples(values, kinds[len(values)])
        people += [person] if isinstance(person, Person) else []
    return people, canvas_in(path, content)
