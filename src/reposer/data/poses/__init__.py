"""Poses and tracks in files.

`read_recording` recognises the form of a file by its content; a module per form (`POSE_FORMATS`) reads all its people;
`choose_pose` and `choose_track` select one person and convert the joints to pixels. `read_pose` and `read_track` do
both.
"""

from .choosing import Chosen, choose_pose
from .following import choose_track
from .own import OwnPose, write_pose_json, write_track
from .reading import read_pose, read_track
from .recognise import POSE_FORMATS, read_recording, recording_files
from .recording import PoseFormat, PoseRecording
from .values import LEAST_FPS, MOST_FPS

__all__ = [
    "LEAST_FPS",
    "MOST_FPS",
    "POSE_FORMATS",
    "Chosen",
    "OwnPose",
    "PoseFormat",
    "PoseRecording",
    "choose_pose",
    "choose_track",
    "read_pose",
    "read_recording",
    "read_track",
    "recording_files",
    "write_pose_json",
    "write_track",
]
