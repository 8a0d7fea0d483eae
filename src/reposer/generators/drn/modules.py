"""The detail replenishing module: pose features are the content, a picture's style code says how to paint them."""

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.nn.call import call
from reposer.nn.instance_norm import instance_norm
from reposer.nn.layout import at_least_float32
from reposer.nn.same_conv import SameConv

StyleEncoding = Literal["plain", "residual"]
"""How a style encoder halves the picture: strided convolutions (RATE-Net's code) or residual blocks (DRN's paper)."""

AdaINPlace = Literal["res", "all"]
"""The norms that the style sets: those of the residual blocks (RATE-Net's code), or the decoder's as well (inferred:
the paper's index "i-th layer" fits both)."""

WIDEST = 4  # times the width of a style encoder's first layer, at most


def adain(
    x: Float[Tensor, "B C h w"], scale: Float[Tensor, "B C"], shift: Float[Tensor, "B C"]
) -> Float[Tensor, "B C h w"]:
    """s_w (x - mu) / sigma + s_b, with mean and deviation of each channel of each row (Huang and Belongie 2017)."""
    return instance_norm(x) * scale[:, :, None, None] + shift[:, :, None, None]


class DetailModule(nn.Module):
    """A detail replenishing module (DRM): content features and a style picture become a picture, 2^ups times as large.

    channels: of the content. blocks: residual blocks in the trunk. style: the encoder's width, halvings and form.
    """

    def __init__(
        self,
        channels: int,
        *,
        blocks: int,
        ups: int,
        width: int,
        halvings: int,
        latent: int,
        hidden: int,
        encoding: StyleEncoding,
        adain_in: AdaINPlace,
    ) -> None:
        super().__init__()
        self.encoder = StyleEncoder(width, halvings, latent, encoding)
        self.trunk = nn.ModuleList(AdaINBlock(channels) for _ in range(blocks))
        widths = [channels // 2**n for n in range(ups + 1)]
        self.enlarge = nn.ModuleList(SameConv(i, o, 5, padding="reflect") for i, o in pairwise(widths))
        self.picture = SameConv(widths[-1], 3, 7, padding="reflect")
        self.styled = [c for block in self.trunk for c in (channels, channels)]  # channels, norm by norm
        self.styled_decoder = adain_in == "all"
        if self.styled_decoder:
            self.styled += widths[1:]
        self.mlp = StyleMLP(latent, hidden, self.styled)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # first weights are inferred; RATE-Net's code leaves torch's
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(
        self, content: Float[Tensor, "B C h w"], style_picture: Float[Tensor, "B 3 _ _"]
    ) -> Float[Tensor, "B 3 _ _"]:
        return self.decode(content, self.style(style_picture))

    def style(self, picture: Float[Tensor, "B 3 _ _"]) -> Float[Tensor, "B N"]:
        """Every scale and shift for the picture, in the order of the norms."""
        return call(self.mlp, self.encoder(picture))

    def decode(self, content: Float[Tensor, "B C h w"], style: Float[Tensor, "B N"]) -> Float[Tensor, "B 3 _ _"]:
        """The picture, in [-1, 1]."""
        parts = style.split([n for channels in self.styled for n in (channels, channels)], dim=1)
        norms = iter(zip(parts[0::2], parts[1::2], strict=True))
        x = content
        for block in self.trunk:
            x = block(x, next(norms), next(norms))
        for conv in self.enlarge:
            x = conv(F.interpolate(x, scale_factor=2, mode="nearest"))
            x = F.relu(adain(x, *next(norms)) if self.styled_decoder else instance_norm(x))
        x = self.picture(x)
        return torch.tanh(at_least_float32(x))


class AdaINBlock(nn.Module):
    """x + Conv3x3 AdaIN ReLU Conv3x3 AdaIN."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = SameConv(channels, channels, 3, padding="reflect")
        self.second = SameConv(channels, channels, 3, padding="reflect")

    def forward(
        self, x: Float[Tensor, "B C h w"], first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]
    ) -> Float[Tensor, "B C h w"]:
        """first, second: scale and shift of each norm."""
        return x + adain(self.second(F.relu(adain(self.first(x), *first))), *second)


class StyleEncoder(nn.Module):
    """A picture's style code z_s. No norms: they would erase the statistics that make up the style."""

    def __init__(self, width: int, halvings: int, latent: int, encoding: StyleEncoding) -> None:
        super().__init__()
        widths = [width * min(2**n, WIDEST) for n in range(halvings + 1)]
        self.first = SameConv(3, width, 7, padding="reflect")
        self.plain = encoding == "plain"
        self.halve = nn.ModuleList(
            nn.Conv2d(i, o, 4, 2, 1, padding_mode="reflect") if self.plain else ResidualHalving(i, o)
            for i, o in pairwise(widths)
        )
        self.code = nn.Conv2d(widths[-1], latent, 1)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B Z"]:
        x = self.first(picture)
        if self.plain:
            x = F.relu(x)
        for block in self.halve:
            x = F.relu(block(x)) if self.plain else block(x)
        return call(self.code, x.mean((2, 3), keepdim=True)).flatten(1)


class ResidualHalving(nn.Module):
    """A Conv3x3 A Conv3x3 AvgPool2, plus AvgPool2 Conv1x1 of the input; A = LeakyReLU of slope 0.2.

    That the blocks are residual is reported; their layers are inferred.
    """

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.first, self.second = SameConv(i, i), SameConv(i, o)
        self.bypass = nn.Conv2d(i, o, 1, bias=False)

    def forward(self, x: Float[Tensor, "B i H W"]) -> Float[Tensor, "B o H//2 W//2"]:
        deep = self.second(F.leaky_relu(self.first(F.leaky_relu(x, 0.2)), 0.2))
        return F.avg_pool2d(deep, 2) + call(self.bypass, F.avg_pool2d(x, 2))


class StyleMLP(nn.Module):
    """Three layers from a style code to the scales and shifts of all norms, which start near 1 and 0 (inferred)."""

    def __init__(self, latent: int, hidden: int, styled: list[int]) -> None:
        super().__init__()
        self.first = nn.Linear(latent, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 2 * sum(styled))
        nn.init.normal_(self.last.weight, std=0.02)
        with torch.no_grad():
            self.last.bias.copy_(
                torch.cat([torch.cat([torch.ones(channels), torch.zeros(channels)]) for channels in styled])
            )

    def forward(self, code: Float[Tensor, "B Z"]) -> Float[Tensor, "B N"]:
        return call(self.last, F.relu(self.second(F.relu(self.first(code)))))
