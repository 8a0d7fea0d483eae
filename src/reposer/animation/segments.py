"""Write a clip in segments, so that a killed run loses only the last segment and leaves no broken file.

While the clip is made, the folder OUT.reposer-segments beside OUT has a state file with the clip's inputs, complete
clips of 100 frames each, and the memory that the next frame needs. At the end the segments' encoded frames are joined
without re-encoding, the driving clip's sound is added, OUT appears whole, and the folder is removed. A folder of that
name that this module did not write is refused.
"""

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.core.choices import QUALITY
from reposer.core.disk import into_place, write_text
from reposer.core.json_files import object_in
from reposer.core.work_folder import WorkFolder
from reposer.data.video_files import ClipWriter, VideoFile
from reposer.nn.weights import read_safetensors, write_safetensors

FRAMES = 100
"""Frames of one segment."""
COPIED_SOUND = "aac"
"""Audio codec that browsers and phones play in an MP4: its packets are copied. Other codecs are converted to it."""
SILENCE = 0.1
"""Seconds: a longer gap in the sound is filled with silence, so that what follows is not early."""
SOUND_RATE = 128_000
"""Bits per second of sound that is converted to AAC."""
HIGHEST_RATE = 48_000
"""Highest sample rate of converted sound, in samples per second."""
STATE = "state.json"
WHOLE = "whole.mp4.tmp"
_NUMBER = "[0-9]" * 5
OWN_FILES = (STATE, f"{_NUMBER}.mp4", f"{_NUMBER}.safetensors", f".{_NUMBER}.mp4.*.tmp", f"{_NUMBER}.mp4.*.tmp", WHOLE)
"""Name patterns of the files in the folder of segments."""


class SegmentedClip:
    """The clip OUT while it is being written.

    out: the MP4. fps: frames per second. about: the clip's inputs by name; the same command gives the same.
    anew: discard what an interrupted run left. done: number of frames that are safe; the next one to add. memory: the
    memory added with the last of these; {} before the first.

    Refused: a name that does not end in .mp4; segments of a clip with other inputs.
    """

    def __init__(
        self,
        out: Path,
        fps: Fraction,
        about: Mapping[str, str],
        *,
        quality: int = QUALITY,
        length: int = FRAMES,
        anew: bool = False,
    ) -> None:
        if out.suffix.lower() != ".mp4":
            raise BadInput(f"{out} should end in .mp4: that is what is written.")
        self.out, self.fps, self._quality, self._length = out, fps, quality, length
        self.folder = out.with_name(f"{out.name}.reposer-segments")
        state = {"about": dict(about), "fps": str(fps), "quality": quality, "length": length}
        self._work = WorkFolder(self.folder, "makes a clip", OWN_FILES)
        if anew or not (self.folder / STATE).is_file():
            self._work.clear()
        try:
            self._refuse_others(state)
        except BadInput:
            self._work.release()
            raise
        self._segments = list(self._whole())
        self.done = sum(VideoFile(path).num_frames for path in self._segments)
        self.memory: dict[str, Tensor] = {}
        if self._segments and (kept := _memory_file(self._segments[-1])).is_file():
            self.memory = read_safetensors(kept)[0]
        self._state = state
        self._writer: ClipWriter | None = None
        self._newest: Mapping[str, Tensor] = {}

    def add(self, frame: UInt8[Tensor, "H W 3"], memory: Mapping[str, Tensor] | None = None) -> None:
        """Add the next frame. memory: tensors that the following frame is generated from; saved exactly."""
        if not (self.folder / STATE).is_file():
            write_text(self.folder / STATE, json.dumps(self._state, indent=1) + "\n")
        if self._writer is None:
            path = self.folder / f"{len(self._segments):05}.mp4"
            self._writer = ClipWriter(path, self.fps, quality=self._quality)
        self._writer.add(frame)
        self._newest = memory or {}
        if self._writer.num_frames == self._length:
            self._end_segment()

    def _end_segment(self) -> None:
        if self._writer is None:
            return
        path = self._writer.path
        if self._newest:  # saved first, so that no segment lacks its memory
            kept = {name: tensor.detach().cpu().clone() for name, tensor in self._newest.items()}
            write_safetensors(_memory_file(path), kept, {})
        self._writer.close()
        if self._segments:
            _memory_file(self._segments[-1]).unlink(missing_ok=True)
        self._segments.append(path)
        self.done += self._writer.num_frames
        self._writer = None

    def stop(self) -> None:
        """Stop and keep the finished segments for the next run; frames after the last one are lost."""
        if self._writer is not None:
            self._writer.discard()
            self._writer = None
        if self._segments:
            self._work.release()
        else:
            self._work.remove()

    def finish(self, sound: Path | None = None) -> None:
        """Write OUT with the sound of that clip, cut to the length of the frames, and remove the folder."""
        self._end_segment()
        if not self._segments:
            self.stop()
            raise BadInput(f"{self.out} would have no frame. Give a driving clip that has some.")
        draft = self.folder / WHOLE
        try:
            join(self._segments, draft, self.fps, sound=sound)
            into_place(draft, self.out)
            (self.folder / STATE).unlink()  # first, so that a folder left by a kill is ignored
        except BaseException:
            draft.unlink(missing_ok=True)
            self._work.release()
            raise
        self._work.remove()

    def _whole(self) -> Iterator[Path]:
        """The segments from the first up to the first gap."""
        number = 0
        while (path := self.folder / f"{number:05}.mp4").is_file():
            yield path
            number += 1

    def _refuse_others(self, state: Mapping[str, Any]) -> None:
        path = self.folder / STATE
        if not path.is_file():
            return
        before = object_in(path)
        try:
            differing = _differing({**before, **before["about"]}, {**state, **state["about"]})
        except (ValueError, TypeError, KeyError):
            differing = ["all"]
        if differing:
            raise BadInput(
                f"{self.folder} holds the beginning of another clip (other: {', '.join(differing)}). Give that command "
                f"again to end it, or --anew to begin this one, or another --out."
            )


def join(segments: Iterable[Path], out: Path, fps: Fraction, *, sound: Path | None = None) -> None:
    """Join clips that `ClipWriter` wrote at one rate into one MP4, without re-encoding.

    sound: a clip whose first sound track is added, copied or as AAC, from its first frame, cut to the frames' length.
    """
    import av

    paths = list(segments)
    count = sum(VideoFile(path).num_frames for path in paths)
    with av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        with av.open(str(paths[0])) as first:
            stream: Any = container.add_stream_from_template(first.streams.video[0])
        stream.time_base = 1 / fps
        packets = [_frames_of(paths, fps, stream)]
        if sound is None or not VideoFile(sound).has_sound:
            for _, packet in packets[0]:
                container.mux(packet)
            return
        try:
            with av.open(str(sound)) as heard:
                if heard.streams.audio[0].codec_context is None:
                    raise BadInput(f"{sound} has sound of a kind that is not known here. Leave it out: --no-sound.")
                packets.append(_sound_of(heard, container, float(count / fps)))
                for _, packet in heapq.merge(*packets, key=lambda timed: timed[0]):
                    container.mux(packet)
        except av.FFmpegError as error:
            raise BadInput(
                f"The sound of {sound} cannot be written ({error.strerror}). Leave it out: --no-sound."
            ) from None


def _frames_of(paths: list[Path], fps: Fraction, stream: Any) -> Iterator[tuple[float, Any]]:
    """(seconds, packet) of every encoded frame, timed from the start of the joined clip."""
    import av

    place = 0
    for path in paths:
        with av.open(str(path)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size:
                    packet.pts = packet.dts = place
                    packet.duration, packet.time_base, packet.stream = 1, 1 / fps, stream
                    yield float(place / fps), packet
                    place += 1


def _sound_of(heard: Any, container: Any, seconds: float) -> Iterator[tuple[float, Any]]:
    """(seconds, packet) of the first sound track, timed from the first frame, up to `seconds`."""
    source, film = heard.streams.audio[0], heard.streams.video[0]
    begin = float((film.start_time or 0) * film.time_base)
    if source.codec_context.name == COPIED_SOUND:
        stream = container.add_stream_from_template(source)
        return _copied(heard, source, stream, begin, seconds)
    stream = container.add_stream("aac", rate=min(source.rate or 44_100, HIGHEST_RATE))
    stream.bit_rate, stream.layout = SOUND_RATE, "mono" if source.channels == 1 else "stereo"
    return _as_aac(heard, source, stream, begin, seconds)


def _copied(heard: Any, source: Any, stream: Any, begin: float, seconds: float) -> Iterator[tuple[float, Any]]:
    for packet in heard.demux(source):
        if not packet.size or packet.pts is None:
            continue
        tick = packet.time_base
        shift = round(begin / tick)
        packet.pts -= shift
        packet.dts = packet.pts if packet.dts is None else packet.dts - shift
        start = float(packet.pts * tick)
        if start + float((packet.duration or 0) * tick) < 0:  # a packet that ends at 0 is kept: it primes the decoder
            continue
        if start >= seconds:
            return
        packet.stream = stream
        yield start, packet


def _as_aac(heard: Any, source: Any, stream: Any, begin: float, seconds: float) -> Iterator[tuple[float, Any]]:
    samples: int | None = None
    for frame in heard.decode(source):
        start = (frame.time or 0.0) - begin
        if start + frame.samples / frame.sample_rate <= 0:
            continue
        if start >= seconds:
            break
        if samples is None:
            samples = max(0, round(start * frame.sample_rate))
        pause = round(start * frame.sample_rate) - samples
        for piece in (*(_silence(frame, pause) if pause > SILENCE * frame.sample_rate else ()), frame):
            piece.pts, piece.time_base = samples, Fraction(1, frame.sample_rate)
            samples += piece.samples
            yield from ((float(packet.pts * packet.time_base), packet) for packet in stream.encode(piece))
    yield from ((float(packet.pts * packet.time_base), packet) for packet in stream.encode())


def _silence(like: Any, samples: int) -> Iterator[Any]:
    """`samples` samples of silence in the format of `like`, in frames of at most one second."""
    import av

    while samples > 0:
        count = min(samples, like.sample_rate)
        frame = av.AudioFrame(like.format, like.layout, count)
        frame.sample_rate = like.sample_rate
        zero = b"\x80" if like.format.name.startswith("u8") else b"\0"
        for plane in frame.planes:
            plane.update(zero * plane.buffer_size)
        yield frame
        samples -= count


def _memory_file(segment: Path) -> Path:
    return segment.with_suffix(".safetensors")


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = sorted(({*before} | {*now}) - {"about"})
    return [name for name in names if before.get(name) != now.get(name)]
