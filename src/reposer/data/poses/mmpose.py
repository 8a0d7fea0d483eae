"""MMPose's predictions: instances with a list of positions and a list of scores.

For a photo [{"keypoints": [[x, y], ...], "keypoint_scores": [...], "bbox": ...}, ...]; for a clip [{"frame_id": 0,
"instances": [...]}, ...], also as "instance_info" beside a "meta_info"; and the inferencer's result, {"predictions":
[[...], ...]}. Joints are COCO's 17, alone or as the first of Halpe's or COCO-WholeBody's; a "meta_info" must agree.
"""

from itertools import chain
from pathlib import Path
from typing import Any

from reposer.core import BadInput, quoted
from reposer.core.skeleton import COCO_17

from .keypoint_results import COUNTS, LEAST_SCORE
from .recording import PeopleInPicture, Person, PoseRecording, UnusablePerson
from .values import is_count, is_number, is_place, person_of_triples


class MMPose:
    name = "MMPose predictions"
    example = '[{"keypoints": [[x, y], ...], "keypoint_scores": [...]}, ...]'

    def recognises(self, content: Any) -> bool:
        if isinstance(content, dict):
            return "instance_info" in content or "predictions" in content
        return isinstance(content, list) and any(
            isinstance(entry, dict) and ("keypoint_scores" in entry or "instances" in entry) for entry in content
        )

    def read(self, path: Path, content: Any) -> PoseRecording:
        if isinstance(content, dict):
            _refuse_other_joints(path, content.get("meta_info"))
            content = content.get("instance_info", content.get("predictions"))
        if not isinstance(content, list):
            raise BadInput(f"{path} is no {self.name}: a list was expected, not {quoted(content)}.")
        if content and all(isinstance(entry, list) for entry in content):
            pictures = [_picture(path, instances) for instances in content]
            return PoseRecording(path, self.name, pictures, is_clip=len(pictures) > 1)
        if any(isinstance(entry, dict) and "instances" in entry for entry in content):
            return PoseRecording(path, self.name, _frames(path, content), is_clip=True)
        return PoseRecording(path, self.name, [_picture(path, content)])


def _frames(path: Path, content: list[Any]) -> list[PeopleInPicture]:
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
        frames.append(_picture(path, entry["instances"]))
    return frames


def _picture(path: Path, instances: Any) -> PeopleInPicture:
    if not isinstance(instances, list):
        raise BadInput(f"{path}: the people of a picture are {quoted(instances)}; a list was expected.")
    return PeopleInPicture([_person(entry) for entry in instances])


def _person(entry: Any) -> Person | UnusablePerson:
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
    return person_of_triples(
        list(chain.from_iterable((*place, score) for place, score in zip(places, scores, strict=True))),
        COCO_17,
        least_score=LEAST_SCORE,
        identity=identity if is_number(identity) and is_count(identity) else None,
    )


def _refuse_other_joints(path: Path, meta: Any) -> None:
    """Refuse a file whose joint names, if present, are not COCO's."""
    names = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if not isinstance(names, dict):
        return
    first = [names.get(str(k)) for k in range(len(COCO_17))]
    if first != list(COCO_17.joints):
        raise BadInput(
            f"{path} has the joints {quoted(first)}; of {MMPose.name}, COCO's 17 are read, alone or as the first of more. "
            f"Use MMPose's model 'human' or 'wholebody'."
        )
