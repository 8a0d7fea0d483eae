"""OpenPose's JSON, also written by ControlNet's editors, DWPose and AlphaPose (`--format open`).

One object per picture, {"people": [{"pose_keypoints_2d": [x, y, score, ...]}]} with 18 or 25 joints per person, and in
editors' files "canvas_width" and "canvas_height", the size of the picture to which the joints refer. A clip is a list
of such objects, an object of them by the pictures' names, or a folder of files NAME_NUMBER_keypoints.json.
"""

from pathlib import Path
from typing import Any

from reposer.core import BadInput, quoted
from reposer.core.skeleton import OPENPOSE_18, OPENPOSE_25

from .recording import PeopleInPicture, Person, PoseRecording, UnusablePerson
from .values import canvas_in, person_of_triples

_BY_LENGTH = {3 * len(skeleton): skeleton for skeleton in (OPENPOSE_18, OPENPOSE_25)}


class OpenPose:
    name = "OpenPose JSON"
    example = '{"people": [{"pose_keypoints_2d": [x, y, score, ...]}]}'

    def recognises(self, content: Any) -> bool:
        return isinstance(content, dict) and "people" in content

    def read(self, path: Path, content: Any) -> PoseRecording:
        return PoseRecording(path, self.name, [people_in(path, content)])


class OpenPoseFrames:
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
                    f'{path}: frame {number} of a list of OpenPose frames is {quoted(frame)}; {{"people": [...]}} was expected.'
                )
            frames.append(people_in(path, frame, name=name if isinstance(name, str) else ""))
        return PoseRecording(path, self.name, frames, is_clip=True)


def people_in(path: Path, content: dict[str, Any], name: str = "") -> PeopleInPicture:
    """The people in one object of OpenPose's form. `"people": null` means none."""
    people = [] if content["people"] is None else content["people"]
    if not isinstance(people, list):
        raise BadInput(f'{path} is no {OpenPose.name}: "people" is {quoted(people)}, a list was expected.')
    return PeopleInPicture([_person(entry) for entry in people], canvas_in(path, content), name)


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
            f"has {len(values)} numbers; OpenPose writes 54 (18 joints) or 75 (25 joints): make the file with its COCO or "
            f"BODY_25 model"
        )
    return person_of_triples(values, _BY_LENGTH[len(values)])
