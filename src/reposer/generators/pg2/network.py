"""PG2: a coarse picture, then what it lacks (Ma et al. 2017, arXiv:1705.09368; the authors' code at commit c32f859).

G1, the coarse network, is a residual U-Net whose bottom is a fully connected layer: source picture and target pose
become a picture of the right pose, blurred. G2, the refining network, is a U-Net without a bottleneck that sees the
coarse picture beside the source and draws a difference map; the drawn picture is the sum of both. The source's pose
is never seen. Sums may leave [-1, 1]: they are compared and judged as they are, and clipped by `generate` alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from reposer.core import SKELETONS, BadInput, Framing, Generator, Layer, Pose
from reposer.core.generator import refuse_indivisible
from reposer.generators.registries import GENERATORS
from reposer.nn.layout import at_least_float32, channels_last
from reposer.nn.maps import PoseDiscs

from .blocks import Conv, Halve, Padding, TwoConv

PoseInput = Literal["maps", "coordinates", "heatmaps"]
SHALLOWER = 2  # levels that G2 has less than G1


@GENERATORS.register("pg2")
@dataclass(frozen=True)
class PG2Config:
    """Both networks. The defaults are the published ones for Market-1501."""

    family: ClassVar[str] = "pg2"

    framing: Framing = Framing((128, 64), aspect=0.5)
    """Size of the pictures, the only one it works at, whose sides divide by 2^(levels - 1), and how a photo becomes one.
    Published for fashion: padded with white sides."""
    width: int = 128
    """Channels of the first level; level n has n times as many."""
    levels: int = 5
    """Levels of the coarse network; published: log2(height) - 2. The refining network has two less."""
    bottleneck: int = 64
    """Numbers at the bottom of the coarse network, for the whole picture."""
    refine: bool = True
    """False: the coarse network alone (the paper's one-stage forms)."""
    finest_skip: bool = False
    """Whether the refining network's last level sees its first level's features; published: fashion only."""
    pose_input: PoseInput = "maps"
    """How the coarse network sees the target pose. "maps" (the system): discs beside the source picture. The paper's
    ablations: "coordinates" through two linear layers, or "heatmaps" (the discs) through an encoder of their own; both
    arrive as `bottleneck` more numbers at the bottom."""
    maps: PoseDiscs = PoseDiscs("truncated")
    """How poses become maps; published: discs of 4 pixels at both resolutions."""
    padding: Padding = "same"
    """Of the halving convolutions. "same" (published, needed by released weights): a pixel more at the bottom and
    right. "symmetric": alike on all sides."""
    checkpointing: bool = False
    """Training keeps the inputs of the blocks only and computes the rest again: less memory, about a third slower."""

    def __post_init__(self) -> None:
        if self.levels <= SHALLOWER:
            raise BadInput(
                f"PG2 has at least {SHALLOWER + 1} levels, not {self.levels}; its refining network has {SHALLOWER} less."
            )
        refuse_indivisible(self.framing.size, 2 ** (self.levels - 1), f"PG2 of {self.levels} levels")
        if min(self.width, self.bottleneck) < 1:
            raise BadInput(f"PG2's widths are above 0; this came: {self}.")

    @classmethod
    def market(cls) -> "PG2Config":
        """The published networks for Market-1501."""
        return cls()

    @classmethod
    def fashion(cls) -> "PG2Config":
        """The published networks for DeepFashion: 256x256 pixels, the 176 columns of the person between white ones.

        Discs and masks lie in that frame, so they are round on the person.
        """
        return cls(Framing((256, 256), fit="pad", sides="white"), levels=6, finest_skip=True)

    @classmethod
    def mini(cls) -> "PG2Config":
        """Ours for two CPU cores: narrow, a bottleneck on 8x6 pixels, all skips, joints where they are."""
        return cls(
            Framing((128, 96), fit="pad"),
            width=24,
            finest_skip=True,
            maps=PoseDiscs(),
            padding="symmetric",
        )

    def tiny(self) -> "PG2Config":
        """The same form at the size of a test."""
        return replace(self, framing=self.framing.tiny(), levels=4, width=5, bottleneck=12)

    @property
    def bottom(self) -> tuple[int, int]:
        """(height, width) of the coarse network's deepest map."""
        scale = 2 ** (self.levels - 1)
        return (self.framing.size[0] // scale, self.framing.size[1] // scale)

    def build(self) -> "PG2Generator":
        return PG2Generator(self)


@dataclass(frozen=True)
class PG2Drawing:
    """What one forward pass makes; nothing is clipped.

    picture: coarse + difference, or the coarse picture where there is no refining network (difference is None).
    """

    picture: Float[Tensor, "B 3 H W"]
    coarse: Float[Tensor, "B 3 H W"]
    difference: Float[Tensor, "B 3 H W"] | None


class PG2Generator(Generator):
    """Both networks; `forward` draws, `coarse` runs G1 alone (the first stage of training)."""

    any_size = False  # its bottleneck is fully connected

    config: PG2Config

    def __init__(self, config: PG2Config) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing
        self.skeleton = SKELETONS[config.maps.skeleton]
        self.coarse_net = CoarseNet(config)
        self.refine_net = RefineNet(config) if config.refine else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: Pose, target_pose: Pose) -> PG2Drawing:
        return self.refined(source, self.coarse(source, target_pose))

    def coarse(self, source: Float[Tensor, "B 3 H W"], target_pose: Pose) -> Float[Tensor, "B 3 H W"]:
        """G1's picture, unbounded, at least float32."""
        if self.config.pose_input == "coordinates":
            return self.coarse_net(source, coordinates(target_pose.to(source.device)).to(source.dtype))
        return self.coarse_net(source, self.config.maps.of(target_pose, source))

    def refined(self, source: Float[Tensor, "B 3 H W"], coarse: Float[Tensor, "B 3 H W"]) -> PG2Drawing:
        """G2's difference map on top of a coarse picture."""
        if self.refine_net is None:
            return PG2Drawing(coarse, coarse, None)
        difference = self.refine_net(source, coarse)
        return PG2Drawing(coarse + difference, coarse, difference)

    def layers(self, output: PG2Drawing) -> Mapping[str, Layer]:
        """The coarse picture, the difference map at half its contrast (grey: nothing changes), and their sum."""
        layers = {"coarse image": Layer("picture", output.coarse.clamp(-1, 1))}
        if output.difference is not None:
            layers["difference map"] = Layer("picture", (output.difference / 2).clamp(-1, 1))
        return layers | {"final": Layer("picture", output.picture.clamp(-1, 1))}


def coordinates(pose: Pose) -> Float[Tensor, "B n"]:
    """x, y (from -1 to 1 over the picture) and 1 of every visible joint, three zeros of a missing one.

    Inferred: the paper says only that the coordinates are embedded.
    """
    height, width = pose.size
    edges = pose.xy.new_tensor([width, height])
    xy = torch.where(pose.visible[..., None], (2 * pose.xy + 1) / edges - 1, 0.0)
    return torch.cat([xy, pose.visible[..., None].to(xy.dtype)], -1).flatten(1)


class CoarseNet(nn.Module):
    """G1. The pose enters as maps beside the picture, or (`embed`) as numbers beside the bottleneck's."""

    def __init__(self, config: PG2Config) -> None:
        super().__init__()
        self.config = config
        joints, width, levels, z = (
            len(SKELETONS[config.maps.skeleton]),
            config.width,
            config.levels,
            config.bottleneck,
        )
        h, w = config.bottom
        beside = config.pose_input == "maps"
        self.encoder = ResidualEncoder(3 + joints if beside else 3, config)
        self.embed: nn.Module | None = None
        if config.pose_input == "coordinates":
            # Inferred: both layers as wide as the bottleneck, ReLU between them.
            self.embed = nn.Sequential(nn.Linear(3 * joints, z), nn.ReLU(), nn.Linear(z, z))
        elif config.pose_input == "heatmaps":
            self.embed = MapEmbedding(joints, config)
        self.squeeze = nn.Linear(h * w * width * levels, z)
        self.spread = nn.Linear(z if beside else 2 * z, h * w * width)
        # entering level n from below, after the concatenation with its skip
        widths = [width + width * levels, *(2 * width * n for n in range(levels - 1, 0, -1))]
        self.decoder = nn.ModuleList(TwoConv(c, c, residual=True) for c in widths)
        self.narrow = nn.ModuleList(nn.Conv2d(i, o // 2, 1) for i, o in pairwise(widths))
        self.picture = Conv(widths[-1], 3)

    def forward(
        self, source: Float[Tensor, "B 3 H W"], pose: Float[Tensor, "B ..."]
    ) -> Float[Tensor, "B 3 H W"]:
        *skips, x = self.encoder(source if self.embed is not None else torch.cat([source, pose], 1))
        skips.append(x)
        code = self.squeeze(_flat(x))
        if self.embed is not None:
            code = torch.cat([code, self.embed(pose)], 1)
        x = _unflat(self.spread(code), self.config.bottom)
        for n, block in enumerate(self.decoder):
            if n > 0:
                x = F.relu(self.narrow[n - 1](x), inplace=True)
                # published before the 1x1: the same picture, at four times the cost
                x = F.interpolate(x, scale_factor=2.0)
            x = run(block, self.config, x, skips.pop())
        return at_least_float32(self.picture(x))


class ResidualEncoder(nn.Module):
    """Conv3x3 ReLU; a residual block of width, 2 width, ... channels at each level, Conv3x3/2 ReLU between them."""

    def __init__(self, channels: int, config: PG2Config) -> None:
        super().__init__()
        self.config = config
        widths = [config.width * (n + 1) for n in range(config.levels)]
        self.enter = Conv(channels, widths[0])
        self.blocks = nn.ModuleList(TwoConv(c, c, residual=True) for c in widths)
        self.halve = nn.ModuleList(Halve(i, o, 3, config.padding) for i, o in pairwise(widths))

    def forward(self, x: Float[Tensor, "B i H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        """What every level makes, from fine to coarse."""
        x = F.relu(self.enter(channels_last(x)), inplace=True)
        levels = []
        for n, block in enumerate(self.blocks):
            if n > 0:
                x = F.relu(self.halve[n - 1](x), inplace=True)
            x = run(block, self.config, x)
            levels.append(x)
        return levels


class MapEmbedding(nn.Module):
    """Pose maps as a few numbers. Inferred: an encoder like the picture's, and a linear layer as the bottleneck's."""

    def __init__(self, joints: int, config: PG2Config) -> None:
        super().__init__()
        h, w = config.bottom
        self.encoder = ResidualEncoder(joints, config)
        self.squeeze = nn.Linear(h * w * config.width * config.levels, config.bottleneck)

    def forward(self, maps: Float[Tensor, "B K H W"]) -> Float[Tensor, "B z"]:
        return self.squeeze(_flat(self.encoder(maps)[-1]))


class RefineNet(nn.Module):
    """G2: no residual sums, and the deepest features meet themselves, as in the code (the paper's figure differs)."""

    def __init__(self, config: PG2Config) -> None:
        super().__init__()
        self.config = config
        width, levels = config.width, config.levels - SHALLOWER
        self.enter = Conv(6, width)
        widths = [width * (n + 1) for n in range(levels)]
        self.encoder = nn.ModuleList(TwoConv(i, o) for i, o in pairwise([width, *widths]))
        self.halve = nn.ModuleList(Halve(c, c, 3, config.padding) for c in widths[:-1])
        skips = [c if config.finest_skip or n > 0 else 0 for n, c in enumerate(widths)]
        below = [widths[-1], *[width] * (levels - 1)]
        self.decoder = nn.ModuleList(
            TwoConv(x + skip, width) for x, skip in zip(below, reversed(skips), strict=True)
        )
        self.picture = Conv(width, 3)

    def forward(
        self, source: Float[Tensor, "B 3 H W"], coarse: Float[Tensor, "B 3 H W"]
    ) -> Float[Tensor, "B 3 H W"]:
        """The difference map, unbounded, at least float32."""
        x = F.relu(self.enter(channels_last(torch.cat([coarse, source], 1))), inplace=True)
        skips: list[Tensor] = []
        for n, block in enumerate(self.encoder):
            if n > 0:
                x = F.relu(self.halve[n - 1](x), inplace=True)
            x = run(block, self.config, x)
            skips.append(x)
        for n, block in enumerate(self.decoder):
            if n > 0:
                x = F.interpolate(x, scale_factor=2.0)
            skip = skips.pop()
            x = run(block, self.config, *((x, skip) if skips or self.config.finest_skip else (x,)))
        return at_least_float32(self.picture(x))


def run(block: Callable[..., Tensor], config: PG2Config, *maps: Tensor) -> Tensor:
    """block(*maps), its inner features forgotten until the backward pass where the config says so."""
    if config.checkpointing and torch.is_grad_enabled():
        return checkpoint(block, *maps, use_reentrant=False, preserve_rng_state=False)
    return block(*maps)


def _flat(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B n"]:
    """Row by row, pixel by pixel, then channel, as the released weights have it."""
    return x.permute(0, 2, 3, 1).flatten(1)


def _unflat(x: Float[Tensor, "B n"], size: tuple[int, int]) -> Float[Tensor, "B C h w"]:
    return x.unflatten(1, (*size, -1)).permute(0, 3, 1, 2)
