"""The blocks of GFLA: pre-activation, normalised per picture, LeakyReLU of slope 0.1 (N and A below)."""

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.nn.call import call
from reposer.nn.instance_norm import instance_norm

SLOPE = 0.1

Normalize = Literal["channel", "picture"]
"""What N takes mean and variance over: each channel of a picture (instance norm, blind to a channel's mean, hence to
colour), or all channels of a picture together."""


def leaky(x: Tensor) -> Tensor:
    """The activation A."""
    return F.leaky_relu(x, SLOPE)


class NormAct(nn.GroupNorm):
    """N, then A: normalised per picture, with learned scale and shift of each channel, then activated."""

    def __init__(self, channels: int, normalize: Normalize = "channel") -> None:
        super().__init__(channels if normalize == "channel" else 1, channels)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        single = self.num_groups == self.num_channels
        y = instance_norm(x, self.weight, self.bias) if single else super().forward(x)
        return F.leaky_relu(y, SLOPE, inplace=True)


class EncoderBlock(nn.Module):
    """N A Conv4x4/2 N A Conv3x3: half the size. A `raw` block begins with the convolution."""

    def __init__(self, i: int, o: int, normalize: Normalize = "channel", *, raw: bool = False) -> None:
        super().__init__()
        self.before = nn.Identity() if raw else NormAct(i, normalize)
        self.halve = nn.Conv2d(i, o, 4, stride=2, padding=1)
        self.between = NormAct(o, normalize)
        self.conv = nn.Conv2d(o, o, 3, padding=1)

    def forward(self, x: Float[Tensor, "B i H W"]) -> Float[Tensor, "B o H//2 W//2"]:
        return call(self.conv, self.between(self.halve(self.before(x))))


class ResBlock(nn.Module):
    """x + N A Conv3x3 N A Conv3x3; where the channels change (to `o`), x goes through a Conv1x1."""

    def __init__(self, i: int, o: int | None = None) -> None:
        super().__init__()
        self.before = NormAct(i)
        self.first = nn.Conv2d(i, i, 3, padding=1)
        self.between = NormAct(i)
        self.second = nn.Conv2d(i, o or i, 3, padding=1)
        self.bypass = nn.Identity() if o is None else nn.Conv2d(i, o, 1)

    def forward(self, x: Float[Tensor, "B i H W"]) -> Float[Tensor, "B o H W"]:
        return call(self.bypass, x) + call(self.second, self.between(self.first(self.before(x))))


class ResBlockDecoder(nn.Module):
    """N A Conv3x3 (to `hidden`) N A ConvTranspose3x3/2, plus ConvTranspose3x3/2 of the input: twice the size."""

    def __init__(self, i: int, o: int, hidden: int) -> None:
        super().__init__()
        self.before = NormAct(i)
        self.conv = nn.Conv2d(i, hidden, 3, padding=1)
        self.between = NormAct(hidden)
        self.enlarge = nn.ConvTranspose2d(hidden, o, 3, stride=2, padding=1, output_padding=1)
        self.bypass = nn.ConvTranspose2d(i, o, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x: Float[Tensor, "B i h w"]) -> Float[Tensor, "B o 2*h 2*w"]:
        return call(self.enlarge, self.between(self.conv(self.before(x)))) + call(self.bypass, x)


class Jump(nn.Conv2d):
    """A ReflectPad1 Conv3x3, no norm: the skip from encoder to decoder, and the last layer before a picture."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__(i, o, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Float[Tensor, "B i H W"]) -> Float[Tensor, "B o H W"]:
        return super().forward(leaky(x))
