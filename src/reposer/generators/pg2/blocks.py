"""The blocks of PG2: convolutions and ReLU; no norm and no dropout anywhere in the generator."""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Padding = Literal["same", "symmetric"]
"""Where a halving convolution pads an even size: "same" (published, as TensorFlow does) one pixel more at the bottom
and right than at the top and left; "symmetric" alike on all sides. Released weights need "same"."""


class Conv(nn.Conv2d):
    """Conv3x3 that keeps the size."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__(i, o, 3, padding=1)


class Halve(nn.Conv2d):
    """A convolution of stride 2: half of an even size, whatever its (odd) side."""

    def __init__(self, i: int, o: int, side: int, padding: Padding) -> None:
        super().__init__(i, o, side, stride=2, padding=side // 2 if padding == "symmetric" else 0)
        before = (side - 2) // 2
        after = side - 2 - before
        self.asymmetric = (before, after, before, after) if padding == "same" else None

    def forward(self, x: Float[Tensor, "B i H W"]) -> Float[Tensor, "B o H//2 W//2"]:
        return super().forward(x if self.asymmetric is None else F.pad(x, self.asymmetric))


class TwoConv(nn.Module):
    """Conv3x3 ReLU Conv3x3 ReLU of maps side by side; a `residual` one adds them, with no ReLU after the sum."""

    def __init__(self, i: int, o: int, *, residual: bool = False) -> None:
        super().__init__()
        assert i == o or not residual
        self.residual = residual
        self.first, self.second = Conv(i, o), Conv(o, o)

    def forward(self, *maps: Float[Tensor, "B _ H W"]) -> Float[Tensor, "B o H W"]:
        x = torch.cat(maps, 1) if len(maps) > 1 else maps[0]
        y = F.relu(self.second(F.relu(self.first(x), inplace=True)), inplace=True)
        return x + y if self.residual else y
