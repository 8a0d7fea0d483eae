"""Two ablations of GFLA for person images that have no flow network: Baseline and Global-Attn (Ren et al. 2020, 4.3).

Recalled from the paper: the baseline is an auto-encoder of the source picture and both poses side by side; the other
one is GFLA with attention to every place of the source, weighted by how alike target and source features are. The paper
says no more; their layers are those of GFLA's other networks, and whatever else is inferred is marked so. The third
ablation, Bi-Sample, has a flow: it is `GFLAConfig(sampling="bilinear")`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import SKELETONS, Generator, Layer, Pose
from reposer.generators.registries import GENERATORS
from reposer.nn.layout import at_least_float32, channels_last
from reposer.nn.maps import PoseMaps

from .blocks import EncoderBlock
from .network import GFLAConfig, GFLAOutput
from .parts import FLOW_LEVELS, SOURCE_LEVELS, DecodingNet, SourceNet, doubled, first_weights


@GENERATORS.register("gfla-without-flow")
@dataclass(frozen=True)
class GFLAWithoutFlowConfig(GFLAConfig):
    """GFLA's fields; those of the flow, of patches and of the occlusion's initial value are unused."""

    family: ClassVar[str] = "gfla-without-flow"

    source_by: Literal["input", "global-attention"] = "global-attention"
    """How the source enters: beside the poses, at the input (Baseline), or by attention to every place of its features
    at the levels of `attention` (Global-Attn)."""

    @classmethod
    def baseline_2020(cls) -> "GFLAWithoutFlowConfig":
        """Baseline, for DeepFashion."""
        return replace(cls(source_by="input"), normalize_input=True, maps=PoseMaps("truncated"))

    @classmethod
    def global_attention_2020(cls) -> "GFLAWithoutFlowConfig":
        """Global-Attn, for DeepFashion."""
        return replace(cls(), normalize_input=True, maps=PoseMaps("truncated"))

    def tiny(self) -> "GFLAWithoutFlowConfig":
        """The same form at a size for tests."""
        return replace(self, framing=self.framing.tiny(), width=4, attention_hidden=4)

    def build(self) -> "GFLAWithoutFlowGenerator":  # type: ignore[override]
        return GFLAWithoutFlowGenerator(self)


class GlobalAttention(nn.Module):
    """A softmax over every place of the source, and how far to trust the result.

    Inferred: features are compared after a Conv1x1 each, `hidden` channels wide; the trust, which GFLA's flow network
    predicts, is a Conv1x1 of the target's features here.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.query, self.key = nn.Conv2d(channels, hidden, 1), nn.Conv2d(channels, hidden, 1)
        self.occlusion = nn.Conv2d(channels, 1, 1)

    def forward(
        self, source: Float[Tensor, "B C H W"], target: Float[Tensor, "B C h w"]
    ) -> tuple[Float[Tensor, "B C h w"], Float[Tensor, "B 1 h w"]]:
        """The attended features, and the occlusion: 1 = take them, 0 = keep the target network's own features."""
        query, key, value = (_rows(x) for x in (self.query(target), self.key(source), source))
        found = F.scaled_dot_product_attention(query, key, value, scale=1 / math.sqrt(query.shape[-1]))
        occlusion = torch.sigmoid(at_least_float32(self.occlusion(target)))
        return found.transpose(1, 2).unflatten(2, target.shape[-2:]), occlusion


def _rows(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B L C"]:
    return x.flatten(2).transpose(1, 2).contiguous()


class PlainTargetNet(DecodingNet):
    """Down to level 3 and up to a picture, taking in the source on the way up."""

    def __init__(self, config: GFLAWithoutFlowConfig, entering: int) -> None:
        super().__init__()
        widths = doubled(config.width, SOURCE_LEVELS)
        raw = not config.normalize_input and config.source_by == "input"
        self.encoder = nn.ModuleList(
            EncoderBlock(i, o, raw=raw and n == 0) for n, (i, o) in enumerate(pairwise([entering, *widths]))
        )
        self.build_way_up(config)

    def forward(self, x: Float[Tensor, "B E H W"], take: Callable[[int, Tensor], Tensor]) -> Float[Tensor, "B 3 H W"]:
        x = channels_last(x)
        for block in self.encoder:
            x = block(x)
        return self.decode(x, take)


class GFLAWithoutFlowGenerator(Generator):
    """Baseline or Global-Attn."""

    divisor = 2**FLOW_LEVELS  # as for the networks that it is compared with

    config: GFLAWithoutFlowConfig

    def __init__(self, config: GFLAWithoutFlowConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing
        self.skeleton = SKELETONS[config.maps.skeleton]
        joints, widths = len(self.skeleton), doubled(config.width, SOURCE_LEVELS)
        self.source_net, self.attention = None, nn.ModuleDict()
        if config.source_by == "global-attention":
            self.source_net = SourceNet(config)
            self.unread = tuple(f"source_net.encoder.{n}." for n in range(config.levels[0], SOURCE_LEVELS))
            for level in config.levels:
                self.attention[str(level)] = GlobalAttention(widths[level - 1], config.attention_hidden)
        self.target_net = PlainTargetNet(config, joints if self.source_net else 3 + 2 * joints)
        first_weights(self, config, [], self.target_net.picture)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def kernel_sizes(self) -> dict[int, int]:
        """None: there is no flow."""
        return {}

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: Pose, target_pose: Pose) -> GFLAOutput:
        """Without flows; occlusions where there is attention. The source's pose is seen by Baseline alone."""
        occlusions: dict[int, Tensor] = {}
        target_maps = self.config.maps.of(target_pose, source)
        if self.source_net is None:
            entering = torch.cat([source, self.config.maps.of(source_pose, source), target_maps], 1)
            return GFLAOutput(self.target_net(entering, lambda _, x: x), source, {}, {})
        features = self.source_net(source)

        def take(level: int, x: Tensor) -> Tensor:
            if str(level) not in self.attention:
                return x
            found, occlusions[level] = self.attention[str(level)](features[level], x)
            return torch.lerp(x, found.to(x.dtype), occlusions[level].to(x.dtype))

        return GFLAOutput(self.target_net(target_maps, take), source, {}, occlusions)

    def layers(self, output: GFLAOutput) -> Mapping[str, Layer]:
        """The occlusion of each level; Baseline has no layers to show."""
        return {f"occlusion level {n}": Layer("weight", m) for n, m in output.occlusions.items()}
