"""Select one pose from a file, by picture and person, in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

from reposer.core import BadInput, Pose, quoted

from .pixels import frame_of, in_pixels, inside, refuse_outside, scaled_to, words_of
from .recording import PeopleInPicture, Person, PoseRecording, Size, UnusablePerson


@dataclass(frozen=True)
class Chosen:
    """A pose, or a track of them. notes: what was decided and left out, one sentence each, for the user."""

    pose: Pose
    notes: Sequence[str]


def choose_pose(
    recording: PoseRecording,
    size: Size | None = None,
    *,
    otherwise: Size | None = None,
    frame: int | None = None,
    person: int | None = None,
    told: bool = True,
) -> Chosen:
    """One person of one picture.

    size: (height, width) of the picture that the pose belongs to: a canvas of the same aspect is scaled to it, any
    other is refused. None: the file's size, or `otherwise` if it has none. Our own form keeps its own size.
    frame: index of the picture, from 0; required if there are several. person: index of the person, from 0; None takes
    the one with the highest sum of joint scores. told: whether the user said `size` of this file; if not, a note says
    that it is taken for a file without one.
    """
    picture = _picture(recording, frame)
    found, notes = _person(recording, picture, person)
    notes = [*notes, *recording.assumed]
    counts = frame_of(recording, picture.size, size or otherwise)
    pose = in_pixels([found], counts, found.skeleton)[0]
    if counts.normalised:
        notes.append(
            f"{recording.path} counts from 0 to 1; its joints are scaled to {words_of(pose.size)} (height x width)."
        )
    if picture.size is None and (size is None or not (told or counts.normalised)):
        notes.append(taken_size(recording, pose))
    refuse_outside(recording, pose, size_is_known=picture.size is not None)
    return Chosen(scaled_to(recording, pose, size), notes)


def taken_size(recording: PoseRecording, poses: Pose, what: str = "picture") -> str:
    """The note on a file that does not say its size."""
    beside = int(poses.visible.sum() - inside(poses).sum())
    outside = f" {beside} of its joints lie outside of that." if beside else ""
    return (
        f"{recording.path} does not say how large its {what} is; {words_of(poses.size)} (height x width) is taken."
        f"{outside}"
    )


def _picture(recording: PoseRecording, number: int | None) -> PeopleInPicture:
    count = len(recording.pictures)
    if count == 0:
        raise BadInput(f"{recording.path} has no frame. Give a file with some.")
    if number is None and count > 1:
        raise BadInput(
            f"{recording.path} is {recording.kind} with {count} frames, and one pose is needed. Choose a frame from 0 "
            f"to {count - 1}: --pose-frame K for the wanted pose, --source-frame K for the photo's."
        )
    if number is not None and not 0 <= number < count:
        raise BadInput(f"{recording.path} has {count} frames; there is no frame {number} (they count from 0).")
    return recording.pictures[number or 0]


def _person(recording: PoseRecording, picture: PeopleInPicture, number: int | None) -> tuple[Person, list[str]]:
    people, usable = picture.people, picture.usable
    where = f"{recording.path}, {quoted(picture.name)}," if picture.name else str(recording.path)
    if not people:
        raise BadInput(f"{where} shows no person: nobody was found. Take a picture that shows one clearly.")
    if number is not None:
        if not 0 <= number < len(people):
            raise BadInput(f"{where} has {len(people)} people; there is no person {number} (they count from 0).")
        chosen = people[number]
        if isinstance(chosen, UnusablePerson):
            raise BadInput(f"{where}: person {number} {chosen.why}. Choose another one.")
        return chosen, []
    unusable = [f"person {n} {p.why}" for n, p in enumerate(people) if isinstance(p, UnusablePerson)]
    if not usable:
        more = f" (and {len(unusable) - 1} more)" if len(unusable) > 1 else ""
        raise BadInput(f"{where} shows no person that can be used: {unusable[0]}{more}.")
    notes = [f"{where}: {why}; left out." for why in unusable[:3]]
    if len(unusable) > 3:
        notes.append(f"{where}: {len(unusable) - 3} more people are left out.")
    best, found = max(usable, key=lambda pair: pair[1].sureness)
    if len(usable) > 1:
        notes.append(
            f"{where} shows {len(usable)} people; the surest is taken, person {best} (from 0). --pose-person or "
            f"--source-person chooses another."
        )
    return found, notes
