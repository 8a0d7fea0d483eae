"""Track one person through the frames of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reposer.core import BadInput

from .choosing import Chosen, taken_size
from .pixels import frame_of, in_pixels, refuse_outside, scaled_to, words_of
from .recording import Person, PoseRecording, Size, UnusablePerson

FARTHEST_STEP = 1.0
"""Largest move between two detections, in body sizes (the larger side of the box around the joints)."""
LONGEST_GAP = 50
"""Frames; after a longer absence a person counts as a new one."""
MOST_PEOPLE = 20
"""Most people tracked per frame: those with the highest scores."""


def choose_track(
    recording: PoseRecording, size: Size | None = None, num_frames: int | None = None, *, told: bool = True
) -> Chosen:
    """One person of a clip, one row per frame; nothing is visible in frames without the person.

    size: (height, width) of the clip; a canvas of the same aspect is scaled to it. num_frames: number of its frames;
    forms that omit frames without people are padded to it. told: whether the user said the size; if not, a note says
    that it is taken for a file without one. Of several people, the one with the highest scores over the whole clip is
    taken, followed by the tracker's ids if the file has them, else by the positions of the joints.
    """
    if not recording.is_clip:
        raise BadInput(
            f"{recording.path} is {recording.kind}, the pose of one picture; a clip's track was expected: our own "
            f"form, a list of frames, or a folder of files, one a frame."
        )
    if not recording.pictures:
        raise BadInput(f"{recording.path} has no frame. Give a track with some.")
    recording, shifted = _from_the_first(recording, num_frames)
    people = followed(recording)
    notes = [*recording.assumed, *shifted, *_notes(recording, people)]
    if recording.ends_open and num_frames is not None:
        people += [None] * (num_frames - len(people))
    skeletons = {found.skeleton.name: found.skeleton for found in people if found is not None}
    if len(skeletons) > 1:
        raise BadInput(
            f"{recording.path} has frames of {' and of '.join(sorted(skeletons))}; one set of joints was expected."
        )
    declared = _one_size(recording)
    counts = frame_of(recording, declared, size)
    if recording.own and size is not None and counts.size != size:
        raise BadInput(
            f"{recording.path} is the track of a {words_of(counts.size)} clip (height x width), not of one of "
            f"{words_of(size)}. Give the track of this clip."
        )
    poses = in_pixels(people, counts, next(iter(skeletons.values()), recording.skeleton))
    if declared is None and not (told or counts.normalised):
        notes.append(taken_size(recording, poses, "clip"))
    refuse_outside(recording, poses, size_is_known=declared is not None)
    return Chosen(scaled_to(recording, poses, size), notes)


def _from_the_first(recording: PoseRecording, num_frames: int | None) -> tuple[PoseRecording, list[str]]:
    """Refuse numbered pictures of which none is number 0, unless the clip's length proves that they count from 1."""
    first = recording.first_number
    if first == 0:
        return recording, []
    last = len(recording.pictures) - 1
    if first == 1 and last == num_frames:
        note = (
            f"{recording.path} numbers its pictures from 1 to {last}, as many as the clip has: number 1 is the first."
        )
        return replace(recording, pictures=recording.pictures[1:], first_number=0), [note]
    example = '{"image_id": "0.jpg", "category_id": 1, "keypoints": [0, 0, 0, ...], "score": 0}'
    raise BadInput(
        f"{recording.path} begins with picture number {first}: whether its pictures count from 0, and nobody is in the "
        f"first, or from {first}, is not in the file. Number them from 0, or give picture 0 an entry without joints: "
        f"{example}."
    )


def followed(recording: PoseRecording) -> list[Person | None]:
    """The person with the highest scores over the whole clip, in each frame."""
    frames = [
        sorted((person for _, person in picture.usable), key=lambda p: -p.sureness)[:MOST_PEOPLE]
        for picture in recording.pictures
    ]
    if all(len(people) <= 1 for people in frames):
        return [people[0] if people else None for people in frames]
    paths = _by_identity(frames) or _by_places(frames)
    best = max(paths, key=lambda path: path.sureness)
    return [best.people.get(t) for t in range(len(frames))]


@dataclass
class _Path:
    """One person's detections, by frame."""

    people: dict[int, Person]

    @property
    def sureness(self) -> float:
        return sum(person.sureness for person in self.people.values())

    @property
    def last(self) -> int:
        return next(reversed(self.people))


def _by_identity(frames: Sequence[Sequence[Person]]) -> list[_Path]:
    """Paths by the tracker's ids, if everybody has one."""
    paths: dict[int, _Path] = {}
    for t, people in enumerate(frames):
        for person in people:
            if person.identity is None:
                return []
            paths.setdefault(person.identity, _Path({})).people.setdefault(t, person)
    return list(paths.values())


def _by_places(frames: Sequence[Sequence[Person]]) -> list[_Path]:
    """Assign each detection greedily to the nearest path; one that is near none starts a new path."""
    paths: list[_Path] = []
    living: list[_Path] = []
    for t, people in enumerate(frames):
        living = [path for path in living if t - path.last <= LONGEST_GAP]
        pairs = [
            (_distance(path.people[path.last], person), p, n)
            for p, path in enumerate(living)
            for n, person in enumerate(people)
        ]
        taken: set[int] = set()
        moved: set[int] = set()
        for distance, p, n in sorted(pairs):
            if distance <= FARTHEST_STEP and p not in moved and n not in taken:
                living[p].people[t] = people[n]
                moved.add(p)
                taken.add(n)
        begun = [_Path({t: person}) for n, person in enumerate(people) if n not in taken]
        paths += begun
        living += begun
    return paths


def _distance(one: Person, other: Person) -> float:
    """Mean distance of the joints that both have, in body sizes; infinite if they share none."""
    if one.skeleton != other.skeleton:
        return float("inf")
    shared = one.visible & other.visible
    if not shared.any():
        return float("inf")
    size = max(float(np.ptp(person.places, axis=0).max()) for person in (one, other))
    way = np.linalg.norm(one.rows[shared, :2] - other.rows[shared, :2], axis=-1).mean()
    return float(way) / max(size, 1e-6)


def _notes(recording: PoseRecording, chosen: Sequence[Person | None]) -> list[str]:
    notes = []
    unusable = [
        (t, n, person.why)
        for t, picture in enumerate(recording.pictures)
        for n, person in enumerate(picture.people)
        if isinstance(person, UnusablePerson)
    ]
    if unusable:
        t, n, why = unusable[0]
        notes.append(
            f"{recording.path}: {len(unusable)} people are left out; the first, person {n} of frame {t}, {why}."
        )
    most = max(len(picture.usable) for picture in recording.pictures)
    if most > 1:
        seen = sum(person is not None for person in chosen)
        notes.append(
            f"{recording.path} shows up to {most} people in a frame; the surest over all frames is followed, seen in "
            f"{seen} of {len(chosen)}."
        )
    return notes


def _one_size(recording: PoseRecording) -> Size | None:
    sizes = {picture.size for picture in recording.pictures}
    if len(sizes) > 1:
        words = sorted(words_of(size) if size else "no size" for size in sizes)
        raise BadInput(
            f"{recording.path} has frames of {words[0]} and of {words[1]} (height x width); one size was expected."
        )
    return sizes.pop()
