"""A pose from a file of any kind that is known; the content tells the kind."""

from pathlib import Path

from reposer.core import BadInput, Pose

from .json_values import read_json
from .openpose import read_openpose_json
from .own_pose import read_pose_json


def read_pose(path: Path | str, size: tuple[int, int] | None = None) -> Pose:
    """The pose in one of our own files or in OpenPose's JSON; `size` is the picture's, which only ours know."""
    content = read_json(Path(path))
    if isinstance(content, dict) and "people" in content:
        if size is None:
            raise BadInput(
                f"{path} is OpenPose JSON, which does not say how large its picture is. Give the picture's size, "
                f"(height, width) in pixels."
            )
        return read_openpose_json(path, size)
    return read_pose_json(path)
