"""Read video files as upright frames, one at a time, and write frames to a video file.

Only the current frame is in memory. Frames are read and written at a constant rate; a clip with a variable rate is
resampled by repeating and dropping frames, so that the sound still fits.
"""

import logging
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Int32, UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.core.choices import QUALITY
from reposer.core.disk import into_place, new_draft
from reposer.core.shown import one_line

from .clip_kinds import SAFE_OPENING, refuse_what_is_no_clip
from .pictures import MAX_PIXELS

RAW_STREAMS = ("h264", "hevc", "m4v", "mpegvideo", "obu")
"""FFmpeg's demuxers of streams without a container, for which it makes up 25 frames per second."""
UNSPECIFIED, BT_709, HD_LINES = 2, 1, 720
"""Numbers of colour spaces in files; clips of so many lines that state none are of BT.709, as players take them."""
WIDE_RANGE = {16: "PQ", 18: "HLG"}
"""Transfer curves of high dynamic range, by their number in files."""
_log = logging.getLogger(__name__)
RATES = (1, 120)
"""Lowest and highest frame rate to which a clip with a variable rate is resampled, in frames per second."""
STANDSTILL = 600.0
"""Seconds: a file in which one frame lasts longer has damaged timestamps."""
WIDEST_PIXEL = 4
"""Largest pixel aspect ratio, either way: a file that states more is damaged."""
CUT_OFF = 1.0
"""Seconds by which a complete file may be shorter than its header states."""


class VideoFile:
    """A clip in a file. Opening it scans all timestamps and decodes the first frame.

    path: the file. size: (height, width) upright, in square pixels: non-square pixels are stretched, as players do.
    stored_size: the same without stretching, as OpenCV reads such a clip. fps: the file's frame rate if constant, else
    the usual rate rounded to whole frames per second. variable: whether the rate varies. num_frames: in the file.
    seconds: when each of them is shown, from the first on.
    has_sound: whether there is a sound track.

    Refused: a missing file, no video, an unknown codec, a truncated file, one without frames, and one whose frames are
    too large.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise BadInput(f"There is no clip {path}. Give the path of a video file.")
        refuse_what_is_no_clip(self.path)
        scan = _scanned(self.path)
        self.has_sound, self.num_frames = scan.has_sound, len(scan.seconds)
        self.seconds: Sequence[float] = scan.seconds
        self.variable = not _constant(scan.seconds, scan.fps)
        self.fps = _usual_rate(scan.seconds) if self.variable else scan.fps
        self.stored_size = (0, 0)
        first = next(self._decoded(), None)
        if first is None:
            raise BadInput(f"{path} holds no frame that can be read. Give a whole video file.")
        tick, picture = first
        self.size = (picture.shape[0], picture.shape[1])
        # a clip cut between two key frames starts with frames that no decoder can return
        self._lost = scan.ticks.index(tick) if tick in scan.ticks else 0

    def order(self, fps: Fraction | None = None) -> Sequence[int]:
        """Indices of the file's frames to show at a constant rate. None: the clip's own `fps`."""
        if not self.variable and fps in (None, self.fps):
            return range(self.num_frames)
        return shown_at(self.seconds, fps or self.fps)

    def frames(self, fps: Fraction | None = None) -> Iterator[UInt8[Tensor, "H W 3"]]:
        """The upright frames in this order, as RGB bytes; undecodable first frames are replaced by the next one."""
        return self._at(self.order(fps))

    def stored_frames(self) -> Iterator[UInt8[Tensor, "H W 3"]]:
        """Each of the file's frames once, in order, however long it is shown."""
        return self._at(range(self.num_frames))

    def _at(self, order: Sequence[int]) -> Iterator[UInt8[Tensor, "H W 3"]]:
        places = iter(order)
        wanted = next(places, None)
        for place, (_, frame) in enumerate(self._decoded(), self._lost):
            while wanted is not None and wanted <= place:
                yield torch.from_numpy(frame)
                wanted = next(places, None)
            if wanted is None:
                return

    def _decoded(self) -> Iterator[tuple[int | None, UInt8[np.ndarray, "H W 3"]]]:
        """(time in ticks, frame), in display order."""
        size, count = None, 0
        with _reading(self.path) as container:
            stream = _video_stream(container, self.path)
            aspect = _pixel_aspect(stream, self.path)
            frames = container.decode(stream)
            while True:
                try:
                    frame = next(frames, None)
                except _ffmpeg_error() as error:
                    raise BadInput(
                        f"{self.path} is damaged after {count} frames ({error.strerror}). Give a whole video file."
                    ) from None
                if frame is None:
                    return
                if size is not None and (frame.height, frame.width) != size:
                    raise BadInput(
                        f"{self.path} changes its size from {size[0]}x{size[1]} to {frame.height}x{frame.width} "
                        f"(height x width) after {count} frames; cut it there, or scale it to one size."
                    )
                if count == 0:
                    _tell_of_wide_range(self.path, stream.codec_context.color_trc)
                size, count = (frame.height, frame.width), count + 1
                matrix = _display_matrix(frame)
                self.stored_size = size[::-1] if _lies_sideways(matrix) else size
                yield frame.pts, upright(_rgb(frame, square_size(size, aspect)), matrix)


class ClipWriter:
    """Write frames to an MP4 (H.264, 4:2:0) that browsers and phones play. The file appears whole or not at all.

    The last row or column of an odd side is repeated, because the format halves both. All frames last equally long.
    Used as a context manager; a failure inside leaves no file.

    fps: frames per second. quality: see QUALITY.
    """

    def __init__(self, path: Path, fps: Fraction, *, quality: int = QUALITY) -> None:
        self.path, self.fps, self.quality = path, fps, quality
        self.num_frames = 0
        self._size: tuple[int, ...] = ()
        self._draft: Path | None = None
        self._lock: int | None = None  # the open draft, so that it is not mistaken for one of a killed process
        self._container: Any = None
        self._stream: Any = None

    def add(self, frame: UInt8[Tensor, "H W 3"]) -> None:
        """Add the next frame; all have the size of the first."""
        import av

        if self._container is None:
            self._open(frame)
        assert tuple(frame.shape) == self._size, (frame.shape, self._size)
        coded = av.VideoFrame.from_ndarray(_even(frame).numpy(), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=1, dst_color_range=1
        )
        coded.pts, coded.time_base = self.num_frames, 1 / self.fps
        self._container.mux(self._stream.encode(coded))
        self.num_frames += 1

    def _open(self, frame: UInt8[Tensor, "H W 3"]) -> None:
        import av

        self._lock, self._draft = new_draft(self.path)
        self._size = tuple(frame.shape)
        self._container = av.open(str(self._draft), "w", format="mp4", options={"movflags": "+faststart"})
        # no B-frames, so that clips can be joined by shifting their timestamps
        options = {"crf": str(self.quality), "preset": "fast", "bf": "0"}
        self._stream = self._container.add_stream("libx264", rate=self.fps, options=options)
        height, width, _ = _even(frame).shape
        self._stream.height, self._stream.width, self._stream.pix_fmt = height, width, "yuv420p"
        coder = self._stream.codec_context
        coder.time_base = 1 / self.fps
        coder.color_range = coder.colorspace = coder.color_primaries = coder.color_trc = 1  # BT.709, 16 to 235

    def __enter__(self) -> "ClipWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def close(self) -> None:
        """Finish the file on disk. Without any frame there is none."""
        if self._container is None:
            return
        try:
            self._container.mux(self._stream.encode())
            self._container.close()
            self._container = None
            assert self._draft is not None
            into_place(self._draft, self.path)
            self._let_go()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove the draft."""
        container, self._container = self._container, None
        if container is not None:
            with suppress(_ffmpeg_error()):  # on a full disk writing the trailer fails, too
                container.close()
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = self._draft = None


def upright(pixels: UInt8[np.ndarray, "H W 3"], matrix: Int32[np.ndarray, "3 3"] | None) -> UInt8[np.ndarray, "h w 3"]:
    """A decoded frame in its display orientation: rotated by quarter turns and mirrored.

    matrix: pixel (x, y) is shown at (a x + c y, b x + d y), shifted into view, with a, b, c, d = matrix[:2, :2] in
        reading order; other angles than quarter turns become the nearest one. None: as it is.
    """
    if matrix is None:
        return pixels
    (a, b), (c, d) = matrix[:2, :2].tolist()
    sideways = _lies_sideways(matrix)
    shown = pixels.swapaxes(0, 1) if sideways else pixels
    across, down = (c, b) if sideways else (a, d)
    return np.ascontiguousarray(shown[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def _lies_sideways(matrix: Int32[np.ndarray, "3 3"] | None) -> bool:
    """Whether rows become columns."""
    if matrix is None:
        return False
    (a, b), (c, d) = matrix[:2, :2].tolist()
    return bool(abs(b) + abs(c) > abs(a) + abs(d))


def _display_matrix(frame: Any) -> Int32[np.ndarray, "3 3"] | None:
    """The file's display matrix of the frame, in fixed point."""
    from av.sidedata.sidedata import Type

    found = frame.side_data.get(Type.DISPLAYMATRIX)
    return None if found is None else np.frombuffer(bytes(found), np.int32).reshape(3, 3)


@dataclass(frozen=True)
class _Scan:
    """Timing from the packets of a file. seconds: from the first frame to each, in display order.

    ticks: the same in the file's time base; empty if it has none.
    """

    seconds: list[float]
    ticks: list[int]
    fps: Fraction
    has_sound: bool


def _scanned(path: Path) -> _Scan:
    """The timestamps of all frames, without decoding."""
    times: list[int | None] = []
    end, cut_off = 0.0, False
    with _reading(path) as container:
        stream = _video_stream(container, path)
        for packet in container.demux():
            if packet.size == 0:  # the end of a stream
                continue
            if packet.stream is stream:
                cut_off = packet.is_corrupt
                if not packet.is_discard:
                    times.append(packet.pts)
            start = packet.pts if packet.pts is not None else packet.dts
            if start is not None and packet.time_base:
                end = max(end, float((start + (packet.duration or 0)) * packet.time_base))
        duration = (container.duration or 0) / 1_000_000
        duration += (container.start_time or 0) / 1_000_000
        fps = _stated_rate(container, stream, path)
        tick, has_sound = stream.time_base, bool(container.streams.audio)
    if not times:
        raise BadInput(f"{path} holds no frame that can be read. Give a whole video file.")
    if cut_off or duration - end > CUT_OFF:
        raise BadInput(
            f"{path} breaks off after {len(times) - cut_off} frames ({end:.1f} of {duration:.1f} s): it was cut short "
            f"when it was copied or recorded. Give the whole file, or save the good part as a clip of its own."
        )
    ticks = sorted(t for t in times if t is not None and tick is not None)
    known = [float(t * tick) for t in ticks]
    if len(known) < len(times):  # formats without timestamps: frame by frame
        ticks = []
        known = [float(k / fps) for k in range(len(times))]
    longest = max((b - a for a, b in pairwise(known)), default=0.0)
    if longest > STANDSTILL:
        raise BadInput(
            f"{path} shows one frame for {longest:.0f} s: its times are damaged. Write it anew with one frame rate."
        )
    return _Scan([t - known[0] for t in known], ticks, fps, has_sound)


def _stated_rate(container: Any, stream: Any, path: Path) -> Fraction:
    """Frames per second. A stream without a container has no times: what the stream says counts, else it is refused."""
    rate = stream.average_rate or stream.guessed_rate or 25
    if container.format.name in RAW_STREAMS:
        rate = stream.codec_context.framerate
        if not rate:
            raise BadInput(
                f"{path} is a bare video stream that does not say how many frames a second has. Say it by writing it "
                f"into a container, here for 30: ffmpeg -r 30 -i {path.name} -c copy whole.mp4"
            )
    return Fraction(rate).limit_denominator(10_000)


def _constant(seconds: Sequence[float], fps: Fraction) -> bool:
    """Whether each frame k is within half a frame of k / fps."""
    step = float(1 / fps)
    return all(abs(t - k * step) <= step / 2 for k, t in enumerate(seconds))


def _usual_rate(seconds: Sequence[float]) -> Fraction:
    step = statistics.median(b - a for a, b in pairwise(seconds))
    return Fraction(round(min(max(1 / step, RATES[0]), RATES[1]))) if step > 0 else Fraction(RATES[1])


def shown_at(seconds: Sequence[float], fps: Fraction) -> list[int]:
    """Index of the frame shown at each k / fps, for frames at these times from 0 on; small jitter is tolerated."""
    step = float(1 / fps)
    last = statistics.median([b - a for a, b in pairwise(seconds)] or [step])
    early = min(step, last) / 2
    places, place = [], 0
    for k in range(max(1, round((seconds[-1] + last) / step))):
        while place + 1 < len(seconds) and seconds[place + 1] < k * step + early:
            place += 1
        places.append(place)
    return places


def _ffmpeg_error() -> Any:
    import av  # imported late: it takes a tenth of a second that only clips need

    return av.FFmpegError


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    import av

    try:
        with av.open(str(path), options=dict(SAFE_OPENING), metadata_errors="replace") as container:
            yield container
    except av.FFmpegError as error:
        raise BadInput(f"{path} cannot be read as a clip ({error.strerror}). Give a whole video file.") from None


def _video_stream(container: Any, path: Path) -> Any:
    """The first video stream that is not a cover picture; refused if it cannot be decoded."""
    from av.stream import Disposition

    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not films:
        raise BadInput(f"{path} holds no video. Give an MP4 or another video file.")
    stream = films[0]
    if stream.codec_context is None:
        raise BadInput(
            f"{path} holds video of a kind that is not known here. Convert it first: ffmpeg -i {path.name} "
            f"-c:v libx264 -pix_fmt yuv420p whole.mp4"
        )
    height, width = square_size((stream.height, stream.width), _pixel_aspect(stream, path))
    if width * height > MAX_PIXELS:
        raise BadInput(f"{path} has {width}x{height} pixels; make the clip smaller first.")
    return stream


def square_size(size: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    """(height, width) in square pixels of a picture with pixels `aspect` times as wide as high; no side shrinks."""
    height, width = size
    return (height, round(width * aspect)) if aspect >= 1 else (round(height / aspect), width)


def _pixel_aspect(stream: Any, path: Path) -> Fraction:
    """Width to height ratio of a stream's pixels, before rotation."""
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    if not 1 / WIDEST_PIXEL <= aspect <= WIDEST_PIXEL:
        raise BadInput(
            f"{path} says that its pixels are {float(aspect):.3g} times as wide as high, which is damaged. Write it "
            f"anew with square pixels: ffmpeg -i {path.name} -vf setsar=1 square.mp4"
        )
    return aspect


def _rgb(frame: Any, size: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
    """A decoded frame of this (height, width) as bytes; transparent pixels become white."""
    seen_through = any(part.is_alpha for part in frame.format.components)
    options: dict[str, Any] = {"format": "rgba" if seen_through else "rgb24"}
    if (frame.height, frame.width) != size:
        options |= {"width": size[1], "height": size[0], "interpolation": "BICUBIC"}
    if frame.colorspace == UNSPECIFIED and frame.height >= HD_LINES and not frame.format.is_rgb:
        options["src_colorspace"] = BT_709
    pixels: np.ndarray = frame.reformat(**options).to_ndarray()
    if not seen_through:
        return pixels
    alpha = pixels[..., 3:].astype(np.uint16)
    over: np.ndarray = (pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return over.astype(np.uint8)


@lru_cache(maxsize=64)
def _tell_of_wide_range(path: Path, transfer: int | None) -> None:
    """Log once that the colours of a clip of high dynamic range are not converted."""
    if transfer in WIDE_RANGE:
        _log.warning(
            "%s is of high dynamic range (%s); its colours are taken as they are and look pale. Where they count, "
            "convert it to BT.709 first, with ffmpeg's filters zscale and tonemap.",
            one_line(str(path)),
            WIDE_RANGE[transfer],
        )


def _even(frame: UInt8[Tensor, "H W 3"]) -> UInt8[Tensor, "h w 3"]:
    """Repeat the last row or column of an odd side."""
    height, width, _ = frame.shape
    if height % 2 == 0 and width % 2 == 0:
        return frame.contiguous()
    planes = F.pad(
        frame.movedim(-1, 0)[None].float(), (0, width % 2, 0, height % 2), mode="replicate"
    )  # bytes are exact in float32
    return planes[0].movedim(0, -1).to(torch.uint8).contiguous()
