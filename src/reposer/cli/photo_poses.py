"""The joints of the person in a photo, from a file or by a pose estimator."""

import hashlib
from pathlib import Path

from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.data.poses import read_pose
from reposer.driving import joints_of, named_finder


def person_in_file(path: Path, size: tuple[int, int]) -> Pose:
    """The pose in this file, with at least one joint. size: (height, width) of the picture where the file says none."""
    pose = read_pose(path, size=size)
    if not pose.visible.any():
        raise BadInput(f"{path} shows no person: none of its {len(pose.skeleton)} joints was found.")
    return pose


def person_in_photo(picture: Tensor, photo: Path, file: Path | None, finder: str | None) -> Pose:
    """The joints of the person in the photo: of this file, or by the pose estimator of this name."""
    size = (picture.shape[0], picture.shape[1])
    pose = joints_of(named_finder(finder, photo), picture) if file is None else read_pose(file, size=size)
    if not pose.visible.any():
        raise BadInput(f"{file or photo} shows no person: none of its {len(pose.skeleton)} joints was found.")
    if pose.size != size:
        raise BadInput(
            f"{file} belongs to a picture of {pose.size[0]}x{pose.size[1]}, {photo} is {size[0]}x{size[1]} "
            f"(height x width). Give the pose of this photo."
        )
    return pose


def pose_digest(pose: Pose) -> str:
    """The first digits of a checksum of all that the pose says."""
    content = [pose.skeleton.name, pose.size, pose.xy.tolist(), pose.visible.tolist()]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]
