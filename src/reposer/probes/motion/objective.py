"""The loss of the motion network: the mean square error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import nn

from reposer.training import Objective, Turn

from .network import MotionNetwork
from .tracks import MotionBatch


@dataclass(frozen=True)
class MotionObjectiveConfig:
    """Builds the objective of the motion network."""

    weight: float = 1.0
    """Weight of the mean square, 1 as published; Adam is insensitive to it, and larger numbers are easier to read in
    a log."""

    def build(self, generator: MotionNetwork) -> "MotionObjective":
        return MotionObjective(generator, self.weight)

    def tiny(self) -> "MotionObjectiveConfig":
        return self


class MotionObjective(Objective):
    """The mean square error between answer and truth; one optimised network."""

    def __init__(self, network: MotionNetwork, weight: float) -> None:
        super().__init__()
        self.networks, self.weight = nn.ModuleDict({"generator": network}), weight

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"motion": self.networks["generator"]}

    def steps(self, batch: MotionBatch) -> Iterator[Turn]:
        answer = self.networks["generator"](batch.noisy, batch.seeds)
        left = (answer.float() - batch.clean).square().mean()
        yield Turn(("motion",), {"square": self.weight * left})
