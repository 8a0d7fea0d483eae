"""The joints of the person in a photo, from a file or by a pose estimator."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from reposer.core import BadInput, Pose, quoted
from reposer.core.terminal import Terminal
from reposer.data.pictures import read_picture
from reposer.data.poses import Chosen, choose_pose, read_recording
from reposer.data.poses.presets import preset
from reposer.estimators.people_choice import parse_person
from reposer.own_photo import ESTIMATOR, estimated, fitted, is_pose_file, is_preset


def wanted_pose(
    path: Path,
    size: tuple[int, int] | None,
    source: Pose,
    *,
    frame: int | None = None,
    person: str | None = None,
    estimator: str | None = None,
    form: str | None = None,
    retargeted: bool = True,
) -> Pose:
    """The pose in this file, of this name, or of somebody in this picture, with at least one joint.

    size: (height, width) of the picture that a file's pose belongs to; None = what the file says, or else that of the
        photo.
    source: the pose of the person in the photo.
    frame: which of several in a file, from 0. person: which of several: in a file a number from 0, in a picture as
        `--person` says.
    estimator: the pose estimator that looks at a picture; None = the default.
    form: of the file, see `read_recording`. retargeted: see `own_photo.fitted`.
    """
    if is_preset(path):
        options = {"--pose-size": size, "--pose-frame": frame, "--pose-person": person, "--pose-format": form}
        given = [option for option, value in options.items() if value is not None]
        if given:
            raise BadInput(f"{path} is a pose by name, and {given[0]} is for pose files. Leave it out.")
        return fitted(preset(str(path)), source, f"'{path}'", retargeted=retargeted)
    if form is None and not is_pose_file(path):
        refuse_with_a_picture({"--pose-size": size, "--pose-frame": frame}, path)
        picture = read_picture(path)
        found = estimated_pose(picture, path, estimator, person, "--pose-person")
        return fitted(found, source, str(path), retargeted=retargeted)
    number = None if person is None else _number(person, path)
    chosen = choose_pose(read_recording(path, form), size, otherwise=source.size, frame=frame, person=number)
    if size is not None and chosen.pose.size != size:
        h, w = chosen.pose.size
        raise BadInput(
            f"{path} says itself that it belongs to a picture of {h}x{w} (height x width), not of {size[0]}x{size[1]}. "
            f"Leave --pose-size out."
        )
    return _shown(chosen, path)


def refuse_with_a_picture(options: Mapping[str, object], picture: Path) -> None:
    """Refuse options that only a pose file has a meaning for."""
    given = [option for option, value in options.items() if value is not None]
    if given:
        raise BadInput(f"{picture} is taken as a picture, and {given[0]} is for pose files. Leave it out.")


def _number(person: str, path: Path) -> int:
    if not person.isdecimal():
        raise BadInput(
            f"{path} is a pose file: --pose-person is the person's number there, from 0, not {quoted(person)}."
        )
    return int(person)


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
    picture: Tensor,
    photo: Path,
    file: Path | None,
    estimator: str | None,
    person: str | None = None,
    *,
    source_frame: int | None = None,
    source_person: int | None = None,
) -> Pose:
    """The joints of the person in the photo: from this file, or estimated by the pose estimator of this name.

    person: the text of `--person`. source_frame, source_person: which of several in the file, from 0.
    """
    if file is None:
        for option, value in {"--source-frame": source_frame, "--source-person": source_person}.items():
            if value is not None:
                raise BadInput(f"{option} is for a --source-pose with several. Give that file, or leave {option} out.")
        return estimated_pose(picture, photo, estimator, person)
    if person is not None:
        raise BadInput(
            f"--person chooses among the people that the pose estimator finds in {photo}, and --source-pose names one "
            f"already. Leave one of them out (--source-person chooses in the file)."
        )
    return photos_pose(file, (picture.shape[0], picture.shape[1]), photo, frame=source_frame, person=source_person)


def estimated_pose(
    picture: Tensor, photo: Path, estimator: str | None, person: str | None = None, option: str = "--person"
) -> Pose:
    """The joints of one person in a picture, by the pose estimator of this name (None = the default).

    person: the text of the option that chooses one of several people.
    """
    chosen = None if person is None else parse_person(person, option)
    found = estimated(picture, str(photo), chosen, estimator or ESTIMATOR)
    tell(note.replace("--person", option) for note in found.notes)
    return found.pose


def tell(notes: Iterable[str]) -> None:
    """Print the decisions made while reading poses, one line each."""
    console = Terminal(stderr=True)
    for note in notes:
        console.say(f"Note: {note}")


def tell_inferred(wanted: Pose, generated: Pose) -> None:
    """Name the joints that the wanted pose did not have."""
    shown = wanted.convert(generated.skeleton).visible
    names = [name for k, name in enumerate(generated.skeleton.joints) if generated.visible[k] and not shown[k]]
    if names:
        tell(
            [f"joints that the wanted pose lacks are taken from its other side or from the photo: {', '.join(names)}."]
        )


def _shown(chosen: Chosen, path: Path) -> Pose:
    if not chosen.pose.visible.any():
        raise BadInput(f"{path} shows no person: none of its {len(chosen.pose.skeleton)} joints was found.")
    tell(chosen.notes)
    return chosen.pose


def pose_digest(pose: Pose) -> str:
    """The first digits of a checksum of the whole pose."""
    content = [pose.skeleton.name, pose.size, pose.xy.tolist(), pose.visible.tolist()]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]
