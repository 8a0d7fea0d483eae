"""GFLA: global flow, local attention (Ren et al. 2020, arXiv:2003.00696; the authors' code at commit 3afa8fe).

Level n is a map of 1/2^n of the picture's height and width. A flow network says, at a few levels, where each place of
the target is found in the source, and how far to trust that (occlusion). A source network makes features of the source
picture; a target network turns the target pose into a picture and, at those levels, takes in source features by local
attention around the place that the flow points to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.core import SKELETONS, BadInput, Explanation, Framing, Generator, Layer, Pose
from reposer.core.samples import Condition
from reposer.generators.registries import GENERATORS
from reposer.nn.layout import at_least_float32, channels_last
from reposer.nn.local_attention import LocalAttention
from reposer.nn.maps import heatmaps
from reposer.nn.warp import warp

from .blocks import EncoderBlock, Jump, Normalize, ResBlock, ResBlockDecoder

SOURCE_LEVELS = 3  # halvings of the source and target networks
FLOW_LEVELS = 5  # halvings of the flow network
WIDEST = 8  # times the width of the first block, at most
RAW_POSE_SCALE = (
    4.0  # a bump covers few pixels: at this height its channel varies about as much as a picture's
)


@GENERATORS.register("gfla")
@dataclass(frozen=True)
class GFLAConfig:
    """The three networks. The defaults are our form; `fashion_2020` and `market_2020` are the published ones."""

    family: ClassVar[str] = "gfla"

    size: tuple[int, int] = (256, 256)
    """(height, width) of the pictures, in pixels; both divide by 32."""
    width: int = 64
    """Channels of the first block of the source and target networks; doubled twice."""
    flow_width: int = 32
    """Channels of the first block of the flow network; doubled three times."""
    attention: tuple[tuple[int, int], ...] = ((2, 5), (3, 3))
    """(level, side of the attended patch in pixels of that level); levels from 1 to 3, sides odd."""
    attention_hidden: int = 128
    """Channels between the two layers that score a patch."""
    normalize_attention: Literal["sum", "mean"] = "sum"
    """"sum": the weights of a patch add up to 1. "mean" (published): to 1 / side^2."""
    normalize_input: bool = False
    """True (published): every norm is an instance norm, the first one on the raw input, so that the drawing does not
    depend on the brightness or tint of the source. False: the picture enters as it is, and the source network's
    norms keep its colour."""
    first_gain: float = 0.02
    """Gain of the orthogonal first weights; published 0.02. Flow, occlusion and last layer always start at 0.02."""
    first_occlusion: float = 0.0
    """The occlusions' first value, before the sigmoid; published 0. Above, the network starts by copying."""
    sigma: float = 6.0
    """Width of a joint's bump in the pose maps, in pixels."""
    coordinates: Literal["exact", "truncated"] = "exact"
    """"truncated" (published): joints are drawn at whole pixels, rounded towards zero."""
    skeleton: str = "openpose18"
    """Name of the poses' skeleton."""
    fit: Literal["squash", "pad"] = "squash"
    """How a photo becomes a picture of `size`: each axis on its own, or with its aspect kept and edges repeated."""
    aspect: float = 176 / 256
    """Width over height of the person pictures it is trained on."""
    margin: float = 0.25
    """Room around the pose in a photo, as a share of the larger side of the pose's box."""

    def __post_init__(self) -> None:
        divisor = 2**FLOW_LEVELS
        if min(self.size) < divisor or any(side % divisor for side in self.size):
            raise BadInput(
                f"GFLA draws pictures whose sides divide by {divisor}, not {self.size[0]}x{self.size[1]}."
            )
        levels = [level for level, _ in self.attention]
        if (
            not levels
            or len(set(levels)) < len(levels)
            or not set(levels) <= set(range(1, SOURCE_LEVELS + 1))
        ):
            raise BadInput(
                f"GFLA attends at one or more different levels from 1 to {SOURCE_LEVELS}, not at {levels}."
            )
        if any(k < 1 or k % 2 == 0 for _, k in self.attention):
            raise BadInput(
                f"The patches of GFLA's attention have odd sides, not {[k for _, k in self.attention]}."
            )
        if min(self.width, self.flow_width, self.attention_hidden) < 1 or self.sigma <= 0:
            raise BadInput(f"GFLA's widths and sigma are above 0; this came: {self}.")
        if self.skeleton not in SKELETONS:
            raise BadInput(f"There is no skeleton '{self.skeleton}'; there are {', '.join(SKELETONS)}.")

    @classmethod
    def fashion(cls) -> "GFLAConfig":
        """Ours for DeepFashion."""
        return cls()

    @classmethod
    def market(cls) -> "GFLAConfig":
        """Ours for Market-1501: one level of attention."""
        return cls(size=(128, 64), attention=((2, 3),), aspect=0.5)

    @classmethod
    def mini(cls) -> "GFLAConfig":
        """Ours for two CPU cores."""
        return cls(size=(128, 96), fit="pad", width=24, flow_width=16, attention_hidden=64, sigma=3.0)

    @classmethod
    def synthetic(cls) -> "GFLAConfig":
        """Ours for synthetic people at the mini size: made so that the source's colours get through early."""
        return replace(
            cls.mini(),
            attention=((1, 3), (2, 3), (3, 3)),
            attention_hidden=48,
            first_gain=0.7,
            first_occlusion=2.0,
        )

    @classmethod
    def fashion_2020(cls) -> "GFLAConfig":
        """The released network for DeepFashion."""
        return cls.fashion()._published()

    @classmethod
    def market_2020(cls) -> "GFLAConfig":
        """The released network for Market-1501."""
        return cls.market()._published()

    def _published(self) -> "GFLAConfig":
        return replace(self, normalize_attention="mean", normalize_input=True, coordinates="truncated")

    def tiny(self) -> "GFLAConfig":
        """The same form at the size of a test."""
        return replace(self, size=(64, 32), width=4, flow_width=3, attention_hidden=4)

    def build(self) -> "GFLAGenerator":
        return GFLAGenerator(self)


@dataclass(frozen=True)
class GFLADrawing:
    """What one forward pass makes; levels run from coarse to fine.

    flows: backward, in pixels of the level: target place p shows source place p + flow(p).
    occlusions: in [0, 1]; 1 = take from the source, 0 = keep what the target network made up.
    """

    picture: Float[Tensor, "B 3 H W"]
    flows: dict[int, Float[Tensor, "B 2 _ _"]]
    occlusions: dict[int, Float[Tensor, "B 1 _ _"]]


class GFLAGenerator(Generator):
    """The three networks; `forward` draws, `flow` runs the flow network alone (the first stage of training)."""

    divisor = 2**FLOW_LEVELS

    config: GFLAConfig

    def __init__(self, config: GFLAConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = Framing(config.size, config.margin, config.fit, config.aspect)
        self.skeleton = SKELETONS[config.skeleton]
        # As published, source features are made down to level 3 even where nothing attends there (Market-1501).
        deepest = max(level for level, _ in config.attention)
        self.unread = tuple(f"source_net.encoder.{block}." for block in range(deepest, SOURCE_LEVELS))
        self.source_net = SourceNet(config)
        self.flow_net = FlowNet(config)
        self.target_net = TargetNet(config)
        _first_weights(self, config.first_gain, config.first_occlusion)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def kernel_sizes(self) -> dict[int, int]:
        """Side of the attended patch, by level."""
        return dict(self.config.attention)

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: Pose, target_pose: Pose) -> GFLADrawing:
        source_maps, target_maps = self.pose_maps(source_pose, source), self.pose_maps(target_pose, source)
        flows, occlusions = self.flow_net(source, source_maps, target_maps)
        picture = self.target_net(target_maps, self.source_net(source), flows, occlusions)
        return GFLADrawing(picture, flows, occlusions)

    def flow(
        self, source: Float[Tensor, "B 3 H W"], source_pose: Pose, target_pose: Pose
    ) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """Flows and occlusions by level, as in GFLADrawing."""
        return self.flow_net(source, self.pose_maps(source_pose, source), self.pose_maps(target_pose, source))

    def pose_maps(self, pose: Pose, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B K H W"]:
        """One bump of height 1 per visible joint, on the picture's device and in its type."""
        maps = heatmaps(pose.to(picture.device), self.config.sigma, coordinates=self.config.coordinates)
        return maps.to(picture.dtype)

    @torch.no_grad()
    def generate(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Condition,
        target_pose: Condition,
        *,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B 3 H W"]:
        """The drawn pictures. There is no noise, and no layer that works otherwise in training: seeds play no part."""
        return self(source, *self.checked(source, source_pose, target_pose)).picture

    @torch.no_grad()
    def explain(
        self, source: Float[Tensor, "B 3 H W"], source_pose: Condition, target_pose: Condition
    ) -> Explanation:
        """Flow and occlusion of each level, and the source as the finest flow alone would move it."""
        drawing = self(source, *self.checked(source, source_pose, target_pose))
        layers = {}
        for level, flow in drawing.flows.items():
            layers[f"flow level {level}"] = Layer("flow", flow)
            layers[f"occlusion level {level}"] = Layer("weight", drawing.occlusions[level])
        finest = _of_picture_size(drawing.flows[min(drawing.flows)], source)
        layers["warped source"] = Layer("picture", warp(source, finest))
        return Explanation(drawing.picture, layers)

    def animate(
        self, source: Float[Tensor, "3 H W"], source_pose: Pose, target_poses: Pose, *, seed: int = 0
    ) -> Iterator[Float[Tensor, "3 H W"]]:
        """One frame per row of `target_poses`; the source's features and pose maps are made once."""
        picture = source[None]
        with torch.no_grad():
            features = self.source_net(picture)
            source_maps = self.pose_maps(Pose.stack([source_pose]), picture)
        for t in range(len(target_poses)):
            with torch.no_grad():  # not over the yield: the caller's mode is the caller's
                target_maps = self.pose_maps(target_poses[t : t + 1], picture)
                flows, occlusions = self.flow_net(picture, source_maps, target_maps)
                frame = self.target_net(target_maps, features, flows, occlusions)[0]
            yield frame


class SourceNet(nn.Module):
    """The source picture's features by level."""

    def __init__(self, config: GFLAConfig) -> None:
        super().__init__()
        normalize: Normalize = "channel" if config.normalize_input else "picture"
        widths = [3, *_widths(config.width, SOURCE_LEVELS)]
        self.encoder = nn.ModuleList(
            EncoderBlock(i, o, normalize, raw=n == 0 and not config.normalize_input)
            for n, (i, o) in enumerate(pairwise(widths))
        )

    def forward(self, source: Float[Tensor, "B 3 H W"]) -> dict[int, Float[Tensor, "B _ _ _"]]:
        features, x = {}, channels_last(source)
        for level, block in enumerate(self.encoder, start=1):
            features[level] = x = block(x)
        return features


class FlowNet(nn.Module):
    """A U-Net over source picture, source pose and target pose, with a flow and an occlusion head at each level."""

    def __init__(self, config: GFLAConfig) -> None:
        super().__init__()
        self.raw = not config.normalize_input
        levels = sorted((level for level, _ in config.attention), reverse=True)
        widths = _widths(config.flow_width, FLOW_LEVELS)
        entering = [3 + 2 * len(SKELETONS[config.skeleton]), *widths]
        self.encoder = nn.ModuleList(
            EncoderBlock(i, o, raw=self.raw and n == 0)
            for n, (i, o) in enumerate(zip(entering, widths, strict=False))
        )
        self.decoder, self.jump = nn.ModuleDict(), nn.ModuleDict()  # by the level they arrive at
        for level in range(FLOW_LEVELS - 1, min(levels) - 1, -1):
            i, o = widths[level], widths[level - 1]
            self.decoder[str(level)] = ResBlockDecoder(i, o, hidden=o)
            self.jump[str(level)] = Jump(o, o)
        self.flow_head = nn.ModuleDict({str(level): Head(widths[level - 1], 2) for level in levels})
        self.occlusion_head = nn.ModuleDict({str(level): Head(widths[level - 1], 1) for level in levels})

    def forward(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_maps: Float[Tensor, "B K H W"],
        target_maps: Float[Tensor, "B K H W"],
    ) -> tuple[dict[int, Float[Tensor, "B 2 _ _"]], dict[int, Float[Tensor, "B 1 _ _"]]]:
        """Flows (pixels of the level) and occlusions ([0, 1]), from coarse to fine, at least float32."""
        scale = RAW_POSE_SCALE if self.raw else 1.0  # a norm would undo it
        x = channels_last(torch.cat([source, scale * source_maps, scale * target_maps], 1))
        skips = {}
        for level, block in enumerate(self.encoder, start=1):
            skips[level] = x = block(x)
        flows, occlusions = {}, {}
        for name, block in self.decoder.items():
            level = int(name)
            x = block(x) + self.jump[name](skips[level])
            if name in self.flow_head:
                flows[level] = self.flow_head[name](x)
                occlusions[level] = torch.sigmoid(self.occlusion_head[name](x))
        return flows, occlusions


class TargetNet(nn.Module):
    """The target pose becomes a picture, with source features taken in by local attention on the way up."""

    def __init__(self, config: GFLAConfig) -> None:
        super().__init__()
        widths = _widths(config.width, SOURCE_LEVELS)
        entering = [len(SKELETONS[config.skeleton]), *widths]
        self.encoder = nn.ModuleList(EncoderBlock(i, o) for i, o in zip(entering, widths, strict=False))
        self.attention = nn.ModuleDict(
            {
                str(level): LocalAttention(
                    widths[level - 1], k, hidden=config.attention_hidden, normalize=config.normalize_attention
                )
                for level, k in sorted(config.attention, reverse=True)
            }
        )
        self.refine, self.enlarge = nn.ModuleDict(), nn.ModuleDict()  # by the level they start from
        for level in range(SOURCE_LEVELS, 0, -1):
            i, o = widths[level - 1], widths[max(level - 2, 0)]
            self.refine[str(level)] = ResBlock(i)
            self.enlarge[str(level)] = ResBlockDecoder(i, o, hidden=i)
        self.picture = Jump(widths[0], 3)

    def forward(
        self,
        target_maps: Float[Tensor, "B K H W"],
        source_features: dict[int, Float[Tensor, "B _ _ _"]],
        flows: dict[int, Float[Tensor, "B 2 _ _"]],
        occlusions: dict[int, Float[Tensor, "B 1 _ _"]],
    ) -> Float[Tensor, "B 3 H W"]:
        x = channels_last(target_maps)
        for block in self.encoder:
            x = block(x)
        for name in self.refine:
            level = int(name)
            if name in self.attention:
                attended = self.attention[name](source_features[level], x, flows[level])
                x = torch.lerp(
                    x, attended.to(x.dtype), occlusions[level].to(x.dtype)
                )  # (1 - m) x + m attended
            x = self.enlarge[name](self.refine[name](x))
        return torch.tanh(at_least_float32(self.picture(x)))


class Head(nn.Conv2d):
    """Conv3x3 that works in float32 under autocast, too: eight bits are too few for a place in a picture."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__(i, o, 3, padding=1)

    def forward(self, x: Float[Tensor, "B i h w"]) -> Float[Tensor, "B o h w"]:
        assert self.bias is not None
        x, weight, bias = map(at_least_float32, (x, self.weight, self.bias))
        with torch.autocast(x.device.type, enabled=False):
            return F.conv2d(x, weight, bias, padding=1)


def _widths(first: int, levels: int) -> list[int]:
    """Channels after 1, 2, ... halvings."""
    return [first * min(2**n, WIDEST) for n in range(levels)]


def _first_weights(generator: GFLAGenerator, gain: float, occlusion: float) -> None:
    """Orthogonal weights, biases 0; what says a flow, an occlusion or a colour starts small, as published."""
    small = {*generator.flow_net.flow_head.values(), *generator.flow_net.occlusion_head.values()}
    small |= set(generator.target_net.picture.modules())
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.orthogonal_(module.weight, gain=0.02 if module in small else gain)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    for head in generator.flow_net.occlusion_head.values():
        assert isinstance(head, Head) and head.bias is not None
        nn.init.constant_(head.bias, occlusion)


def _of_picture_size(
    flow: Float[Tensor, "B 2 h w"], picture: Float[Tensor, "B 3 H W"]
) -> Float[Tensor, "B 2 H W"]:
    """The flow in pixels of the picture."""
    scale = picture.shape[-1] / flow.shape[-1]
    return scale * F.interpolate(flow, size=picture.shape[-2:], mode="bilinear", align_corners=False)
