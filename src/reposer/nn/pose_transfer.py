"""The parts of PATN, shared by RATE-Net and DRN: two encoders, the pose-attentional cascade, a decoder.

A network has two streams of the same size, picture features x and pose features p. Each block of the cascade turns p
into an attention map, which updates x; then p takes in the new x.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.nn.dropout import SeededDropout
from reposer.nn.gathered_norm import GatheredBatchNorm
from reposer.nn.instance_norm import InstanceNorm
from reposer.nn.layout import at_least_float32
from reposer.nn.same_conv import SameConv

from .call import call

C = TypeVar("C", bound=nn.Conv2d | nn.ConvTranspose2d)

Normalize = Literal["instance", "batch"]
"""What a norm takes mean and variance over: each channel of a picture, without weights of its own; or each channel of
the batch of all processes, with weights, and with running statistics in eval mode."""

Upsampling = Literal["transposed", "bilinear"]
"""How the decoder doubles a map: by a transposed convolution, or by bilinear upsampling before a convolution."""


class NormAct(nn.Module):
    """N and then ReLU."""

    def __init__(self, channels: int, normalize: Normalize = "instance") -> None:
        super().__init__()
        self.norm = norm(channels, normalize)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return F.relu(self.norm(x), inplace=True)


class Conv(SameConv):
    """A convolution with reflection padding that keeps the size."""

    def __init__(self, i: int, o: int, side: int = 3, *, bias: bool = True, pose_maps: int = 0) -> None:
        super().__init__(i, o, side, padding="reflect", bias=bias, pose_maps=pose_maps)


class Encoder(nn.Sequential):
    """Conv7x7 (to `width`) N ReLU, then `downsamplings` times Conv3x3/2 N ReLU with twice the channels each.

    pose_maps: how many of the `i` channels, the last ones, are maps of one joint's bump each.
    """

    def __init__(
        self,
        i: int,
        width: int,
        downsamplings: int,
        *,
        normalize: Normalize = "instance",
        bias: bool = True,
        pose_maps: int = 0,
    ) -> None:
        first = before_norm(Conv(i, width, 7, bias=bias, pose_maps=pose_maps))
        layers: list[nn.Module] = [first, NormAct(width, normalize)]
        for n in range(downsamplings):
            c = width * 2**n
            halve = before_norm(nn.Conv2d(c, 2 * c, 3, stride=2, padding=1, bias=bias))
            layers += [halve, NormAct(2 * c, normalize)]
        super().__init__(*layers)


class Decoder(nn.Sequential):
    """Doubles the size and halves the channels `downsamplings` times, down to `width`; then Conv7x7, before the
    tanh."""

    def __init__(
        self,
        width: int,
        downsamplings: int,
        *,
        upsampling: Upsampling = "transposed",
        normalize: Normalize = "instance",
        bias: bool = True,
        o: int = 3,
    ) -> None:
        layers: list[nn.Module] = []
        for n in reversed(range(downsamplings)):
            c = width * 2**n
            layers += [enlarge(2 * c, c, upsampling, bias), NormAct(c, normalize)]
        super().__init__(*layers, Conv(width, o, 7))


class PATBlock(nn.Module):
    """x + x' sigmoid(p'), with x' = Conv N ReLU Drop Conv N of x and p' = Conv N ReLU Drop Conv of p.

    pose_channels: of p; `channels` in the first block, twice as many in the others, because p' is joined with x.
    number: of this block in its network; gives its dropouts noise of their own.
    """

    def __init__(
        self,
        channels: int,
        pose_channels: int | None = None,
        *,
        normalize: Normalize = "instance",
        bias: bool = True,
        dropout: float = 0.5,
        number: int = 0,
    ) -> None:
        super().__init__()
        c, p = channels, pose_channels or channels
        self.picture = TwoConvs(c, c, c, normalize=normalize, bias=bias, dropout=dropout, number=2 * number)
        before_norm(self.picture.second)
        self.picture_norm = norm(c, normalize)
        self.pose = TwoConvs(p, p, c, normalize=normalize, bias=bias, dropout=dropout, number=2 * number + 1)

    def forward(
        self, x: Float[Tensor, "B C h w"], p: Float[Tensor, "B P h w"], seeds: Int64[Tensor, "B"] | None = None
    ) -> tuple[Float[Tensor, "B C h w"], Float[Tensor, "B 2*C h w"], Float[Tensor, "B C h w"]]:
        """The new x, the new p, and the attention in [0, 1]. `seeds`: seeds of the rows' dropout; None = no dropout."""
        p = self.pose(p, seeds)
        attention = torch.sigmoid(p)
        x = x + self.picture_norm(self.picture(x, seeds)) * attention
        return x, torch.cat([p, x], 1), attention


class TwoConvs(nn.Module):
    """Conv3x3 N ReLU Drop Conv3x3."""

    def __init__(
        self, i: int, hidden: int, o: int, *, normalize: Normalize, bias: bool, dropout: float, number: int
    ) -> None:
        super().__init__()
        self.first, self.between = before_norm(Conv(i, hidden, bias=bias)), NormAct(hidden, normalize)
        self.second = Conv(hidden, o, bias=bias)
        self.drop = SeededDropout(dropout, number)

    def forward(self, x: Float[Tensor, "B i h w"], seeds: Int64[Tensor, "B"] | None = None) -> Float[Tensor, "B o h w"]:
        return call(self.second, self.drop(self.between(self.first(x)), seeds))


class Cascade(nn.ModuleList):
    """`blocks` PATBlocks in sequence."""

    def __init__(
        self, channels: int, blocks: int, *, normalize: Normalize = "instance", bias: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__(
            PATBlock(
                channels,
                channels if n == 0 else 2 * channels,
                normalize=normalize,
                bias=bias,
                dropout=dropout,
                number=n,
            )
            for n in range(blocks)
        )

    def forward(
        self, x: Float[Tensor, "B C h w"], p: Float[Tensor, "B C h w"], seeds: Int64[Tensor, "B"] | None = None
    ) -> tuple[Float[Tensor, "B C h w"], tuple[Float[Tensor, "B 1 h w"], ...]]:
        """The last x, and each block's attention, averaged over the channels."""
        attentions = []
        for block in self:
            x, p, attention = block(x, p, seeds)
            attentions.append(attention.mean(1, keepdim=True))
        return x, tuple(attentions)


@dataclass(frozen=True)
class PoseTransfer:
    """The result of one pass of a pose branch.

    features: the picture stream after the last block, before decoding (F_t of RATE-Net and DRN).
    attentions: of every block, averaged over its channels, in [0, 1].
    """

    picture: Float[Tensor, "B 3 H W"]
    features: Float[Tensor, "B C h w"]
    attentions: tuple[Float[Tensor, "B 1 h w"], ...]


class PoseBranch(nn.Module):
    """The whole network of PATN: encode picture and both poses' maps, run the cascade, decode.

    Weights of convolutions start as N(0, 0.02), those of batch norms as N(1, 0.02), biases at 0.

    bias: whether the convolutions before the decoder's last have one.
    """

    def __init__(
        self,
        num_joints: int,
        *,
        width: int = 64,
        downsamplings: int = 2,
        blocks: int = 9,
        upsampling: Upsampling = "transposed",
        normalize: Normalize = "instance",
        bias: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.picture_encoder = Encoder(3, width, downsamplings, normalize=normalize, bias=bias)
        self.pose_encoder = Encoder(
            2 * num_joints, width, downsamplings, normalize=normalize, bias=bias, pose_maps=2 * num_joints
        )
        channels = width * 2**downsamplings
        self.cascade = Cascade(channels, blocks, normalize=normalize, bias=bias, dropout=dropout)
        self.decoder = Decoder(width, downsamplings, upsampling=upsampling, normalize=normalize, bias=bias)
        self.apply(first_weights)

    def forward(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_maps: Float[Tensor, "B K H W"],
        target_maps: Float[Tensor, "B K H W"],
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> PoseTransfer:
        """`seeds`: seeds of the rows' dropout; None = no dropout."""
        return self.transfer(self.picture_encoder(source), source_maps, target_maps, seeds)

    def transfer(
        self,
        encoded: Float[Tensor, "B C h w"],
        source_maps: Float[Tensor, "B K H W"],
        target_maps: Float[Tensor, "B K H W"],
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> PoseTransfer:
        """The same, from a source picture that `picture_encoder` has encoded."""
        p = self.pose_encoder(torch.cat([source_maps, target_maps], 1))
        features, attentions = self.cascade(encoded, p, seeds)
        picture = self.decoder(features)
        return PoseTransfer(torch.tanh(at_least_float32(picture)), features, attentions)


def norm(channels: int, normalize: Normalize) -> nn.Module:
    """The normalisation of a layer's channels: of each picture on its own, or over the batch of all processes."""
    return InstanceNorm(channels) if normalize == "instance" else GatheredBatchNorm(channels)


def before_norm(conv: C) -> C:
    """The same convolution with its bias fixed at 0: a norm removes any bias, and Adam would amplify rounding noise in
    it.

    The bias still exists, because published counts and weights include it.
    """
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
        conv.bias.requires_grad_(False)
    return conv


def enlarge(i: int, o: int, upsampling: Upsampling, bias: bool) -> nn.Module:
    """Twice the size, from `i` to `o` channels, before a norm."""
    if upsampling == "transposed":
        return before_norm(nn.ConvTranspose2d(i, o, 3, stride=2, padding=1, output_padding=1, bias=bias))
    double = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return nn.Sequential(double, before_norm(Conv(i, o, bias=bias)))


def first_weights(module: nn.Module) -> None:
    """N(0, 0.02) for a convolution and N(1, 0.02) for a batch norm, biases 0; for `apply`."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, GatheredBatchNorm):
        nn.init.normal_(module.weight, 1.0, 0.02)
