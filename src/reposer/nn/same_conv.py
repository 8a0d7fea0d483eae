"""A convolution that keeps the size of its maps, and trains fast on the CPU."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from . import bumps, winograd
from .layout import channels_last, trains_with_channels_last


class SameConv(nn.Conv2d):
    """A convolution of an odd side, with as much padding as keeps the size.

    What only generates is computed by torch's convolution, to the last bit; so is what other devices, layouts and half
    precision train. Elsewhere a side of 3 goes by Winograd's products and pose maps by their columns
    and rows, where that pays off: the same sums in another order.

    padding: by reflection or zeros. pose_maps: how many of the channels, the last ones, are maps of one bump each,
    which need no gradient.
    """

    def __init__(
        self,
        i: int,
        o: int,
        side: int = 3,
        *,
        padding: winograd.Padding = "zeros",
        bias: bool = True,
        pose_maps: int = 0,
    ) -> None:
        assert padding == "reflect" or not pose_maps, "pose maps are padded by reflection"
        super().__init__(i, o, side, padding=side // 2, padding_mode=padding, bias=bias)
        self.rule, self.pose_maps = padding, pose_maps

    def forward(self, x: Float[Tensor, "B i H W"]) -> Float[Tensor, "B o H W"]:
        if trains_with_channels_last(x, self.weight):
            if winograd.pays_off(x, self.weight):
                return winograd.convolved(x, self.weight, self.bias, self.rule)
            if self.pose_maps and x.shape[2] * x.shape[3] >= bumps.WORTH:
                return self._of_bumps(x)
        return super().forward(x)

    def _of_bumps(self, x: Tensor) -> Tensor:
        """The maps by themselves, and then the rest."""
        others = x.shape[1] - self.pose_maps
        found = bumps.columns_and_rows(x.detach()[:, others:])
        if found is None:
            return super().forward(x)
        y = bumps.convolved(*found, self.weight[:, others:])
        if others:
            rest = F.pad(channels_last(x[:, :others]), (self.kernel_size[0] // 2,) * 4, mode="reflect")
            y = y + F.conv2d(rest, channels_last(self.weight[:, :others]))
        return y if self.bias is None else y + self.bias[:, None, None]
