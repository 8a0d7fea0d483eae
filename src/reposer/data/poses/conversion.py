"""Convert pose files from one form to another, joint by joint by name, and say what the other form cannot hold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from reposer.core import BadInput, Pose
from reposer.core.skeleton import OPENPOSE_18, OPENPOSE_25

from .arrays import H36MWriter
from .blazepose import BlazePoseWriter
from .by_name import rows_by_name
from .choosing import taken_size
from .coco_annotations import CocoAnnotationsWriter
from .following import followed
from .keypoint_results import AlphaPoseWriter, CocoResultsWriter
from .mmpose import MMPoseWriter
from .openpose import OpenPoseWriter
from .own import OwnWriter
from .patn import PatnWriter
from .pixels import CoordinateFrame, frame_of, in_pixels, is_normalised, refuse_outside, scaled_to, words_of
from .recognise import read_recording
from .recording import PeopleInPicture, Person, PoseRecording, PoseWriter, Size, UnusablePerson
from .skeleton_picture import SkeletonPictureWriter

POSE_WRITERS: dict[str, PoseWriter] = {
    writer.key: writer
    for writer in (
        OwnWriter(),
        OpenPoseWriter(OPENPOSE_18),
        OpenPoseWriter(OPENPOSE_25),
        CocoResultsWriter("coco"),
        CocoResultsWriter("coco-wholebody"),
        CocoAnnotationsWriter(),
        BlazePoseWriter(),
        AlphaPoseWriter(),
        MMPoseWriter(),
        H36MWriter(),
        PatnWriter(),
        SkeletonPictureWriter(),
    )
}
"""What `convert` writes, by name."""
_BY_ENDING = {".csv": "patn", ".npz": "h36m", ".png": "picture", ".json": "own"}
_OF_ONE_PERSON = ("own", "patn")
_WITH_SIZE = ("own", "picture", "blazepose")
EXACT = 1e-3
"""Pixels: a smaller change of a position is not told."""


def convert(
    source: Path,
    target: Path,
    to: str | None = None,
    *,
    form: str | None = None,
    size: Size | None = None,
    frame: int | None = None,
    person: int | None = None,
) -> list[str]:
    """Write the poses of one file as another; returns what was lost or decided, one sentence each.

    to: one of POSE_WRITERS; None = by the ending of `target`. form: of the source, see `read_recording`. size: (height,
    width) of the pictures, if the source does not say it. frame: of several pictures only this one, from 0. person: of
    several people only this one, from 0.
    """
    writer = writer_for(target, to)
    recording = selected(read_recording(source, form), frame, person)
    whole, notes = prepared(recording, writer, size)
    writer.write(target, whole)
    again = read_recording(target, writer.key)
    if is_normalised(again) and not is_normalised(whole):
        again = in_pixels_of(again, whole.pictures[0].size)
    return notes + differences(whole, again)


def people_of(
    path: Path,
    size: Size | None = None,
    *,
    form: str | None = None,
    frame: int | None = None,
    photo: Size | None = None,
) -> tuple[list[Pose], list[str]]:
    """All people of one picture of a file, in pixels of the `photo` (height, width), else of a picture of `size`, else
    of the file's own, with notes. form, frame: as in `convert`.

    size: (height, width) of the picture in which the joints were found, if the file does not say it.
    """
    recording = read_recording(path, form)
    if frame is None and len(recording.pictures) > 1:
        raise BadInput(f"{path} has {len(recording.pictures)} frames, and a picture shows one. Choose it: --frame K.")
    recording = selected(recording, frame, None)
    (picture,) = recording.pictures or [PeopleInPicture(())]
    people = [person for _, person in picture.usable]
    if not people:
        raise BadInput(f"{path} shows no person that can be used: there is nothing to show.")
    if photo is not None and size is not None:
        _refuse_other_size(recording, size)
    counts = frame_of(recording, picture.size, size or photo)
    wanted = photo or size
    found = [in_pixels([person], counts, person.skeleton)[0] for person in people]
    for pose in found:
        refuse_outside(recording, pose, size_is_known=picture.size is not None)
    poses = [scaled_to(recording, pose, wanted) for pose in found]
    if wanted is not None and poses[0].size != wanted:  # our own form keeps its size
        raise BadInput(
            f"{path} belongs to a picture of {words_of(poses[0].size)} (height x width), not of {words_of(wanted)}."
        )
    left_out = len(picture.people) - len(people)
    notes = list(recording.assumed)
    if left_out:
        notes.append(f"{path}: {left_out} people whose data cannot be used are left out.")
    if picture.size is None and size is None and not counts.normalised:
        notes.append(taken_size(recording, Pose.stack(found)))
    return poses, notes


def writer_for(target: Path, to: str | None) -> PoseWriter:
    """The writer of this name, or else of the form that the file's ending means."""
    name = to or _BY_ENDING.get(target.suffix.lower())
    if name is None:
        raise BadInput(
            f"{target} ends in '{target.suffix}', which is no ending of pose files: {', '.join(_BY_ENDING)}. Say the "
            f"form: --format with one of {', '.join(POSE_WRITERS)}."
        )
    if name not in POSE_WRITERS:
        raise BadInput(f"There is no form '{name}' of pose files to write; there are {', '.join(POSE_WRITERS)}.")
    writer = POSE_WRITERS[name]
    if target.suffix.lower() != writer.ending:
        raise BadInput(f"{target}: a file of the form '{name}' ends in {writer.ending}. Give it such a name.")
    return writer


def selected(recording: PoseRecording, frame: int | None, person: int | None) -> PoseRecording:
    """The recording with one of its pictures, or one of its people, only."""
    if frame is not None:
        if not 0 <= frame < len(recording.pictures):
            raise BadInput(
                f"{recording.path} has {len(recording.pictures)} frames; there is no frame {frame} (they count from 0)."
            )
        one = [recording.pictures[frame]]
        recording = replace(recording, pictures=one, is_clip=False, ends_open=False, seconds=None, first_number=0)
    if person is None:
        return recording
    pictures = [replace(p, people=[p.people[person]] if person < len(p.people) else []) for p in recording.pictures]
    if person < 0 or not any(picture.usable for picture in pictures):
        raise BadInput(f"{recording.path} shows no person {person} that can be used (they count from 0).")
    return replace(recording, pictures=pictures)


def prepared(recording: PoseRecording, writer: PoseWriter, size: Size | None) -> tuple[PoseRecording, list[str]]:
    """What a writer needs: pixels of a known size where it has them, one person or one picture where it has only
    one."""
    path = recording.path
    if not any(picture.usable for picture in recording.pictures):
        raise BadInput(f"{path} shows no person that can be used: there is nothing to convert.")
    if writer.key == "picture" and len(recording.pictures) > 1:
        raise BadInput(f"{path} has {len(recording.pictures)} frames, and a picture shows one. Choose it: --frame K.")
    if size is not None:
        _refuse_other_size(recording, size)
    notes = list(recording.assumed)
    left_out = sum(len(picture.people) - len(picture.usable) for picture in recording.pictures)
    if left_out:
        notes.append(f"{path}: {left_out} people whose data cannot be used are left out.")
    if recording.first_number and recording.form != writer.key:
        notes.append(
            f"{path} begins with picture number {recording.first_number}; as many frames without people are written "
            f"before it. If it numbers its pictures from {recording.first_number}, number them from 0 first."
        )
    if writer.key in _OF_ONE_PERSON:
        recording, more = _of_one_person(recording, writer)
        notes += more
    if recording.left is not None and size is None and writer.key != "patn":
        raise BadInput(
            f"{path} does not say how large its pictures are, nor where x begins in them. Say it: --size HEIGHT WIDTH."
        )
    same = recording.form == writer.key or writer.key.startswith(recording.form or "none")
    if same and is_normalised(recording):
        return recording, notes
    if is_normalised(recording) or writer.key in _WITH_SIZE or (recording.left is not None and size is not None):
        sizes = {picture.size for picture in recording.pictures}
        if writer.key in _WITH_SIZE and len(sizes) > 1 and writer.key != "blazepose":
            raise BadInput(f"{path} has pictures of several sizes, and '{writer.key}' has one. Choose one: --frame K.")
        if size is None and None in sizes:
            raise BadInput(
                f"{path} is {recording.kind} and does not say how large its pictures are, which '{writer.key}' needs. "
                f"Say it: --size HEIGHT WIDTH."
            )
        recording = in_pixels_of(recording, size)
        _refuse_all_outside(recording, told=size is not None)
    elif size is not None:
        recording = replace(recording, pictures=[replace(p, size=p.size or size) for p in recording.pictures])
        _refuse_all_outside(recording, told=True)
    return recording, notes


def _refuse_all_outside(recording: PoseRecording, *, told: bool) -> None:
    """Refuse people without a single joint in their picture."""
    for picture in recording.pictures:
        for _, person in picture.usable if picture.size is not None else ():
            frame = CoordinateFrame(picture.size, normalised=False)  # type: ignore[arg-type]
            refuse_outside(recording, in_pixels([person], frame, person.skeleton), size_is_known=not told)


def _refuse_other_size(recording: PoseRecording, size: Size) -> None:
    own = next((picture.size for picture in recording.pictures if picture.size not in (None, size)), None)
    if own is not None:
        raise BadInput(
            f"{recording.path} says itself that it belongs to a picture of {words_of(own)} (height x width), not of "
            f"{words_of(size)}. Leave --size out."
        )


def in_pixels_of(recording: PoseRecording, size: Size | None) -> PoseRecording:
    """The recording in pixels of its pictures; those without a size have this one."""
    scales = is_normalised(recording)
    pictures = []
    for picture in recording.pictures:
        counts = frame_of(recording, picture.size, size)
        people = [
            person
            if isinstance(person, UnusablePerson)
            else _scaled(person, counts.size)
            if scales
            else _moved(person, counts.left)
            for person in picture.people
        ]
        pictures.append(replace(picture, people=people, size=counts.size))
    form = "" if scales else recording.form  # positions are no longer those of the file
    return replace(recording, pictures=pictures, normalised=False, form=form, left=None)


def _moved(person: Person, left: int) -> Person:
    rows = person.rows - np.array([left, 0, 0])
    return replace(person, rows=rows, parts=tuple(_moved(part, left) for part in person.parts))


def _scaled(person: Person, size: Size) -> Person:
    rows = person.rows.astype(np.float64)
    rows[:, :2] = rows[:, :2] * np.array([size[1], size[0]]) - 0.5  # 0 and 1 are the outer edges of pixels
    return replace(person, rows=rows, parts=tuple(_scaled(part, size) for part in person.parts))


def _of_one_person(recording: PoseRecording, writer: PoseWriter) -> tuple[PoseRecording, list[str]]:
    most = max(len(picture.usable) for picture in recording.pictures)
    if most <= 1:
        return recording, []
    if writer.key == "own" and recording.is_clip:
        people = followed(recording)
    else:
        people = [
            max((p for _, p in picture.usable), key=lambda p: p.sureness) if picture.usable else None
            for picture in recording.pictures
        ]
    pictures = [
        replace(picture, people=[] if one is None else [one])
        for picture, one in zip(recording.pictures, people, strict=True)
    ]
    note = (
        f"{recording.path} shows up to {most} people in a picture, and '{writer.key}' has one: the surest is written."
    )
    return replace(recording, pictures=pictures), [note]


def differences(before: PoseRecording, after: PoseRecording) -> list[str]:
    """What of the people in the first recording the second one lacks or has elsewhere, in sentences."""
    lost: Counter[str] = Counter()
    farthest, scores, sizes = 0.0, 0, 0
    people = 0
    for n, picture in enumerate(before.pictures):
        others = after.pictures[n] if n < len(after.pictures) else PeopleInPicture(())
        sizes += picture.size is not None and others.size != picture.size
        pairs = _paired([p for _, p in picture.usable], [p for _, p in others.usable])
        people += len(picture.usable) - len(pairs)
        for one, other in pairs:
            rows, found = rows_by_name(one), rows_by_name(other)
            lost.update(name for name in rows if name not in found)
            shared = [name for name in rows if name in found]
            apart = [np.hypot(rows[k][0] - found[k][0], rows[k][1] - found[k][1]) for k in shared]
            farthest = max([farthest, *map(float, apart)])
            scores += one.scored and (
                not other.scored or any(abs(rows[name][2] - found[name][2]) > 1e-6 for name in shared)
            )
    notes = []
    if people:
        notes.append(f"{people} people could not be written.")
    if lost:
        names = ", ".join(list(lost)[:4]) + (f" and {len(lost) - 4} more" if len(lost) > 4 else "")
        notes.append(f"Joints that the form does not have are left out: {names}.")
    if farthest > EXACT:
        notes.append(f"Positions are up to {farthest:.2g} pixels off.")
    if scores:
        notes.append("Scores are left out: the form has none.")
    if sizes:
        notes.append("The size of the picture is left out: the form has none.")
    return notes


def _paired(people: Sequence[Person], others: Sequence[Person]) -> list[tuple[Person, Person]]:
    """Each person with the nearest one of the others."""
    left = list(others)
    pairs = []
    for person in people:
        if not left:
            break
        nearest = min(left, key=lambda other: _distance(person, other))
        left = [other for other in left if other is not nearest]
        pairs.append((person, nearest))
    return pairs


def _distance(one: Person, other: Person) -> float:
    rows, found = rows_by_name(one), rows_by_name(other)
    apart = [np.hypot(rows[k][0] - found[k][0], rows[k][1] - found[k][1]) for k in rows if k in found]
    return float(np.mean(apart)) if apart else float("inf")
