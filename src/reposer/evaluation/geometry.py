"""How a picture file becomes the picture that is scored: how the person's picture lies in the file, and rules of
resizing.

Two facts are kept apart. `FileGeometry` is how a file was made: the person's picture itself, squashed to another shape,
or padded with sides. `Geometry` is what a protocol scores. A file's geometry is declared or proved (`folder_geometry`).

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

from reposer.core import Framing, Pose
from reposer.core.choices import PictureForm
from reposer.core.framing import whole
from reposer.core.pose import Edges
from reposer.data.pictures import decode_picture

Size = tuple[int, int]
Layout = PictureForm
Rule = Literal["pil-bicubic", "pil-bilinear", "pil-lanczos", "cv2-linear", "cv2-cubic"]
Fit = Literal["squash", "keep-aspect"]
WHITE = 255
_PIL = {
    "pil-bicubic": Image.Resampling.BICUBIC,
    "pil-bilinear": Image.Resampling.BILINEAR,
    "pil-lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class FileGeometry:
    """How a person's picture lies in a file.

    layout: "plain": the file is the picture, aspect kept. "squashed": the picture fills the file, each axis scaled
        separately. "padded": the picture, aspect kept, is centred in the file; the rest is not scored.
    person: (height, width) of the person's picture in any unit, of which only the shape matters; None for plain.
    """

    layout: Layout = "plain"
    person: Size | None = None

    def __post_init__(self) -> None:
        assert self.layout == "plain" or self.person is not None, "the person's shape is what squashing loses"

    def content_box(self, size: Size) -> Edges:
        """The person's picture in a file of `size`."""
        if self.layout != "padded" or self.person is None:
            return whole(size)
        return Framing(size, fit="pad").content_box(self.person)

    def shape(self, size: Size) -> Size:
        """(height, width) of the person's picture before it was put into a file of `size`; only the shape matters."""
        return size if self.person is None or self.layout == "plain" else self.person

    def of(self, size: Size) -> "FileGeometry":
        """The same for a file of `size`: plain where it already has the person's shape, to the pixel."""
        if self.person is None or self.layout == "plain":
            return PLAIN
        height, width = self.person
        fits = round(size[0] * width / height) == size[1] or round(size[1] * height / width) == size[0]
        return PLAIN if fits else self

    def place(self, pose: Pose) -> Pose:
        """Converts a pose from pixels of the file to pixels of the person's picture."""
        content = pose.cut(self.content_box(pose.size))
        return content.resize(self.shape(pose.size)) if self.layout == "squashed" else content


PLAIN = FileGeometry()


@dataclass(frozen=True)
class Geometry:
    """How a picture is brought to the size in which it is scored.

    size: (height, width) in pixels; None = as it is, without padding.
    rule: which library's resizing. "pil-*" are antialiased; "cv2-*" are not (torch's form of the same formula, equal to
        OpenCV's fixed-point one to a grey level).
    fit: "squash" scales each axis separately. "keep-aspect" scales the person's picture to the height, centres it, and
        cuts the sides or fills them with white.
    """

    size: Size | None = None
    rule: Rule = "pil-bicubic"
    fit: Fit = "squash"

    def apply(self, picture: UInt8[Tensor, "h w 3"], file: FileGeometry = PLAIN) -> UInt8[Tensor, "H W 3"]:
        """The picture of a file in this geometry, resized once; a picture that needs no resizing is returned unchanged.

        If the protocol has no size, a squashed picture stays squashed: its target determines the size.
        """
        size = (picture.shape[0], picture.shape[1])
        left, top, right, bottom = file.content_box(size)
        content = picture[top:bottom, left:right].contiguous()
        if self.size is None:
            return content
        scaled = resized(content, self._scaled(file.shape(size)), self.rule)
        left, right = self._sides(scaled.shape[1])
        scaled = scaled[:, max(0, -left) : scaled.shape[1] - max(0, -right)].contiguous()
        return with_white_sides(scaled, max(0, left), max(0, right))

    def place(self, pose: Pose, file: FileGeometry = PLAIN) -> Pose:
        """A pose in pixels of a whole file, moved to where `apply` puts it."""
        if self.size is None:
            return pose.cut(file.content_box(pose.size))
        scaled = file.place(pose)
        scaled = scaled.resize(self._scaled(scaled.size))
        left, right = self._sides(scaled.size[1])
        return scaled.cut((-left, 0, scaled.size[1] + right, scaled.size[0]))

    def _scaled(self, shape: Size) -> Size:
        """The size of a person's picture of this shape, before sides are cut or added."""
        assert self.size is not None
        if self.fit == "squash":
            return self.size
        return (self.size[0], max(1, round(shape[1] * self.size[0] / shape[0])))

    def _sides(self, width: int) -> tuple[int, int]:
        """White columns to add to `width` columns, left and right; negative = columns to cut."""
        assert self.size is not None
        spare = self.size[1] - width
        left = spare // 2 if spare >= 0 else -(-spare // 2)
        return left, spare - left


AS_IT_IS = Geometry()


def resized(picture: UInt8[Tensor, "h w 3"], size: tuple[int, int], rule: Rule) -> UInt8[Tensor, "H W 3"]:
    """The picture at (height, width) = `size` by the named rule, in bytes; unchanged if it has that size."""
    if tuple(picture.shape[:2]) == size:
        return picture
    if rule in _PIL:
        image = Image.fromarray(picture.numpy()).resize((size[1], size[0]), _PIL[rule])
        return torch.from_numpy(np.array(image))
    mode = {"cv2-linear": "bilinear", "cv2-cubic": "bicubic"}[rule]
    planes = picture.permute(2, 0, 1)[None].double()
    out = F.interpolate(planes, size=size, mode=mode, align_corners=False, antialias=False)
    return out[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8)


def through_jpeg(picture: UInt8[Tensor, "H W 3"]) -> UInt8[Tensor, "H W 3"]:
    """The picture after a round trip through a JPEG file of PIL's default quality."""
    file = io.BytesIO()
    Image.fromarray(picture.numpy()).save(file, "JPEG")
    return decode_picture(file.getvalue(), "a JPEG of the generated picture")


def with_white_sides(pictures: UInt8[Tensor, "*B H w 3"], left: int, right: int) -> UInt8[Tensor, "*B H W 3"]:
    """The pictures with `left` and `right` white columns added."""
    return F.pad(pictures, (0, 0, left, right), value=WHITE) if left or right else pictures
