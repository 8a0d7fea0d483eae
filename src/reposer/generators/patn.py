"""PATN: progressive pose attention transfer (Zhu et al. 2019, arXiv:1904.03349).

Two streams, the source picture's features and those of both poses, pass through a cascade of blocks. In each block the
pose stream predicts where the picture stream should change (attention); the last picture features are decoded.

The building blocks and the discriminators are in nn/pose_transfer.py and nn/pair_discriminator.py, which RATE-Net and
DRN share. The authors' public code and their paper describe different training. Recipes named by the year alone follow
the code that was released with the weights; those ending in `-paper` follow the text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.core import SKELETONS, BadInput, Batch, Framing, Generator, Layer, Pose
from reposer.core.generator import refuse_indivisible
from reposer.core.rng import derived_seeds
from reposer.generators.registries import GENERATORS
from reposer.losses.adversarial import GAN, GAN_TERMS
from reposer.losses.perceptual import content
from reposer.losses.pool import ImagePool
from reposer.nn.call import call
from reposer.nn.features import feature_network
from reposer.nn.layout import at_least_float32, channels_last
from reposer.nn.maps import PoseMaps
from reposer.nn.pair_discriminator import Head, PairDiscriminator
from reposer.nn.pose_transfer import Normalize, PoseBranch, PoseTransfer, Upsampling
from reposer.recipes import DataConfig, PairRecipe
from reposer.training import RECIPES, Adam, Objective, Stage, Turn, frozen


@GENERATORS.register("patn")
@dataclass(frozen=True)
class PATNConfig:
    """The network. The defaults are the published one for DeepFashion, except for where joints are placed."""

    family: ClassVar[str] = "patn"

    framing: Framing = Framing((256, 176))
    """Size of the pictures, whose sides must be multiples of 2^downsamplings, and how a photo is framed."""
    width: int = 64
    """Channels of the first layer; doubled at each downsampling."""
    downsamplings: int = 2
    """Halvings before the cascade: 2 as published; RATE-Net's pose branch has 3."""
    blocks: int = 9
    """Blocks of the cascade."""
    upsampling: Upsampling = "transposed"
    """"transposed" (published): transposed convolutions; "bilinear": as in RATE-Net's pose branch, without the
    chequerboard patterns of the former."""
    normalize: Normalize = "instance"
    """"instance": each picture on its own (published for DeepFashion); "batch": over a batch (Market-1501)."""
    bias: bool = True
    """Whether the convolutions before the decoder's last have a bias. Published with batch norm: none has, not even the
    one whose sigmoid is the attention, which no norm follows."""
    dropout: float = 0.5
    """Dropout rate in the blocks during training."""
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
        """Number that both sides of a picture must be multiples of."""
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
        """The same form at a size for tests: three blocks of 16 channels."""
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
        """`seeds`: seeds of each row's dropout, in training; None = no dropout."""
        source_maps, target_maps = self.pose_maps(source_pose, source), self.pose_maps(target_pose, source)
        return call(self.branch, channels_last(source), source_maps, target_maps, seeds)

    def pose_maps(self, pose: Pose, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B K H W"]:
        """One bump of height 1 per visible joint, on the picture's device and in its dtype."""
        return channels_last(self.config.maps.of(pose, picture))

    def layers(self, output: PoseTransfer) -> Mapping[str, Layer]:
        """The attention of each block, averaged over its channels: where it changes the picture's features."""
        return {
            f"attention of block {n}": Layer("weight", attention)
            for n, attention in enumerate(output.attentions, start=1)
        }

    def begin(self, source: Tensor, source_pose: Pose, previous: Any = None) -> tuple[Tensor, Tensor, Tensor]:
        """Encodes the source and makes its pose maps, once."""
        encoded = self.branch.picture_encoder(channels_last(source))
        return source, encoded, self.pose_maps(source_pose, source)

    def frame(
        self, memory: tuple[Tensor, Tensor, Tensor], target_pose: Pose, seeds: Tensor | None = None
    ) -> tuple[PoseTransfer, Any]:
        source, encoded, source_maps = memory
        return self.branch.transfer(encoded, source_maps, self.pose_maps(target_pose, source)), memory


FeatureName = Literal["vgg19", "vgg19-normalized", "people-encoder"]


@dataclass(frozen=True)
class PATNLossesConfig:
    """PATN's only stage. The defaults are the weights for DeepFashion."""

    features: FeatureName = "vgg19-normalized"
    """The frozen network of the perceptual term."""
    weights: str | None = None
    """File of that network's weights; default: its usual place."""
    layers: tuple[str, ...] = ()
    """Layers of that network to compare; default: its content layers."""
    l1: float = 1.0
    """Weight of the mean absolute difference of the pictures."""
    perceptual: float = 1.0
    """Weight of the differences of features."""
    adversarial: float = 5.0
    """Weight of the mean of the generator's two adversarial terms; each discriminator's loss has half of it."""
    gan: GAN = "cross-entropy"
    """The form of the adversarial terms. "cross-entropy": the paper, and the released form for Market-1501;
    "least-squares": the released form for DeepFashion, and RATE-Net's code."""
    head: Head = "none"
    """A discriminator's outputs that are compared with 1 and 0: all channels of its last layer (published), or a score
    per place."""
    discriminator_width: int = 64
    """Channels of the discriminators' first layer; the last has four times as many."""
    discriminator_blocks: int = 3
    """Residual blocks of each discriminator."""
    discriminator_dropout: float = 0.5
    """Dropout rate in those blocks."""
    discriminator_steps: int = 1
    """Steps of the discriminators after each step of the generator."""
    pool: int = 50
    """Generated pictures that each discriminator's pool keeps; 0 = no pool (the released form for DeepFashion)."""

    def __post_init__(self) -> None:
        if self.discriminator_steps < 1 or self.pool < 0 or not 0 <= self.discriminator_dropout < 1:
            raise BadInput(
                f"PATN's discriminators take at least one step, have a pool of 0 or more pictures and a dropout in "
                f"[0, 1); this came: {self}."
            )

    def build(self, generator: PATNGenerator) -> "PATNObjective":
        return PATNObjective(self, generator)

    def tiny(self) -> "PATNLossesConfig":
        return replace(
            self,
            features="people-encoder",
            weights=None,
            layers=(),
            discriminator_width=4,
            discriminator_blocks=1,
            pool=min(self.pool, 3),
        )


class PATNObjective(Objective):
    """Three players: the generator, then a discriminator of appearance and one of shape.

    The appearance discriminator sees a picture beside the source, the shape discriminator a picture beside the target's
    pose maps.
    """

    def __init__(self, config: PATNLossesConfig, generator: PATNGenerator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.discriminators = nn.ModuleDict(
            {
                name: PairDiscriminator(
                    3 + beside,
                    config.discriminator_width,
                    blocks=config.discriminator_blocks,
                    normalize=generator.config.normalize,
                    bias=generator.config.bias,
                    dropout=config.discriminator_dropout,
                    head=config.head,
                    pose_maps=0 if name == "appearance" else beside,
                ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
                for name, beside in (("appearance", 3), ("shape", len(generator.skeleton)))
            }
        )
        self.networks = nn.ModuleDict({"generator": generator, **self.discriminators})
        self.pools = {name: ImagePool(config.pool) for name in self.discriminators}
        self.features = feature_network(config.features, weights=config.weights)
        self.layers = config.layers or self.features.content_layers
        unknown = set(self.layers) - set(self.features.layers)
        if unknown:
            raise BadInput(
                f"{config.features} has no layers {sorted(unknown)}; it has {', '.join(self.features.layers)}."
            )

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return dict(self.networks.items())

    def steps(self, batch: Batch) -> Iterator[Turn]:
        assert isinstance(batch.target_pose, Pose)
        config, loss = self.config, GAN_TERMS[self.config.gan]
        row_seeds = torch.zeros(len(batch), dtype=torch.int64) if batch.seeds is None else batch.seeds
        seeds = (derived_seeds(row_seeds, use) for use in count())  # fresh noise for every use

        generated = self.generator(batch.source, batch.source_pose, batch.target_pose, next(seeds)).picture
        target_maps = self.generator.pose_maps(batch.target_pose, batch.target)
        beside = {"appearance": batch.source, "shape": target_maps}
        (target,) = self.features.of_constants(batch.target, layers=self.layers)
        with frozen(self.discriminators):
            passed = [
                loss.passed(at_least_float32(discriminator(torch.cat([generated, beside[name]], 1), next(seeds))))
                for name, discriminator in self.discriminators.items()
            ]
            yield Turn(
                ("generator",),
                {
                    "l1": config.l1 * (generated - batch.target).abs().mean(),
                    "perceptual": config.perceptual
                    * content(self.features(generated, self.layers), target, self.layers),
                    "adversarial": config.adversarial * torch.stack(passed).mean(),
                },
            )

        for _ in range(config.discriminator_steps):
            terms = {}
            for name, discriminator in self.discriminators.items():
                real = torch.cat([batch.target, beside[name]], 1)
                fake = self.pools[name].exchange(torch.cat([generated.detach(), beside[name]], 1), next(seeds))
                terms[f"{name} real"] = (
                    config.adversarial / 2 * loss.real(at_least_float32(discriminator(real, next(seeds))))
                )
                terms[f"{name} fake"] = (
                    config.adversarial / 2 * loss.fake(at_least_float32(discriminator(fake, next(seeds))))
                )
            yield Turn(tuple(self.discriminators), terms)


PLAYERS = {name: Adam(2e-4, betas=(0.5, 0.999)) for name in ("generator", "appearance", "shape")}
RELEASED_PICTURES = 700 * 4_000  # rounds of the released commands, and the pictures that the code takes in each


RELEASED_HOLD = 500 / 700  # the rate falls over the last 200 rounds


PAPER_STEPS, PAPER_HOLD = 90_000, 60_000 / 90_000


CROSS_ENTROPY = PATNLossesConfig(layers=("relu1_2",))


@dataclass(frozen=True)
class PATNStage(Stage):
    """The only stage of PATN."""

    objective: PATNLossesConfig
    """Losses and discriminators of this stage."""


@dataclass(frozen=True)
class PATNRecipe(PairRecipe):
    """A PATN run."""

    model: PATNConfig
    """The network to train."""
    stages: tuple[PATNStage, ...]
    """The stages; there is one."""


@RECIPES.register("patn-fashion-2019")
def patn_fashion_2019() -> PATNRecipe:
    """The released form for DeepFashion at 256x176: 41,358,019 parameters (paper: 41.36 M), 124 GMACs.

    Trained as the authors' published command does: least squares, no image pool, the weights 1, 1 and 5, batch 7, and
    700 rounds of 4,000 pictures, which are 400,000 steps; the rate, 2e-4, falls over the last 200 rounds. The paper's
    text gives other values: patn-fashion-2019-paper.
    From our notes: the network, both discriminators (3.93 M and 3.98 M, no head), relu1_2 of VGG-19. Inferred: the
    dropout of the discriminators (0.5). Ours: the rate falls at every step, in the code after every round.
    Not trained here. Results of the released network, recalled (pictures padded to 256x256): SSIM 0.773, IS 3.209, PCKh
    0.96; a re-test by another author: SSIM 0.7726, IS 3.216; later papers, in their protocols: FID 20.75, LPIPS
    0.2533-0.2562.
    """
    losses = PATNLossesConfig(layers=("relu1_2",), gan="least-squares", pool=0)
    return _fashion("patn-fashion-2019", losses, RELEASED_PICTURES // 7, RELEASED_HOLD)


@RECIPES.register("patn-fashion-2019-paper")
def patn_fashion_2019_paper() -> PATNRecipe:
    """The network of patn-fashion-2019, trained as in the paper's text, not as released.

    Cross-entropy, a pool of 50 pictures for each discriminator, 90,000 steps of 7 pairs, the rate constant for 60,000
    and then falling (recalled; a later paper that follows it repeats the numbers). The weights of the losses are the
    same. Not trained here; it is not known whether the paper's tables come from it.
    """
    return _fashion("patn-fashion-2019-paper", CROSS_ENTROPY, PAPER_STEPS, PAPER_HOLD)


@RECIPES.register("patn-market-2019")
def patn_market_2019() -> PATNRecipe:
    """The released form for Market-1501 at 128x64, with batch norm: 41,365,763 parameters (paper: 41.36 M).

    Only the last convolution has a bias, and the norms' weights start as N(1, 0.02); with biases everywhere it would
    have 41,378,115. Trained as the authors' published command does: cross-entropy, a pool of 50, the weights 10, 10 and
    5, batch 32, and 700 rounds of 4,000 pictures, which are 87,500 steps; the rate, 2e-4, falls over the last 200
    rounds. Inferred: the discriminators use batch norms too, and so have no biases either.
    Not trained here. From the paper (recalled): SSIM 0.311, IS 3.323, mask-SSIM 0.811, mask-IS 3.773, PCKh 0.94; the
    released network run by others gives SSIM 0.2815.
    """
    return _market("patn-market-2019", RELEASED_PICTURES // 32, RELEASED_HOLD)


@RECIPES.register("patn-market-2019-paper")
def patn_market_2019_paper() -> PATNRecipe:
    """The network of patn-market-2019 for the paper's 90,000 steps, the last 30,000 of them with a falling rate.

    Otherwise the released form and the paper agree. The paper mentions neither biases nor initial weights; its 41.36 M
    parameters are the released network's.
    """
    return _market("patn-market-2019-paper", PAPER_STEPS, PAPER_HOLD)


@RECIPES.register("patn-mini")
def patn_mini() -> PATNRecipe:
    """A small PATN at 128x96 for two CPU cores, with the shipped people-encoder as its feature network.

    1,135,731 parameters; 1.4 GMACs to generate a picture, 5.3 to train on one. A step of eight pictures takes 1.5 s on
    one core, all steps together half an hour. The weights of the losses and the rates are ours (the generator's:
    docs/leaderboard.md), and the adversarial terms are RATE-Net's least squares on a score per place; no dropout in so
    small a network. Not fully trained yet.
    """
    losses = PATNLossesConfig(
        "people-encoder",
        l1=10.0,
        perceptual=1.0,
        adversarial=0.3,
        gan="least-squares",
        head="patch",
        discriminator_width=8,
        discriminator_blocks=1,
    )
    fast = Adam(3e-4, betas=(0.5, 0.99))
    slow = Adam(2e-4, betas=(0.5, 0.99))
    stage = PATNStage(
        "everything",
        objective=losses,
        steps=1200,
        optimisers={"generator": fast, "appearance": slow, "shape": slow},
        schedule="linear-to-zero",
    )
    return PATNRecipe(
        name="patn-mini",
        model=PATNConfig.mini(),
        stages=(stage,),
        ema=0.995,
        save_every=100,
        picture_every=250,
        log_every=25,
    )


def _fashion(name: str, losses: PATNLossesConfig, steps: int, hold: float) -> PATNRecipe:
    return PATNRecipe(
        name=name,
        model=PATNConfig.fashion(),
        data=DataConfig(root="data/fashion"),
        stages=(_stage(losses, steps, hold),),
        batch_size=7,
        ema=0.0,
        save_every=1000,
    )


def _market(name: str, steps: int, hold: float) -> PATNRecipe:
    losses = replace(CROSS_ENTROPY, l1=10.0, perceptual=10.0)
    return PATNRecipe(
        name=name,
        model=PATNConfig.market(),
        data=DataConfig(root="data/market"),
        stages=(_stage(losses, steps, hold),),
        batch_size=32,
        ema=0.0,
        save_every=1000,
    )


def _stage(losses: PATNLossesConfig, steps: int, hold: float) -> PATNStage:
    return PATNStage(
        "everything", objective=losses, steps=steps, optimisers=PLAYERS, schedule="linear-to-zero", hold=hold
    )
