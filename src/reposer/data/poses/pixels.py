"""Convert a file's coordinates to pixels of a picture, whose size is given by the file or the caller, never guessed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool

from reposer.core import BadInput, Pose, Skeleton

from .recording import Person, PoseRecording, Size
from .values import FARTHEST

ROUNDING = 1.0
"""Pixels by which each side of a resized picture may differ from its exact length."""
IMPLAUSIBLE = 2.0
"""Pixels: joints that are all this near to the corner are not in pixels."""


class CoordinateFrame(NamedTuple):
    """The frame of coordinates. size: of the picture. normalised: from 0 to 1, from one edge to the other. left: x of
    the picture's first column."""

    size: Size
    normalised: bool
    left: int = 0


def frame_of(recording: PoseRecording, declared: Size | None, given: Size | None) -> CoordinateFrame:
    """declared: the size in the file. given: the size that the caller knows."""
    if given is not None and not all(1 <= side <= FARTHEST for side in given):
        raise BadInput(
            f"A picture's height and width are from 1 to {FARTHEST:,} pixels, not {given[0]} and {given[1]}."
        )
    size = declared or given
    if size is None:
        what = "clip" if recording.is_clip else "picture"
        raise BadInput(
            f"{recording.path} is {recording.kind} and does not say how large its {what} is. Give the {what}'s size, "
            f"(height, width) in pixels."
        )
    return CoordinateFrame(size, is_normalised(recording), 0 if recording.left is None else recording.left(size))


def is_normalised(recording: PoseRecording) -> bool:
    """Whether all joints of all people are between 0 and 1, at two or more positions: in pixels they would coincide."""
    if recording.normalised is not None:
        return recording.normalised
    places = [person.places for picture in recording.pictures for _, person in picture.usable]
    everything = np.concatenate(places) if places else np.zeros((0, 2))
    if len(everything) < 2 or np.abs(everything).max() > IMPLAUSIBLE or (everything == everything[0]).all():
        return False
    if everything.min() >= 0 and everything.max() <= 1 and not recording.own:
        return True
    low, high = float(everything.min()), float(everything.max())
    way_out = "Write them in pixels of the size that the file says." if recording.own else (
        "Write them in pixels (OpenPose: --keypoint_scale 0), or all between 0 and 1."
    )  # fmt: skip
    raise BadInput(
        f"{recording.path}: all joints lie between {low:.3g} and {high:.3g}, which are no pixels of a picture of a "
        f"person. {way_out}"
    )


def in_pixels(people: Sequence[Person | None], frame: CoordinateFrame, skeleton: Skeleton) -> Pose:
    """One row per person; nothing is visible in rows without one. Scores are kept if all have them."""
    rows = np.zeros((len(people), len(skeleton), 3), np.float32)
    visible = np.zeros(rows.shape[:2], bool)
    found = [(n, person) for n, person in enumerate(people) if person is not None]
    for n, person in found:
        rows[n], visible[n] = np.where(person.visible[:, None], person.rows, 0), person.visible
    xy = torch.from_numpy(rows[..., :2].copy())
    if frame.normalised:
        xy = xy * torch.tensor([frame.size[1], frame.size[0]]) - 0.5  # 0 and 1 are the outer edges of pixels
    xy[..., 0] -= frame.left
    seen = [person for _, person in found if person.visible.any()]
    scored = bool(seen) and all(person.scored for person in seen)
    score = torch.from_numpy(rows[..., 2].clip(0, 1).copy()) if scored else None
    return Pose(xy, torch.from_numpy(visible), frame.size, skeleton, score)


def scaled_to(recording: PoseRecording, poses: Pose, size: Size | None) -> Pose:
    """Scale poses to the picture of this size, if the canvas has the same aspect. Our own form is left unchanged."""
    if size is None or recording.own or poses.size == size:
        return poses
    if not is_copy(poses.size, size):
        raise BadInput(
            f"{recording.path} says that its joints lie in a canvas of {words_of(poses.size)}, whose sides have "
            f"another ratio than the picture's {words_of(size)} (height x width). Give the pose of this picture, or "
            f"one whose canvas is the whole picture made smaller or larger."
        )
    return poses.resize(size)


def is_copy(canvas: Size, size: Size) -> bool:
    """Whether both sides have the same scale from picture to canvas, up to rounding."""
    low = max((c - ROUNDING) / s for c, s in zip(canvas, size, strict=True))
    high = min((c + ROUNDING) / s for c, s in zip(canvas, size, strict=True))
    return low <= high


def inside(poses: Pose) -> Bool[torch.Tensor, "*B K"]:
    """The joints that were found and are inside the picture."""
    limits = poses.xy.new_tensor([poses.size[1] - 0.5, poses.size[0] - 0.5])
    return poses.visible & ((poses.xy >= -0.5) & (poses.xy <= limits)).all(-1)


def refuse_outside(recording: PoseRecording, poses: Pose, *, size_is_known: bool) -> None:
    """Refuse a person without a single joint inside the picture, who belongs to another picture."""
    if bool(poses.visible.any()) and not bool(inside(poses).any()):
        way_out = "" if size_is_known else " If it belongs to a picture of another size, say that size."
        x, y = (round(v) for v in poses.xy[poses.visible].mean(0).tolist())
        raise BadInput(
            f"{recording.path}: all joints lie outside of the picture of {words_of(poses.size)} (height x width), "
            f"around x = {x}, y = {y}. Give the pose of this picture.{way_out}"
        )


def words_of(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
