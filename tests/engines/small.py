"""A generator that is quickly recorded, and has what is hard to record: pose maps, warps, attention, many rows."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from reposer.core import Framing, Generated, Generator, Pose
from reposer.nn.maps import heatmaps
from reposer.nn.warp import warp


@dataclass(frozen=True)
class SmallConfig:
    family: ClassVar[str] = "small-warp"
    framing: Framing = Framing((32, 24), fit="pad", aspect=0.75)

    def tiny(self) -> "SmallConfig":
        return self

    def build(self) -> "Small":
        return Small(self)


class Small(Generator):
    places = ("flow.",)

    def __init__(self, config: SmallConfig) -> None:
        super().__init__()
        self.config, self.framing = config, config.framing
        self.flow, self.colour = nn.Conv2d(3 + 2 * 18, 2, 3, padding=1), nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, source: Any, source_pose: Pose, target_pose: Pose) -> Generated:
        maps = [heatmaps(pose, 2.0).to(source) for pose in (source_pose, target_pose)]
        moved = warp(source, 4 * torch.tanh(self.flow(torch.cat([source, *maps], 1))))
        return Generated(torch.tanh(self.colour(torch.cat([source, moved], 1))))
