"""A folder of your own clips with a track of joints beside each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from reposer.core import BadInput, ClipSample, FaceLines, Framing, Pose
from reposer.core.framing import edges_around, frame_bytes, frame_pose, in_picture, size_of, whole
from reposer.core.images import from_uint8, to_uint8
from reposer.core.pose import Edges
from reposer.core.samples import Condition
from reposer.core.skeleton import FACE_68

from .clip_dataset import (
    AS_PUBLISHED,
    CLIP_DATASETS,
    REFERENCES,
    ClipReading,
    FileClips,
    RecentFrames,
    as_condition,
    move_clip,
    single,
    with_edges,
)
from .clips import choose_track_of
from .dataset import CACHE_BYTES
from .moves import random_move
from .poses import Chosen
from .video_files import VideoFile

CLIP_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
SPLITS = ("train", "test", "all")
TRAIN_SHARE = 0.8
"""Share of every clip's frames, from the first on, that the split train has."""
# Largest random move: degrees, shares of width and height, scale. Our choice: nothing is published.
ANGLE, SHIFT, SCALE = 5.0, 0.04, 0.05


@dataclass(frozen=True)
class _Clip:
    """An opened clip. poses: one per shown frame, in the frame. edges: the part of the picture that is used."""

    video: VideoFile
    poses: Pose
    edges: Edges | None

    def __len__(self) -> int:
        return len(self.poses)


@CLIP_DATASETS.register("clip-folder")
class ClipFolder(FileClips):
    """Your own clips: `NAME.mp4` (or another video file), with the track of its joints beside it, `NAME.json`.

    If there is no such file, the only `NAME.WORD.json`, `NAME_WORD.json` or `NAME-WORD.json` is used.

    Clips are split in time: "train" has the first 80 % of every clip's frames, "test" the rest, "all" all. The
    reference is one of the first 20 training frames in which a person was found. Frames that a track marks as
    unreliable, and those without a person, are not trusted.

    skeleton: None takes that of the first clip's track. source_skeleton: of the reference; None = the same.
    crop: use the part of the picture in which the person moves over the whole clip, with the framing's margin and
        aspect, as `transfer` crops a photo; it may exceed the picture, whose edge is repeated. Without a framing, or
        without crop, the whole picture is placed in the frame.
    augment: `sample` moves clip and reference each by a small affine map; the edge is repeated.
    edges: for tracks of faces: conditions include the edges of each frame around its face.
    cache_bytes: limit of the frame cache, per process; a larger clip is decoded again for every sample.
    """

    looks_for = "clips NAME.mp4 with a track of joints NAME.json beside each"

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        framing: Framing | None = None,
        options: ClipReading = AS_PUBLISHED,
        *,
        crop: bool = True,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.root, self.split, self.framing = Path(root), split, framing
        self.frames_per_sample, self.crop = options.frames, crop
        self.augment, self.edges = bool(options.augment), options.edges
        if split not in SPLITS:
            raise BadInput(f"There is no split '{split}' of a folder of clips; there are {', '.join(SPLITS)}.")
        self.tracks = tracks_beside(self.root)
        if not self.tracks:
            raise BadInput(f"{self.root} holds no clips; a folder of this kind holds {self.looks_for}.")
        self.paths = list(self.tracks)
        for path, found in self.tracks.items():
            if track_of(path, found) is None:
                came = ", ".join(track.name for track in found) or "none"
                raise BadInput(
                    f"{path} needs one track of joints beside it, {path.stem}.json; there is {came}. Put it there, or "
                    f"take the clip out of the folder."
                )
        self.memory = RecentFrames(cache_bytes)
        self._clips: dict[int, _Clip] = {}
        self.skeleton, self.source_skeleton = options.skeleton, options.source_skeleton

    @classmethod
    def recognises(cls, root: Path) -> bool:
        return any(tracks_beside(root).values())

    def __len__(self) -> int:
        return len(self.paths)

    def identity(self, i: int) -> str:
        return self.name(i)

    def name(self, i: int) -> str:
        return self.paths[i].stem

    def fps(self, i: int) -> float:
        return float(self._clip(i).video.fps)

    def picture_size(self, i: int) -> tuple[int, int]:
        clip = self._clip(i)
        return clip.video.size if clip.edges is None else size_of(clip.edges)

    def span(self, i: int) -> range:
        count = len(self._clip(i))
        cut = max(1, int(TRAIN_SHARE * count))
        if self.split == "test" and cut == count:
            raise BadInput(f"{self.paths[i]} has {count} frames, too few to hold any out for the split test.")
        return {"train": range(cut), "test": range(cut, count), "all": range(count)}[self.split]

    def trusted(self, i: int) -> Bool[Tensor, "T"]:
        span = self.span(i)
        return self._found(i)[span.start : span.stop]

    def references(self, i: int, start: int) -> Sequence[int]:
        count = len(self._clip(i))
        good = self._found(i)[: max(1, int(TRAIN_SHARE * count))].nonzero()[:, 0].tolist()
        if not good:
            raise BadInput(
                f"The track of {self.paths[i]} finds no person in the first {TRAIN_SHARE:.0%} of the clip; a picture "
                f"of the person is needed from there. Cut the clip, or take it out of the folder."
            )
        return list(good[:REFERENCES])

    def first_reference(self, i: int) -> int:
        return self.references(i, 0)[0]

    def reference(self, i: int, frame: int) -> tuple[Float[Tensor, "3 H W"], Condition]:
        picture, other = self.pictures(i, [frame])[0], self.source_skeleton
        if self.edges and other in (None, FACE_68):
            return picture, single(self.conditions(i, [frame]))
        pose = self._clip(i).poses[frame]
        return picture, as_condition(pose if other is None else pose.convert(other))

    def conditions(self, i: int, frames: Sequence[int]) -> Condition:
        condition = as_condition(self._clip(i).poses[torch.tensor(list(frames))])
        if not self.edges or not isinstance(condition, FaceLines):
            return condition
        return with_edges(condition.points, self._in_order(i, frames))

    def pictures(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 3 H W"]:
        if self._fits(i):
            (kept,) = self.memory.get(i, lambda: (torch.stack(list(self._framed(i))),))
            return from_uint8(kept[list(frames)])
        wanted = dict.fromkeys(sorted(frames))
        found = {t: picture for t, picture in zip(wanted, self._framed(i, list(wanted)), strict=True)}
        return from_uint8(torch.stack([found[t] for t in frames]))

    def stream(self, i: int) -> Iterator[Float[Tensor, "3 H W"]]:
        span = self.span(i)
        return self._in_order(i, span)

    def _in_order(self, i: int, frames: Sequence[int]) -> Iterator[Float[Tensor, "3 H W"]]:
        """Iterate over these pictures; uncached frames are decoded once, if the frame numbers never decrease."""
        rising = all(a < b for a, b in pairwise(frames))
        if self._fits(i) or not rising:
            return (self.pictures(i, [t])[0] for t in frames)
        return (from_uint8(picture) for picture in self._framed(i, frames))

    def moved(self, sample: ClipSample, i: int, stream: np.random.Generator) -> ClipSample:
        if not self.augment:
            return sample
        size = (sample.source.shape[1], sample.source.shape[2])
        shift = (SHIFT * size[1], SHIFT * size[0])
        move, source_move = (random_move(stream, size, ANGLE, shift, SCALE) for _ in range(2))
        return move_clip(sample, move, source_move, None)

    def _found(self, i: int) -> Bool[Tensor, "T"]:
        return self._clip(i).poses.visible.any(-1)

    def _fits(self, i: int) -> bool:
        """Whether all frames of clip i fit in the cache."""
        clip = self._clip(i)
        height, width = clip.poses.size
        return 3 * len(clip) * height * width <= self.memory.num_bytes

    def _clip(self, i: int) -> _Clip:
        if i not in self._clips:
            self._clips[i] = self._opened(i)
        return self._clips[i]

    def _opened(self, i: int) -> _Clip:
        path = self.paths[i]
        video, poses = open_clip(path, self.tracks[path])
        if i > 0 and self.skeleton is None and poses.skeleton != self._clip(0).poses.skeleton:
            raise BadInput(
                f"The track of {path} has {poses.skeleton.name} joints, that of {self.paths[0].name} has others. Pass "
                f"the skeleton that both are to become."
            )
        if self.skeleton is not None:
            poses = poses.convert(self.skeleton)
        poses = poses[torch.tensor(video.order())]
        if not self.crop or self.framing is None:
            return _Clip(video, frame_pose(poses, self.framing), None)
        if not in_picture(poses).visible.any():
            raise BadInput(f"The track of {path} finds no person in the clip. Give the track of this clip.")
        height, width = self.framing.person_size
        edges = edges_around(poses, self.framing.margin, width / height)
        return _Clip(video, frame_pose(poses.cut(edges), self.framing), edges)

    def _framed(self, i: int, frames: Sequence[int] | None = None) -> Iterator[UInt8[Tensor, "H W 3"]]:
        """Frames of clip i, in ascending order, placed in the frame; None = all."""
        clip = self._clip(i)
        wanted = None if frames is None else set(frames)
        for t, pixels in enumerate(clip.video.frames()):
            if wanted is not None and t not in wanted:
                continue
            yield to_uint8(_laid(pixels, clip.edges, self.framing))
            if frames is not None and t == frames[-1]:
                return

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_clips": {}}  # workers open their own


def tracks_beside(root: Path) -> dict[Path, list[Path]]:
    """The clips of a folder, by name, with the tracks beside each: NAME.json, NAME.WORD.json, NAME_WORD.json."""
    files = sorted(path for path in root.iterdir() if path.name[0] != "." and path.is_file())
    found: dict[Path, list[Path]] = {path: [] for path in files if path.suffix.lower() in CLIP_SUFFIXES}
    for track in files:
        if track.suffix.lower() == ".json":
            # a track belongs to the clip whose name is the longest prefix of its own
            clips = [clip for clip in found if track.name.startswith(clip.stem) and track.name[len(clip.stem)] in "._-"]
            if clips:
                found[max(clips, key=lambda clip: len(clip.stem))].append(track)
    return found


def track_of(path: Path, tracks: Sequence[Path]) -> Path | None:
    """The track of a clip: NAME.json itself, or the only one whose name begins with NAME."""
    own = [track for track in tracks if track.stem == path.stem]
    chosen = own or tracks
    return chosen[0] if len(chosen) == 1 else None


def open_clip(path: Path, tracks: Sequence[Path]) -> tuple[VideoFile, Pose]:
    """The clip and a pose for each frame of its file, as rows."""
    video, chosen = open_clip_with_notes(path, tracks)
    return video, chosen.pose


def open_clip_with_notes(path: Path, tracks: Sequence[Path]) -> tuple[VideoFile, Chosen]:
    """The same, with the decisions made while reading the track."""
    track = track_of(path, tracks)
    assert track is not None, path
    video = VideoFile(path)
    return video, choose_track_of(video, track)


def _laid(pixels: UInt8[Tensor, "H W 3"], edges: Edges | None, framing: Framing | None) -> Float[Tensor, "3 h w"]:
    """A part of a picture, placed in the frame; beyond the picture its edge pixels are repeated."""
    edges = edges or whole((pixels.shape[0], pixels.shape[1]))
    return frame_bytes(pixels, framing, size_of(edges), edges)
