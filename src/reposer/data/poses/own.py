"""Our own files: a photo's pose with joints by name, and a clip's track, with their skeleton and size in pixels."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reposer.core import SKELETONS, BadInput, Pose, Skeleton, quoted
from reposer.core.disk import write_text
from reposer.core.skeleton import (
    COCO_WHOLEBODY_133,
    DERIVED_JOINTS,
    HALPE_26,
    HALPE_136,
    OPENPOSE_18,
    OPENPOSE_130,
    OPENPOSE_137,
)

from ..files import MISSING
from .by_name import in_joints, smallest
from .recording import PeopleInPicture, Person, PoseRecording
from .values import is_count, is_place, rate_in, seconds_in, size_in
from .written import number, write_json


class OwnPose:
    """{"skeleton": name, "size": [h, w], "joints": {name: [x, y] or [x, y, score] or null}}.

    A joint that is not listed was not found. Scores are kept if every found joint has one. A joint with a score of 0
    still counts as found: in this form null means "not found".
    """

    key = "own"
    name = "our own pose"
    example = '{"skeleton": ..., "size": [h, w], "joints": {name: [x, y, score], ...}}'

    def recognises(self, content: Any) -> bool:
        return isinstance(content, dict) and "joints" in content

    def read(self, path: Path, content: Any) -> PoseRecording:
        keys = ("skeleton", "size", "joints")
        wrong = sorted(set(content) ^ set(keys))
        if wrong:
            raise BadInput(
                f"{path} is no pose file: {self.example} was expected, and {quoted(wrong[0])} is "
                f"{'missing' if wrong[0] in keys else 'not part of it'}."
            )
        skeleton, size = skeleton_in(path, content["skeleton"]), size_in(path, content["size"])
        person = _person(path, content["joints"], skeleton)
        return PoseRecording(
            path, self.name, [PeopleInPicture([person], size)], own=True, skeleton=skeleton, form=self.key
        )


class OwnTrack:
    """{"skeleton": name, "size": [h, w], "fps": 25, "keypoints": [[[x, y] or [x, y, score] or null, one per joint] or
    null, one per frame], "unreliable_frames": [n, ...]}: nothing is visible in unreliable frames. Of a clip whose rate
    varies, "seconds": [0, ...] says when each frame is shown.

    Without a skeleton: 18 joints in OpenPose's order, missing = -1, and the clip's size must be given.
    """

    key = "own"
    name = "our own track"
    example = '{"skeleton": ..., "size": [h, w], "fps": ..., "keypoints": [[[x, y], ...], ... frames]}'

    def recognises(self, content: Any) -> bool:
        # of TensorFlow.js' poses, a joint is an object
        joints = content.get("keypoints") if isinstance(content, dict) else None
        named = isinstance(joints, list) and any(isinstance(joint, dict) for joint in joints)
        return isinstance(content, dict) and "keypoints" in content and not named

    def read(self, path: Path, content: Any) -> PoseRecording:
        skeleton = skeleton_in(path, content.get("skeleton", OPENPOSE_18.name))
        size = size_in(path, content["size"]) if "size" in content else None
        missing = None if "skeleton" in content else MISSING
        if not isinstance(content["keypoints"], list):
            raise BadInput(
                f"{path} has no track of joints: {self.example} was expected; without a skeleton, 18 joints in "
                f"OpenPose's order."
            )
        people = [_person_of_frame(path, t, frame, skeleton, missing) for t, frame in enumerate(content["keypoints"])]
        for t in _unreliable(path, content, len(people)):
            people[t] = None
        pictures = [PeopleInPicture([person] if person else [], size) for person in people]
        fps = rate_in(path, content.get("fps"))
        seconds = seconds_in(path, content.get("seconds"), len(pictures))
        return PoseRecording(
            path,
            self.name,
            pictures,
            is_clip=True,
            own=True,
            fps=fps,
            seconds=seconds,
            skeleton=skeleton,
            form=self.key,
        )


class OwnWriter:
    """A pose, or a track of a clip: of one person, in pixels of a picture of known size, exactly."""

    key, ending = OwnPose.key, ".json"

    def write(self, path: Path, recording: PoseRecording) -> None:
        people = [picture.usable[0][1] if picture.usable else None for picture in recording.pictures]
        found = [person for person in people if person is not None]
        skeleton = _skeleton_for(found) if found else recording.skeleton
        size = recording.pictures[0].size
        assert size is not None, "see conversion.convert"
        content: dict[str, Any] = {"skeleton": skeleton.name, "size": list(size)}
        rows = [None if person is None else _places(person, skeleton) for person in people]
        if not recording.is_clip:
            content["joints"] = dict(zip(skeleton.joints, rows[0] or [None] * len(skeleton), strict=True))
        else:
            content |= {"fps": recording.fps} if recording.fps is not None else {}
            content |= {"seconds": list(recording.seconds)} if recording.seconds is not None else {}
            content["keypoints"] = rows
        write_json(path, content)


def _skeleton_for(people: list[Person]) -> Skeleton:
    """The file's own set of joints; the first larger one that has the hands, face and feet too, if there are any."""
    own = people[0].skeleton
    if not any(person.parts or person.skeleton != own for person in people):
        return own
    larger = (own, HALPE_26, COCO_WHOLEBODY_133, HALPE_136, OPENPOSE_130, OPENPOSE_137)
    return smallest(people, [s for s in larger if set(own.joints) - set(DERIVED_JOINTS) <= set(s.joints)])


def _places(person: Person, skeleton: Skeleton) -> list[list[float | int] | None]:
    whole = in_joints(person, skeleton)
    length = 3 if person.scored else 2
    return [
        [number(value) for value in row[:length]] if seen else None
        for row, seen in zip(whole.rows.tolist(), whole.visible.tolist(), strict=True)
    ]


def skeleton_in(path: Path, name: Any) -> Skeleton:
    """The skeleton of this name."""
    if not isinstance(name, str) or name not in SKELETONS:
        raise BadInput(f"{path} names the skeleton {quoted(name)}; known are {', '.join(SKELETONS)}.")
    return SKELETONS[name]


def write_pose_json(path: Path | str, pose: Pose) -> None:
    """Write a single pose in our own form."""
    assert pose.xy.dim() == 2, "one file, one pose"
    joints: dict[str, list[float] | None] = {}
    for k, name in enumerate(pose.skeleton.joints):
        place = [round(float(v), 3) for v in pose.xy[k]]
        score = [] if pose.score is None else [round(float(pose.score[k]), 4)]
        joints[name] = place + score if bool(pose.visible[k]) else None
    content = {"skeleton": pose.skeleton.name, "size": list(pose.size), "joints": joints}
    write_text(Path(path), json.dumps(content, indent=1) + "\n")


def write_track(path: Path | str, poses: Pose, fps: float, seconds: Sequence[float] | None = None) -> None:
    """Write the rows of `poses`, one per frame, in our own form. Joints that are not visible become null.

    seconds: when each frame is shown, if their distances in time vary.
    """
    assert poses.xy.dim() == 3, "one file, one clip"
    scores = None if poses.score is None else poses.score.tolist()
    frames: list[Any] = []
    for t, (places, seen) in enumerate(zip(poses.xy.tolist(), poses.visible.tolist(), strict=True)):
        row = [
            [round(x, 3), round(y, 3)] + ([] if scores is None else [round(scores[t][k], 4)])
            for k, (x, y) in enumerate(places)
        ]
        frames.append([place if there else None for place, there in zip(row, seen, strict=True)])
    content: dict[str, Any] = {"skeleton": poses.skeleton.name, "size": list(poses.size), "fps": fps}
    content |= {} if seconds is None else {"seconds": [round(t, 6) for t in seconds]}
    content["keypoints"] = frames
    write_text(Path(path), json.dumps(content) + "\n")


def _person(path: Path, joints: Any, skeleton: Skeleton) -> Person:
    if not isinstance(joints, dict):
        raise BadInput(f"{path} has the joints {quoted(joints)}; {{name: [x, y, score], ...}} was expected.")
    unknown = sorted(set(joints) - set(skeleton.joints))
    if unknown:
        raise BadInput(
            f"{path} has joints that {skeleton.name} lacks: {', '.join(map(quoted, unknown[:5]))}. It has "
            f"{', '.join(skeleton.joints)}."
        )
    rows = np.zeros((len(skeleton), 3))
    visible = np.zeros(len(skeleton), bool)
    scored = True
    for name, place in joints.items():
        if place is None:
            continue
        if not is_place(place, 2, 3):
            raise BadInput(f"{path}: the joint {name} is {quoted(place)}; [x, y], [x, y, score] or null was expected.")
        scored = scored and len(place) == 3
        rows[skeleton.index(name), : len(place)] = place
        visible[skeleton.index(name)] = True
    return Person(skeleton, rows, visible, scored and bool(visible.any()))


def _person_of_frame(path: Path, t: int, frame: Any, skeleton: Skeleton, missing: float | None) -> Person | None:
    if frame is None:
        return None
    if not isinstance(frame, list) or len(frame) != len(skeleton):
        if is_place(frame, 2, 3):
            raise BadInput(
                f"{path}: frame {t} is one place, {quoted(frame)}; all joints of a frame were expected. A single pose "
                f"is written as {OwnPose.example}."
            )
        came = f"{len(frame)}" if isinstance(frame, list) else quoted(frame)
        raise BadInput(
            f"{path} has no track of joints of {skeleton.name}: frame {t} has {came} joints, not {len(skeleton)}. A "
            f'track of another skeleton says so: "skeleton": one of {", ".join(SKELETONS)}.'
        )
    rows = np.zeros((len(skeleton), 3))
    visible = np.zeros(len(skeleton), bool)
    scored = True
    for k, place in enumerate(frame):
        if place is None:
            continue
        if not is_place(place, 2, 3):
            raise BadInput(
                f"{path}, frame {t}: the joint {skeleton.joints[k]} is {quoted(place)}; [x, y] was expected."
            )
        if missing in place[:2]:
            continue
        rows[k, : len(place)] = place
        visible[k] = True
        scored = scored and len(place) == 3
    return Person(skeleton, rows, visible, scored) if visible.any() else None


def _unreliable(path: Path, content: dict[str, Any], num_frames: int) -> list[int]:
    frames = content.get("unreliable_frames", [])
    if not (isinstance(frames, list) and all(map(is_count, frames))):
        raise BadInput(f"{path}: unreliable_frames should be a list of frame numbers (from 0), not {quoted(frames)}.")
    beyond = [n for n in frames if n >= num_frames]
    if beyond:
        raise BadInput(
            f"{path}: unreliable_frames names frame {quoted(beyond[0])}, and the track has {num_frames} frames (from "
            "0)."
        )
    return frames
