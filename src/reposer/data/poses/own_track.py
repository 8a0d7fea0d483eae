"""Our own track file: a pose per frame of a clip."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from reposer.core import SKELETONS, BadInput, Pose, Skeleton
from reposer.core.skeleton import OPENPOSE_18

from ..files import MISSING, write_text
from .json_values import finite, pose_of_rows, read_json, size_in


def read_track(path: Path | str, size: tuple[int, int] | None = None) -> Pose:
    """A pose per frame of a clip, as rows; nothing is visible in the frames that `unreliable_frames` lists.

    Our own form: {"skeleton": name, "size": [h, w], "fps": 25, "keypoints": [[[x, y] or [x, y, score] or null, one a
    joint] or null, one a frame]}. Without a skeleton: 18 joints in OpenPose's order, missing = -1, and the clip's
    `size` has to be given.
    """
    path = Path(path)
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("keypoints"), list):
        raise BadInput(
            f'{path} has no track of joints: {{"skeleton": ..., "size": [h, w], "fps": ..., "keypoints": [[[x, y], ...], '
            f"... frames]}} was expected; without a skeleton, 18 joints in OpenPose's order."
        )
    name = content.get("skeleton", OPENPOSE_18.name)
    if name not in SKELETONS:
        raise BadInput(f"{path} names the skeleton '{name}'; known are {', '.join(SKELETONS)}.")
    own_size = size_in(path, content["size"]) if "size" in content else size
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
    return pose_of_rows(rows, visible, own_size, SKELETONS[name], scored)


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
    content = read_json(Path(path))
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
            if not (isinstance(place, list) and len(place) in (2, 3) and finite(place)):
                raise BadInput(
                    f"{path}, frame {t}: the joint {words.joints[k]} is {place}; [x, y] was expected."
                )
            if missing in place[:2]:
                continue
            rows[t, k, : len(place)] = place
            visible[t, k] = True
            scored = scored and len(place) == 3
    return rows, visible, scored and bool(visible.any())
