"""PG2: a coarse picture, then a correction (Ma et al. 2017, arXiv:1705.09368; the authors' code at commit c32f859).

G1, the coarse network, is a residual U-Net with a fully connected bottleneck: from the source picture and the target
pose it generates a blurred picture in the right pose. G2, the refining network, is a U-Net without a bottleneck that
sees the coarse picture beside the source and predicts a difference map; the result is the sum of both. The source's
pose is not used. Sums may leave [-1, 1]: losses and discriminator see them as they are, and only `generate` clips them.

Where paper and code disagree, both are available. The code's numbers are the defaults, because the released weights and
result files are the code's; whether the paper's tables used them or the paper's own numbers is not known. Each recipe
names the flags for the paper's. The code's optimisers never read its learning-rate schedule, so the rate is constant
here as well.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from reposer.core import SKELETONS, BadInput, Batch, Framing, Generator, Layer, Pose
from reposer.core.generator import refuse_indivisible
from reposer.core.rng import mix
from reposer.generators.registries import GENERATORS
from reposer.losses.adversarial import bce_fake, bce_real
from reposer.nn.call import call
from reposer.nn.gathered_norm import GatheredBatchNorm
from reposer.nn.layout import at_least_float32, channels_last
from reposer.nn.maps import PoseDiscs, pose_mask
from reposer.nn.same_conv import SameConv
from reposer.recipes import DataConfig, PairRecipe
from reposer.training import RECIPES, Adam, Objective, Stage, Turn, frozen

PoseInput = Literal["maps", "coordinates", "heatmaps"]
SHALLOWER = 2  # levels that G2 has fewer than G1
Padding = Literal["same", "symmetric"]
"""How a halving convolution pads an even size: "same" (published, as in TensorFlow) adds one pixel more at the bottom
and right than at the top and left; "symmetric" pads all sides alike. Released weights need "same"."""


@GENERATORS.register("pg2")
@dataclass(frozen=True)
class PG2Config:
    """Both networks. The defaults are the published ones for Market-1501."""

    family: ClassVar[str] = "pg2"

    framing: Framing = Framing((128, 64), aspect=0.5)
    """Size of the pictures, the only one it supports, whose sides must be multiples of 2^(levels - 1), and how a photo
    is framed. Published for fashion: padded with white sides."""
    width: int = 128
    """Channels of the first level; level n has n times as many."""
    levels: int = 5
    """Levels of the coarse network; published: log2(height) - 2. The refining network has two fewer."""
    bottleneck: int = 64
    """Length of the coarse network's bottleneck vector, for the whole picture."""
    refine: bool = True
    """False: the coarse network alone (the paper's one-stage forms)."""
    finest_skip: bool = False
    """Whether the refining network has a skip connection at its finest level; published: fashion only."""
    pose_input: PoseInput = "maps"
    """How the coarse network sees the target pose. "maps" (the system): discs beside the source picture. The paper's
    ablations: "coordinates" through two linear layers, or "heatmaps" (the discs) through an encoder of their own; both
    add `bottleneck` more numbers to the bottleneck."""
    maps: PoseDiscs = PoseDiscs("truncated")
    """How poses become maps; published: discs of 4 pixels at both resolutions."""
    padding: Padding = "same"
    """Padding of the halving convolutions. "same" (published, needed by released weights): a pixel more at the bottom
    and right. "symmetric": alike on all sides."""
    checkpointing: bool = False
    """Gradient checkpointing: training stores only the blocks' inputs and recomputes the rest. Less memory, about a
    third slower."""

    def __post_init__(self) -> None:
        if self.levels <= SHALLOWER:
            raise BadInput(
                f"PG2 has at least {SHALLOWER + 1} levels, not {self.levels}; its refining network has {SHALLOWER} "
                "less."
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
        """Ours for two CPU cores: narrow, a bottleneck on 8x6 pixels, all skips, joints at their exact positions."""
        return cls(Framing((128, 96), fit="pad"), width=24, finest_skip=True, maps=PoseDiscs(), padding="symmetric")

    def tiny(self) -> "PG2Config":
        """The same form at a size for tests."""
        return replace(self, framing=self.framing.tiny(), levels=4, width=5, bottleneck=12)

    @property
    def bottom(self) -> tuple[int, int]:
        """(height, width) of the coarse network's deepest map."""
        scale = 2 ** (self.levels - 1)
        return (self.framing.size[0] // scale, self.framing.size[1] // scale)

    def build(self) -> "PG2Generator":
        return PG2Generator(self)


class Halve(nn.Conv2d):
    """A convolution of stride 2: half of an even size, whatever its (odd) side."""

    def __init__(self, i: int, o: int, side: int, padding: Padding) -> None:
        super().__init__(i, o, side, stride=2, padding=side // 2 if padding == "symmetric" else 0)
        before = (side - 2) // 2
        after = side - 2 - before
        self.asymmetric = (before, after, before, after) if padding == "same" else None

    def forward(self, x: Float[Tensor, "B i H W"]) -> Float[Tensor, "B o H//2 W//2"]:
        return super().forward(x if self.asymmetric is None else F.pad(x, self.asymmetric))


class TwoConv(nn.Module):
    """Conv3x3 ReLU Conv3x3 ReLU of concatenated maps; a `residual` one adds its input, with no ReLU after the sum."""

    def __init__(self, i: int, o: int, *, residual: bool = False) -> None:
        super().__init__()
        assert i == o or not residual
        self.residual = residual
        self.first, self.second = SameConv(i, o), SameConv(o, o)

    def forward(self, *maps: Float[Tensor, "B _ H W"]) -> Float[Tensor, "B o H W"]:
        x = torch.cat(maps, 1) if len(maps) > 1 else maps[0]
        y = F.relu(self.second(F.relu(self.first(x), inplace=True)), inplace=True)
        return x + y if self.residual else y


def run(block: Callable[..., Tensor], config: PG2Config, *maps: Tensor) -> Tensor:
    """block(*maps), with its activations recomputed in the backward pass if the config asks for it."""
    if config.checkpointing and torch.is_grad_enabled():
        recomputed: Tensor = checkpoint(block, *maps, use_reentrant=False, preserve_rng_state=False)
        return recomputed
    return block(*maps)


def _flat(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B n"]:
    """Flattened row by row, pixel by pixel, then channel, the order of the released weights."""
    return x.permute(0, 2, 3, 1).flatten(1)


def _unflat(x: Float[Tensor, "B n"], size: tuple[int, int]) -> Float[Tensor, "B C h w"]:
    pixels: Tensor = x.unflatten(1, (*size, -1))
    return pixels.permute(0, 3, 1, 2)


def coordinates(pose: Pose) -> Float[Tensor, "B n"]:
    """x, y (from -1 to 1 over the picture) and 1 of every visible joint, three zeros of a missing one.

    Inferred: the paper says only that the coordinates are embedded.
    """
    height, width = pose.size
    edges = pose.xy.new_tensor([width, height])
    xy = torch.where(pose.visible[..., None], (2 * pose.xy + 1) / edges - 1, 0.0)
    return torch.cat([xy, pose.visible[..., None].to(xy.dtype)], -1).flatten(1)


class ResidualEncoder(nn.Module):
    """Conv3x3 ReLU; a residual block of width, 2 width, ... channels at each level, Conv3x3/2 ReLU between them."""

    def __init__(self, channels: int, config: PG2Config) -> None:
        super().__init__()
        self.config = config
        widths = [config.width * (n + 1) for n in range(config.levels)]
        self.enter = SameConv(channels, widths[0])
        self.blocks = nn.ModuleList(TwoConv(c, c, residual=True) for c in widths)
        self.halve = nn.ModuleList(Halve(i, o, 3, config.padding) for i, o in pairwise(widths))

    def forward(self, x: Float[Tensor, "B i H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        """The features of each level, from fine to coarse."""
        x = F.relu(self.enter(channels_last(x)), inplace=True)
        levels = []
        for n, block in enumerate(self.blocks):
            if n > 0:
                x = F.relu(self.halve[n - 1](x), inplace=True)
            x = run(block, self.config, x)
            levels.append(x)
        return levels


class MapEmbedding(nn.Module):
    """Pose maps as a short vector. Inferred: an encoder like the picture's, and a linear layer as the bottleneck's."""

    def __init__(self, joints: int, config: PG2Config) -> None:
        super().__init__()
        h, w = config.bottom
        self.encoder = ResidualEncoder(joints, config)
        self.squeeze = nn.Linear(h * w * config.width * config.levels, config.bottleneck)

    def forward(self, maps: Float[Tensor, "B K H W"]) -> Float[Tensor, "B z"]:
        return call(self.squeeze, _flat(self.encoder(maps)[-1]))


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
        self.picture = SameConv(widths[-1], 3)

    def forward(self, source: Float[Tensor, "B 3 H W"], pose: Float[Tensor, "B ..."]) -> Float[Tensor, "B 3 H W"]:
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


class RefineNet(nn.Module):
    """G2: no residual sums, and the deepest features are concatenated with themselves, as in the code (unlike the
    paper's figure)."""

    def __init__(self, config: PG2Config) -> None:
        super().__init__()
        self.config = config
        width, levels = config.width, config.levels - SHALLOWER
        self.enter = SameConv(6, width)
        widths = [width * (n + 1) for n in range(levels)]
        self.encoder = nn.ModuleList(TwoConv(i, o) for i, o in pairwise([width, *widths]))
        self.halve = nn.ModuleList(Halve(c, c, 3, config.padding) for c in widths[:-1])
        skips = [c if config.finest_skip or n > 0 else 0 for n, c in enumerate(widths)]
        below = [widths[-1], *[width] * (levels - 1)]
        self.decoder = nn.ModuleList(TwoConv(x + skip, width) for x, skip in zip(below, reversed(skips), strict=True))
        self.picture = SameConv(width, 3)

    def forward(self, source: Float[Tensor, "B 3 H W"], coarse: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
        """The difference map, unbounded, at least float32."""
        x = channels_last(torch.cat([coarse, source], 1))
        x = F.relu(self.enter(x), inplace=True)
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


@dataclass(frozen=True)
class PG2Output:
    """The result of one forward pass; nothing is clipped.

    picture: coarse + difference, or the coarse picture where there is no refining network (difference is None).
    """

    picture: Float[Tensor, "B 3 H W"]
    coarse: Float[Tensor, "B 3 H W"]
    difference: Float[Tensor, "B 3 H W"] | None


class PG2Generator(Generator):
    """Both networks; `forward` runs both, `coarse` runs G1 alone (the first stage of training)."""

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

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: Pose, target_pose: Pose) -> PG2Output:
        return self.refined(source, self.coarse(source, target_pose))

    def coarse(self, source: Float[Tensor, "B 3 H W"], target_pose: Pose) -> Float[Tensor, "B 3 H W"]:
        """G1's picture, unbounded, at least float32."""
        if self.config.pose_input == "coordinates":
            return call(self.coarse_net, source, coordinates(target_pose.to(source.device)).to(source.dtype))
        return call(self.coarse_net, source, self.config.maps.of(target_pose, source))

    def refined(self, source: Float[Tensor, "B 3 H W"], coarse: Float[Tensor, "B 3 H W"]) -> PG2Output:
        """A coarse picture with G2's difference map added."""
        if self.refine_net is None:
            return PG2Output(coarse, coarse, None)
        difference = self.refine_net(source, coarse)
        return PG2Output(coarse + difference, coarse, difference)

    def layers(self, output: PG2Output) -> Mapping[str, Layer]:
        """The coarse picture, the difference map at half its contrast (grey: nothing changes), and their sum."""
        layers = {"coarse image": Layer("picture", output.coarse.clamp(-1, 1))}
        if output.difference is not None:
            layers["difference map"] = Layer("picture", (output.difference / 2).clamp(-1, 1))
        return layers | {"final": Layer("picture", output.picture.clamp(-1, 1))}


SLOPE = 0.2
WIDEST = 8  # times the width of the first layer, at most
FIRST_WEIGHTS = 0.02  # standard deviation of the uniform initial weights


class DCGANDiscriminator(nn.Module):
    """Conv5x5/2 LeakyReLU, then `layers` - 1 times Conv5x5/2 BatchNorm LeakyReLU, then a linear layer.

    The batch norms always use the statistics of the current batch: the module never leaves training mode.

    channels: of its input; 3 for a picture, 6 for a pair of them.
    size: (height, width) of its input, in pixels; both must be multiples of 2^layers.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, width: int = 64, layers: int = 4, padding: Padding = "same"
    ) -> None:
        super().__init__()
        if any(side % 2**layers for side in size):
            raise BadInput(
                f"A discriminator of {layers} halvings needs sides that divide by {2**layers}, not "
                f"{size[0]}x{size[1]}; give it fewer layers."
            )
        widths = [width * min(2**n, WIDEST) for n in range(layers)]
        self.first = Halve(channels, widths[0], 5, padding)
        self.convs = nn.ModuleList(Halve(i, o, 5, padding) for i, o in pairwise(widths))
        self.norms = nn.ModuleList(GatheredBatchNorm(o) for o in widths[1:])
        self.logit = nn.Linear(widths[-1] * size[0] * size[1] // 4**layers, 1)
        bound = FIRST_WEIGHTS * math.sqrt(3)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.uniform_(module.weight, -bound, bound)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, picture: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1"]:
        x = F.leaky_relu(self.first(picture), SLOPE)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), SLOPE)
        return call(self.logit, x.flatten(1))


MIRROR = 0xF11B  # address of the mirroring's random number within a row's seed


@dataclass(frozen=True)
class PG2CoarseConfig:
    """Stage one: the coarse picture alone, by its masked L1. Paper and code agree."""

    mask_weight: float = 1.0
    """Weight of the difference within the target's pose mask, added to the whole picture's; 0 = plain L1, an
    ablation."""
    mask_radius: float = 4.0
    """Radius of the discs that make up the mask, in pixels; published: 4 at both resolutions."""
    flip: bool = False
    """Mirror each pair, with its poses, with probability 1/2. Published: mirrored pairs beside the others, on disk."""

    def build(self, generator: PG2Generator) -> "PG2CoarseObjective":
        return PG2CoarseObjective(self, generator)

    def tiny(self) -> "PG2CoarseConfig":
        return self


@dataclass(frozen=True)
class PG2LossesConfig:
    """Stage two: the refining network (or, where the model has none, the coarse one) against a discriminator."""

    discriminator_sees: Literal["triplet", "pair"] = "triplet"
    """What the discriminator sees. "triplet" (the code): single pictures, and the source counts as generated too, so
    that copying it is penalised. "pair" (the paper): each picture with the source beside it."""
    fooled: Literal["generated", "generated-and-source"] = "generated"
    """Logits whose mean is the generator's adversarial term; the code's fashion form includes the source's, which
    halves the gradient. Pairs need "generated"."""
    together: bool = True
    """True (published): the discriminator's batch norms see all groups of pictures together. False: one group at a
    time."""
    coarse_beside: bool = True
    """Whether the coarse pictures are in that batch too, though no loss uses their logits; published: Market only.
    Matters only for single pictures seen together."""
    l1: float = 10.0
    """Weight of the masked L1. The code: 10 (Market), 50 (fashion); the paper leaves it to its supplement."""
    mask_weight: float = 1.0
    """Weight of the difference within the target's pose mask, added to the whole picture's."""
    mask_radius: float = 4.0
    """Radius of the discs that make up the mask, in pixels."""
    flip: bool = False
    """Mirror each pair, with its poses, with probability 1/2."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer; the others have at most eight times as many."""
    discriminator_layers: int = 4
    """Halvings of the discriminator: 4 at 128x64, 5 at 256x256."""

    def __post_init__(self) -> None:
        if self.discriminator_sees == "pair" and self.fooled != "generated":
            raise BadInput("A discriminator of pairs does not score the source alone: use fooled='generated'.")

    def build(self, generator: PG2Generator) -> "PG2Objective":
        return PG2Objective(self, generator)

    def tiny(self) -> "PG2LossesConfig":
        return replace(self, discriminator_width=4, discriminator_layers=2)


def mirrored(batch: Batch) -> Batch:
    """The batch with some rows and their poses mirrored, as each row's seed decides; without seeds none is."""
    if batch.seeds is None:
        return batch
    return batch.mirrored(torch.tensor([mix(int(s), MIRROR) % 2 == 1 for s in batch.seeds]))


def masked_l1(
    generated: Float[Tensor, "B 3 H W"],
    target: Float[Tensor, "B 3 H W"],
    mask: Float[Tensor, "B 1 H W"],
    *,
    weight: float = 1.0,
    mask_weight: float = 1.0,
) -> dict[str, Float[Tensor, ""]]:
    """mean |picture - target| (1 + mask), the paper's Eq. 1, in its two parts, each times `weight`.

    Both are means over all pixels and channels, however small the mask is. A `mask_weight` of 0 leaves plain L1.
    """
    difference = (generated - target).abs()
    terms = {"l1": weight * difference.mean()}
    if mask_weight > 0:
        terms["masked_l1"] = weight * mask_weight * (difference * mask).mean()
    return terms


def adversarial_term(
    logits: Mapping[str, Float[Tensor, "B 1"]], fooled: Literal["generated", "generated-and-source"]
) -> Float[Tensor, ""]:
    """The generator's adversarial term: its pictures should pass as real."""
    if fooled == "generated":
        return bce_real(logits["generated"])
    return bce_real(torch.cat([logits["generated"], logits["source"]]))


def discriminator_terms(
    logits: Mapping[str, Float[Tensor, "B 1"]], sees: Literal["triplet", "pair"]
) -> dict[str, Float[Tensor, ""]]:
    """Triplets (the code): 1/2 for the real, 1/4 each for source and generated. Pairs (the paper): the plain sum."""
    if sees == "pair":
        return {"real": bce_real(logits["target"]), "generated": bce_fake(logits["generated"])}
    return {
        "real": 0.5 * bce_real(logits["target"]),
        "source": 0.25 * bce_fake(logits["source"]),
        "generated": 0.25 * bce_fake(logits["generated"]),
    }


class PG2CoarseObjective(Objective):
    """One player: the coarse network."""

    def __init__(self, config: PG2CoarseConfig, generator: PG2Generator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.networks = nn.ModuleDict({"generator": generator})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"coarse": self.generator.coarse_net}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        batch = mirrored(batch) if self.config.flip else batch
        assert isinstance(batch.target_pose, Pose)
        coarse = self.generator.coarse(batch.source, batch.target_pose)
        mask = pose_mask(batch.target_pose, self.config.mask_radius).to(coarse.dtype)
        yield Turn(("coarse",), masked_l1(coarse, batch.target, mask, mask_weight=self.config.mask_weight))


class PG2Objective(Objective):
    """Two players: the last network that generates, then the discriminator, as in the code.

    The coarse network is frozen when there is a refining one. Both turns share one batch and one forward pass; the code
    reads a batch per player's turn.
    """

    def __init__(self, config: PG2LossesConfig, generator: PG2Generator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.discriminator = DCGANDiscriminator(
            3 if config.discriminator_sees == "triplet" else 6,
            generator.framing.size,
            width=config.discriminator_width,
            layers=config.discriminator_layers,
            padding=generator.config.padding,
        )
        self.networks = nn.ModuleDict({"generator": generator, "discriminator": self.discriminator})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        last = self.generator.refine_net
        trained = {"coarse": self.generator.coarse_net} if last is None else {"refine": last}
        return {**trained, "discriminator": self.discriminator}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        batch = mirrored(batch) if self.config.flip else batch
        assert isinstance(batch.target_pose, Pose)
        one_stage = self.generator.refine_net is None
        with torch.set_grad_enabled(one_stage):
            coarse = self.generator.coarse(batch.source, batch.target_pose)
        generated = self.generator.refined(batch.source, coarse).picture
        mask = pose_mask(batch.target_pose, self.config.mask_radius).to(generated.dtype)
        beside = None if one_stage or not self.config.coarse_beside else coarse
        with frozen(self.discriminator):
            logits = self.scored(batch, generated, beside)
            difference = masked_l1(
                generated, batch.target, mask, weight=self.config.l1, mask_weight=self.config.mask_weight
            )
            terms = {"adversarial": adversarial_term(logits, self.config.fooled), **difference}
            yield Turn(("coarse" if one_stage else "refine",), terms)
        logits = self.scored(batch, generated.detach(), beside)
        yield Turn(("discriminator",), discriminator_terms(logits, self.config.discriminator_sees))

    def scored(self, batch: Batch, generated: Tensor, coarse: Tensor | None) -> dict[str, Float[Tensor, "B 1"]]:
        """The discriminator's logits, at least float32, by name of the input.

        Inferred for pairs: real and generated ones in one pass, as in the code for single pictures.
        """
        if self.config.discriminator_sees == "pair":
            shown = {
                name: torch.cat([batch.source, p], 1)
                for name, p in (("target", batch.target), ("generated", generated))
            }
        else:
            shown = {"target": batch.target, "source": batch.source, "generated": generated}
            if coarse is not None and self.config.together:
                shown["coarse"] = coarse
        if self.config.together:
            logits = self.discriminator(torch.cat(list(shown.values()))).chunk(len(shown))
        else:
            logits = tuple(self.discriminator(pictures) for pictures in shown.values())
        return {
            name: rows.to(torch.promote_types(rows.dtype, torch.float32))
            for name, rows in zip(shown, logits, strict=True)
        }


MINI_RATES = {"coarse": 5e-4, "refine": 5e-4, "discriminator": 1e-4}
PUBLISHED = Adam(2e-5, betas=(0.5, 0.999))  # of every player, in paper and code


@dataclass(frozen=True)
class PG2Stage(Stage):
    """A stage of PG2: the coarse picture, or its refinement."""

    objective: PG2CoarseConfig | PG2LossesConfig
    """Losses of this stage."""


@dataclass(frozen=True)
class PG2Recipe(PairRecipe):
    """A PG2 run."""

    model: PG2Config
    """The networks to train."""
    stages: tuple[PG2Stage, ...]
    """The coarse network, then the refining one."""


def two_stages(
    coarse: PG2CoarseConfig,
    refine: PG2LossesConfig,
    coarse_steps: int,
    refine_steps: int,
    optimisers: Mapping[str, Adam] | None = None,
) -> tuple[PG2Stage, ...]:
    rates = optimisers or dict.fromkeys(("coarse", "refine", "discriminator"), PUBLISHED)
    return (
        PG2Stage("coarse", objective=coarse, steps=coarse_steps, optimisers={"coarse": rates["coarse"]}),
        PG2Stage(
            "refine",
            objective=refine,
            steps=refine_steps,
            optimisers={name: rates[name] for name in ("refine", "discriminator")},
        ),
    )


def _market() -> PG2Recipe:
    return PG2Recipe(
        name="pg2-market-2017",
        model=PG2Config.market(),
        data=DataConfig(root="data/market"),
        stages=two_stages(PG2CoarseConfig(flip=True), PG2LossesConfig(flip=True), 22_000, 38_000),
        batch_size=16,
        ema=0.0,
        save_every=1000,
    )


@RECIPES.register("pg2-market-2017")
def pg2_market_2017() -> PG2Recipe:
    """The published networks for Market-1501 at 128x64: 70,795,075 + 6,058,883 parameters, 37.4 + 10.2 GMACs in the
    published order of layers (from our notes; ours mixes channels before it enlarges, which is fewer).

    | | code (here) | paper | flags for the paper's |
    |---|---|---|---|
    | steps | 22,000 + 38,000 | 22,000 + 14,000 | --stages.1.steps 14000 |
    | discriminator | triplet | pair | --stages.1.objective.discriminator-sees pair |
    | weight of the masked L1 | 10 | in the supplement | |
    | batch, rate | 16, 2e-5 | 16, 2e-5 | |

    Ours: pairs come in random order and are mirrored with their poses as they are read; the code reads one file in
    order, mirrored pairs first. Not trained here. The paper's own protocol (12,800 pairs that the authors sampled):
    SSIM 0.253, IS 3.460, mask-SSIM 0.792, mask-IS 3.435.
    """
    return _market()


@RECIPES.register("pg2-fashion-2017")
def pg2_fashion_2017() -> PG2Recipe:
    """The published networks for DeepFashion at 256x256: 122,103,235 + 12,696,067 parameters, 306.1 + 97.0 GMACs
    in the published order of layers (from our notes; ours mixes channels before it enlarges, which is fewer).

    | | code | paper | here |
    |---|---|---|---|
    | batch | 1 | 8 | the paper's: with 1, the coarse network sees 22,000 pairs only (--batch-size 1) |
    | steps | 22,000 + 58,000 | 30,000 + 20,000 | the paper's (--stages.0.steps 22000 --stages.1.steps 58000) |
    | discriminator | triplet | pair | the code's (--stages.1.objective.discriminator-sees pair
    --stages.1.objective.fooled generated) |
    | generator's adversarial term | over generated and source | over generated | the code's (see above) |
    | weight of the masked L1 | 50 | in the supplement | the code's |
    | rate | 2e-5 | 2e-5 | |

    The pictures are In-shop's of 256x256, white sides and all: a 256x176 picture is laid between 40 white columns, and
    nothing is stretched. `reposer import-weights pg2` reads the released weights (docs/training.md).

    Mirroring and order of the pairs as in pg2-market-2017. --model.checkpointing and --precision bf16 save memory. Not
    trained here. The paper's own protocol (12,800 pairs that the authors sampled): SSIM 0.762, IS 3.090.
    """
    losses = PG2LossesConfig(
        fooled="generated-and-source", coarse_beside=False, l1=50.0, flip=True, discriminator_layers=5
    )
    return PG2Recipe(
        name="pg2-fashion-2017",
        model=PG2Config.fashion(),
        data=DataConfig(root="data/fashion"),
        stages=two_stages(PG2CoarseConfig(flip=True), losses, 30_000, 20_000),
        batch_size=8,
        ema=0.0,
        save_every=1000,
    )


@RECIPES.register("pg2-mini")
def pg2_mini() -> PG2Recipe:
    """A small PG2 at 128x96 for two CPU cores: 2,883,859 + 220,203 parameters, bottleneck on 8x6 pixels.

    The triplet discriminator and weights of pg2-market-2017. Ours: all widths, rates and numbers of steps, symmetric
    padding, all skips in the refining network, averaged weights. With coarse rates of 5e-4, 1e-3 and 2e-3 the L1 term
    was 0.260, 0.258 and 0.270 over steps 76 to 100 (`--stages.0.optimisers.coarse.learning-rate`, the people of the
    leaderboard); no other rate was tried. docs/leaderboard.md has its result in the leaderboard's form.
    """
    rates = {name: Adam(rate, betas=(0.5, 0.999)) for name, rate in MINI_RATES.items()}
    return PG2Recipe(
        name="pg2-mini",
        model=PG2Config.mini(),
        stages=two_stages(PG2CoarseConfig(), PG2LossesConfig(discriminator_width=16), 900, 600, optimisers=rates),
        ema=0.995,
        save_every=100,
        picture_every=250,
        log_every=25,
    )


def coarse_only(recipe: PG2Recipe) -> PG2Recipe:
    """The coarse network of `recipe` by itself. Inferred: trained for the steps of the first stage."""
    model = replace(recipe.model, refine=False)
    return replace(recipe, name=f"{recipe.name}-coarse", model=model, stages=recipe.stages[:1])


def one_stage(recipe: PG2Recipe) -> PG2Recipe:
    """The coarse network against the discriminator, with the masked L1. Inferred: for the steps of both stages."""
    coarse, refine = recipe.stages
    players = {"coarse": coarse.optimisers["coarse"], "discriminator": refine.optimisers["discriminator"]}
    stage = replace(refine, name="one-stage", steps=recipe.steps, optimisers=players)
    model = replace(recipe.model, refine=False)
    return replace(recipe, name=f"{recipe.name}-one-stage", model=model, stages=(stage,))


@RECIPES.register("pg2-market-2017-coarse")
def pg2_market_2017_coarse() -> PG2Recipe:
    """Four rows of the paper's Table 1 on Market-1501: the coarse network of pg2-market-2017 by itself.

    | row | flags | SSIM | IS |
    |---|---|---|---|
    | G1-poseMaskLoss | | 0.340 | 3.326 |
    | G1-L1 | --stages.0.objective.mask-weight 0 | 0.304 | 3.006 |
    | G1-HME-L1 | the same, --model.pose-input heatmaps | 0.294 | 3.171 |
    | G1-CE-L1 | the same, --model.pose-input coordinates | 0.219 | 2.568 |

    The numbers are the paper's, under its own protocol. The code has none of the four: the embeddings' forms and the
    number of steps are inferred. For DeepFashion: `coarse_only(pg2_fashion_2017())`.
    """
    return coarse_only(_market())


@RECIPES.register("pg2-market-2017-one-stage")
def pg2_market_2017_one_stage() -> PG2Recipe:
    """The row G1+D of the paper's Table 1 on Market-1501: one network against the discriminator. SSIM 0.283, IS 3.490.

    Numbers are the paper's, under its own protocol. Not in the code: the number of steps and the masked L1 of weight 10
    are inferred. For DeepFashion: `one_stage(pg2_fashion_2017())`.
    """
    return one_stage(_market())
