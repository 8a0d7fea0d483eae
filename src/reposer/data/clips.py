"""Clips with a pose per frame."""

from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Clip
from reposer.core.images import from_uint8, resize

from .poses import read_track
from .video_files import VideoFile


def read_clip(path: Path | str, keypoints: Path | str, *, size: tuple[int, int] | None = None) -> Clip:
    """All frames of a video file, upright, with the joints of a track file (see `poses.read_track`).

    A phone held sideways writes how the frames are to be turned; the joints are those of the turned frames, as
    detectors and players see them. A clip of varying rate is shown at a constant one, its joints with it.
    size: (height, width) that the frames and poses are scaled to; None keeps the clip's.
    """
    video = VideoFile(path)
    poses = read_track(keypoints, video.size, video.num_frames)
    if len(poses) != video.num_frames:
        raise BadInput(
            f"{path} has {video.num_frames} frames, {keypoints} has joints for {len(poses)}. Give the track of this clip."
        )
    frames = torch.stack([_scaled(frame, size) for frame in video.frames()])
    poses = poses[torch.tensor(video.order())[: len(frames)]]
    return Clip(frames, poses if size is None else poses.resize(size), video.path.stem, float(video.fps))


def _scaled(frame: UInt8[Tensor, "h w 3"], size: tuple[int, int] | None) -> Tensor:
    picture = from_uint8(frame)[None]
    return (picture if size is None else resize(picture, size))[0]
