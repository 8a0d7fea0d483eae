"""MINE: a U-Net that changes the source (nobody, yet). What a researcher writes to compare an idea of their own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from reposer.core import Batch, Framing, Generated, Generator, Layer, Pose
from reposer.generators.registries import GENERATORS
from reposer.losses.perceptual import content
from reposer.nn.features import feature_network
from reposer.nn.maps import PoseMaps
from reposer.recipes import PairRecipe
from reposer.training import RECIPES, Adam, Objective, Stage, Turn


@GENERATORS.register("mine")
@dataclass(frozen=True)
class MineConfig:
    """The network."""

    family: ClassVar[str] = "mine"

    framing: Framing = Framing((128, 96), fit="pad")
    """Size of the pictures, and how a photo is framed."""
    width: int = 24
    """Channels of the first layer."""
    maps: PoseMaps = PoseMaps(sigma=3.0)
    """How poses become maps."""

    def tiny(self) -> "MineConfig":
        return replace(self, framing=self.framing.tiny(), width=4, maps=replace(self.maps, sigma=2.0))

    def build(self) -> "Mine":
        return Mine(self)


def layer(given: int, made: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(given, made, 3, stride, 1), nn.GroupNorm(1, made), nn.SiLU())


class Mine(Generator):
    """Predicts what to add to the source."""

    config: MineConfig

    def __init__(self, config: MineConfig) -> None:
        super().__init__()
        self.config, self.framing = config, config.framing
        w = config.width
        self.enter = layer(3 + 2 * len(self.skeleton), w)
        self.down = nn.ModuleList([layer(w, 2 * w, 2), layer(2 * w, 4 * w, 2)])
        self.up = nn.ModuleList([layer(6 * w, 2 * w), layer(3 * w, w)])
        self.picture = nn.Conv2d(w, 3, 3, padding=1)

    def forward(self, source: Tensor, source_pose: Pose, target_pose: Pose) -> Generated:
        maps = [self.config.maps.of(pose, source) for pose in (source_pose, target_pose)]
        x = self.enter(torch.cat([source, *maps], 1))
        skipped = []
        for down in self.down:
            skipped.append(x)
            x = down(x)
        for up in self.up:
            x = nn.functional.interpolate(x, scale_factor=2, mode="bilinear")
            x = up(torch.cat([x, skipped.pop()], 1))
        return Generated(torch.tanh(source + self.picture(x)))

    def layers(self, output: Generated) -> Mapping[str, Layer]:
        return {"picture": Layer("picture", output.picture)}


@dataclass(frozen=True)
class MineLossesConfig:
    """The only stage."""

    l1: float = 10.0
    """Weight of the mean absolute difference."""
    perceptual: float = 1.0
    """Weight of the differences of features."""

    def tiny(self) -> "MineLossesConfig":
        return self

    def build(self, generator: Mine) -> "MineObjective":
        return MineObjective(self, generator)


class MineObjective(Objective):
    """One player."""

    def __init__(self, config: MineLossesConfig, generator: Mine) -> None:
        super().__init__()
        self.config = config
        self.networks = nn.ModuleDict({"generator": generator})
        self.features = feature_network("people-encoder")

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return dict(self.networks)

    def steps(self, batch: Batch) -> Iterator[Turn]:
        generated: Any = self.networks["generator"](batch.source, batch.source_pose, batch.target_pose).picture
        layers = self.features.content_layers
        (target,) = self.features.of_constants(batch.target, layers=layers)
        yield Turn(
            ("generator",),
            {
                "l1": self.config.l1 * (generated - batch.target).abs().mean(),
                "perceptual": self.config.perceptual * content(self.features(generated, layers), target, layers),
            },
        )


@RECIPES.register("mine")
def mine() -> PairRecipe:
    """An idea of one's own at 128x96, for two CPU cores."""
    stage = Stage("everything", objective=MineLossesConfig(), steps=1200, optimisers={"generator": Adam(1e-3)})
    return PairRecipe(name="mine", model=MineConfig(), stages=(stage,), ema=0.995, log_every=25, save_every=100)
