"""Parts of plain residual networks with group norm (He et al. 2016, arXiv:1603.05027)."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .call import call

GROUPS = 8  # per group norm


class Block(nn.Module):
    """x + conv(relu(norm(conv(relu(norm(x))))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.GroupNorm(GROUPS, width), nn.GroupNorm(GROUPS, width)
        self.conv_1, self.conv_2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.conv_2.weight)  # the block starts as the identity

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        y = self.conv_1(F.relu(self.norm_1(x)))
        return x + call(self.conv_2, F.relu(self.norm_2(y)))


def halved(before: int, after: int) -> nn.Conv2d:
    """A convolution that halves height and width."""
    return nn.Conv2d(before, after, 3, stride=2, padding=1)


def trunk(widths: tuple[int, int, int, int]) -> nn.ModuleDict:
    """The way down of the network of whole people: `stem` to stride 4, `down8`, `down16`."""
    w2, w4, w8, w16 = widths
    return nn.ModuleDict(
        {
            "stem": nn.Sequential(halved(3, w2), nn.ReLU(), halved(w2, w4), Block(w4)),
            "down8": nn.Sequential(halved(w4, w8), Block(w8), Block(w8)),
            "down16": nn.Sequential(halved(w8, w16), Block(w16), Block(w16)),
        }
    )
