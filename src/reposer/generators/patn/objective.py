"""How PATN is trained: L1, a perceptual term, and two discriminators (arXiv:1904.03349, section 3.4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from reposer.core import BadInput, Batch, Pose
from reposer.core.rng import derived_seeds
from reposer.losses.adversarial import GAN, GAN_TERMS
from reposer.losses.perceptual import content
from reposer.losses.pool import ImagePool
from reposer.nn.features import feature_network
from reposer.nn.layout import at_least_float32
from reposer.training import Objective, Turn, frozen

from .discriminator import Head, PairDiscriminator
from .network import PATNGenerator

FeatureName = Literal["vgg19", "vgg19-normalized", "people-encoder"]


@dataclass(frozen=True)
class PATNLossesConfig:
    """Everything in one stage. The defaults are the weights for DeepFashion."""

    features: FeatureName = "vgg19-normalized"
    """The frozen network of the perceptual term."""
    weights: str | None = None
    """File of that network's weights; none = its usual place."""
    layers: tuple[str, ...] = ()
    """Its layers that are compared; none = its content layers."""
    l1: float = 1.0
    """Weight of the mean absolute difference of the pictures."""
    perceptual: float = 1.0
    """Weight of the differences of features."""
    adversarial: float = 5.0
    """Weight of the mean of the generator's two terms; half of it weighs each discriminator's loss."""
    gan: GAN = "cross-entropy"
    """What the adversarial terms are. "cross-entropy": the paper, and the released form for Market-1501;
    "least-squares": the released form for DeepFashion, and RATE-Net's code."""
    head: Head = "none"
    """What of a discriminator is held against 1 and 0: all last channels (published), or a score of each place."""
    discriminator_width: int = 64
    """Channels of the discriminators' first layer; four times as many in the last."""
    discriminator_blocks: int = 3
    """Residual blocks of each discriminator."""
    discriminator_dropout: float = 0.5
    """Share of values dropped in those blocks."""
    discriminator_steps: int = 1
    """Turns of the discriminators after each one of the generator."""
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
    """Three players: the generator, and after it a judge of appearance and one of shape.

    Appearance is judged of a picture beside the source, shape of a picture beside the target's pose maps.
    """

    def __init__(self, config: PATNLossesConfig, generator: PATNGenerator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.judges = nn.ModuleDict(
            {
                name: PairDiscriminator(
                    3 + beside,
                    config.discriminator_width,
                    blocks=config.discriminator_blocks,
                    normalize=generator.config.normalize,
                    bias=generator.config.bias,
                    dropout=config.discriminator_dropout,
                    head=config.head,
                ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
                for name, beside in (("appearance", 3), ("shape", len(generator.skeleton)))
            }
        )
        self.networks = nn.ModuleDict({"generator": generator, **self.judges})
        self.pools = {name: ImagePool(config.pool) for name in self.judges}
        self.features = feature_network(
            config.features, weights=None if config.weights is None else Path(config.weights)
        )
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

        drawn = self.generator(batch.source, batch.source_pose, batch.target_pose, next(seeds)).picture
        target_maps = self.generator.pose_maps(batch.target_pose, batch.target)
        beside = {"appearance": batch.source, "shape": target_maps}
        (target,) = self.features.of_constants(batch.target, layers=self.layers)
        with frozen(self.judges):
            passed = [
                loss.passed(at_least_float32(judge(torch.cat([drawn, beside[name]], 1), next(seeds))))
                for name, judge in self.judges.items()
            ]
            yield Turn(
                ("generator",),
                {
                    "l1": config.l1 * (drawn - batch.target).abs().mean(),
                    "perceptual": config.perceptual
                    * content(self.features(drawn, self.layers), target, self.layers),
                    "adversarial": config.adversarial * torch.stack(passed).mean(),
                },
            )

        for _ in range(config.discriminator_steps):
            terms = {}
            for name, judge in self.judges.items():
                real = torch.cat([batch.target, beside[name]], 1)
                fake = self.pools[name].exchange(torch.cat([drawn.detach(), beside[name]], 1), next(seeds))
                terms[f"{name} real"] = (
                    config.adversarial / 2 * loss.real(at_least_float32(judge(real, next(seeds))))
                )
                terms[f"{name} fake"] = (
                    config.adversarial / 2 * loss.fake(at_least_float32(judge(fake, next(seeds))))
                )
            yield Turn(tuple(self.judges), terms)

    def state(self) -> dict[str, Any]:
        return {name: pool.state() for name, pool in self.pools.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        for name, pool in self.pools.items():
            pool.load_state(state[name])

    def about(self) -> dict[str, str]:
        return {"feature_network": self.features.description}
