"""PATN's discriminator, shared by RATE-Net and DRN; one form for appearance (picture and source) and for shape (picture
and pose maps)."""

from typing import Literal

from jaxtyping import Float, Int64
from torch import Tensor, nn

from .call import call
from .pose_transfer import Conv, Encoder, Normalize, TwoConvs, before_norm, norm

Head = Literal["none", "patch"]
"""A discriminator's outputs that are compared with 1 and 0: every channel of its last features ("none", as in the
authors' code), or one score per place ("patch")."""


class PairDiscriminator(nn.Module):
    """Conv7x7 N ReLU, two halvings, residual blocks; unbounded scores at a quarter of the size.

    i: channels of the picture and of what it is joined with. width: of the first layer; the last has four times as
    many.
    bias: whether its convolutions have one; a head's always does.
    dropout: rate in the residual blocks, by the rows' seeds.
    pose_maps: how many of the `i` channels, the last ones, are maps of one joint's bump each.
    """

    def __init__(
        self,
        i: int,
        width: int = 64,
        *,
        downsamplings: int = 2,
        blocks: int = 3,
        normalize: Normalize = "instance",
        bias: bool = True,
        dropout: float = 0.5,
        head: Head = "none",
        pose_maps: int = 0,
    ) -> None:
        super().__init__()
        channels = width * 2**downsamplings
        self.encoder = Encoder(i, width, downsamplings, normalize=normalize, bias=bias, pose_maps=pose_maps)
        self.blocks = nn.ModuleList(
            ResidualBlock(channels, normalize=normalize, bias=bias, dropout=dropout, number=n) for n in range(blocks)
        )
        self.score = Conv(channels, 1) if head == "patch" else nn.Identity()

    def forward(
        self, joined: Float[Tensor, "B i H W"], seeds: Int64[Tensor, "B"] | None = None
    ) -> Float[Tensor, "B C h w"]:
        """`joined`: the picture, then the source or the pose maps. `seeds`: seeds of the dropout; None = no dropout."""
        x = self.encoder(joined)
        for block in self.blocks:
            x = block(x, seeds)
        return call(self.score, x)


class ResidualBlock(nn.Module):
    """x + Conv3x3 N ReLU Drop Conv3x3 N."""

    def __init__(self, channels: int, *, normalize: Normalize, bias: bool, dropout: float, number: int) -> None:
        super().__init__()
        c = channels
        self.convs = TwoConvs(c, c, c, normalize=normalize, bias=bias, dropout=dropout, number=number)
        before_norm(self.convs.second)
        self.norm = norm(c, normalize)

    def forward(self, x: Float[Tensor, "B C h w"], seeds: Int64[Tensor, "B"] | None = None) -> Float[Tensor, "B C h w"]:
        y: Tensor = self.norm(self.convs(x, seeds))
        return x + y
