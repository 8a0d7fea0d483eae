"""GFLA's discriminators: they see pictures or clips alone, no pose and no source (Ren et al. 2020,
arXiv:2003.00696)."""

from typing import TypeVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from reposer.nn.call import call

from .blocks import leaky

Layer = TypeVar("Layer", bound=nn.Module)


def spectral(layer: Layer) -> Layer:
    """The same layer, spectrally normalised."""
    spectral_norm(layer)
    return layer


class ResDiscriminator(nn.Module):
    """Scores of overlapping parts of a picture, unbounded, at 1/2^layers of its size.

    entering: channels that come in; 3 for a picture. width: channels of the first block; four times as many at most.
    Every convolution is spectrally normalised and keeps torch's initial weights.
    """

    def __init__(self, width: int = 32, *, layers: int = 4, entering: int = 3) -> None:
        super().__init__()
        widths = [width * min(2**n, 4) for n in range(layers)]
        inputs, hidden = [entering, *widths], [width, *widths]
        self.blocks = nn.Sequential(
            *(ResBlockEncoder(i, o, h) for i, o, h in zip(inputs, widths, hidden, strict=False))
        )
        self.score = spectral(nn.Conv2d(widths[-1], 1, 1))

    def forward(self, picture: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 h w"]:
        return call(self.score, leaky(self.blocks(picture)))


class ResBlockEncoder(nn.Module):
    """A Conv3x3 (to `hidden`) A Conv4x4/2, plus AvgPool2 Conv1x1 of the input: half the size."""

    def __init__(self, i: int, o: int, hidden: int) -> None:
        super().__init__()
        self.conv = spectral(nn.Conv2d(i, hidden, 3, padding=1))
        self.halve = spectral(nn.Conv2d(hidden, o, 4, stride=2, padding=1))
        self.bypass = spectral(nn.Conv2d(i, o, 1))

    def forward(self, x: Float[Tensor, "B i H W"]) -> Float[Tensor, "B o H//2 W//2"]:
        return call(self.halve, leaky(self.conv(leaky(x)))) + call(self.bypass, F.avg_pool2d(x, 2))


class TemporalDiscriminator(nn.Module):
    """Scores of overlapping parts of a clip of six frames, unbounded, at 1/16 of its size.

    Two blocks over space and time leave two frames; these become channels for two blocks over space.
    width: channels of the first block; four times as many in the last.
    """

    frames = 6

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.clip = nn.Sequential(ClipBlockEncoder(3, width, width), ClipBlockEncoder(width, 2 * width, width))
        self.blocks = nn.Sequential(*(ResBlockEncoder(4 * width, 4 * width, 4 * width) for _ in range(2)))
        self.score = spectral(nn.Conv2d(4 * width, 1, 1))

    def forward(self, clip: Float[Tensor, "B 3 6 H W"]) -> Float[Tensor, "B 1 h w"]:
        return call(self.score, leaky(self.blocks(self.clip(clip).flatten(1, 2))))


class ClipBlockEncoder(nn.Module):
    """A Conv3x3x3 (to `hidden`) A Conv3x4x4/(1,2,2), plus a mean over 3x2x2 and Conv1x1x1: half the size, two frames
    less."""

    def __init__(self, i: int, o: int, hidden: int) -> None:
        super().__init__()
        self.conv = spectral(nn.Conv3d(i, hidden, 3, padding=1))
        self.halve = spectral(nn.Conv3d(hidden, o, (3, 4, 4), stride=(1, 2, 2), padding=(0, 1, 1)))
        self.bypass = spectral(nn.Conv3d(i, o, 1))

    def forward(self, x: Float[Tensor, "B i T H W"]) -> Float[Tensor, "B o T-2 H//2 W//2"]:
        mean = F.avg_pool3d(x, (3, 2, 2), stride=(1, 2, 2))
        return call(self.halve, leaky(self.conv(leaky(x)))) + call(self.bypass, mean)
