"""Pictures between bytes and numbers. Inside the house a picture is float32 RGB (B, 3, H, W) in [-1, 1]."""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

HALF_RANGE = 127.5  # the only place: a byte b is b / 127.5 - 1


def from_uint8(picture: UInt8[Tensor, "*B H W 3"]) -> Float[Tensor, "*B 3 H W"]:
    """Bytes to numbers in [-1, 1], channels first."""
    return picture.movedim(-1, -3).to(torch.float32) / HALF_RANGE - 1.0


def to_uint8(
    picture: Float[Tensor, "*B 3 H W"], rounding: Literal["nearest", "down"] = "nearest"
) -> UInt8[Tensor, "*B H W 3"]:
    """Numbers to bytes, clipped to [0, 255]: what a saved file holds. "down" cuts fractions off, as some peers do."""
    scaled = (picture.float() + 1.0) * HALF_RANGE
    scaled = (scaled.round() if rounding == "nearest" else scaled.floor()).clamp(0, 255)
    return scaled.to(torch.uint8).movedim(-3, -1).contiguous()


def resize(picture: Float[Tensor, "B 3 H W"], size: tuple[int, int]) -> Float[Tensor, "B 3 h w"]:
    """Antialiased bicubic resize to (height, width), pixel corners aligned, clipped to [-1, 1]."""
    if picture.shape[-2:] == torch.Size(size):
        return picture
    out = F.interpolate(picture, size=size, mode="bicubic", antialias=True, align_corners=False)
    return out.clamp(-1, 1)
