"""Joints of rendered people: exact with true visibility, and as a detector would report them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.skeleton import COCO_17, FACE_68, OPENPOSE_18, PERSON_88, Skeleton

from ..body.figure import Figure
from ..head.faces import Face
from ..head.landmarks import face_points
from .projection import Projection

# By a word of a joint's name: depth of the body's own surface in front of it, in statures, and how often a detector
# misses it when hidden and when visible.
_OWN = {"nose": 0.03, "eye": 0.022, "ear": 0.035, "neck": 0.10, "shoulder": 0.075}
_OWN |= {"elbow": 0.055, "wrist": 0.05, "hip": 0.13, "knee": 0.085, "ankle": 0.075}
_MISSED_HIDDEN = {"nose": 0.97, "eye": 0.95, "ear": 0.92, "neck": 0.02, "shoulder": 0.10}
_MISSED_HIDDEN |= {"elbow": 0.45, "wrist": 0.70, "hip": 0.08, "knee": 0.25, "ankle": 0.35}
_MISSED_SEEN = {"nose": 0.005, "eye": 0.01, "ear": 0.06, "neck": 0.002, "shoulder": 0.004}
_MISSED_SEEN |= {"elbow": 0.012, "wrist": 0.025, "hip": 0.006, "knee": 0.01, "ankle": 0.02}
_FACE_OWN = 0.012


def _by_word(table: dict[str, float], skeleton: Skeleton) -> np.ndarray:
    return np.array([table[j.split("_")[-1]] for j in skeleton.joints])


def exact_poses(
    figures: Sequence[Figure], faces: Sequence[Face], projections: Sequence[Projection], depth: Float[Tensor, "B H W"]
) -> dict[str, Pose]:
    """The joints of B people by the skeleton's name; visible = in the picture and unoccluded.

    depth: of each pixel, in pixels; -inf where it shows nothing.
    """
    size, units = (depth.shape[1], depth.shape[2]), torch.tensor([p.unit for p in projections])[:, None]
    out = {}
    for skeleton in (OPENPOSE_18, COCO_17, FACE_68):
        if skeleton is FACE_68:
            points = np.stack([face_points(f, face) for f, face in zip(figures, faces, strict=True)])
            own = np.full(68, _FACE_OWN)
        else:
            points = np.stack([[f.points[joint] for joint in skeleton.joints] for f in figures])
            own = _by_word(_OWN, skeleton)
        flat = torch.stack(
            [p(torch.from_numpy(q.astype(np.float32))) for p, q in zip(projections, points, strict=True)]
        )
        xy = flat[..., :2].contiguous()
        in_front = _depth_at(depth.cpu(), flat) - flat[..., 2]
        open_sight = in_front / units <= torch.from_numpy(own).float()
        out[skeleton.name] = Pose(xy, _inside(xy, size) & open_sight, size, skeleton)
    return out


def _inside(xy: Tensor, size: tuple[int, int]) -> Tensor:
    """Whether points are inside a picture of (height, width)."""
    return ((xy > -0.5) & (xy < xy.new_tensor([size[1] - 0.5, size[0] - 0.5]))).all(-1)


def _depth_at(depth: Tensor, flat: Tensor) -> Tensor:
    b, h, w = depth.shape
    x = flat[..., 0].round().long().clamp(0, w - 1)
    y = flat[..., 1].round().long().clamp(0, h - 1)
    return depth[torch.arange(b)[:, None], y, x]


def as_detected(pose: Pose, seeds: Sequence[int | None]) -> Pose:
    """The pose as a detector would report it: it misses most hidden joints of the face and some of the others."""
    chance = torch.where(
        pose.visible,
        torch.from_numpy(_by_word(_MISSED_SEEN, pose.skeleton)),
        torch.from_numpy(_by_word(_MISSED_HIDDEN, pose.skeleton)),
    )
    dice = np.stack([np.random.default_rng(seed).random(len(pose.skeleton.joints)) for seed in seeds])
    found = _inside(pose.xy, pose.size) & (torch.from_numpy(dice) >= chance)
    sure = torch.tensor([seed is None for seed in seeds])[:, None]
    return replace(pose, visible=torch.where(sure, pose.visible, found))


def with_landmarks(body: Pose, face: Pose) -> Pose:
    """A pose of OPENPOSE_18 and one of FACE_68 of the same people as one of PERSON_88, without a box."""
    none = face.visible.new_zeros(*face.visible.shape[:-1], 2)
    return Pose(
        torch.cat([body.xy, face.xy, face.xy.new_zeros(*none.shape, 2)], -2),
        torch.cat([body.visible, face.visible, none], -1),
        body.size,
        PERSON_88,
    )
