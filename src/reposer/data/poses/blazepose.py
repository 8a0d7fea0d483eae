"""MediaPipe's BlazePose landmarks, 33 a person, and the poses of TensorFlow.js, whose joints have names.

MediaPipe has no form of files; read is what its results look like as JSON: {"landmarks": [[{"x", "y", "z",
"visibility"}, ...] per person]} (also "pose_landmarks", "poseLandmarks" and a single person's "landmark"), with x and y
from 0 to 1 across the picture, also beyond. TensorFlow.js' [{"keypoints": [{"x", "y", "score", "name"}, ...]}, ...] is
in pixels. A clip is a list of either.
"""

from pathlib import Path
from typing import Any

import numpy as np

from reposer.core import BadInput, Skeleton, quoted
from reposer.core.skeleton import BLAZEPOSE_33, COCO_17

from .by_name import in_joints
from .recording import PeopleInPicture, Person, PoseRecording, UnusablePerson
from .values import is_number
from .written import number, write_json

_KEYS = ("landmarks", "pose_landmarks", "poseLandmarks", "landmark")
LEAST_VISIBILITY = 0.5
"""MediaPipe guesses hidden joints too; it displays those above this."""
LEAST_SHARE, LARGEST_SHARE = -2.0, 3.0
"""Positions that MediaPipe guesses outside of the picture are no farther than this."""
_WORDS = {
    "mouth_left": "left_mouth",
    "mouth_right": "right_mouth",
    "left_foot_index": "left_big_toe",
    "right_foot_index": "right_big_toe",
}
"""TensorFlow.js' names of joints, by ours where they differ."""


class BlazePose:
    key = "blazepose"
    name = "MediaPipe's landmarks"
    example = '{"landmarks": [[{"x": ..., "y": ..., "z": ..., "visibility": ...}, ... 33], ...]}'

    def recognises(self, content: Any) -> bool:
        return any(_key_of(frame) for frame in (content if isinstance(content, list) else [content]))

    def read(self, path: Path, content: Any) -> PoseRecording:
        frames = content if isinstance(content, list) else [content]
        pictures = [_picture(path, n, frame) for n, frame in enumerate(frames)]
        is_clip = isinstance(content, list)
        return PoseRecording(path, self.name, pictures, is_clip, skeleton=BLAZEPOSE_33, normalised=True, form=self.key)


class TensorFlowPoses:
    key = "tfjs"
    name = "TensorFlow.js poses"
    example = '[{"keypoints": [{"x": ..., "y": ..., "score": ..., "name": "nose"}, ...], "score": ...}, ...]'

    def recognises(self, content: Any) -> bool:
        return any(_has_named_joints(entry) for entry in _flattened(content))

    def read(self, path: Path, content: Any) -> PoseRecording:
        is_clip = isinstance(content, list) and any(isinstance(entry, list) for entry in content)
        frames = content if is_clip else [content if isinstance(content, list) else [content]]
        if not all(isinstance(frame, list) for frame in frames):
            raise BadInput(f"{path} mixes people and frames; a list of people, or a list of such lists, was expected.")
        pictures = [PeopleInPicture([_person_by_name(entry) for entry in frame]) for frame in frames]
        return PoseRecording(path, self.name, pictures, is_clip, skeleton=BLAZEPOSE_33, form=self.key)


class BlazePoseWriter:
    """MediaPipe's layout, from 0 to 1: the size of the picture must be known."""

    key, ending = BlazePose.key, ".json"

    def write(self, path: Path, recording: PoseRecording) -> None:
        again = recording.form == self.key
        frames = []
        for picture in recording.pictures:
            people = [_landmarks(person, picture.size, again) for _, person in picture.usable]
            frames.append((dict(picture.fields) if again else {}) | {"landmarks": people})
        write_json(path, frames if recording.is_clip else frames[0])


def _landmarks(person: Person, size: tuple[int, int] | None, again: bool) -> list[dict[str, Any]]:
    whole = in_joints(person, BLAZEPOSE_33)
    kept = person.fields.get("landmarks", [{}] * len(BLAZEPOSE_33)) if again else [{"z": 0}] * len(BLAZEPOSE_33)
    landmarks = []
    for (x, y, score), more, seen in zip(whole.rows.tolist(), kept, whole.visible.tolist(), strict=True):
        if not again:
            assert size is not None, "see conversion.convert"
            x, y = ((x + 0.5) / size[1], (y + 0.5) / size[0]) if seen else (0, 0)
        sure = (score if whole.scored else 1.0) if seen or again else 0
        visibility = {"visibility": number(sure)} if not again or whole.scored else {}
        landmarks.append({"x": number(x), "y": number(y)} | more | visibility)
    return landmarks


def _key_of(content: Any) -> str | None:
    if not isinstance(content, dict):
        return None
    return next((key for key in _KEYS if isinstance(content.get(key), list)), None)


def _picture(path: Path, n: int, content: Any) -> PeopleInPicture:
    key = _key_of(content)
    if key is None:
        raise BadInput(f"{path}: frame {n} is {quoted(content)}; an object with 'landmarks' was expected.")
    people = content[key]
    _refuse_pixels(path, n, people)
    if people and all(isinstance(point, dict) for point in people):  # one person alone
        people = [people]
    more = {k: v for k, v in content.items() if k not in _KEYS}
    return PeopleInPicture([_person(points) for points in people], fields=more)


def _refuse_pixels(path: Path, n: int, people: Any) -> None:
    """Refuse positions far outside of the picture: they are pixels, where shares of the picture were expected."""
    points = [point for entry in people for point in (entry if isinstance(entry, list) else [entry])]
    found = [value for point in points for value in _numbers(point, "visibility")[:2] if value is not None]
    far = next((value for value in found if not LEAST_SHARE <= value <= LARGEST_SHARE), None)
    if far is not None:
        raise BadInput(
            f"{path}: frame {n} has a landmark at {far:g}; MediaPipe's landmarks count from 0 to 1 across the picture. "
            f"Pixels belong into another form: OpenPose's JSON, or our own."
        )


def _person(points: Any) -> Person | UnusablePerson:
    if not isinstance(points, list) or len(points) != len(BLAZEPOSE_33):
        came = f"{len(points)} landmarks" if isinstance(points, list) else quoted(points)
        return UnusablePerson(f"has {came}; {len(BLAZEPOSE_33)} were expected")
    rows, visible, scored = np.zeros((len(points), 3)), np.zeros(len(points), bool), True
    others = []
    for k, point in enumerate(points):
        x, y, sure = _numbers(point, "visibility")
        if x is None or y is None:
            return UnusablePerson(f"has the landmark {quoted(point)}; numbers x and y were expected")
        rows[k] = x, y, 1.0 if sure is None else sure
        scored = scored and sure is not None
        # nothing at all is how a landmark that was not found is written
        visible[k] = (x, y) != (0, 0) and (sure is None or sure >= LEAST_VISIBILITY)
        others.append({name: value for name, value in point.items() if name not in ("x", "y", "visibility")})
    if not visible.any():
        return UnusablePerson("shows no joint: none of them was found")
    return Person(BLAZEPOSE_33, rows, visible, scored, fields={"landmarks": others})


def _person_by_name(entry: Any) -> Person | UnusablePerson:
    points = entry.get("keypoints") if isinstance(entry, dict) else None
    if not isinstance(points, list):
        return UnusablePerson(f"is {quoted(entry)} instead of an object with 'keypoints'")
    skeleton: Skeleton = COCO_17 if len(points) == len(COCO_17) else BLAZEPOSE_33
    rows, visible, scored = np.zeros((len(skeleton), 3)), np.zeros(len(skeleton), bool), True
    for point in points:
        x, y, sure = _numbers(point, "score")
        name = point.get("name") if isinstance(point, dict) else None
        joint = _WORDS.get(name, name) if isinstance(name, str) else ""
        if x is None or y is None or joint not in skeleton:
            return UnusablePerson(f"has the joint {quoted(point)}; x, y and a name of {skeleton.name} were expected")
        k = skeleton.index(joint)
        rows[k] = x, y, 1.0 if sure is None else sure
        scored = scored and sure is not None
        visible[k] = sure is None or sure >= 0.3
    if not visible.any():
        return UnusablePerson("shows no joint: none of them was found")
    identity = entry.get("id")
    return Person(skeleton, rows, visible, scored, identity if isinstance(identity, int) else None)


def _numbers(point: Any, score: str) -> tuple[float | None, float | None, float | None]:
    values = [point.get(name) if isinstance(point, dict) else None for name in ("x", "y", score)]
    x, y, sure = (float(value) if value is not None and is_number(value) else None for value in values)
    return x, y, sure


def _flattened(content: Any) -> list[Any]:
    entries = content if isinstance(content, list) else [content]
    return [inner for entry in entries for inner in (entry if isinstance(entry, list) else [entry])]


def _has_named_joints(entry: Any) -> bool:
    points = entry.get("keypoints") if isinstance(entry, dict) else None
    return isinstance(points, list) and any(isinstance(point, dict) and "name" in point for point in points)
