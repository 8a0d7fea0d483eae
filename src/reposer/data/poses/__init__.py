"""Poses and tracks in files: a module per kind, and `read_pose`, which tells the kinds apart by their content."""

from .openpose import read_openpose_json
from .own_pose import read_pose_json, write_pose_json
from .own_track import read_track, track_rate, write_track
from .reading import read_pose

__all__ = [
    "read_openpose_json",
    "read_pose",
    "read_pose_json",
    "read_track",
    "track_rate",
    "write_pose_json",
    "write_track",
]
