"""Clips with a pose per frame."""

from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Clip
from reposer.core.images import from_uint8, resize

from .files import MAX_PIXELS, read_track


def read_clip(path: Path | str, keypoints: Path | str, *, size: tuple[int, int] | None = None) -> Clip:
    """All frames of a video file with the joints of a track file (see `files.read_track`).

    size: (height, width) that the frames and poses are scaled to; None keeps the clip's.
    """
    path = Path(path)
    frames, native, fps = _decode(path, size)
    poses = read_track(keypoints, native)
    if len(poses) != len(frames):
        raise BadInput(
            f"{path} has {len(frames)} frames, {keypoints} has joints for {len(poses)}. Give the track of this clip."
        )
    return Clip(frames, poses if size is None else poses.resize(size), path.stem, fps)


def _decode(path: Path, size: tuple[int, int] | None) -> tuple[Tensor, tuple[int, int], float]:
    """Frames (T, 3, H, W), the clip's own (height, width), and frames per second."""
    import av  # a tenth of a second that only clips should cost

    if not path.is_file():
        raise BadInput(f"There is no clip {path}. Give the path of a video file.")
    frames: list[Tensor] = []
    native = (0, 0)
    fps = 0.0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise BadInput(f"{path} holds no video. Give an MP4 or another video file.")
            stream = container.streams.video[0]
            fps = float(stream.average_rate or 0)
            if stream.width * stream.height > MAX_PIXELS:
                raise BadInput(
                    f"{path} has {stream.width}x{stream.height} pixels; make the clip smaller first."
                )
            for frame in container.decode(stream):
                native = (frame.height, frame.width)
                frames.append(_scaled(torch.from_numpy(frame.to_ndarray(format="rgb24")), size))
    except av.FFmpegError as error:
        raise BadInput(
            f"{path} cannot be read as a clip ({error.strerror}). Give a whole video file."
        ) from None
    if not frames:
        raise BadInput(f"{path} holds no frame that can be read. Give a whole video file.")
    return torch.stack(frames), native, fps


def _scaled(frame: UInt8[Tensor, "h w 3"], size: tuple[int, int] | None) -> Tensor:
    picture = from_uint8(frame)[None]
    return (picture if size is None else resize(picture, size))[0]
