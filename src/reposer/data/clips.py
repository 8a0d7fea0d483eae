"""Clips with a pose per frame."""

from dataclasses import replace
from pathlib import Path

from reposer.core import BadInput

from .poses import Chosen, choose_track, read_recording
from .poses.pixels import is_copy, is_normalised, words_of
from .poses.recording import PoseRecording
from .video_files import VideoFile


def choose_track_of(video: VideoFile, track: Path) -> Chosen:
    """One person of a track, a pose for each frame of the clip's file, in pixels of its upright frames.

    If a clip's pixels are not square, its joints were found in the stored frames (OpenCV, OpenPose) or in the
    displayed ones: the track's size decides, and a track without a size is refused.
    """
    recording = read_recording(track)
    chosen = choose_track(recording, _counted_in(video, track, recording), video.num_frames)
    if len(chosen.pose) != video.num_frames:
        raise BadInput(
            f"{video.path} has {video.num_frames} frames, {track} has joints for {len(chosen.pose)}. Give the track of "
            f"this clip."
        )
    return replace(chosen, pose=chosen.pose.resize(video.size))


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
