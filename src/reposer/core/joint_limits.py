"""Joints bend as a body's do, as far as a picture tells.

In two dimensions an angle at a joint says little: seen from the front, a knee that bends backwards and one that bends
forwards look alike, and an upper arm turns about itself, so that a forearm may point anywhere. Only the knees of
somebody who is seen from the side are limited here.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .body import AVERAGE, NECK, ROOT, SIDES, point
from .pose import Pose

FURTHEST_BACK = 15.0
"""Degrees by which a knee may look bent the wrong way: a straight knee is overstretched a little, and joints are found
inexactly."""
NARROW = 0.4
"""Widths of shoulders and hips from the side, at most, as a share of an average body's."""
AHEAD = 0.15
"""How far the nose is ahead of the neck from the side, at least, as a share of the trunk."""
ACROSS = 0.75
"""Lengths of thigh and shin that lie across the view, at least, as a share of an average body's."""


def within_limits(poses: Pose) -> Pose:
    """A pose, or rows of poses: shins that point forward beyond the knee are turned back, with what hangs on them."""
    facing, trunk = _facing(poses)
    xy = poses.xy.clone()
    for side in SIDES:
        (hip, a), (knee, b), (ankle, c) = (point(poses, f"{side}_{joint}") for joint in ("hip", "knee", "ankle"))
        thigh, shin = knee - hip, ankle - knee
        whole = a & b & c & (facing != 0)
        for bone, group in ((thigh, "thigh"), (shin, "shin")):
            whole = whole & (bone.norm(dim=-1) >= ACROSS * AVERAGE[group] / AVERAGE["torso"] * trunk)
        cross = thigh[..., 0] * shin[..., 1] - thigh[..., 1] * shin[..., 0]
        angle = torch.atan2(facing * cross, (thigh * shin).sum(-1))  # above 0: bent as knees bend
        over = (-math.radians(FURTHEST_BACK) - angle).clamp(min=0) * facing
        turn = torch.where(whole, over, 0.0)
        cos, sin = turn.cos()[..., None], turn.sin()[..., None]
        for joint in _below(poses, side):
            k = poses.skeleton.index(joint)
            arm = poses.xy[..., k, :].double() - knee
            turned = knee + torch.cat(
                [cos * arm[..., :1] - sin * arm[..., 1:], sin * arm[..., :1] + cos * arm[..., 1:]], -1
            )
            moves = (turn != 0)[..., None] & poses.visible[..., k, None]
            xy[..., k, :] = torch.where(moves, turned.to(xy), xy[..., k, :])
    return replace(poses, xy=xy)


def _below(poses: Pose, side: str) -> list[str]:
    """The ankle, and the joints of the foot."""
    words = ("ankle", "toe", "heel")
    return [j for j in poses.skeleton.joints if j.startswith(f"{side}_") and any(word in j for word in words)]


def _facing(poses: Pose) -> tuple[Float[Tensor, "*B"], Float[Tensor, "*B"]]:
    """1 where somebody is seen from the side and looks to the right of their own spine as it points up, -1 to the left,
    0 where it cannot be told; and the trunk's length."""
    (root, has_root), (neck, has_neck) = point(poses, ROOT), point(poses, NECK)
    nose, has_nose = point(poses, "nose")
    spine = neck - root
    trunk = spine.norm(dim=-1)
    known: Bool[Tensor, "*B"] = has_root & has_neck & has_nose & (trunk > 0)
    for group, joint in (("shoulders", "shoulder"), ("hips", "hip")):
        (right, a), (left, b) = (point(poses, f"{side}_{joint}") for side in SIDES)
        known = known & a & b & ((right - left).norm(dim=-1) <= NARROW * AVERAGE[group] / AVERAGE["torso"] * trunk)
    ahead = spine[..., 0] * (nose - neck)[..., 1] - spine[..., 1] * (nose - neck)[..., 0]
    share = ahead / trunk.square().clamp(min=1e-9)
    return torch.where(known & (share.abs() >= AHEAD), share.sign(), 0.0), trunk
