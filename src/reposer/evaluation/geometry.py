"""How a picture file becomes the picture that is scored: rules of resizing, and what happens at the sides.

The same photograph made 256x176 by two rules differs by up to ten decibels less than a good generator differs from the
truth; so the rule is part of a protocol's name.
"""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from reposer.core import Pose
from reposer.data.pictures import decode_picture

Rule = Literal["pil-bicubic", "pil-bilinear", "pil-lanczos", "cv2-linear", "cv2-cubic"]
Fit = Literal["squash", "keep-aspect"]
WHITE = 255
_PIL = {
    "pil-bicubic": Image.Resampling.BICUBIC,
    "pil-bilinear": Image.Resampling.BILINEAR,
    "pil-lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Geometry:
    """A picture's way to the size in which it is scored.

    size: (height, width) in pixels; None = as it is.
    rule: which library's resizing. "pil-*" are antialiased; "cv2-*" are not (torch's form of the same formula, equal to
        OpenCV's fixed-point one to a grey level).
    fit: "squash" scales each axis on its own. "keep-aspect" scales to the height, centres, and cuts the sides or fills
        them with white: a square file with white sides of 40 of 256 columns loses exactly them.
    """

    size: tuple[int, int] | None = None
    rule: Rule = "pil-bicubic"
    fit: Fit = "squash"

    def apply(self, picture: UInt8[Tensor, "h w 3"]) -> UInt8[Tensor, "H W 3"]:
        """The picture in this geometry; one that has its size already comes back as it is."""
        if self.size is None or tuple(picture.shape[:2]) == self.size:
            return picture
        if self.fit == "squash":
            return resized(picture, self.size, self.rule)
        height, width = self.size
        scaled = resized(
            picture, (height, max(1, round(picture.shape[1] * height / picture.shape[0]))), self.rule
        )
        spare = width - scaled.shape[1]
        if spare < 0:
            left = -spare // 2
            return scaled[:, left : left + width].contiguous()
        return with_white_sides(scaled, spare // 2, spare - spare // 2)

    def place(self, pose: Pose) -> Pose:
        """A pose of the whole picture, where `apply` puts it."""
        if self.size is None or pose.size == self.size:
            return pose
        if self.fit == "squash":
            return pose.resize(self.size)
        height, width = self.size
        scaled = pose.resize((height, max(1, round(pose.size[1] * height / pose.size[0]))))
        spare = width - scaled.size[1]
        left = -spare // 2 if spare < 0 else -(spare // 2)
        return scaled.crop((left - 0.5, -0.5, left + width - 0.5, height - 0.5))


AS_IT_IS = Geometry()


def resized(picture: UInt8[Tensor, "h w 3"], size: tuple[int, int], rule: Rule) -> UInt8[Tensor, "H W 3"]:
    """The picture at (height, width) = `size` by the named rule, in bytes."""
    if rule in _PIL:
        image = Image.fromarray(picture.numpy()).resize((size[1], size[0]), _PIL[rule])
        return torch.from_numpy(np.array(image))
    mode = {"cv2-linear": "bilinear", "cv2-cubic": "bicubic"}[rule]
    planes = picture.permute(2, 0, 1)[None].double()
    out = F.interpolate(planes, size=size, mode=mode, align_corners=False, antialias=False)
    return out[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8)


def through_jpeg(picture: UInt8[Tensor, "H W 3"]) -> UInt8[Tensor, "H W 3"]:
    """What a JPEG file of PIL's default quality gives back."""
    file = io.BytesIO()
    Image.fromarray(picture.numpy()).save(file, "JPEG")
    return decode_picture(file.getvalue(), "a JPEG of the generated picture")


def with_white_sides(pictures: UInt8[Tensor, "*B H w 3"], left: int, right: int) -> UInt8[Tensor, "*B H W 3"]:
    """The pictures with so many white columns on either side."""
    return F.pad(pictures, (0, 0, left, right), value=WHITE) if left or right else pictures
