"""The networks that all of GFLA's tasks share (Ren et al. 2020, arXiv:2003.00696).

A source network encodes a picture; a flow network predicts, at a few levels, where each place of the target is in it
and how far to trust that; a target network decodes a picture, taking those features in on its way up. Level n is a map
of 1/2^n of the picture's height and width.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput, Framing, Layer
from reposer.core.generator import refuse_indivisible
from reposer.nn.layout import at_least_float32, channels_last, without_autocast
from reposer.nn.local_attention import LocalAttention
from reposer.nn.warp import warp

from .blocks import EncoderBlock, Jump, Normalize, ResBlock, ResBlockDecoder

SOURCE_LEVELS = 3  # halvings of the source and target networks
FLOW_LEVELS = 5  # halvings of the flow network
WIDEST = 8  # times the width of the first block, at most


@dataclass(frozen=True)
class NetworksConfig:
    """Options shared by the networks of every task."""

    framing: Framing = Framing((256, 256))
    """Size of the pictures, whose sides must be multiples of 32, and how a photo is framed."""
    width: int = 64
    """Channels of the first block of the source and target networks; doubled twice."""
    flow_width: int = 32
    """Channels of the first block of the flow network; doubled three times."""
    attention: tuple[tuple[int, int], ...] = ((2, 5), (3, 3))
    """(level, side of the attended patch in pixels of that level); levels from 1 to 3, sides odd."""
    sampling: Literal["attention", "bilinear"] = "attention"
    """What a level takes of the source around the place that the flow points to: a weighted sum of the patch, or a
    bilinear sample at the place alone (the paper's ablation Bi-Sample)."""
    attention_hidden: int = 128
    """Channels between the two layers that score a patch."""
    normalize_attention: Literal["sum", "mean"] = "sum"
    """"sum": the weights of a patch add up to 1. "mean" (published): to 1 / side^2."""
    normalize_input: bool = False
    """True (published): every norm is an instance norm, the first one on the raw input, so that the result does not
    depend on the brightness or tint of the source. False: the picture enters unnormalised, and the source network's
    norms keep its colour."""
    first_gain: float = 0.02
    """Gain of the orthogonal initial weights; published 0.02. Flow, occlusion and last layer always start at 0.02."""
    first_occlusion: float = 0.0
    """The occlusions' initial value, before the sigmoid; published 0. Above 0, the network starts by copying."""
    first_enlarging: Literal["orthogonal", "bilinear"] = "orthogonal"
    """How the transposed convolutions start. "orthogonal" (published): each of the four places of a doubled pixel with
    weights of its own, which is a grid until it is unlearned. "bilinear": as a bilinear enlargement of an orthogonal
    mix of the channels (after Long et al. 2015)."""

    def __post_init__(self) -> None:
        refuse_indivisible(self.framing.size, 2**FLOW_LEVELS, "GFLA")
        levels = self.levels
        if not levels or len(set(levels)) < len(levels) or not set(levels) <= set(range(1, SOURCE_LEVELS + 1)):
            raise BadInput(
                f"GFLA attends at one or more different levels from 1 to {SOURCE_LEVELS}, not at {list(levels)}."
            )
        if any(k < 1 or k % 2 == 0 for _, k in self.attention):
            raise BadInput(f"The patches of GFLA's attention have odd sides, not {[k for _, k in self.attention]}.")
        if min(self.width, self.flow_width, self.attention_hidden) < 1:
            raise BadInput(f"GFLA's widths are above 0; this came: {self}.")

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels that attend to the source, from coarse to fine."""
        return tuple(sorted((level for level, _ in self.attention), reverse=True))


class Moves(NamedTuple):
    """Where the target's places are in one picture, by level from coarse to fine.

    flows: backward, in pixels of the level: target place p shows source place p + flow(p).
    occlusions: in [0, 1]; 1 = take from the source, 0 = keep the target network's own features.
    """

    flows: dict[int, Float[Tensor, "B 2 _ _"]]
    occlusions: dict[int, Float[Tensor, "B 1 _ _"]]


class SourceNet(nn.Module):
    """The source picture's features by level."""

    def __init__(self, config: NetworksConfig) -> None:
        super().__init__()
        normalize: Normalize = "channel" if config.normalize_input else "picture"
        widths = [3, *doubled(config.width, SOURCE_LEVELS)]
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
    """A U-Net with a flow and an occlusion head at each level, for each of `branches` source pictures.

    entering: channels that come in.
    """

    def __init__(self, config: NetworksConfig, entering: int, branches: int = 1) -> None:
        super().__init__()
        self.branches = branches
        raw = not config.normalize_input
        widths = doubled(config.flow_width, FLOW_LEVELS)
        self.encoder = nn.ModuleList(
            EncoderBlock(i, o, raw=raw and n == 0)
            for n, (i, o) in enumerate(zip([entering, *widths], widths, strict=False))
        )
        self.decoder, self.jump = nn.ModuleDict(), nn.ModuleDict()  # by the level they arrive at
        for level in range(FLOW_LEVELS - 1, min(config.levels) - 1, -1):
            i, o = widths[level], widths[level - 1]
            self.decoder[str(level)] = ResBlockDecoder(i, o, hidden=o)
            self.jump[str(level)] = Jump(o, o)
        self.flow_head = nn.ModuleDict({str(n): Head(widths[n - 1], 2 * branches) for n in config.levels})
        self.occlusion_head = nn.ModuleDict({str(n): Head(widths[n - 1], branches) for n in config.levels})

    def forward(self, x: Float[Tensor, "B C H W"]) -> tuple[Moves, ...]:
        """One set of moves per branch, at least float32."""
        skips = self.encode(x)
        return self.decode(skips[FLOW_LEVELS], skips)

    def encode(self, x: Float[Tensor, "B C H W"]) -> dict[int, Float[Tensor, "B _ _ _"]]:
        """Features by level."""
        skips, x = {}, channels_last(x)
        for level, block in enumerate(self.encoder, start=1):
            skips[level] = x = block(x)
        return skips

    def decode(self, x: Float[Tensor, "B C h w"], skips: dict[int, Float[Tensor, "B _ _ _"]]) -> tuple[Moves, ...]:
        """From the deepest features up."""
        moves = tuple(Moves({}, {}) for _ in range(self.branches))
        for name, block in self.decoder.items():
            level = int(name)
            x = block(x) + self.jump[name](skips[level])
            if name in self.flow_head:
                flows = self.flow_head[name](x).split(2, 1)
                occlusions = torch.sigmoid(self.occlusion_head[name](x)).split(1, 1)
                for own, flow, occlusion in zip(moves, flows, occlusions, strict=True):
                    own.flows[level], own.occlusions[level] = flow, occlusion
        return moves


class DecodingNet(nn.Module):
    """The decoder from level 3 to a picture; each task defines its input and what it takes in on the way."""

    refine: nn.ModuleDict
    enlarge: nn.ModuleDict
    picture: Jump

    def build_way_up(self, config: NetworksConfig) -> None:
        """The blocks by the level they start from; built last, after the modules before them."""
        widths = doubled(config.width, SOURCE_LEVELS)
        self.refine, self.enlarge = nn.ModuleDict(), nn.ModuleDict()
        for level in range(SOURCE_LEVELS, 0, -1):
            i, o = widths[level - 1], widths[max(level - 2, 0)]
            self.refine[str(level)] = ResBlock(i)
            self.enlarge[str(level)] = ResBlockDecoder(i, o, hidden=i)
        self.picture = Jump(widths[0], 3)

    def decode(self, x: Float[Tensor, "B C h w"], take: Callable[[int, Tensor], Tensor]) -> Float[Tensor, "B 3 H W"]:
        """The picture; `take(level, x)` is called before each level's blocks."""
        for name in self.refine:
            x = self.enlarge[name](self.refine[name](take(int(name), x)))
        return torch.tanh(at_least_float32(self.picture(x)))


def attentions(config: NetworksConfig) -> nn.ModuleDict:
    """The module that takes in the source at each level, by the level's number, from coarse to fine."""
    if config.sampling == "bilinear":
        return nn.ModuleDict({str(level): BilinearSampling() for level in config.levels})
    widths = doubled(config.width, SOURCE_LEVELS)
    return nn.ModuleDict(
        {
            str(level): LocalAttention(
                widths[level - 1], k, hidden=config.attention_hidden, normalize=config.normalize_attention
            )
            for level, k in sorted(config.attention, reverse=True)
        }
    )


class BilinearSampling(nn.Module):
    """The source at the flowed places, whatever the target network's features."""

    def forward(
        self, source: Float[Tensor, "B C H W"], target: Float[Tensor, "B C h w"], flow: Float[Tensor, "B 2 h w"]
    ) -> Float[Tensor, "B C h w"]:
        """`flow` in pixels of the source map; beyond the border its pixels repeat."""
        return warp(source, flow)


def take_in(
    attention: nn.ModuleDict,
    level: int,
    x: Float[Tensor, "B C h w"],
    features: dict[int, Float[Tensor, "B _ _ _"]],
    moves: Moves,
) -> Float[Tensor, "B C h w"]:
    """The target network's features, blended with the source's where its flow points to, if this level has one."""
    if level not in moves.flows:
        return x
    attended = attention[str(level)](features[level], x, moves.flows[level])
    # (1 - m) x + m attended
    return torch.lerp(x, attended.to(x.dtype), moves.occlusions[level].to(x.dtype))


class Head(nn.Conv2d):
    """Conv3x3 that works in float32 under autocast too: eight bits are too few for a place in a picture."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__(i, o, 3, padding=1)

    def forward(self, x: Float[Tensor, "B i h w"]) -> Float[Tensor, "B o h w"]:
        assert self.bias is not None
        x, weight, bias = map(at_least_float32, (x, self.weight, self.bias))
        with without_autocast(x):
            return F.conv2d(x, weight, bias, padding=1)


def doubled(first: int, levels: int) -> list[int]:
    """Channels after 1, 2, ... halvings."""
    return [first * min(2**n, WIDEST) for n in range(levels)]


def first_weights(generator: nn.Module, config: NetworksConfig, flow_nets: Iterable[FlowNet], last: Jump) -> None:
    """Orthogonal weights (see `first_enlarging`), biases 0; the layers that give flow, occlusion and colour start
    small, as published."""
    flow_nets = list(flow_nets)
    small = {head for net in flow_nets for head in (*net.flow_head.values(), *net.occlusion_head.values())}
    small |= set(last.modules())
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.orthogonal_(module.weight, gain=0.02 if module in small else config.first_gain)
            if isinstance(module, nn.ConvTranspose2d) and config.first_enlarging == "bilinear":
                enlarging_bilinearly(module, config.first_gain)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    for net in flow_nets:
        for head in net.occlusion_head.values():
            assert isinstance(head, Head) and head.bias is not None
            nn.init.constant_(head.bias, config.first_occlusion)


@torch.no_grad()
def enlarging_bilinearly(conv: nn.ConvTranspose2d, gain: float) -> None:
    """Weights of side 3 and stride 2 with which it doubles a mix of the channels bilinearly, in place."""
    mix = nn.init.orthogonal_(torch.empty(conv.weight.shape[:2]), gain=gain)
    taps = torch.tensor([0.5, 1.0, 0.5])
    conv.weight.copy_(mix[..., None, None] * taps[:, None] * taps)


def of_picture_size(flow: Float[Tensor, "B 2 h w"], picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 2 H W"]:
    """The flow in pixels of the picture."""
    scale = picture.shape[-1] / flow.shape[-1]
    return scale * F.interpolate(flow, size=picture.shape[-2:], mode="bilinear", align_corners=False)


def layers_of(moves: Moves, source: Float[Tensor, "B 3 H W"]) -> dict[str, Layer]:
    """Flow and occlusion of each level, and the source as moved by the finest flow alone."""
    layers = {}
    for level, flow in moves.flows.items():
        layers[f"flow level {level}"] = Layer("flow", flow)
        layers[f"occlusion level {level}"] = Layer("weight", moves.occlusions[level])
    finest = of_picture_size(moves.flows[min(moves.flows)], source)
    layers["warped source"] = Layer("picture", warp(source, finest))
    return layers
