"""Where a person's face should be, which found face is theirs, and what a crop of it looks like."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import Pose
from reposer.core.boxes import area
from reposer.core.images import from_uint8, resize, to_uint8
from reposer.core.pose import Box
from reposer.core.skeleton import OPENPOSE_18
from reposer.estimators import Face

HEAD = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
# A head box's side as a multiple of the first of these distances that is known, and its bounds in a picture 256 high.
SIDES = ((1.4, "nose", "neck"), (2.4, "right_ear", "left_ear"), (3.5, "right_eye", "left_eye"))
SMALLEST, USUAL, LARGEST, AT_HEIGHT = 32.0, 48.0, 96.0, 256
GROWN = 1.5
CROP = (112, 112)


def head_box(pose: Pose) -> Box | None:
    """The square around a single pose's head, 1.5 times as large as the head; None if the pose shows fewer than two
    joints of it.
    """
    own = pose.convert(OPENPOSE_18)
    seen = {joint: own.xy[k].double() for k, joint in enumerate(OPENPOSE_18.joints) if bool(own.visible[k])}
    joints = [seen[joint] for joint in HEAD if joint in seen]
    if len(joints) < 2:
        return None
    scale = pose.size[0] / AT_HEIGHT
    spans = (times * (seen[a] - seen[b]).norm().item() for times, a, b in SIDES if a in seen and b in seen)
    half = GROWN * min(max(next(spans, USUAL * scale), SMALLEST * scale), LARGEST * scale) / 2
    x, y = torch.stack(joints).mean(0).tolist()
    return (x - half, y - half, x + half, y + half)


def face_inside(faces: Sequence[Face], box: Box) -> Face | None:
    """The largest face whose middle lies in the box; among equally large ones the more confident."""
    left, top, right, bottom = box

    def is_inside(face: Face) -> bool:
        x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
        return left <= x <= right and top <= y <= bottom

    inside = [face for face in faces if is_inside(face)]
    return max(inside, key=lambda face: (area(face.box), face.score, face.box), default=None)


def face_crop(picture: UInt8[Tensor, "H W 3"], box: Box) -> UInt8[Tensor, "112 112 3"] | None:
    """The pixels that the box touches, squashed to 112x112 (antialiased bicubic); None if it lies outside."""
    left, top = (max(0, math.floor(edge + 0.5)) for edge in box[:2])
    right, bottom = (max(0, math.ceil(edge + 0.5)) for edge in box[2:])
    cut = picture[top:bottom, left:right]
    if 0 in cut.shape:
        return None
    return to_uint8(resize(from_uint8(cut)[None], CROP))[0]
