"""OpenPose's JSON: 18 or 25 joints a person, a missing one written as (0, 0, 0)."""

from pathlib import Path
from typing import Any

import numpy as np

from reposer.core import BadInput, Pose
from reposer.core.skeleton import OPENPOSE_18, OPENPOSE_25

from .json_values import finite, pose_of_rows, read_json


def read_openpose_json(path: Path | str, size: tuple[int, int], person: int | None = None) -> Pose:
    """One person of OpenPose's JSON (18 or 25 joints, missing = 0, 0, 0) in a picture of `size`.

    person: which of the people in the file; None takes the one whose joints' scores sum up highest.
    """
    path = Path(path)
    content = read_json(path)
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
    return pose_of_rows(rows, (rows != 0).any(-1), size, skeleton, scored=True)


def _openpose_person(path: Path, entry: Any) -> np.ndarray:
    values = entry.get("pose_keypoints_2d", entry.get("pose_keypoints")) if isinstance(entry, dict) else None
    if not isinstance(values, list) or not finite(values):
        raise BadInput(f"{path}: a person of OpenPose's JSON needs 'pose_keypoints_2d', a list of numbers.")
    if len(values) not in (3 * len(OPENPOSE_18), 3 * len(OPENPOSE_25)):
        raise BadInput(
            f"{path}: {len(values)} numbers for a person; OpenPose writes 54 (18 joints) or 75 (25 joints). "
            f"Make the file with its COCO or BODY_25 model."
        )
    return np.array(values, np.float32).reshape(-1, 3)
