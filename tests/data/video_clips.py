"""Small clips for tests, written with other settings than ours."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch

from reposer.core import Clip
from reposer.core.images import from_uint8, resize
from reposer.data.clips import choose_track_of
from reposer.data.video_files import VideoFile


def clip_of(path, track, size=None):
    """All frames of a file with the joints of a track; `size` is what they are scaled to."""
    video = VideoFile(path)
    poses = choose_track_of(video, track).pose
    frames = (from_uint8(frame)[None] for frame in video.frames())
    frames = torch.cat([frame if size is None else resize(frame, size) for frame in frames])
    poses = poses[torch.tensor(video.order())[: len(frames)]]
    if size is not None:
        poses = poses.resize(size)
    return Clip(frames, poses, video.path.stem, float(video.fps))


def moving_square(num_frames, size=(64, 48)):
    """Grey, with a light square that goes down: frame k is told by where it is."""
    for k in range(num_frames):
        picture = np.full((*size, 3), 60, np.uint8)
        picture[k % (size[0] - 8) : k % (size[0] - 8) + 8, 8:24] = (220, 180, 140)
        yield picture


def place(frame):
    """Row of the square's upper edge."""
    rows = frame[:, 12].float().mean(-1) > 120
    return int(rows.float().argmax())


def write_clip(
    path: Path, pictures, fps=Fraction(25), *, codec="libx264", times=None, sound=None, options=None, aspect=None
) -> Path:
    """times: of each frame, in milliseconds. aspect: of a pixel, width by height.

    sound: (codec, seconds) of a tone, and the span of a pause if it has one.
    """
    pictures = list(pictures)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        tone = add_tone(container, *sound) if sound else None
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for k, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = k if times is None else times[k]
            frame.time_base = 1 / fps if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if tone:
            tone()
    return path


def add_tone(container, codec, seconds, pause=(0, 0)):
    rate = 48_000 if codec == "libopus" else 44_100
    stream = container.add_stream(codec, rate=rate)
    stream.layout = "mono"

    def write():
        wave = np.sin(np.arange(round(seconds * rate)) * (2 * np.pi * 440 / rate)).astype(np.float32) / 2
        kind = stream.codec_context.format.name
        step = 1024
        for start in range(0, len(wave), step):
            if pause[0] * rate <= start < pause[1] * rate:
                continue
            frame = av.AudioFrame.from_ndarray(wave[None, start : start + step], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            resampled = av.AudioResampler(format=kind, layout="mono", rate=rate).resample(frame)
            for piece in resampled:
                container.mux(stream.encode(piece))
        container.mux(stream.encode())

    return write
