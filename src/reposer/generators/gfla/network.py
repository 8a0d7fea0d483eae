"""GFLA for person images: global flow, local attention (Ren et al. 2020, arXiv:2003.00696; code at commit 3afa8fe).

The flow network sees the source picture and both poses; the target network decodes the target pose into a picture and
takes in source features by local attention around the place that the flow points to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import SKELETONS, Framing, Generator, Layer, Pose
from reposer.generators.registries import GENERATORS
from reposer.nn.layout import channels_last
from reposer.nn.maps import PoseMaps

from .blocks import EncoderBlock
from .parts import (
    FLOW_LEVELS,
    SOURCE_LEVELS,
    DecodingNet,
    FlowNet,
    Moves,
    NetworksConfig,
    SourceNet,
    attentions,
    doubled,
    first_weights,
    layers_of,
    take_in,
)

RAW_POSE_SCALE = 4.0  # a bump covers few pixels: at this height its channel varies about as much as a picture's


@GENERATORS.register("gfla")
@dataclass(frozen=True)
class GFLAConfig(NetworksConfig):
    """The networks of person images. The defaults are our form; `fashion_2020` and `market_2020` are the published
    ones."""

    family: ClassVar[str] = "gfla"

    maps: PoseMaps = PoseMaps()
    """How poses become maps."""

    @classmethod
    def fashion(cls) -> "GFLAConfig":
        """Ours for DeepFashion."""
        return cls()

    @classmethod
    def market(cls) -> "GFLAConfig":
        """Ours for Market-1501: one level of attention."""
        return cls(Framing((128, 64), aspect=0.5), attention=((2, 3),))

    @classmethod
    def mini(cls) -> "GFLAConfig":
        """Ours for two CPU cores, with larger first weights: it learns the colours sooner (docs/leaderboard.md)."""
        return cls(
            Framing((128, 96), fit="pad"),
            width=24,
            flow_width=16,
            attention_hidden=64,
            maps=PoseMaps(sigma=3.0),
            first_gain=0.7,
            first_occlusion=2.0,
            first_enlarging="bilinear",
        )

    @classmethod
    def synthetic(cls) -> "GFLAConfig":
        """Ours for synthetic people at the mini size, chosen so that the source's colours are used early in
        training."""
        return replace(
            cls.mini(), attention=((1, 3), (2, 3), (3, 3)), attention_hidden=48, first_enlarging="orthogonal"
        )

    @classmethod
    def fashion_2020(cls) -> "GFLAConfig":
        """The released network for DeepFashion."""
        return cls.fashion()._published()

    @classmethod
    def bilinear_2020(cls) -> "GFLAConfig":
        """The paper's ablation Bi-Sample, for DeepFashion: the source is sampled where the flow points to."""
        return replace(cls.fashion_2020(), sampling="bilinear")

    @classmethod
    def market_2020(cls) -> "GFLAConfig":
        """The released network for Market-1501."""
        return cls.market()._published()

    def _published(self) -> "GFLAConfig":
        return replace(self, normalize_attention="mean", normalize_input=True, maps=PoseMaps("truncated"))

    def tiny(self) -> "GFLAConfig":
        """The same form at a size for tests."""
        return replace(self, framing=self.framing.tiny(), width=4, flow_width=3, attention_hidden=4)

    def build(self) -> "GFLAGenerator":
        return GFLAGenerator(self)


@dataclass(frozen=True)
class GFLAOutput:
    """The result of one forward pass; `flows` and `occlusions` by level, as in Moves."""

    picture: Float[Tensor, "B 3 H W"]
    source: Float[Tensor, "B 3 H W"]
    flows: dict[int, Float[Tensor, "B 2 _ _"]]
    occlusions: dict[int, Float[Tensor, "B 1 _ _"]]


class GFLAGenerator(Generator):
    """The three networks; `forward` runs all, `flow` the flow network alone (the first stage of training)."""

    divisor = 2**FLOW_LEVELS

    config: GFLAConfig

    def __init__(self, config: GFLAConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing
        self.skeleton = SKELETONS[config.maps.skeleton]
        # As published, source features are computed down to level 3 even where nothing attends there (Market-1501).
        self.unread = tuple(f"source_net.encoder.{block}." for block in range(config.levels[0], SOURCE_LEVELS))
        self.source_net = SourceNet(config)
        self.flow_net = FlowNet(config, 3 + 2 * len(self.skeleton))
        self.target_net = TargetNet(config, len(self.skeleton))
        first_weights(self, config, [self.flow_net], self.target_net.picture)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def kernel_sizes(self) -> dict[int, int]:
        """Side of the attended patch, by level."""
        return dict(self.config.attention)

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: Pose, target_pose: Pose) -> GFLAOutput:
        return self.frame(self.begin(source, source_pose), target_pose)[0]

    def flow(self, source: Float[Tensor, "B 3 H W"], source_pose: Pose, target_pose: Pose) -> Moves:
        """The flow network's prediction alone."""
        return self.moves(source, self.pose_maps(source_pose, source), self.pose_maps(target_pose, source))

    def moves(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_maps: Float[Tensor, "B K H W"],
        target_maps: Float[Tensor, "B K H W"],
    ) -> Moves:
        scale = 1.0 if self.config.normalize_input else RAW_POSE_SCALE  # a norm would undo it
        moves: Moves
        (moves,) = self.flow_net(torch.cat([source, scale * source_maps, scale * target_maps], 1))
        return moves

    def pose_maps(self, pose: Pose, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B K H W"]:
        """One bump of height 1 per visible joint, on the picture's device and in its dtype."""
        return self.config.maps.of(pose, picture)

    def layers(self, output: GFLAOutput) -> Mapping[str, Layer]:
        """Flow and occlusion of each level, and the source as moved by the finest flow alone."""
        return layers_of(Moves(output.flows, output.occlusions), output.source)

    def begin(
        self, source: Tensor, source_pose: Pose, previous: Any = None
    ) -> tuple[Tensor, Tensor, dict[int, Tensor]]:
        """Encodes the source and makes its pose maps, once."""
        return source, self.pose_maps(source_pose, source), self.source_net(source)

    def frame(
        self, memory: tuple[Tensor, Tensor, dict[int, Tensor]], target_pose: Pose, seeds: Tensor | None = None
    ) -> tuple[GFLAOutput, Any]:
        source, source_maps, features = memory
        target_maps = self.pose_maps(target_pose, source)
        moves = self.moves(source, source_maps, target_maps)
        return GFLAOutput(self.target_net(target_maps, features, moves), source, *moves), memory


class TargetNet(DecodingNet):
    """Decodes the target pose into a picture, taking in source features by local attention on the way up."""

    def __init__(self, config: NetworksConfig, joints: int) -> None:
        super().__init__()
        widths = doubled(config.width, SOURCE_LEVELS)
        self.encoder = nn.ModuleList(EncoderBlock(i, o) for i, o in pairwise([joints, *widths]))
        self.attention = attentions(config)
        self.build_way_up(config)

    def forward(
        self, target_maps: Float[Tensor, "B K H W"], source_features: dict[int, Float[Tensor, "B _ _ _"]], moves: Moves
    ) -> Float[Tensor, "B 3 H W"]:
        x = channels_last(target_maps)
        for block in self.encoder:
            x = block(x)
        return self.decode(x, lambda level, x: take_in(self.attention, level, x, source_features, moves))
