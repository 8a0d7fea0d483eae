"""PG2's discriminator: DCGAN's, one logit for a whole picture (Ma et al. 2017, arXiv:1705.09368)."""

import math
from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput
from reposer.nn.gathered_norm import GatheredBatchNorm

from .blocks import Halve, Padding

SLOPE = 0.2
WIDEST = 8  # times the width of the first layer, at most
FIRST_WEIGHTS = 0.02  # standard deviation of the uniform first weights


class DCGANDiscriminator(nn.Module):
    """Conv5x5/2 LeakyReLU, then `layers` - 1 times Conv5x5/2 BatchNorm LeakyReLU, then a linear layer.

    The batch norms take the statistics of the batch at hand, always: the object is made to stay in training mode.

    channels: of its input; 3 for a picture, 6 for a pair of them.
    size: (height, width) of its input, in pixels; both divide by 2^layers.
    """

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        *,
        width: int = 64,
        layers: int = 4,
        padding: Padding = "same",
    ) -> None:
        super().__init__()
        if any(side % 2**layers for side in size):
            raise BadInput(
                f"A discriminator of {layers} halvings needs sides that divide by {2**layers}, not "
                f"{size[0]}x{size[1]}; give it fewer layers."
            )
        widths = [width * min(2**n, WIDEST) for n in range(layers)]
        self.first = Halve(channels, widths[0], 5, padding)
        self.convs = nn.ModuleList(Halve(i, o, 5, padding) for i, o in pairwise(widths))
        self.norms = nn.ModuleList(GatheredBatchNorm(o) for o in widths[1:])
        self.logit = nn.Linear(widths[-1] * size[0] * size[1] // 4**layers, 1)
        bound = FIRST_WEIGHTS * math.sqrt(3)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.uniform_(module.weight, -bound, bound)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, picture: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1"]:
        x = F.leaky_relu(self.first(picture), SLOPE)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), SLOPE)
        return self.logit(x.flatten(1))
