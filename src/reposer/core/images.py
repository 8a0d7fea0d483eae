"""Pictures between bytes and numbers. Inside the package a picture is float32 RGB (B, 3, H, W) in [-1, 1]."""

from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

Sides = Literal["edge", "white"]
"""Padding around a picture in a larger frame: its own edge pixels, repeated, or white."""

HALF_RANGE = 127.5  # the only definition: a byte b is b / 127.5 - 1
BLOCK = 1 << 20
"""Pixels of a large picture that are converted at a time."""


def from_uint8(picture: UInt8[Tensor, "*B H W 3"]) -> Float[Tensor, "*B 3 H W"]:
    """Bytes to numbers in [-1, 1], channels first."""
    return picture.movedim(-1, -3).to(torch.float32).div_(HALF_RANGE).sub_(1.0)


def to_uint8(
    picture: Float[Tensor, "*B 3 H W"], rounding: Literal["nearest", "down"] = "nearest"
) -> UInt8[Tensor, "*B H W 3"]:
    """Numbers to bytes, clipped to [0, 255]: the content of a saved file. "down" truncates fractions, as some peers
    do."""
    scaled = (picture.float() + 1.0) * HALF_RANGE
    scaled = (scaled.round() if rounding == "nearest" else scaled.floor()).clamp(0, 255)
    return scaled.to(torch.uint8).movedim(-3, -1).contiguous()


def resize(picture: Float[Tensor, "B 3 H W"], size: tuple[int, int]) -> Float[Tensor, "B 3 h w"]:
    """Antialiased bicubic resize to (height, width), pixel corners aligned, clipped to [-1, 1]."""
    if picture.shape[-2:] == torch.Size(size):
        return picture
    return _bicubic(picture, size).clamp(-1, 1)


def resize_part(
    picture: UInt8[Tensor, "H W 3"], edges: tuple[int, int, int, int], size: tuple[int, int]
) -> Float[Tensor, "1 3 h w"]:
    """`resize` of the part of a picture inside `edges`, converting only some rows at a time.

    edges: left, top, right, bottom in whole pixels; beyond the picture its edge pixels repeat.
    """
    left, top, right, bottom = edges
    columns = torch.arange(left, right).clamp(0, picture.shape[1] - 1)
    rows = torch.arange(top, bottom).clamp(0, picture.shape[0] - 1)
    first, last = int(rows[0]), int(rows[-1])
    height = max(1, BLOCK // len(columns))
    across = torch.empty(1, 3, last + 1 - first, size[1])
    for start in range(first, last + 1, height):  # each row once, however often it repeats
        some = picture[start : min(start + height, last + 1)].index_select(1, columns)
        part = from_uint8(some.movedim(-1, 0).contiguous().movedim(0, -1))[None]  # bytes are laid out sooner
        across[:, :, start - first : start - first + height] = _bicubic(part, (part.shape[2], size[1]))
    answer = torch.empty(1, 3, *size)
    for block in _blocks(size[1], len(rows)):
        answer[..., block] = _bicubic(across[:, :, rows - first, block], (size[0], block.stop - block.start))
    return answer.clamp(-1, 1)


def resize_bytes(picture: UInt8[Tensor, "H W 3"], size: tuple[int, int]) -> UInt8[Tensor, "h w 3"]:
    """`resize` of bytes to bytes, in whole numbers: many times faster, and at most one level off."""
    channels_first = picture.movedim(-1, 0)[None]
    return F.interpolate(channels_first, size=size, mode="bicubic", antialias=True)[0].movedim(0, -1)


def with_sides(
    picture: Float[Tensor, "B 3 h w"], box: tuple[int, int, int, int], size: tuple[int, int], sides: Sides
) -> Float[Tensor, "B 3 H W"]:
    """A frame of (height, width) = `size` with the picture in its part `box` (left, top, right, bottom; whole
    pixels)."""
    left, top, right, bottom = box
    widths = (left, size[1] - right, top, size[0] - bottom)
    if sides == "white":
        return F.pad(picture, widths, value=1.0)
    return F.pad(picture, widths, mode="replicate")


def resized_columns(
    picture: Float[Tensor, "1 C h w"], size: tuple[int, int], box: tuple[int, int, int, int]
) -> Iterator[tuple[slice, Float[Tensor, "1 C _ _"]]]:
    """The part of `resize(picture, size)` inside `box`, some columns at a time: (which of the box, their pixels).

    box: left, top, right, bottom in whole pixels of the resized picture, inside it.
    """
    left, top, right, bottom = box
    height = max(1, BLOCK // size[1])
    strips = picture.split(height, 2)
    across = torch.cat([_bicubic(s, (s.shape[2], size[1]))[..., left:right] for s in strips], 2)
    for block in _blocks(right - left, size[0]):
        down = _bicubic(across[..., block], (size[0], block.stop - block.start)).clamp(-1, 1)
        yield block, down[:, :, top:bottom]


def _bicubic(picture: Float[Tensor, "B C H W"], size: tuple[int, int]) -> Float[Tensor, "B C h w"]:
    """torch's resize, first over the width and then over the height: each can be done by itself.

    It is wrong for one column that stays one (seen in 2.13), so that is done as two.
    """
    if picture.shape[-2:] == torch.Size(size):
        return picture
    if picture.shape[-1] == size[1] == 1:
        return _bicubic(picture.expand(-1, -1, -1, 2), (size[0], 2))[..., :1]
    return F.interpolate(picture.contiguous(), size=size, mode="bicubic", antialias=True, align_corners=False)


def _blocks(width: int, height: int) -> Iterator[slice]:
    """The columns of a picture in groups of BLOCK pixels."""
    step = max(1, BLOCK // height)
    for first in range(0, width, step):
        yield slice(first, min(first + step, width))
