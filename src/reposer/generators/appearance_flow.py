"""Appearance flow: every pixel of the new view is a pixel of the source (Zhou et al. 2016, arXiv:1605.03557).

The baseline for GFLA's view synthesis: the network learns only a flow of the picture's full size, so it cannot show
what the source does not show. The widths are ours (inferred), chosen for as many parameters as GFLA's form has. Views
are encoded as in GFLA's form, so that any azimuth can be asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput, Batch, Framing, Layer, View
from reposer.core.generator import refuse_indivisible
from reposer.core.view import EVERY_THIRD
from reposer.nn.layout import at_least_float32, channels_last, without_autocast
from reposer.nn.view_code import CodeMap, ViewCode
from reposer.nn.warp import warp
from reposer.recipes import ViewDataConfig
from reposer.training import RECIPES, Adam, Objective, Stage, Turn

from .registries import GENERATORS
from .view_generator import ViewGenerator, ViewRecipe

LEVELS = 5  # halvings of the encoder
WIDEST = 8  # times the width of the first layer, at most


@GENERATORS.register("appearance-flow")
@dataclass(frozen=True)
class AppearanceFlowConfig:
    """A picture encoder, a code of the views, and a decoder that predicts a flow."""

    family: ClassVar[str] = "appearance-flow"

    framing: Framing = Framing((256, 256), aspect=1.0)
    """Size of the pictures, and how a photo is framed."""
    width: int = 64
    """Channels of the encoder's first layer; doubled three times."""
    code_width: int = 64
    """Channels of the views' code, and of the map made from it."""

    def __post_init__(self) -> None:
        refuse_indivisible(self.framing.size, 2**LEVELS, "Appearance flow")
        if self.width < 2 or self.code_width < 1:
            raise BadInput(f"Appearance flow is at least 2 wide and its code 1; this came: {self}.")

    @classmethod
    def mini(cls) -> "AppearanceFlowConfig":
        """As many parameters as GFLA's mini form of view synthesis."""
        return cls(Framing((128, 128), aspect=1.0), width=28, code_width=32)

    def tiny(self) -> "AppearanceFlowConfig":
        """The same form at a size for tests."""
        return replace(self, framing=self.framing.tiny(), width=4, code_width=4)

    def build(self) -> "AppearanceFlow":
        return AppearanceFlow(self)


@dataclass(frozen=True)
class FlowOutput:
    """The source sampled where `flow` (in pixels of the picture) points to."""

    picture: Float[Tensor, "B 3 H W"]
    flow: Float[Tensor, "B 2 H W"]


class AppearanceFlow(ViewGenerator):
    """Encoder, code and decoder, without norms, which would weaken the views' code."""

    divisor = 2**LEVELS

    config: AppearanceFlowConfig

    def __init__(self, config: AppearanceFlowConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing
        height, width = config.framing.size
        widths = [config.width * min(2**n, WIDEST) for n in range(LEVELS)]
        deepest = widths[-1]
        self.encoder = nn.ModuleList(nn.Conv2d(i, o, 4, stride=2, padding=1) for i, o in pairwise([3, *widths]))
        self.code = ViewCode(config.code_width)
        self.map = CodeMap(config.code_width, config.code_width, (height >> LEVELS, width >> LEVELS))
        self.bottom = nn.ModuleList(nn.Conv2d(i, deepest, 3, padding=1) for i in (deepest + config.code_width, deepest))
        self.decoder = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in pairwise([*reversed(widths), config.width // 2])
        )
        self.head = nn.Conv2d(config.width // 2, 2, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.head.weight, std=1e-3)  # starts by copying
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: View, target_pose: View) -> FlowOutput:
        return self.frame(self.begin(source, source_pose), target_pose)[0]

    def encode(self, source: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B C h w"]:
        x = channels_last(source)
        for layer in self.encoder:
            x = F.relu(layer(x))
        return x

    def turned(
        self, source: Float[Tensor, "B 3 H W"], features: Float[Tensor, "B C h w"], source_view: View, target_view: View
    ) -> FlowOutput:
        """The result, from the source's features (`encode`) and the views."""
        views = channels_last(self.map(self.code(source_view, target_view)).to(features.dtype))
        x = torch.cat([features, views], 1)
        for layer in self.bottom:
            x = F.relu(layer(x))
        for layer in self.decoder:
            x = F.relu(layer(F.interpolate(x, scale_factor=2.0)))
        with without_autocast(x):
            shares = self.head(at_least_float32(x))  # in fractions of the picture's height
            flow = shares * source.shape[-2]
        return FlowOutput(warp(at_least_float32(source), flow), flow)

    def layers(self, output: FlowOutput) -> Mapping[str, Layer]:
        """The flow."""
        return {"flow": Layer("flow", output.flow)}

    def begin(self, source: Tensor, source_pose: View, previous: Any = None) -> tuple[Tensor, Tensor, View]:
        """Encodes the source, once."""
        return source, self.encode(source), source_pose

    def frame(
        self, memory: tuple[Tensor, Tensor, View], target_pose: View, seeds: Tensor | None = None
    ) -> tuple[FlowOutput, Any]:
        source, features, source_view = memory
        return self.turned(source, features, source_view, target_pose), memory


@dataclass(frozen=True)
class AppearanceFlowLossesConfig:
    """The only term is the mean absolute difference of the pictures, as published."""

    l1: float = 1.0
    """Weight of the mean absolute difference."""

    def build(self, generator: AppearanceFlow) -> "AppearanceFlowObjective":
        return AppearanceFlowObjective(self, generator)

    def tiny(self) -> "AppearanceFlowLossesConfig":
        return self


class AppearanceFlowObjective(Objective):
    """One player and one loss term."""

    def __init__(self, config: AppearanceFlowLossesConfig, generator: AppearanceFlow) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.networks = nn.ModuleDict({"generator": generator})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"generator": self.generator}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        output = self.generator(batch.source, batch.source_pose, batch.target_pose)
        yield Turn(("generator",), {"l1": self.config.l1 * (output.picture - batch.target).abs().mean()})


@dataclass(frozen=True)
class AppearanceFlowStage(Stage):
    """The only stage of appearance flow."""

    objective: AppearanceFlowLossesConfig
    """Losses of this stage."""


@dataclass(frozen=True)
class AppearanceFlowRecipe(ViewRecipe):
    """A run of appearance flow."""

    model: AppearanceFlowConfig
    """The network to train."""
    stages: tuple[AppearanceFlowStage, ...]
    """The stages; there is one."""


@RECIPES.register("appearance-flow-mini")
def appearance_flow_mini() -> AppearanceFlowRecipe:
    """The baseline for gfla-views-mini: same data, batch and number of pictures, about as many parameters.

    docs/training.md has the command and the results of both.
    """
    return AppearanceFlowRecipe(
        name="appearance-flow-mini",
        model=AppearanceFlowConfig.mini(),
        data=ViewDataConfig(hold_out=EVERY_THIRD),
        stages=(
            AppearanceFlowStage(
                "flow",
                objective=AppearanceFlowLossesConfig(),
                steps=1200,
                optimisers={"generator": Adam(1e-3, betas=(0.9, 0.999))},
                schedule="linear-to-zero",
            ),
        ),
        ema=0.99,
        save_every=100,
        picture_every=200,
        log_every=25,
    )
