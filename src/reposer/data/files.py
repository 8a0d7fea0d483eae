"""Poses and tracks in JSON. Lists of joints and of pairs are in lists.py."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from reposer.core import SKELETONS, BadInput, Pose, Skeleton
from reposer.core.disk import whole_file
from reposer.core.skeleton import OPENPOSE_18, OPENPOSE_25

MISSING = -1  # a coordinate of a joint that was not found


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8; it appears whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())


def read_text(path: Path, what: str) -> str:
    if not path.is_file():
        raise BadInput(f"There is no file {path}; {what} was expected there.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text; {what} was expected.") from None


# Poses in JSON


def read_pose(path: Path | str, size: tuple[int, int] | None = None) -> Pose:
    """The pose in one of our own files or in OpenPose's JSON; `size` is the picture's, which only ours know."""
    content = _read_json(Path(path))
    if isinstance(content, dict) and "people" in content:
        if size is None:
            raise BadInput(
                f"{path} is OpenPose JSON, which does not say how large its picture is. Give the picture's size, "
                f"(height, width) in pixels."
            )
        return read_openpose_json(path, size)
    return read_pose_json(path)


def read_pose_json(path: Path | str) -> Pose:
    """Our own form: {"skeleton": name, "size": [h, w], "joints": {name: [x, y] or [x, y, score] or null}}.

    A joint that is not named was not found. Scores are kept if every joint that was found has one.
    """
    path = Path(path)
    content = _read_json(path)
    if not isinstance(content, dict) or set(content) != {"skeleton", "size", "joints"}:
        raise BadInput(
            f'{path} is no pose file: {{"skeleton": ..., "size": [h, w], "joints": {{name: [x, y, score]}}}} or '
            f"OpenPose's JSON was expected."
        )
    skeleton, joints = content["skeleton"], content["joints"]
    if skeleton not in SKELETONS:
        raise BadInput(f"{path} names the skeleton '{skeleton}'; known are {', '.join(SKELETONS)}.")
    words = SKELETONS[skeleton]
    size = _size_in(path, content["size"])
    unknown = sorted(set(joints) - set(words.joints)) if isinstance(joints, dict) else ["(not a map)"]
    if unknown:
        raise BadInput(
            f"{path} has joints that {words.name} lacks: {', '.join(unknown)}. It has {words.joints}."
        )
    rows = np.zeros((len(words), 3), np.float32)
    visible = np.zeros(len(words), bool)
    scored = True
    for name, value in joints.items():
        if value is None:
            continue
        if not (isinstance(value, list) and len(value) in (2, 3) and _finite(value)):
            raise BadInput(
                f"{path}: the joint {name} is {value}; [x, y], [x, y, score] or null was expected."
            )
        scored = scored and len(value) == 3
        rows[words.index(name), : len(value)] = value
        visible[words.index(name)] = True
    return _pose(rows, visible, size, words, scored=scored and bool(visible.any()))


def write_pose_json(path: Path | str, pose: Pose) -> None:
    """A single pose in our own form."""
    assert pose.xy.dim() == 2, "one file, one pose"
    joints: dict[str, list[float] | None] = {}
    for k, name in enumerate(pose.skeleton.joints):
        place = [round(float(v), 3) for v in pose.xy[k]]
        score = [] if pose.score is None else [round(float(pose.score[k]), 4)]
        joints[name] = place + score if bool(pose.visible[k]) else None
    content = {"skeleton": pose.skeleton.name, "size": list(pose.size), "joints": joints}
    write_text(Path(path), json.dumps(content, indent=1) + "\n")


def read_openpose_json(path: Path | str, size: tuple[int, int], person: int | None = None) -> Pose:
    """One person of OpenPose's JSON (18 or 25 joints, missing = 0, 0, 0) in a picture of `size`.

    person: which of the people in the file; None takes the one whose joints' scores sum up highest.
    """
    path = Path(path)
    content = _read_json(path)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list):
        raise BadInput(
            f'{path} is no OpenPose JSON: {{"people": [{{"pose_keypoints_2d": [x, y, score, ...]}}]}}.'
        )
    if not people:
        raise BadInput(
            f"{path} shows no person: OpenPose found nobody. Take a picture that shows one clearly."
        )
    if person is not None and not 0 <= person < len(people):
        raise BadInput(f"{path} has {len(people)} people; there is no person {person} (they count from 0).")
    everyone = [_openpose_person(path, entry) for entry in people]
    number = int(np.argmax([rows[:, 2].sum() for rows in everyone])) if person is None else person
    rows = everyone[number]
    skeleton = OPENPOSE_18 if len(rows) == len(OPENPOSE_18) else OPENPOSE_25
    return _pose(rows, (rows != 0).any(-1), size, skeleton, scored=True)


def _openpose_person(path: Path, entry: Any) -> np.ndarray:
    values = entry.get("pose_keypoints_2d", entry.get("pose_keypoints")) if isinstance(entry, dict) else None
    if not isinstance(values, list) or not _finite(values):
        raise BadInput(f"{path}: a person of OpenPose's JSON needs 'pose_keypoints_2d', a list of numbers.")
    if len(values) not in (3 * len(OPENPOSE_18), 3 * len(OPENPOSE_25)):
        raise BadInput(
            f"{path}: {len(values)} numbers for a person; OpenPose writes 54 (18 joints) or 75 (25 joints). "
            f"Make the file with its COCO or BODY_25 model."
        )
    return np.array(values, np.float32).reshape(-1, 3)


def read_track(path: Path | str, size: tuple[int, int] | None = None) -> Pose:
    """A pose per frame of a clip, as rows; nothing is visible in the frames that `unreliable_frames` lists.

    Our own form: {"skeleton": name, "size": [h, w], "fps": 25, "keypoints": [[[x, y] or [x, y, score] or null, one a
    joint] or null, one a frame]}. Without a skeleton: 18 joints in OpenPose's order, missing = -1, and the clip's
    `size` has to be given.
    """
    path = Path(path)
    content = _read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("keypoints"), list):
        raise BadInput(
            f'{path} has no track of joints: {{"skeleton": ..., "size": [h, w], "fps": ..., "keypoints": [[[x, y], ...], '
            f"... frames]}} was expected; without a skeleton, 18 joints in OpenPose's order."
        )
    name = content.get("skeleton", OPENPOSE_18.name)
    if name not in SKELETONS:
        raise BadInput(f"{path} names the skeleton '{name}'; known are {', '.join(SKELETONS)}.")
    own_size = _size_in(path, content["size"]) if "size" in content else size
    if own_size is None:
        raise BadInput(f"{path} does not say how large its clip is. Give the clip's size, (height, width).")
    if size is not None and own_size != size:
        raise BadInput(
            f"{path} is the track of a {own_size[0]}x{own_size[1]} clip (height x width), not of one of "
            f"{size[0]}x{size[1]}. Give the track of this clip."
        )
    missing = None if "skeleton" in content else MISSING
    rows, visible, scored = _track_arrays(path, content["keypoints"], SKELETONS[name], missing=missing)
    unreliable = content.get("unreliable_frames", [])
    if not (isinstance(unreliable, list) and all(isinstance(n, int) for n in unreliable)):
        raise BadInput(f"{path}: unreliable_frames should be a list of frame numbers, not {unreliable}.")
    visible[[n for n in unreliable if 0 <= n < len(visible)]] = False
    return _pose(rows, visible, own_size, SKELETONS[name], scored)


def write_track(path: Path | str, poses: Pose, fps: float) -> None:
    """The rows of `poses`, one a frame, in our own form. Joints that are not visible become null."""
    assert poses.xy.dim() == 3, "one file, one clip"
    scores = None if poses.score is None else poses.score.tolist()
    frames: list[Any] = []
    for t, (places, seen) in enumerate(zip(poses.xy.tolist(), poses.visible.tolist(), strict=True)):
        row = [
            [round(x, 3), round(y, 3)] + ([] if scores is None else [round(scores[t][k], 4)])
            for k, (x, y) in enumerate(places)
        ]
        frames.append([place if there else None for place, there in zip(row, seen, strict=True)])
    content = {"skeleton": poses.skeleton.name, "size": list(poses.size), "fps": fps, "keypoints": frames}
    write_text(Path(path), json.dumps(content) + "\n")


def track_rate(path: Path | str) -> float | None:
    """Frames per second that a track file says, if it does."""
    content = _read_json(Path(path))
    fps = content.get("fps") if isinstance(content, dict) else None
    return float(fps) if isinstance(fps, int | float) and math.isfinite(fps) and fps > 0 else None


def _track_arrays(
    path: Path, frames: list[Any], words: Skeleton, *, missing: float | None
) -> tuple[Float[np.ndarray, "T K 3"], Bool[np.ndarray, "T K"], bool]:
    """(x, y, score), visible, and whether every joint that was found has a score."""
    rows = np.zeros((len(frames), len(words), 3), np.float32)
    visible = np.zeros(rows.shape[:2], bool)
    scored = True
    for t, frame in enumerate(frames):
        if frame is None:
            continue
        if not isinstance(frame, list) or len(frame) != len(words):
            came = len(frame) if isinstance(frame, list) else frame
            raise BadInput(
                f"{path} has no track of joints of {words.name}: frame {t} has {came} joints, not {len(words)}. A "
                f'track of another skeleton says so: "skeleton": one of {", ".join(SKELETONS)}.'
            )
        for k, place in enumerate(frame):
            if place is None:
                continue
            if not (isinstance(place, list) and len(place) in (2, 3) and _finite(place)):
                raise BadInput(
                    f"{path}, frame {t}: the joint {words.joints[k]} is {place}; [x, y] was expected."
                )
            if missing in place[:2]:
                continue
            rows[t, k, : len(place)] = place
            visible[t, k] = True
            scored = scored and len(place) == 3
    return rows, visible, scored and bool(visible.any())


def _size_in(path: Path, size: Any) -> tuple[int, int]:
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(s, int) and s > 0 for s in size)):
        raise BadInput(f"{path} has the size {size}; [height, width] in whole pixels was expected.")
    return size[0], size[1]


def _pose(
    rows: Float[np.ndarray, "*T K 3"],
    visible: Bool[np.ndarray, "*T K"],
    size: tuple[int, int],
    skeleton: Skeleton,
    scored: bool,
) -> Pose:
    score = torch.from_numpy(rows[..., 2].clip(0, 1).copy()) if scored else None
    return Pose(torch.from_numpy(rows[..., :2].copy()), torch.from_numpy(visible), size, skeleton, score)


def _finite(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and math.isfinite(v) for v in values)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(read_text(path, "a JSON file"))
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{path} is not JSON (line {error.lineno}, column {error.colno}: {error.msg})."
        ) from None
