"""The joints of the person in a photo, from a file or by a pose estimator."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from reposer.animation.driving import named_finder
from reposer.core import BadInput, Pose
from reposer.core.terminal import Terminal
from reposer.data.poses import Chosen, choose_pose, read_recording
from reposer.data.stick_figures import refuse_stick_figure
from reposer.estimators.people_choice import estimate, parse_person


def wanted_pose(
    path: Path,
    size: tuple[int, int] | None,
    photo_size: tuple[int, int],
    *,
    frame: int | None = None,
    person: int | None = None,
) -> Pose:
    """The pose in this file, with at least one joint.

    size: (height, width) of the picture that it belongs to; None = what the file says, or else `photo_size`.
    frame, person: which of several, from 0.
    """
    chosen = choose_pose(read_recording(path), size, otherwise=photo_size, frame=frame, person=person)
    if size is not None and chosen.pose.size != size:
        h, w = chosen.pose.size
        raise BadInput(
            f"{path} says itself that it belongs to a picture of {h}x{w} (height x width), not of {size[0]}x{size[1]}. "
            f"Leave --pose-size out."
        )
    return _shown(chosen, path)


def photos_pose(
    path: Path, size: tuple[int, int], photo: Path, *, frame: int | None = None, person: int | None = None
) -> Pose:
    """The pose in this file, of a photo of this size (height, width)."""
    pose = _shown(choose_pose(read_recording(path), size, frame=frame, person=person), path)
    if pose.size != size:
        raise BadInput(
            f"{path} belongs to a picture of {pose.size[0]}x{pose.size[1]}, {photo} is {size[0]}x{size[1]} "
            f"(height x width). Give the pose of this photo."
        )
    return pose


def person_in_photo(
    picture: Tensor, photo: Path, file: Path | None, finder: str | None, person: str | None = None
) -> Pose:
    """The joints of the person in the photo: from this file, or estimated by the pose estimator of this name."""
    if file is not None:
        return photos_pose(file, (picture.shape[0], picture.shape[1]), photo)
    return estimated_pose(picture, photo, finder, person)


def estimated_pose(
    picture: Tensor, photo: Path, finder: str | None, person: str | None = None, option: str = "--person"
) -> Pose:
    """The joints of one person in a picture, by the pose estimator of this name (None = the default).

    person: the text of the option that chooses one of several people.
    """
    chosen = None if person is None else parse_person(person, option)
    refuse_stick_figure(picture, photo, "Give a photo; a stick figure says a pose only as joints in a file.")
    found = estimate(named_finder(finder), picture, str(photo), chosen)
    tell(found.notes)
    return found.pose


def tell(notes: Sequence[str]) -> None:
    """Print the decisions made while reading poses, one line each."""
    console = Terminal(stderr=True)
    for note in notes:
        console.say(f"Note: {note}")


def _shown(chosen: Chosen, path: Path) -> Pose:
    if not chosen.pose.visible.any():
        raise BadInput(f"{path} shows no person: none of its {len(chosen.pose.skeleton)} joints was found.")
    tell(chosen.notes)
    return chosen.pose


def pose_digest(pose: Pose) -> str:
    """The first digits of a checksum of the whole pose."""
    content = [pose.skeleton.name, pose.size, pose.xy.tolist(), pose.visible.tolist()]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]
