"""Key point results in COCO's form, one entry per person with its picture's name or number.

AlphaPose writes [{"image_id": "0.jpg", "category_id": 1, "keypoints": [x, y, score, ...], "score": 2.9, "box": ...,
"idx": 1}, ...] with COCO's 17 joints, alone or as the first of Halpe's 26 and 136 or COCO-WholeBody's 133. COCO's own
results have whole numbers as "image_id", and those of COCO-WholeBody the lists "foot_kpts", "face_kpts",
"lefthand_kpts" and "righthand_kpts" beside "keypoints". The pictures of a clip are numbered from 0, and one without
people has no entry.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from reposer.core import BadInput, Skeleton, quoted
from reposer.core.skeleton import (
    COCO_17,
    COCO_FEET_6,
    COCO_WHOLEBODY_133,
    FACE_68,
    HALPE_9,
    HALPE_26,
    HALPE_136,
    LEFT_HAND_21,
    RIGHT_HAND_21,
)

from .by_name import in_joints, smallest
from .recording import PeopleInPicture, Person, PoseRecording, UnusablePerson
from .values import found, is_count, part_of_triples, person_of_triples, whole_number_in
from .written import fields_of, flat, mean_score, write_json

_HANDS = (LEFT_HAND_21, RIGHT_HAND_21)
SETS: dict[int, tuple[Skeleton, ...]] = {
    17: (),
    26: (HALPE_9,),
    133: (COCO_FEET_6, FACE_68, *_HANDS),
    136: (HALPE_9, FACE_68, *_HANDS),
}
"""Sets that start with COCO's 17, by their number of joints: what follows these."""
COUNTS = tuple(SETS)
WHOLE_BODY = {
    "foot_kpts": COCO_FEET_6,
    "face_kpts": FACE_68,
    "lefthand_kpts": LEFT_HAND_21,
    "righthand_kpts": RIGHT_HAND_21,
}
"""COCO-WholeBody's lists beside "keypoints"."""
LEAST_SCORE = 0.3
"""These programs report a position for every joint, hidden or not; they display those above about this score."""
MOST_FRAMES = 1_000_000
_OF_ALPHAPOSE = ("idx", "box")


class KeypointResults:
    """What both forms share."""

    key = ""
    name = "AlphaPose or COCO results"
    example = '[{"image_id": "0.jpg", "keypoints": [x, y, score, ...], "score": ...}, ...]'

    def read(self, path: Path, content: Any) -> PoseRecording:
        by_picture: dict[str | int, list[Person | UnusablePerson]] = {}
        for n, entry in enumerate(content):
            picture: Any = entry.get("image_id") if isinstance(entry, dict) else None
            if not (isinstance(picture, str) or is_count(picture)):
                raise BadInput(
                    f"{path}: entry {n} is {quoted(entry)}; a person with 'image_id', 'keypoints' and 'score' was "
                    "expected."
                )
            by_picture.setdefault(picture, []).append(_person(entry))
        numbers = [_number(picture) for picture in by_picture]
        if len(by_picture) == 1 or None in numbers or len(set(numbers)) < len(numbers):
            # named photos, not numbered frames of a clip: in the file's order
            pictures = [
                PeopleInPicture(people, name=str(name), fields={"image_id": name})
                for name, people in by_picture.items()
            ]
            return PoseRecording(path, self.name, pictures, is_clip=len(pictures) > 1, form=self.key)
        frames = _frames(path, dict(zip(numbers, by_picture.items(), strict=True)))  # type: ignore[arg-type]
        first = min(number for number in numbers if number is not None)
        return PoseRecording(path, self.name, frames, is_clip=True, ends_open=True, form=self.key, first_number=first)


class AlphaPose(KeypointResults):
    key = "alphapose"
    name = "AlphaPose results"

    def recognises(self, content: Any) -> bool:
        return _are_results(content) and any(_is_alphaposes(entry) for entry in content)


class CocoResults(KeypointResults):
    key = "coco"
    name = "COCO results"
    example = '[{"image_id": 1, "category_id": 1, "keypoints": [x, y, score, ...], "score": ...}, ...]'

    def recognises(self, content: Any) -> bool:
        return _are_results(content) and not any(_is_alphaposes(entry) for entry in content)


class AlphaPoseWriter:
    """One list of numbers per person, of the smallest set of joints that has all of the file's."""

    key, ending = AlphaPose.key, ".json"

    def write(self, path: Path, recording: PoseRecording) -> None:
        people = [person for picture in recording.pictures for _, person in picture.usable]
        joints = smallest(people, (COCO_17, HALPE_26, COCO_WHOLEBODY_133, HALPE_136))
        content = []
        for n, picture in enumerate(recording.pictures):
            for _, person in picture.usable:
                name = picture.fields.get("image_id", picture.name or f"{n}.jpg")
                identity = {} if person.identity is None else {"idx": person.identity}
                entry = {"image_id": str(name), "category_id": 1, "keypoints": flat(in_joints(person, joints))}
                more = identity | fields_of(person, recording, self.key)
                content.append(entry | {"score": mean_score(person)} | more)
        write_json(path, content)


class CocoResultsWriter:
    """key: "coco" leaves hands, face and feet out; "coco-wholebody" has them in lists of their own."""

    ending = ".json"

    def __init__(self, key: str) -> None:
        self.key = key

    def write(self, path: Path, recording: PoseRecording) -> None:
        content = []
        for n, picture in enumerate(recording.pictures):
            number = picture.fields.get("image_id", n)
            for _, person in picture.usable:
                entry: dict[str, Any] = {"image_id": number if is_count(number) else n, "category_id": 1}
                entry |= triples_of(person, whole_body=self.key == "coco-wholebody")
                content.append(entry | {"score": mean_score(person)} | fields_of(person, recording, CocoResults.key))
        write_json(path, content)


Third = Literal["score", "seen", "as read"]


def triples_of(person: Person, *, whole_body: bool, third: Third = "score") -> dict[str, Any]:
    """ "keypoints", and COCO-WholeBody's lists beside it.

    third: the third number of a joint: its score, 2 for a found one, or what the file had there.
    """
    whole = in_joints(person, COCO_17, tuple(WHOLE_BODY.values()))
    parts = {part.skeleton: part for part in whole.parts}
    entry: dict[str, Any] = {"keypoints": _numbers(whole, whole.scored, third)}
    for key, skeleton in WHOLE_BODY.items() if whole_body else ():
        part = parts.get(skeleton)
        none: list[float | int] = [0] * (3 * len(skeleton))
        entry[key] = none if part is None else _numbers(part, whole.scored, third)
    return entry


def split(person: Person | UnusablePerson, values: list[Any]) -> Person | UnusablePerson:
    """The person with the joints that follow COCO's 17 in a list of triples."""
    if isinstance(person, UnusablePerson):
        return person
    rows = np.array(values, np.float64).reshape(-1, 3)
    parts, start = [], len(COCO_17)
    for skeleton in SETS[len(rows)]:
        part = rows[start : start + len(skeleton)]
        parts.append(Person(skeleton, part, found(part, LEAST_SCORE)))
        start += len(skeleton)
    return replace(person, parts=tuple(parts))


def _numbers(person: Person, scored: bool, third: Third) -> list[float | int]:
    numbers = flat(person, scored or third == "as read")
    if third == "seen":
        numbers = flat(person, False)
        numbers[2::3] = [2 if seen else 0 for seen in person.visible.tolist()]
    return numbers


def _are_results(content: Any) -> bool:
    return isinstance(content, list) and any(
        isinstance(entry, dict) and "image_id" in entry and "keypoints" in entry for entry in content
    )


def _is_alphaposes(entry: Any) -> bool:
    return isinstance(entry, dict) and (
        any(key in entry for key in _OF_ALPHAPOSE) or isinstance(entry.get("image_id"), str)
    )


def _frames(path: Path, people: dict[int, tuple[str | int, list[Person | UnusablePerson]]]) -> list[PeopleInPicture]:
    """The pictures from frame 0 on."""
    count = max(people) + 1
    if count > min(MOST_FRAMES, 1000 * len(people)):
        raise BadInput(
            f"{path} numbers its pictures up to {max(people)} and has {len(people)} of them; the frames of a clip were "
            f"expected, numbered from 0."
        )
    nobody = PeopleInPicture(())
    filled = {number: PeopleInPicture(found, fields={"image_id": name}) for number, (name, found) in people.items()}
    return [filled.get(number, nobody) for number in range(count)]


def _number(picture: str | int) -> int | None:
    """The number of a frame whose name is only a number (0.jpg), as AlphaPose writes for clips; else None."""
    if isinstance(picture, int):
        return picture
    stem = Path(picture).stem
    return whole_number_in(stem) if stem.isdigit() else None


def _person(entry: dict[str, Any]) -> Person | UnusablePerson:
    values = entry.get("keypoints")
    if not isinstance(values, list):
        return UnusablePerson(f"has {quoted(values)} as 'keypoints', a list of numbers was expected")
    if len(values) not in [3 * count for count in COUNTS]:
        return UnusablePerson(
            f"has {len(values)} numbers; 51 (COCO's 17 joints), 78 or 408 (Halpe) or 399 (COCO-WholeBody) were expected"
        )
    identity = entry.get("idx")
    person = split(
        person_of_triples(values, COCO_17, least_score=LEAST_SCORE, identity=identity if is_count(identity) else None),
        values,
    )
    if isinstance(person, UnusablePerson):
        return person
    return with_whole_body(person, entry, ("image_id", "keypoints"), LEAST_SCORE)


def with_whole_body(person: Person, entry: dict[str, Any], known: tuple[str, ...], least_score: float) -> Person:
    """The person with COCO-WholeBody's lists, and with everything but these and the `known` keys as its fields."""
    parts = {key: part_of_triples(entry.get(key), part, least_score=least_score) for key, part in WHOLE_BODY.items()}
    there = tuple(part for part in parts.values() if part is not None)
    more = {k: v for k, v in entry.items() if k not in known and parts.get(k) is None}
    return replace(person, parts=person.parts or there, fields=more)
