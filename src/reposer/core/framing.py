"""Geometry of crops and frames: how a picture is placed in a generator's frame, what is cut out of it, and the
inverse."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from .errors import BadInput
from .images import Sides, resize, resize_part, with_sides
from .pose import Edges, Pose


def cut(pictures: Float[Tensor, "*B C H W"], edges: Edges) -> Float[Tensor, "*B C h w"]:
    """The part of pictures inside these edges, which must be inside the pictures."""
    left, top, right, bottom = edges
    return pictures[..., top:bottom, left:right]


def size_of(edges: Edges) -> tuple[int, int]:
    """(height, width) of a part, in pixels."""
    left, top, right, bottom = edges
    return bottom - top, right - left


def whole(size: tuple[int, int]) -> Edges:
    """The edges of a whole picture of this (height, width)."""
    return 0, 0, size[1], size[0]


def square(matrix: Float[Tensor, "2 3"]) -> Float[Tensor, "3 3"]:
    """The affine map as a matrix that multiplies and has an inverse."""
    return torch.cat([matrix.double(), torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)])


def between(source: Edges, target: Edges) -> Float[Tensor, "2 3"]:
    """The affine map from one part of a picture to another, each axis scaled on its own."""
    left, top, _, _ = target
    (height, width), (h, w) = size_of(source), size_of(target)
    scale_x, scale_y = w / width, h / height
    # (x - source's left + 0.5) * scale + left - 0.5: pixel corners stay aligned
    return torch.tensor(
        [
            [scale_x, 0.0, (0.5 - source[0]) * scale_x + left - 0.5],
            [0.0, scale_y, (0.5 - source[1]) * scale_y + top - 0.5],
        ],
        dtype=torch.float64,
    )


def in_picture(pose: Pose) -> Pose:
    """The pose, or rows of poses, without the joints outside the picture."""
    limits = pose.xy.new_tensor([pose.size[1] - 0.5, pose.size[0] - 0.5])
    inside = ((pose.xy >= -0.5) & (pose.xy <= limits)).all(-1)
    return replace(pose, visible=pose.visible & inside)


def edges_around(
    poses: Pose, margin: float, aspect: float, reach: Pose | None = None, reach_margin: float = 0.0
) -> Edges:
    """The part of a picture around all joints inside it, at least one; it may exceed the picture.

    `margin` of the joints' larger side is added around them, then as much more as the joints of `reach` need, with
    `reach_margin` of the same side around these; then the shorter direction grows until `aspect` (width over height)
    fits.
    """
    left, top, right, bottom = _around(in_picture(poses))
    side = max(right - left, bottom - top)
    room, more = margin * side, reach_margin * side
    left, top, right, bottom = left - room, top - room, right + room, bottom + room
    reached = None if reach is None else in_picture(reach)
    if reached is not None and reached.visible.any():
        low_x, low_y, high_x, high_y = _around(reached)
        left, top = min(left, low_x - more), min(top, low_y - more)
        right, bottom = max(right, high_x + more), max(bottom, high_y + more)
    height = max(bottom - top, (right - left) / aspect)
    rows, columns = max(1, round(height)), max(1, round(aspect * height))
    first_x, first_y = round((left + right + 1 - columns) / 2), round((top + bottom + 1 - rows) / 2)
    return first_x, first_y, first_x + columns, first_y + rows


def _around(pose: Pose) -> tuple[float, float, float, float]:
    seen = pose.xy[pose.visible]
    (left, top), (right, bottom) = seen.amin(0).tolist(), seen.amax(0).tolist()
    return left - 0.5, top - 0.5, right + 0.5, bottom + 0.5


@dataclass(frozen=True)
class Framing:
    """How a picture of any size becomes the fixed-size picture that a generator works on."""

    size: tuple[int, int]
    """(height, width) of the generator's pictures, in pixels."""
    margin: float = 0.25
    """Space around the pose in a photo, as a share of the larger side of the pose's box; used by `transfer`."""
    fit: Literal["squash", "pad"] = "squash"
    """"squash" scales each axis on its own; "pad" keeps the aspect and centres."""
    aspect: float = 176 / 256
    """Width over height of the person pictures that the generator is trained on; a photo is cropped to it."""
    sides: Sides = "edge"
    """Padding of "pad": the edge pixels repeated, or white."""

    def __post_init__(self) -> None:
        if min(self.size) < 1 or not 0 <= self.margin <= 16 or not 1 / 16 <= self.aspect <= 16:
            raise BadInput(
                f"A framing has sides of at least 1 pixel, a margin in [0, 16] and an aspect in [1/16, 16]; this came: "
                f"size {self.size[0]}x{self.size[1]}, margin {self.margin}, aspect {self.aspect}."
            )

    def tiny(self) -> "Framing":
        """The same at a size for tests."""
        return replace(self, size=(64, 32))

    @property
    def person_size(self) -> tuple[int, int]:
        """(height, width) of a person picture that fills the frame's height, before it is placed in the frame."""
        return (self.size[0], round(self.size[0] * self.aspect))

    def matrix(self, picture_size: tuple[int, int]) -> Float[Tensor, "2 3"]:
        """The affine map from pixels (x, y) of a whole picture of `picture_size` to pixels of the frame."""
        (height, width), (h, w) = picture_size, self.size
        scale_x, scale_y = w / width, h / height
        if self.fit == "pad":
            scale_x = scale_y = min(scale_x, scale_y)
        left, top = (w - scale_x * width) / 2, (h - scale_y * height) / 2
        if self.fit == "pad":
            left, top = round(left), round(top)  # whole pixels of padding, so that cropping it again is exact
        # (x + 0.5) * scale + left - 0.5: pixel corners stay aligned
        return torch.tensor(
            [[scale_x, 0.0, 0.5 * scale_x + left - 0.5], [0.0, scale_y, 0.5 * scale_y + top - 0.5]], dtype=torch.float64
        )

    def content_box(self, picture_size: tuple[int, int]) -> Edges:
        """The part of the frame that shows the picture."""
        if self.fit == "squash":
            return (0, 0, self.size[1], self.size[0])
        (height, width), (h, w) = picture_size, self.size
        scale = min(w / width, h / height)
        content_w, content_h = max(1, min(w, round(scale * width))), max(1, min(h, round(scale * height)))
        left, top = round((w - scale * width) / 2), round((h - scale * height) / 2)
        return (left, top, min(w, left + content_w), min(h, top + content_h))

    def place(self, pose: Pose) -> Pose:
        """Maps a pose of the whole picture to the frame."""
        return pose.affine(self.matrix(pose.size), self.size)

    def unplace(self, pose: Pose, picture_size: tuple[int, int]) -> Pose:
        """Maps a pose in the frame to pixels of the whole picture, which had this size before it was placed in the
        frame."""
        return pose.affine(torch.linalg.inv(square(self.matrix(picture_size)))[:2], picture_size)


def in_frame(
    move: Float[Tensor, "2 3"], framing: Framing | None, picture_size: tuple[int, int]
) -> Float[Tensor, "2 3"]:
    """An affine move of a picture's pixels, as a move of the frame's that contains it."""
    if framing is None:
        return move
    frame = square(framing.matrix(picture_size))
    moved: Tensor = (frame @ square(move) @ torch.linalg.inv(frame))[:2]
    return moved


def frame_pictures(
    pictures: Float[Tensor, "B 3 h w"], framing: Framing | None, size: tuple[int, int] | None = None
) -> Float[Tensor, "B 3 H W"]:
    """Pictures placed in the frame as pictures of `size` (default: their own) would be.

    Without a framing they are scaled to `size`.
    """
    size = size or (pictures.shape[2], pictures.shape[3])
    if framing is None:
        return resize(pictures, size)
    edges = framing.content_box(size)
    return with_sides(resize(pictures, size_of(edges)), edges, framing.size, framing.sides)


def frame_picture(
    picture: Float[Tensor, "3 h w"], framing: Framing | None, size: tuple[int, int] | None = None
) -> Float[Tensor, "3 H W"]:
    """`frame_pictures` for one picture."""
    return frame_pictures(picture[None], framing, size)[0]


def frame_bytes(
    picture: UInt8[Tensor, "h w 3"], framing: Framing | None, size: tuple[int, int], edges: Edges | None = None
) -> Float[Tensor, "3 H W"]:
    """`frame_picture` for bytes, or for the part of them inside `edges`; a large photo is never converted as a
    whole."""
    content = size if framing is None else size_of(framing.content_box(size))
    small = resize_part(picture, edges or whole((picture.shape[0], picture.shape[1])), content)[0]
    return frame_picture(small, framing, size)


def frame_pose(pose: Pose, framing: Framing | None) -> Pose:
    """A pose of the whole picture, mapped as `frame_picture` maps the picture."""
    return pose if framing is None else framing.place(pose)


def frame_mask(
    mask: Float[Tensor, "1 h w"], framing: Framing | None, size: tuple[int, int] | None = None
) -> Float[Tensor, "1 H W"]:
    """A mask placed in the frame as `frame_picture` places its picture: the nearest pixel; 0 beside the picture."""
    size = size or (mask.shape[1], mask.shape[2])
    if framing is None:
        return F.interpolate(mask[None], size=size, mode="nearest-exact")[0]
    left, top, right, bottom = edges = framing.content_box(size)
    content = F.interpolate(mask[None], size=size_of(edges), mode="nearest-exact")
    return F.pad(content, (left, framing.size[1] - right, top, framing.size[0] - bottom))[0]
