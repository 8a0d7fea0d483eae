"""OpenPose's JSON, also written by ControlNet's editors, DWPose and AlphaPose (`--format open`).

One object per picture, {"people": [{"pose_keypoints_2d": [x, y, score, ...]}]} with 18 or 25 joints per person, with
face (70) and hands (21 each) where they were estimated, and in editors' files "canvas_width" and "canvas_height", the
size of the picture to which the joints refer. A clip is a list of such objects, an object of them by the pictures'
names, or a folder of files NAME_NUMBER_keypoints.json.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reposer.core import BadInput, Skeleton, quoted
from reposer.core.skeleton import FACE_70, LEFT_HAND_21, OPENPOSE_18, OPENPOSE_25, RIGHT_HAND_21

from .by_name import in_joints
from .recording import PeopleInPicture, Person, PoseRecording, UnusablePerson
from .values import canvas_in, part_of_triples, person_of_triples
from .written import flat, write_json

_BY_LENGTH = {3 * len(skeleton): skeleton for skeleton in (OPENPOSE_18, OPENPOSE_25)}
PARTS = {"face_keypoints_2d": FACE_70, "hand_left_keypoints_2d": LEFT_HAND_21, "hand_right_keypoints_2d": RIGHT_HAND_21}
_BODY = ("pose_keypoints_2d", "pose_keypoints")
_CANVAS = ("canvas_width", "canvas_height")
_EMPTY: Mapping[str, Any] = {
    "person_id": [-1],
    **{name: [] for name in ("pose_keypoints_3d", *(key.replace("2d", "3d") for key in PARTS))},
}
"""What OpenPose writes of every person, and what is not kept."""


class OpenPose:
    key = "openpose"
    name = "OpenPose JSON"
    example = '{"people": [{"pose_keypoints_2d": [x, y, score, ...]}]}'

    def recognises(self, content: Any) -> bool:
        return isinstance(content, dict) and "people" in content

    def read(self, path: Path, content: Any) -> PoseRecording:
        return PoseRecording(path, self.name, [people_in(path, content)], form=self.key)


class OpenPoseFrames:
    key = "openpose"
    name = "a list of OpenPose frames"
    example = '[{"people": [...]}, ...]'

    def recognises(self, content: Any) -> bool:
        frames = list(content.values()) if isinstance(content, dict) else content
        return isinstance(frames, list) and any(isinstance(f, dict) and "people" in f for f in frames)

    def read(self, path: Path, content: Any) -> PoseRecording:
        named = content.items() if isinstance(content, dict) else enumerate(content)
        frames = []
        for number, (name, frame) in enumerate(named):
            if not (isinstance(frame, dict) and "people" in frame):
                raise BadInput(
                    f'{path}: frame {number} of a list of OpenPose frames is {quoted(frame)}; {{"people": [...]}} was '
                    "expected."
                )
            frames.append(people_in(path, frame, name=name if isinstance(name, str) else ""))
        return PoseRecording(path, self.name, frames, is_clip=True, form=self.key)


class OpenPoseWriter:
    """An object for a picture, a list of them for a clip, by name if the pictures have names."""

    ending = ".json"

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton, self.key = skeleton, skeleton.name

    def write(self, path: Path, recording: PoseRecording) -> None:
        again = recording.form == OpenPose.key
        frames = [self._picture(picture, again) for picture in recording.pictures]
        names = [picture.name for picture in recording.pictures]
        if not recording.is_clip and len(frames) == 1:
            write_json(path, frames[0])
        elif all(names) and len(set(names)) == len(names):
            write_json(path, dict(zip(names, frames, strict=True)))
        else:
            write_json(path, frames)

    def _picture(self, picture: PeopleInPicture, again: bool) -> dict[str, Any]:
        more = dict(picture.fields) if again else {}
        canvas = {} if picture.size is None else dict(zip(_CANVAS, picture.size[::-1], strict=True))
        people = [self._person(person, again) for _, person in picture.usable]
        return {"version": 1.3} | more | {"people": people} | canvas

    def _person(self, person: Person, again: bool) -> dict[str, Any]:
        whole = in_joints(person, self.skeleton, tuple(PARTS.values()))
        parts = {part.skeleton.name: flat(part, whole.scored) for part in whole.parts}
        content = dict(_EMPTY)
        content[_BODY[0]] = flat(whole)
        content |= {key: parts.get(part.name, []) for key, part in PARTS.items()}
        return content | (dict(person.fields) if again else {})


def people_in(path: Path, content: dict[str, Any], name: str = "") -> PeopleInPicture:
    """The people in one object of OpenPose's form. `"people": null` means none."""
    people = [] if content["people"] is None else content["people"]
    if not isinstance(people, list):
        raise BadInput(f'{path} is no {OpenPose.name}: "people" is {quoted(people)}, a list was expected.')
    more = {key: value for key, value in content.items() if key not in ("people", *_CANVAS)}
    return PeopleInPicture([_person(entry) for entry in people], canvas_in(path, content), name, more)


def _person(entry: Any) -> Person | UnusablePerson:
    if not isinstance(entry, dict):
        return UnusablePerson(f"is {quoted(entry)} instead of an object with 'pose_keypoints_2d'")
    values = entry.get("pose_keypoints_2d", entry.get("pose_keypoints"))
    if values is None or values == []:
        return UnusablePerson("has no body: its 'pose_keypoints_2d' is empty")
    if not isinstance(values, list):
        return UnusablePerson(f"has {quoted(values)} as 'pose_keypoints_2d', a list of numbers was expected")
    if len(values) not in _BY_LENGTH:
        return UnusablePerson(
            f"has {len(values)} numbers; OpenPose writes 54 (18 joints) or 75 (25 joints): make the file with its COCO "
            f"or BODY_25 model"
        )
    person = person_of_triples(values, _BY_LENGTH[len(values)])
    if isinstance(person, UnusablePerson):
        return person
    return _with_parts(person, entry)


def _with_parts(person: Person, entry: dict[str, Any]) -> Person:
    """The person with its hands and face; an entry of another length is only kept."""
    found = {key: part_of_triples(entry.get(key), part) for key, part in PARTS.items()}
    known = {*_BODY, *(key for key, part in found.items() if part is not None)}
    more = {k: v for k, v in entry.items() if k not in known and not (k in _EMPTY and v == _EMPTY[k])}
    more = {k: v for k, v in more.items() if not (k in PARTS and v == [])}
    parts = tuple(part for part in found.values() if part is not None)
    return Person(person.skeleton, np.asarray(person.rows), person.visible, parts=parts, fields=more)
