"""GFLA for objects from other sides (Ren et al. 2020, arXiv:2003.00696; code at commit 3afa8fe).

The flow network sees the source picture and, at its deepest map, the views; the target network starts from the target's
view and takes in source features by local attention, as for person images.

As published, a view is a one-hot code, the same at every place of a map. The instance norm at the start of every block
removes the mean over places, and with it the whole view: it passes through the bypasses alone. Our form starts from
maps that differ from place to place, made from a code that is smooth in the angles, so that it can also generate
azimuths that were not in training.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput, Framing, Layer, View
from reposer.generators.registries import GENERATORS
from reposer.generators.view_generator import ViewGenerator
from reposer.nn.layout import channels_last
from reposer.nn.view_code import ONE_HOT, CodeMap, ViewCode, one_hot_view

from .blocks import ResBlock, ResBlockDecoder
from .network import GFLAOutput
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


@GENERATORS.register("gfla-views")
@dataclass(frozen=True)
class GFLAViewsConfig(NetworksConfig):
    """The networks of view synthesis. The defaults are our form; `shapenet_2020` is the published one."""

    family: ClassVar[str] = "gfla-views"

    framing: Framing = Framing((256, 256), aspect=1.0)
    """Size of the pictures, whose sides must be multiples of 32, and how a photo is framed."""
    injection: Literal["code", "one-hot"] = "code"
    """How the views enter: as maps of a smooth code (any azimuth), or (published) as one-hot codes (multiples of 20
    degrees)."""
    code_width: int = 64
    """Channels of the code, and of each map made from it. Unused with one-hot codes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code_width < 1:
            raise BadInput(f"The code of a view has 1 channel or more, not {self.code_width}.")

    @classmethod
    def shapenet(cls) -> "GFLAViewsConfig":
        """Ours for ShapeNet's cars and chairs."""
        return cls(first_gain=0.7)

    @classmethod
    def shapenet_2020(cls) -> "GFLAViewsConfig":
        """The released network for ShapeNet's cars and for its chairs."""
        return cls(injection="one-hot", normalize_attention="mean", normalize_input=True)

    @classmethod
    def mini(cls) -> "GFLAViewsConfig":
        """Ours for two CPU cores."""
        return cls(
            framing=Framing((128, 128), aspect=1.0), width=24, flow_width=16,
            attention=((2, 3), (3, 3)), attention_hidden=48, first_gain=0.7, first_occlusion=1.0, code_width=32,
        )  # fmt: skip

    def tiny(self) -> "GFLAViewsConfig":
        """The same form at a size for tests."""
        return replace(self, framing=self.framing.tiny(), width=4, flow_width=2, attention_hidden=4, code_width=4)

    def build(self) -> "GFLAViewsGenerator":
        return GFLAViewsGenerator(self)

    @property
    def deepest(self) -> tuple[int, int]:
        """(height, width) of the map at which the views enter."""
        return self.framing.size[0] >> FLOW_LEVELS, self.framing.size[1] >> FLOW_LEVELS

    @property
    def view_channels(self) -> int:
        """Channels of the maps by which the views enter."""
        return ONE_HOT if self.injection == "one-hot" else self.code_width


class GFLAViewsGenerator(ViewGenerator):
    """The three networks; `forward` runs all, `flow` the flow network alone (the first stage of training)."""

    divisor = 2**FLOW_LEVELS

    config: GFLAViewsConfig

    def __init__(self, config: GFLAViewsConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing
        self.unread = tuple(f"source_net.encoder.{block}." for block in range(config.levels[0], SOURCE_LEVELS))
        if self.one_hot:  # a norm makes a code that is the same everywhere zero, whatever its factor
            self.unread += ("target_net.begin.0.before.weight",)
        self.source_net = SourceNet(config)
        self.flow_net = ViewFlowNet(config)
        self.target_net = ViewTargetNet(config)
        first_weights(self, config, [self.flow_net], self.target_net.picture)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def kernel_sizes(self) -> dict[int, int]:
        """Side of the attended patch, by level."""
        return dict(self.config.attention)

    @property
    def one_hot(self) -> bool:
        return self.config.injection == "one-hot"

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: View, target_pose: View) -> GFLAOutput:
        return self.frame(self.begin(source, source_pose), target_pose)[0]

    def flow(self, source: Float[Tensor, "B 3 H W"], source_view: View, target_view: View) -> Moves:
        """The flow network's prediction alone."""
        return self.flow_net.turned(self.flow_net.encode(source), source_view, target_view)

    def layers(self, output: GFLAOutput) -> Mapping[str, Layer]:
        """Flow and occlusion of each level, and the source as moved by the finest flow alone."""
        return layers_of(Moves(output.flows, output.occlusions), output.source)

    def begin(self, source: Tensor, source_pose: View, previous: Any = None) -> tuple[Tensor, View, Any, Any]:
        """Computes what depends on the source alone, once."""
        return source, source_pose, self.flow_net.encode(source), self.source_net(source)

    def frame(
        self, memory: tuple[Tensor, View, Any, Any], target_pose: View, seeds: Tensor | None = None
    ) -> tuple[GFLAOutput, Any]:
        source, source_view, skips, features = memory
        moves = self.flow_net.turned(skips, source_view, target_pose)
        picture = self.target_net(source_view, target_pose, features, moves)
        return GFLAOutput(picture, source, *moves), memory


class ViewMaps(nn.Module):
    """The views as maps of the deepest size; `turn`: whether a one-hot code is that of the turn, or of the target
    alone."""

    def __init__(self, config: GFLAViewsConfig, *, turn: bool) -> None:
        super().__init__()
        self.turn, self.size, self.smooth = turn, config.deepest, config.injection == "code"
        if self.smooth:
            self.code = ViewCode(config.code_width)
            self.map = CodeMap(config.code_width, config.view_channels, config.deepest)

    def forward(self, source_view: View, target_view: View, dtype: torch.dtype) -> Float[Tensor, "B V h w"]:
        if self.smooth:
            return channels_last(self.map(self.code(source_view, target_view)).to(dtype))
        code = one_hot_view(target_view)
        if self.turn:
            code = one_hot_view(source_view) - code
        return code.to(dtype)[..., None, None].expand(-1, -1, *self.size)


class ViewFlowNet(FlowNet):
    """Encodes the source alone; the views enter at the deepest map, through a block of their own."""

    def __init__(self, config: GFLAViewsConfig) -> None:
        super().__init__(config, 3)
        deepest = doubled(config.flow_width, FLOW_LEVELS)[-1]
        self.views = ViewMaps(config, turn=True)
        self.bottom = ResBlock(deepest + config.view_channels, deepest)

    def turned(self, skips: dict[int, Float[Tensor, "B _ _ _"]], source_view: View, target_view: View) -> Moves:
        """The moves from the source's features (`encode`) and the views."""
        deepest = skips[FLOW_LEVELS]
        views = self.views(source_view, target_view, deepest.dtype)
        (moves,) = self.decode(self.bottom(torch.cat([deepest, views], 1)), skips)
        return moves


class ViewTargetNet(DecodingNet):
    """Decodes a view into a picture, taking in source features by local attention on the way up."""

    def __init__(self, config: GFLAViewsConfig) -> None:
        super().__init__()
        widths = doubled(config.width, SOURCE_LEVELS)
        entering, first, deepest = config.view_channels, widths[0], widths[-1]
        self.views = ViewMaps(config, turn=False)
        self.begin = nn.ModuleList(
            [ResBlockDecoder(entering, first, hidden=entering), ResBlockDecoder(first, deepest, hidden=first)]
        )
        self.attention = attentions(config)
        self.build_way_up(config)

    def forward(
        self, source_view: View, target_view: View, source_features: dict[int, Float[Tensor, "B _ _ _"]], moves: Moves
    ) -> Float[Tensor, "B 3 H W"]:
        x = self.views(source_view, target_view, source_features[1].dtype)
        for block in self.begin:
            x = block(x)
        return self.decode(x, lambda level, x: take_in(self.attention, level, x, source_features, moves))
