"""Poses and tracks in files.

`read_recording` recognises the form of a file by its content; a module per form (`POSE_FORMATS`) reads all its people;
`choose_pose` and `choose_track` select one person and convert the joints to pixels. `read_pose` and `read_track` do
both. `convert` writes a file in another form (`POSE_WRITERS`).
"""

from .choosing import Chosen, choose_pose
from .conversion import POSE_WRITERS, convert, people_of, writer_for
from .following import choose_track
from .openpose_colours import openpose_picture
from .own import OwnPose, write_pose_json, write_track
from .reading import read_pose, read_track
from .recognise import FORMAT_NAMES, POSE_FORMATS, read_content, read_recording, recording_files
from .recording import PoseFormat, PoseRecording
from .values import LEAST_FPS, MOST_FPS

__all__ = [
    "FORMAT_NAMES",
    "LEAST_FPS",
    "MOST_FPS",
    "POSE_FORMATS",
    "POSE_WRITERS",
    "Chosen",
    "OwnPose",
    "PoseFormat",
    "PoseRecording",
    "choose_pose",
    "choose_track",
    "convert",
    "openpose_picture",
    "people_of",
    "read_content",
    "read_pose",
    "read_recording",
    "read_track",
    "recording_files",
    "write_pose_json",
    "write_track",
    "writer_for",
]
