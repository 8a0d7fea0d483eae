"""Inputs of pose networks, and decoding their outputs to joints in pixels: frames, SimCC vectors, heatmaps."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from reposer.core import Pose
from reposer.core.images import from_uint8, resize

BLACK = -1.0


def enlarged(pictures: UInt8[Tensor, "B H W 3"], factor: int) -> Float[Tensor, "B 3 h w"]:
    """The pictures in [-1, 1], both sides enlarged `factor` times (bicubic): detectors miss small people."""
    _, height, width, _ = pictures.shape
    return resize(from_uint8(pictures), (factor * height, factor * width))


@dataclass(frozen=True)
class Window:
    """The input of a network of fixed size: the whole picture, centred on black.

    picture: (height, width) of the picture in pixels.
    size: of the network's input.
    context: length of the window relative to the picture, along the limiting side.
    """

    picture: tuple[int, int]
    size: tuple[int, int]
    context: float = 1.0

    @property
    def _added(self) -> tuple[int, int, int, int]:
        """Padding in pixels of the picture: left, right, top, bottom."""
        (height, width), (high, wide) = self.picture, self.size
        scale = self.context * max(height / high, width / wide)
        across = max(0, round(scale * wide) - width)
        down = max(0, round(scale * high) - height)
        return (across // 2, across - across // 2, down // 2, down - down // 2)

    def show(self, pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 h w"]:
        """The pictures as the network's input, in [-1, 1]."""
        return resize(F.pad(pictures, self._added, value=BLACK), self.size)

    def back(self, pose: Pose) -> Pose:
        """Converts a pose from pixels of the window to pixels of the picture."""
        assert pose.size == self.size, (pose.size, self.size)
        height, width = self.picture
        left, right, top, bottom = self._added
        around = pose.resize((top + height + bottom, left + width + right))
        return around.cut((left, top, left + width, top + height))


def simcc_joints(
    x: Float[Tensor, "B K X"], y: Float[Tensor, "B K Y"], size: tuple[int, int]
) -> tuple[Float[Tensor, "B K 2"], Float[Tensor, "B K"]]:
    """The highest bin of each axis (SimCC, Li et al. 2022, arXiv:2107.03332), in pixels of the input, and its
    confidence.

    X bins share the input's width evenly, Y its height; bin i stands at i / (bins per pixel). A joint's confidence is
    the lower of its two peaks, clipped to [0, 1].
    """
    height, width = size
    (sure_x, column), (sure_y, row) = x.max(-1), y.max(-1)
    xy = torch.stack([column * (width / x.shape[-1]), row * (height / y.shape[-1])], -1)
    return xy.to(x.dtype), torch.minimum(sure_x, sure_y).clamp(0, 1)


Peak = Literal["quarter", "parabola"]
"""How a peak is located between cells. quarter: a quarter of a cell towards the higher neighbour (Newell et al.
2016, arXiv:1603.06937), cell i at pixel i * stride, as the networks that use such maps were trained. parabola: the
top of the one through the cell and its neighbours, exact where the exponential of the map is a Gaussian bump; cells'
corners aligned."""


def heatmap_joints(
    maps: Float[Tensor, "B K h w"], size: tuple[int, int], peak: Peak
) -> tuple[Float[Tensor, "B K 2"], Float[Tensor, "B K"]]:
    """The peak of each map, (x, y) in pixels of a picture of `size`, and the height of its highest cell."""
    h, w = maps.shape[-2:]
    cells = maps.float().flatten(-2)
    height, best = cells.max(-1)
    row, column = best // w, best % w

    def beside(down: int, across: int) -> Float[Tensor, "B K"]:
        place = (row + down).clamp(0, h - 1) * w + (column + across).clamp(0, w - 1)
        return cells.gather(-1, place[..., None])[..., 0]

    def shift(down: int, across: int, inside: Bool[Tensor, "B K"]) -> Float[Tensor, "B K"]:
        before, after = beside(-down, -across), beside(down, across)
        if peak == "quarter":
            return torch.where(inside, 0.25 * (after - before).sign(), 0.0)
        bend = (2 * height - before - after).clamp(min=1e-6)
        return (0.5 * (after - before) / bend).clamp(-0.5, 0.5)

    x = column + shift(0, 1, (column > 0) & (column < w - 1))
    y = row + shift(1, 0, (row > 0) & (row < h - 1))
    xy = torch.stack([x, y], -1)
    scale = xy.new_tensor([size[1] / w, size[0] / h])
    return xy * scale if peak == "quarter" else (xy + 0.5) * scale - 0.5, height
