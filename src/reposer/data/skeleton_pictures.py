"""Pictures of poses: joints and limbs over a photo, or on a plain background."""

import colorsys
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageDraw
from torch import Tensor

from reposer.core import Pose, Skeleton

WIDTH = 1 / 150
"""Thickness of a limb, as a share of the longer side of the box around the joints; at least two pixels."""
RADIUS = 1.2
"""Of a joint's disc, in thicknesses."""
LEAST = 2


def skeleton_over(picture: UInt8[Tensor, "H W 3"], poses: Pose | Sequence[Pose]) -> UInt8[Tensor, "H W 3"]:
    """The picture with the skeletons of these single poses over it. The person's right side is red to yellow, the left
    blue to green, the middle white; an outline keeps them visible on every ground.
    """
    image = Image.fromarray(picture.cpu().numpy())
    canvas = ImageDraw.Draw(image)
    for pose in [poses] if isinstance(poses, Pose) else poses:
        if pose.visible.any():
            _put(canvas, pose)
    return torch.from_numpy(np.array(image))


def _put(canvas: ImageDraw.ImageDraw, pose: Pose) -> None:
    left, top, right, bottom = pose.box()
    width = max(LEAST, round(WIDTH * max(right - left, bottom - top)))
    places = [tuple(place) for place in pose.xy.tolist()]
    limbs = [(a, b) for a, b in pose.skeleton.limb_indices if pose.visible[a] and pose.visible[b]]
    for grow, outline in ((max(1, width // 2), True), (0, False)):
        for a, b in limbs:
            colour = (0, 0, 0) if outline else _colour(pose.skeleton, a, b)
            canvas.line([places[a], places[b]], fill=colour, width=width + 2 * grow)
        for k, (x, y) in enumerate(places):
            if pose.visible[k]:
                r = RADIUS * width + grow
                canvas.ellipse(
                    (x - r, y - r, x + r, y + r), fill=(0, 0, 0) if outline else _colour(pose.skeleton, k, k)
                )


def _colour(skeleton: Skeleton, a: int, b: int) -> tuple[int, int, int]:
    """The colour of a limb, or of a joint, by its side."""
    names = (skeleton.joints[a], skeleton.joints[b])
    share = max(a, b) / len(skeleton)
    for side, hue in (("right", 0.0), ("left", 0.5)):
        if all(name.startswith(side) for name in names):
            red, green, blue = colorsys.hsv_to_rgb(hue + 0.16 * share, 1.0, 1.0)
            return round(255 * red), round(255 * green), round(255 * blue)
    return 255, 255, 255
