"""CONV: the source through a convolution (nobody, never). What a stranger writes to add a family, and nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from reposer.core import Batch, Framing, Generated, Generator, Layer
from reposer.generators.registries import GENERATORS
from reposer.recipes import PairRecipe
from reposer.training import RECIPES, Adam, Objective, Stage, Turn


@GENERATORS.register("conv")
@dataclass(frozen=True)
class ConvConfig:
    family: ClassVar[str] = "conv"
    framing: Framing = Framing((64, 48))

    def tiny(self) -> "ConvConfig":
        return ConvConfig(self.framing.tiny())

    def build(self) -> "Conv":
        return Conv(self)


class Conv(Generator):
    def __init__(self, config: ConvConfig) -> None:
        super().__init__()
        self.config, self.framing, self.conv = config, config.framing, nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, source: Any, source_pose: Any, target_pose: Any) -> Generated:
        return Generated(self.conv(source))

    def layers(self, output: Generated) -> Mapping[str, Layer]:
        return {"convolved": Layer("picture", output.picture.clamp(-1, 1))}


@dataclass(frozen=True)
class ConvLossesConfig:
    l1: float = 1.0

    def tiny(self) -> "ConvLossesConfig":
        return self

    def build(self, generator: Conv) -> "ConvObjective":
        return ConvObjective(self, generator)


class ConvObjective(Objective):
    def __init__(self, config: ConvLossesConfig, generator: Conv) -> None:
        super().__init__()
        self.config, self.networks = config, nn.ModuleDict({"generator": generator})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return dict(self.networks)

    def steps(self, batch: Batch) -> Iterator[Turn]:
        output = self.networks["generator"](batch.source, batch.source_pose, batch.target_pose)
        yield Turn(("generator",), {"l1": self.config.l1 * (output.picture - batch.target).abs().mean()})


@RECIPES.register("conv-mini")
def conv_mini() -> PairRecipe:
    """Nothing of use."""
    stage = Stage("all", objective=ConvLossesConfig(), steps=10, optimisers={"generator": Adam(1e-2)})
    return PairRecipe(name="conv-mini", model=ConvConfig(), stages=(stage,))
