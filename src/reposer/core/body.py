"""A body in a picture: its bones, their lengths in an average adult, and the points that they hang on."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .pose import Pose

Bone = tuple[str, str]
SIDES = ("right", "left")


def _both(a: str, b: str) -> tuple[Bone, ...]:
    return tuple((f"{side}_{a}", f"{side}_{b}") for side in SIDES)


NECK, ROOT = "neck", "mid_hip"
"""The middle of the shoulders, and of the hips, where a skeleton has no such joint or it was not found."""
BONES: Mapping[str, tuple[Bone, ...]] = {
    "torso": ((ROOT, NECK),),
    "hips": (("right_hip", "left_hip"),),
    "shoulders": (("right_shoulder", "left_shoulder"),),
    "upper_arm": _both("shoulder", "elbow"),
    "forearm": _both("elbow", "wrist"),
    "thigh": _both("hip", "knee"),
    "shin": _both("knee", "ankle"),
}
"""Bones by their group; those of a group have one length on both sides."""
AVERAGE = {
    "torso": 0.257,
    "hips": 0.104,
    "shoulders": 0.200,
    "upper_arm": 0.160,
    "forearm": 0.140,
    "thigh": 0.245,
    "shin": 0.238,
}
"""Lengths in an average adult, in statures."""


def point(pose: Pose, name: str) -> tuple[Float[Tensor, "*B 2"], Bool[Tensor, "*B"]]:
    """A joint, and whether it was found; NECK and ROOT may be the middle of shoulders and hips."""
    pair = {NECK: "shoulder", ROOT: "hip"}.get(name)
    xy, visible = pose.xy.double(), pose.visible
    own = pose.skeleton.index(name) if name in pose.skeleton else None
    if pair is None or any(f"{side}_{pair}" not in pose.skeleton for side in SIDES):
        if own is None:
            return xy.new_zeros(*xy.shape[:-2], 2), visible.new_zeros(visible.shape[:-1])
        return xy[..., own, :], visible[..., own]
    ends = [pose.skeleton.index(f"{side}_{pair}") for side in SIDES]
    place, shown = xy[..., ends, :].mean(-2), visible[..., ends].all(-1)
    if own is not None and name == NECK:
        place = torch.where(visible[..., own, None], xy[..., own, :], place)
        shown = shown | visible[..., own]
    return place, shown
