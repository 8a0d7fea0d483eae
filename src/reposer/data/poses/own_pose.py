"""Our own pose file: one person's joints by name, and the size of the picture."""

import json
from pathlib import Path

import numpy as np

from reposer.core import SKELETONS, BadInput, Pose

from ..files import write_text
from .json_values import finite, pose_of_rows, read_json, size_in


def read_pose_json(path: Path | str) -> Pose:
    """Our own form: {"skeleton": name, "size": [h, w], "joints": {name: [x, y] or [x, y, score] or null}}.

    A joint that is not named was not found. Scores are kept if every joint that was found has one.
    """
    path = Path(path)
    content = read_json(path)
    if not isinstance(content, dict) or set(content) != {"skeleton", "size", "joints"}:
        raise BadInput(
            f'{path} is no pose file: {{"skeleton": ..., "size": [h, w], "joints": {{name: [x, y, score]}}}} or '
            f"OpenPose's JSON was expected."
        )
    skeleton, joints = content["skeleton"], content["joints"]
    if skeleton not in SKELETONS:
        raise BadInput(f"{path} names the skeleton '{skeleton}'; known are {', '.join(SKELETONS)}.")
    words = SKELETONS[skeleton]
    size = size_in(path, content["size"])
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
        if not (isinstance(value, list) and len(value) in (2, 3) and finite(value)):
            raise BadInput(
                f"{path}: the joint {name} is {value}; [x, y], [x, y, score] or null was expected."
            )
        scored = scored and len(value) == 3
        rows[words.index(name), : len(value)] = value
        visible[words.index(name)] = True
    return pose_of_rows(rows, visible, size, words, scored=scored and bool(visible.any()))


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
