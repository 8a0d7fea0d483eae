"""PATN: progressive pose attention transfer (Zhu et al. 2019, arXiv:1904.03349).

Two streams, the source picture's features and those of both poses, pass a cascade of blocks. In each block the pose
stream says where the picture stream is to change (attention); the last picture features are decoded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from reposer.core import SKELETONS, BadInput, Framing, Generator, Layer, Pose
from reposer.core.generator import refuse_indivisible
from reposer.generators.registries import GENERATORS
from reposer.nn.layout import channels_last
from reposer.nn.maps import PoseMaps

from .blocks import Normalize, PoseBranch, PoseTransfer, Upsampling


@GENERATORS.register("patn")
@dataclass(frozen=True)
class PATNConfig:
    """The network. The defaults are the published one for DeepFashion, except where joints are drawn."""

    family: ClassVar[str] = "patn"

    framing: Framing = Framing((256, 176))
    """Size of the pictures, whose sides divide by 2^downsamplings, and how a photo becomes one."""
    width: int = 64
    """Channels of the first layer; doubled at each downsampling."""
    downsamplings: int = 2
    """Halvings before the cascade: 2 as published; RATE-Net's pose branch has 3."""
    blocks: int = 9
    """Blocks of the cascade."""
    upsampling: Upsampling = "transposed"
    """"transposed" (published): transposed convolutions; "bilinear": as RATE-Net's pose branch, without their
    chequers."""
    normalize: Normalize = "instance"
    """"instance": each picture on its own (published for DeepFashion); "batch": over a batch (Market-1501)."""
    bias: bool = True
    """Whether a convolution other than the decoder's last has a bias. Published with batch norm: none has, not even
    the one whose sigmoid is the attention, which no norm follows."""
    dropout: float = 0.5
    """Share of values dropped in the blocks while training."""
    maps: PoseMaps = PoseMaps()
    """How poses become maps."""

    def __post_init__(self) -> None:
        if min(self.width, self.downsamplings, self.blocks) < 1:
            raise BadInput(f"PATN's width, downsamplings and blocks are above 0; this came: {self}.")
        refuse_indivisible(self.framing.size, self.divisor, f"PATN with {self.downsamplings} downsamplings")
        if not 0 <= self.dropout < 1:
            raise BadInput(f"PATN's dropout is a share in [0, 1), not {self.dropout}.")

    @property
    def divisor(self) -> int:
        """What both sides of a picture divide by."""
        return int(2**self.downsamplings)

    @classmethod
    def fashion(cls) -> "PATNConfig":
        """The published network for DeepFashion."""
        return cls(maps=PoseMaps("truncated"))

    @classmethod
    def market(cls) -> "PATNConfig":
        """The published network for Market-1501."""
        return cls(Framing((128, 64), aspect=0.5), normalize="batch", bias=False, maps=PoseMaps("truncated"))

    @classmethod
    def mini(cls) -> "PATNConfig":
        """Ours for two CPU cores."""
        return cls(
            framing=Framing((128, 96), fit="pad"),
            width=16,
            blocks=4,
            upsampling="bilinear",
            dropout=0.0,
            maps=PoseMaps(sigma=3.0),
        )

    def tiny(self) -> "PATNConfig":
        """The same form at the size of a test: three blocks of 16 channels."""
        return replace(
            self,
            framing=self.framing.tiny(),
            width=max(1, 16 // self.divisor),
            blocks=3,
            maps=replace(self.maps, sigma=2.0),
        )

    def build(self) -> "PATNGenerator":
        return PATNGenerator(self)


class PATNGenerator(Generator):
    """The network and its pose maps."""

    config: PATNConfig

    def __init__(self, config: PATNConfig) -> None:
        super().__init__()
        self.divisor = config.divisor
        self.config = config
        self.framing = config.framing
        self.skeleton = SKELETONS[config.maps.skeleton]
        self.branch = PoseBranch(
            len(self.skeleton),
            width=config.width,
            downsamplings=config.downsamplings,
            blocks=config.blocks,
            upsampling=config.upsampling,
            normalize=config.normalize,
            bias=config.bias,
            dropout=config.dropout,
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Pose,
        target_pose: Pose,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> PoseTransfer:
        """`seeds`: of the rows' dropout, in training; None = no dropout."""
        source_maps, target_maps = self.pose_maps(source_pose, source), self.pose_maps(target_pose, source)
        return self.branch(channels_last(source), source_maps, target_maps, seeds)

    def pose_maps(self, pose: Pose, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B K H W"]:
        """One bump of height 1 per visible joint, on the picture's device and in its type."""
        return channels_last(self.config.maps.of(pose, picture))

    def layers(self, output: PoseTransfer) -> Mapping[str, Layer]:
        """The attention of each block: where it changes the picture's features, averaged over their channels."""
        return {
            f"attention of block {n}": Layer("weight", attention)
            for n, attention in enumerate(output.attentions, start=1)
        }

    def begin(self, source: Tensor, source_pose: Pose, previous: Any = None) -> tuple[Tensor, Tensor, Tensor]:
        """The source is encoded, and its pose maps are made, once."""
        encoded = self.branch.picture_encoder(channels_last(source))
        return source, encoded, self.pose_maps(source_pose, source)

    def frame(
        self, memory: tuple[Tensor, Tensor, Tensor], target_pose: Pose, seeds: Tensor | None = None
    ) -> tuple[PoseTransfer, Any]:
        source, encoded, source_maps = memory
        return self.branch.transfer(encoded, source_maps, self.pose_maps(target_pose, source)), memory
