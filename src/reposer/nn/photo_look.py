"""What a photo shows between its pixels, and how much of that is its person."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from reposer.core.framing import cut, size_of
from reposer.core.images import HALF_RANGE, from_uint8, resize
from reposer.core.pose import Edges

from .matte import matte_weights
from .tiles import ramp
from .windows import widest

MATTE = 6
"""Radius in which the person's mask is compared with the photo's colours, in half pixels of the frame."""
SURE_INSIDE = 4
"""Half pixels of the frame by which the network's mask is shrunk to what is the person whatever its colour: clothes and
skin can look like what is behind them."""


class PhotoPart(NamedTuple):
    """A photo, and the part of it that a frame shows, in whole pixels; the part may exceed the photo."""

    pixels: UInt8[Tensor, "H W 3"]
    edges: Edges


class Look:
    """What a photo shows: its colours between pixels, and how much of them is its person, along the photo's own
    edges."""

    def __init__(self, source: PhotoPart, person: Float[Tensor, "1 h w"], content: Edges) -> None:
        photo, self.edges = source
        self.size = (photo.shape[0], photo.shape[1])
        self.table = pixel_table(photo)
        h, w = size_of(content)
        size = (2 * h, 2 * w)
        mask = cut(person.float().cpu(), content)[None]
        mask = F.interpolate(mask, size, mode="bilinear", align_corners=False)
        inside = ramp(1 - widest(1 - mask, SURE_INSIDE), 0.5, 0.9)
        self.weights = torch.cat([matte_weights(part_at_size(photo, self.edges, size), mask, MATTE), inside], 1)

    def place(
        self, flow: Float[Tensor, "2 t u"], size: tuple[int, int], frame: tuple[int, int], down: slice, across: slice
    ) -> Float[Tensor, "2 t u"]:
        """The places (x, y) in this photo that a tile shows; beyond its border, those at the border.

        down, across: rows and columns of a part of this size. flow: in pixels of the frame.
        """
        left, top, right, bottom = self.edges
        x = torch.arange(across.start, across.stop, dtype=torch.float32) + 0.5
        y = torch.arange(down.start, down.stop, dtype=torch.float32)[:, None] + 0.5
        x = x * ((right - left) / size[1]) + flow[0] * ((right - left) / frame[1])
        y = y * ((bottom - top) / size[0]) + flow[1] * ((bottom - top) / frame[0])
        height, width = self.size
        return torch.stack([(x + (left - 0.5)).clamp(0, width - 1), (y + (top - 0.5)).clamp(0, height - 1)])

    def colours(self, place: Float[Tensor, "2 t u"]) -> Float[Tensor, "3 t u"]:
        """The photo at places (x, y) in it, linear in between."""
        height, width = self.size
        whole = place.floor()
        (a, b), (left, top) = place - whole, whole.int()
        rows = top * width
        right, below = (left + 1).clamp(max=width - 1), (rows + width).clamp(max=(height - 1) * width)
        weights = ((1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b)
        sums = torch.zeros(3, *a.shape)
        for weight, at in zip(weights, (rows + left, rows + right, below + left, below + right), strict=True):
            for colour, values in zip(sums, read_pixels(self.table, at), strict=True):
                colour.addcmul_(values, weight)
        return sums / HALF_RANGE - 1

    def person(self, colours: Float[Tensor, "3 t u"], place: Float[Tensor, "2 t u"]) -> Float[Tensor, "t u"]:
        """How much the person covers of pixels of these colours, at places (x, y) in the photo."""
        left, top, right, bottom = self.edges
        x, y = (place[0] - left + 0.5) / (right - left), (place[1] - top + 0.5) / (bottom - top)
        grid = 2 * torch.stack([x, y], -1)[None] - 1
        a = F.grid_sample(self.weights, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
        return torch.maximum((a[:3] * colours).sum(0) + a[3], a[4]).clamp(0, 1)


def part_at_size(photo: UInt8[Tensor, "H W 3"], edges: Edges, size: tuple[int, int]) -> Float[Tensor, "1 3 h w"]:
    """The photo's part at about this size: of a large photo every n-th pixel is read, which is enough for its edges."""
    left, top, right, bottom = edges
    picked = []
    for low, high, end, wanted in ((top, bottom, photo.shape[0], size[0]), (left, right, photo.shape[1], size[1])):
        step = max(1, (high - low) // (2 * wanted))
        picked.append(torch.arange(low + step // 2, high, step).clamp(0, end - 1))
    small = photo[picked[0]][:, picked[1]]
    return resize(from_uint8(small)[None], size)


def pixel_table(photo: UInt8[Tensor, "H W 3"]) -> Int[Tensor, "P"]:
    """One number a pixel, so that its bytes are read at once; the fourth byte means nothing."""
    photo_bytes = photo.contiguous().numpy().reshape(-1)
    count = len(photo_bytes) // 3
    table = np.zeros(count, np.int32)
    table[:-1] = np.ndarray(count - 1, np.int32, photo_bytes, strides=3)  # each number begins three bytes further on
    table[-1:].view(np.uint8)[:3] = photo_bytes[-3:]
    return torch.from_numpy(table)


def read_pixels(table: Int[Tensor, "P"], at: Int[Tensor, "*N"]) -> list[Float[Tensor, "*N"]]:
    """The red, green and blue of these pixels, one colour at a time, which is several times faster."""
    found = table.index_select(0, at.flatten()).view(torch.uint8).view(*at.shape, 4)
    return [found[..., colour].float() for colour in range(3)]
