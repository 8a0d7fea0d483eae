"""Clips with a pose per frame."""

from dataclasses import replace
from pathlib import Path

from reposer.core import BadInput

from .poses import Chosen, choose_track, read_recording
from .poses.pixels import is_copy, is_normalised, words_of
from .poses.recording import PoseRecording
from .video_files import VideoFile

SAME_RATE = 0.01
"""Share by which the rates of a clip and its track may differ, as 30 and 29.97 do."""
SAME_TIME = 0.02
"""Seconds: frames of one clip that are shown within this are at the same time, in files of different time bases."""


def choose_track_of(video: VideoFile, track: Path, size: tuple[int, int] | None = None) -> Chosen:
    """One person of a track, a pose for each frame of the clip's file, in pixels of its upright frames.

    If a clip's pixels are not square, its joints were found in the stored frames (OpenCV, OpenPose) or in the
    displayed ones: the track's size decides, and a track without a size is refused.

    size: (height, width) of the frames in which the joints were found, for a track that does not say it: the clip's, or
    that of a smaller or larger copy. Without it the clip's is taken, and a note says so.
    """
    recording = read_recording(track)
    counted = _counted_in(video, track, recording) if size is None else _declared(video, recording, size)
    chosen = choose_track(recording, counted, video.num_frames, told=size is not None)
    if len(chosen.pose) != video.num_frames:
        raise BadInput(
            f"{video.path} has {video.num_frames} frames, {track} has joints for {len(chosen.pose)}. Give the track of "
            f"this clip."
        )
    notes = [*chosen.notes, *_of_its_times(video, recording)]
    return replace(chosen, pose=chosen.pose.resize(video.size), notes=notes)


def _of_its_times(video: VideoFile, recording: PoseRecording) -> list[str]:
    """Refuse a track that says other times than the clip's; notes on what it does not say of them."""
    path = recording.path
    if recording.seconds is not None:
        apart = max(abs(a - b) for a, b in zip(recording.seconds, video.seconds, strict=True))
        if apart > SAME_TIME:
            raise BadInput(
                f"{path} shows its frames at other times than {video.path}, up to {apart:.2g} s apart: it is the track "
                "of another clip. Give the track of this clip."
            )
    elif video.variable:
        return [f"{video.path} has a varying frame rate; {path} is taken as one pose for each frame of its file."]
    elif recording.fps is not None and abs(recording.fps / float(video.fps) - 1) > SAME_RATE:
        return [
            f"{path} says {recording.fps:g} frames per second, {video.path} has {float(video.fps):g}: the clip's are "
            "taken, one pose for each frame."
        ]
    return []


def _declared(video: VideoFile, recording: PoseRecording, size: tuple[int, int]) -> tuple[int, int]:
    """The size said by the user; refused if the track says another one, or if the clip has another shape."""
    own = next((picture.size for picture in recording.pictures if picture.size not in (None, size)), None)
    if own is not None:
        raise BadInput(
            f"{recording.path} says itself that its clip is {words_of(own)} (height x width), not {words_of(size)}. "
            "Leave the size out."
        )
    if not (is_copy(size, video.size) or is_copy(size, video.stored_size)):
        raise BadInput(
            f"The joints of {recording.path} are said to lie in frames of {words_of(size)}, whose sides have another "
            f"ratio than those of {video.path}, {words_of(video.size)} (height x width). Give the size of the frames "
            "in which they were found."
        )
    return size


def _counted_in(video: VideoFile, track: Path, recording: PoseRecording) -> tuple[int, int]:
    """(height, width) of the frames in which the joints of a track were found."""
    if video.stored_size == video.size:
        return video.size
    sizes = {picture.size for picture in recording.pictures}
    if None in sizes and not is_normalised(recording):
        stored, shown = (words_of(size) for size in (video.stored_size, video.size))
        raise BadInput(
            f"The pixels of {video.path} are not square: its frames are {stored} (height x width) in the file and "
            f"{shown} as shown, and {track} does not say in which of them its joints lie. Write the clip anew with "
            f"square pixels and find the joints in that (ffmpeg -i {video.path.name} -vf "
            f"scale={video.size[1]}:{video.size[0]},setsar=1 "
            f'square.mp4), or give a track with its size: "size": [height, width].'
        )
    found_in_file = all(size is not None and is_copy(size, video.stored_size) for size in sizes)
    return video.stored_size if found_in_file and sizes else video.size
