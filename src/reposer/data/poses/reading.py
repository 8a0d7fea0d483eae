"""Read a pose, or a clip's track, from a file of any known form."""

from pathlib import Path

from reposer.core import Pose

from .choosing import choose_pose
from .following import choose_track
from .recognise import read_recording
from .recording import Size


def read_pose(
    path: Path | str, size: Size | None = None, *, frame: int | None = None, person: int | None = None
) -> Pose:
    """One person of a file. size, frame, person: see `choose_pose`; its notes are dropped."""
    return choose_pose(read_recording(path), size, frame=frame, person=person).pose


def read_track(path: Path | str, size: Size | None = None, num_frames: int | None = None) -> Pose:
    """A pose per frame of a clip, as rows. size, num_frames: see `choose_track`; its notes are dropped."""
    return choose_track(read_recording(path), size, num_frames).pose
