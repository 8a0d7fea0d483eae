"""The poses that a command's options name: who is meant, and what was decided on the way."""

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.terminal import Terminal
from reposer.estimated import ESTIMATOR
from reposer.estimators.people_choice import Person, parse_person
from reposer.own_photo import PoseFile, person_in


def chosen_person(text: str | None, option: str = "--person") -> Person | None:
    """The person that an option's text chooses; None = none was given."""
    return None if text is None else parse_person(text, option)


def source_file(
    file: Path | None, source_frame: int | None = None, source_person: int | None = None
) -> PoseFile | None:
    """What `--source-pose` and its options name; None = the pose is to be estimated."""
    if file is not None:
        return PoseFile(file, frame=source_frame, person=source_person)
    for option, value in {"--source-frame": source_frame, "--source-person": source_person}.items():
        if value is not None:
            raise BadInput(f"{option} is for a --source-pose with several. Give that file, or leave {option} out.")
    return None


def person_in_photo(
    picture: Tensor, photo: Path, file: Path | None, estimator: str | None, person: str | None = None
) -> Pose:
    """The joints of the person in the photo: from this file, or estimated by the pose estimator of this name.

    person: the text of `--person`. The decisions are printed.
    """
    found = person_in(picture, str(photo), source_file(file), chosen_person(person), estimator or ESTIMATOR)
    tell(found.notes)
    return found.pose


def tell(notes: Iterable[str]) -> None:
    """Print the decisions made while reading poses, one line each."""
    console = Terminal(stderr=True)
    for note in notes:
        console.say(f"Note: {note}")
