"""Clips with a pose per frame."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int32, UInt8
from torch import Tensor

from reposer.core import BadInput, Clip
from reposer.core.images import from_uint8, resize

from .files import MAX_PIXELS, read_track


def read_clip(path: Path | str, keypoints: Path | str, *, size: tuple[int, int] | None = None) -> Clip:
    """All frames of a video file, upright, with the joints of a track file (see `files.read_track`).

    A phone held sideways writes how the frames are to be turned; the joints are those of the turned frames, as
    detectors and players see them.
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
    """Upright frames (T, 3, H, W), their own (height, width), and frames per second."""
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
                pixels = upright(frame.to_ndarray(format="rgb24"), _display_matrix(frame))
                native = (pixels.shape[0], pixels.shape[1])
                frames.append(_scaled(torch.from_numpy(pixels), size))
    except av.FFmpegError as error:
        raise BadInput(
            f"{path} cannot be read as a clip ({error.strerror}). Give a whole video file."
        ) from None
    if not frames:
        raise BadInput(f"{path} holds no frame that can be read. Give a whole video file.")
    return torch.stack(frames), native, fps


def upright(
    pixels: UInt8[np.ndarray, "H W 3"], matrix: Int32[np.ndarray, "3 3"] | None
) -> UInt8[np.ndarray, "h w 3"]:
    """A decoded frame as its clip wants it shown: turned by quarters and mirrored.

    matrix: pixel (x, y) is shown at (a x + c y, b x + d y), shifted into view, with a, b, c, d = matrix[:2, :2] in
        reading order; other angles than quarter turns become the nearest one. None: as it is.
    """
    if matrix is None:
        return pixels
    (a, b), (c, d) = matrix[:2, :2].tolist()
    sideways = abs(b) + abs(c) > abs(a) + abs(d)
    shown = pixels.swapaxes(0, 1) if sideways else pixels
    across, down = (c, b) if sideways else (a, d)
    return np.ascontiguousarray(shown[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def _display_matrix(frame: Any) -> Int32[np.ndarray, "3 3"] | None:
    """What the file says of how the frame is to be shown, in fixed point."""
    from av.sidedata.sidedata import Type

    found = frame.side_data.get(Type.DISPLAYMATRIX)
    return None if found is None else np.frombuffer(bytes(found), np.int32).reshape(3, 3)


def _scaled(frame: UInt8[Tensor, "h w 3"], size: tuple[int, int] | None) -> Tensor:
    picture = from_uint8(frame)[None]
    return (picture if size is None else resize(picture, size))[0]
