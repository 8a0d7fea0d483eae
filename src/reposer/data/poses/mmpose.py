"""MMPose's predictions: instances with a list of positions and a list of scores.

For a photo [{"keypoints": [[x, y], ...], "keypoint_scores": [...], "bbox": ...}, ...]; for a clip [{"frame_id": 0,
"instances": [...]}, ...], also as "instance_info" beside a "meta_info"; and the inferencer's result, {"predictions":
[[...], ...]}. Joints are COCO's 17, alone or as the first of Halpe's or COCO-WholeBody's, or, if a "meta_info" names
them, Human3.6M's 17.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from reposer.core import BadInput, Skeleton, quoted
from reposer.core.skeleton import COCO_17, COCO_WHOLEBODY_133, H36M_17, HALPE_26, HALPE_136

from .by_name import in_joints, smallest
from .keypoint_results import COUNTS, LEAST_SCORE, split
from .recording import PeopleInPicture, Person, PoseRecording, UnusablePerson
from .values import is_count, is_number, is_place, person_of_triples
from .written import fields_of, flat, mean_score, write_json

_NAMES_OF_H36M = {
    "root": "mid_hip",
    "right_foot": "right_ankle",
    "left_foot": "left_ankle",
    "thorax": "neck",
    "neck_base": "nose",
    "head": "head_top",
}
"""MMPose's words for joints of Human3.6M, by ours where they differ."""


class MMPose:
    key = "mmpose"
    name = "MMPose predictions"
    example = '[{"keypoints": [[x, y], ...], "keypoint_scores": [...]}, ...]'

    def recognises(self, content: Any) -> bool:
        if isinstance(content, dict):
            return "instance_info" in content or "predictions" in content
        return isinstance(content, list) and any(
            isinstance(entry, dict) and ("keypoint_scores" in entry or "instances" in entry) for entry in content
        )

    def read(self, path: Path, content: Any) -> PoseRecording:
        skeleton: Skeleton = COCO_17
        more: dict[str, Any] = {}
        if isinstance(content, dict):
            skeleton = _named_joints(path, content.get("meta_info"))
            more = {"meta_info": content["meta_info"]} if "meta_info" in content else {}
            content = content.get("instance_info", content.get("predictions"))
        if not isinstance(content, list):
            raise BadInput(f"{path} is no {self.name}: a list was expected, not {quoted(content)}.")
        is_clip = False
        if content and all(isinstance(entry, list) for entry in content):
            pictures = [_picture(path, instances, skeleton) for instances in content]
            is_clip = len(pictures) > 1
        elif any(isinstance(entry, dict) and "instances" in entry for entry in content):
            pictures, is_clip = _frames(path, content, skeleton), True
        else:
            pictures = [_picture(path, content, skeleton)]
        assumed = []
        if not _names_joints(more) and any(
            _may_be_another(person) for picture in pictures for _, person in picture.usable
        ):
            assumed.append(
                f"{path} does not name its 17 joints; they are taken for COCO's. If they are another set, keep "
                'MMPose\'s "meta_info" in the file.'
            )
        return PoseRecording(
            path, self.name, pictures, is_clip, assumed=assumed, skeleton=skeleton, form=self.key, fields=more
        )


class MMPoseWriter:
    """A list of instances for a picture, of frames for a clip; with the "meta_info" of a file that had one."""

    key, ending = MMPose.key, ".json"

    def write(self, path: Path, recording: PoseRecording) -> None:
        people = [person for picture in recording.pictures for _, person in picture.usable]
        joints = smallest(people, (COCO_17, HALPE_26, COCO_WHOLEBODY_133, HALPE_136, H36M_17))
        frames = [
            [self._instance(recording, person, joints) for _, person in picture.usable]
            for picture in recording.pictures
        ]
        content: Any = frames[0] if not recording.is_clip and len(frames) == 1 else None
        if content is None:
            first = recording.pictures[0].fields.get("frame_id", 0) if recording.form == self.key else 0
            content = [{"frame_id": first + n, "instances": frame} for n, frame in enumerate(frames)]
        if "meta_info" in recording.fields and recording.form == self.key:
            content = {"meta_info": recording.fields["meta_info"], "instance_info": content}
        elif joints is H36M_17:  # without a word on its joints the file would be taken for COCO's
            words = {ours: theirs for theirs, ours in _NAMES_OF_H36M.items()}
            names = {str(k): words.get(name, name) for k, name in enumerate(H36M_17.joints)}
            content = {"meta_info": {"keypoint_id2name": names}, "instance_info": content}
        write_json(path, content)

    def _instance(self, recording: PoseRecording, person: Person, joints: Skeleton) -> dict[str, Any]:
        numbers = flat(in_joints(person, joints))
        places = [list(place) for place in zip(numbers[0::3], numbers[1::3], strict=True)]
        identity = {} if person.identity is None else {"track_id": person.identity}
        low, high = person.places.min(0).tolist(), person.places.max(0).tolist()
        more = {"bbox": [[*low, *high]], "bbox_score": mean_score(person)} | identity
        entry = {"keypoints": places, "keypoint_scores": numbers[2::3]}
        return entry | (fields_of(person, recording, self.key) or more)


def _may_be_another(person: Person) -> bool:
    """Whether the number of joints does not tell their set: COCO's and Human3.6M's are 17."""
    return person.skeleton is COCO_17 and person.num_joints == len(COCO_17.joints)


def _frames(path: Path, content: list[Any], skeleton: Skeleton) -> list[PeopleInPicture]:
    frames, expected = [], None
    for n, entry in enumerate(content):
        if not (isinstance(entry, dict) and "instances" in entry):
            raise BadInput(f"{path}: frame {n} is {quoted(entry)}; 'frame_id' and 'instances' were expected.")
        number = entry.get("frame_id", n)
        if not is_count(number) or number != (number if expected is None else expected):
            raise BadInput(
                f"{path}: frame {n} has the frame_id {quoted(number)}; frames that follow one another were expected."
            )
        expected = number + 1
        frames.append(_picture(path, entry["instances"], skeleton, {"frame_id": number}))
    return frames


def _picture(path: Path, instances: Any, skeleton: Skeleton, fields: dict[str, Any] | None = None) -> PeopleInPicture:
    if not isinstance(instances, list):
        raise BadInput(f"{path}: the people of a picture are {quoted(instances)}; a list was expected.")
    return PeopleInPicture([_person(entry, skeleton) for entry in instances], fields=fields or {})


def _person(entry: Any, skeleton: Skeleton) -> Person | UnusablePerson:
    places = entry.get("keypoints") if isinstance(entry, dict) else None
    if not isinstance(places, list):
        return UnusablePerson(f"is {quoted(entry)} instead of an object with 'keypoints'")
    scores = entry.get("keypoint_scores")
    if not isinstance(scores, list) or len(scores) != len(places):
        return UnusablePerson("has no score for each of its joints ('keypoint_scores')")
    if len(places) not in COUNTS:
        return UnusablePerson(f"has {len(places)} joints; COCO's 17, or a set that begins with them, were expected")
    if places and all(is_place(place, 3) for place in places):
        return UnusablePerson("has places in space (x, y, z); use a model of places in the picture (pose2d)")
    if not all(is_place(place, 2) for place in places):
        bad = next(place for place in places if not is_place(place, 2))
        return UnusablePerson(f"has a joint at {quoted(bad)}; [x, y] was expected")
    identity = entry.get("track_id")
    triples = list(chain.from_iterable((*place, score) for place, score in zip(places, scores, strict=True)))
    person = person_of_triples(
        triples,
        skeleton,
        least_score=LEAST_SCORE,
        identity=identity if is_number(identity) and is_count(identity) else None,
    )
    if isinstance(person, UnusablePerson):
        return person
    more = {key: value for key, value in entry.items() if key not in ("keypoints", "keypoint_scores")}
    person = replace(person, fields=more)
    return person if skeleton is H36M_17 else split(person, triples)


def _names_joints(fields: Mapping[str, Any]) -> bool:
    meta = fields.get("meta_info")
    return isinstance(meta, dict) and isinstance(meta.get("keypoint_id2name"), dict)


def _named_joints(path: Path, meta: Any) -> Skeleton:
    """The joints that a file names, COCO's if it names none; any others are refused."""
    names = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if not isinstance(names, dict):
        return COCO_17
    first = [names.get(str(k)) for k in range(len(COCO_17))]
    if first == list(COCO_17.joints):
        return COCO_17
    words = [_NAMES_OF_H36M.get(name, name) if isinstance(name, str) else name for name in first]
    if words == list(H36M_17.joints):
        return H36M_17
    raise BadInput(
        f"{path} has the joints {quoted(first)}; of {MMPose.name}, COCO's 17 are read, alone or as the first of more. "
        f"Use MMPose's model 'human' or 'wholebody'."
    )
