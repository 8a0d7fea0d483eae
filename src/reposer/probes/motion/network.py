"""GFLA's motion network: noisy COCO tracks to clean Human3.6M tracks (Ren et al. 2020, arXiv:2008.12606).

All convolutions run over time. The norms are conditioned on the track itself: its overall motion determines how
features are scaled.
"""

from dataclasses import dataclass, replace
from itertools import count
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.core import BadInput, Framing
from reposer.core.skeleton import COCO_17, DERIVED_JOINTS, H36M_17
from reposer.nn.call import call
from reposer.nn.dropout import SeededDropout
from reposer.nn.layout import at_least_float32, without_autocast

DILATIONS = (3, 9, 27)
CONTEXT = 1 + sum(DILATIONS)
"""Input frames before and after the output frames: 40 on each side."""
SLOPE = 0.1  # slope of the leaky ReLU
FIRST_SIGMA = 2.0  # frames; initial smoothing of the inputs


@dataclass(frozen=True)
class MotionConfig:
    """The motion network; its defaults are the published one."""

    family: ClassVar[str] = "gfla-motion"
    size: tuple[int, int] = (1000, 1000)
    """(height, width) of the pictures for which synthetic tracks are made, in pixels."""
    frames: int = 24
    """Output frames of one window, in training and in use; 80 more go in."""
    width: int = 256
    """Channels of the convolutions over time."""
    hidden: int = 128
    """Channels of the layers that condition a norm."""
    dropout: float = 0.15
    """Dropout rate in training."""
    placed_by: Literal["picture", "person"] = "picture"
    """What coordinates are relative to: the picture's width, as published, or the person's own middle and size."""
    answer: Literal["places", "corrections"] = "places"
    """What the last layer predicts: places, as published, or how far each input joint, smoothed over time by learned
    weights of its own, has to move."""
    gain: float = 0.02
    """Gain of the initial weights, which are orthogonal; those of the last layer have the published 0.02."""

    def __post_init__(self) -> None:
        if min(self.frames, self.width, self.hidden) < 1:
            raise BadInput(f"The motion network needs frames, width and hidden of at least 1, not {self}.")

    def build(self) -> "MotionNetwork":
        return MotionNetwork(self)

    def tiny(self) -> "MotionConfig":
        return replace(self, size=(64, 64), width=16, hidden=8)


class TrackNorm(nn.Module):
    """Layer norm over channels and time, with scale and shift per channel predicted from a condition."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.says = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 2 * width))

    def forward(self, x: Float[Tensor, "B C T"], condition: Float[Tensor, "B C"]) -> Float[Tensor, "B C T"]:
        gamma, beta = call(self.says, condition)[..., None].chunk(2, 1)
        return F.layer_norm(x, x.shape[1:]) * (1 + gamma) + beta


class ResidualStage(nn.Module):
    """A residual stage: a convolution over three frames `dilation` apart, then one over each frame alone."""

    def __init__(self, config: MotionConfig, dilation: int, number: "count[int]") -> None:
        super().__init__()
        width = config.width
        self.dilation = dilation
        self.around = nn.Conv1d(width, width, 3, dilation=dilation, bias=False)
        self.alone = nn.Conv1d(width, width, 1, bias=False)
        self.norms = nn.ModuleList(TrackNorm(width, config.hidden) for _ in range(2))
        self.drops = nn.ModuleList(SeededDropout(config.dropout, next(number)) for _ in range(2))

    def forward(
        self, x: Float[Tensor, "B C T"], condition: Float[Tensor, "B C"], seeds: Int64[Tensor, "B"] | None
    ) -> Float[Tensor, "B C t"]:
        moved = x
        for layer, norm, drop in zip((self.around, self.alone), self.norms, self.drops, strict=True):
            moved = dropped(F.leaky_relu(norm(layer(moved), condition), SLOPE), drop, seeds)
        return x[..., self.dilation : -self.dilation] + moved


class MotionNetwork(nn.Module):
    """(B, 34, T) to (B, 34, T - 80): the 17 y's, then the 17 x's, of COCO_17 in and of H36M_17 out.

    Frame t of the answer belongs to frame t + 40 of the track. T is at least 81. Norms take mean and spread over the
    whole input track, so use windows of `config.frames` + 80 frames.
    """

    carried: Tensor

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.framing, self.skeleton = Framing(config.size), H36M_17
        number = count()
        entering = (2 * len(COCO_17), width, width)
        self.condition = nn.ModuleList(nn.Conv1d(c, width, 3, stride=2, bias=False) for c in entering)
        self.first = nn.Conv1d(2 * len(COCO_17), width, 3, bias=False)
        self.first_scale, self.first_shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.first_drop = SeededDropout(config.dropout, next(number))
        self.stages = nn.ModuleList(ResidualStage(config, dilation, number) for dilation in DILATIONS)
        self.last = nn.Conv1d(width, 2 * len(H36M_17), 1)
        if config.answer == "corrections":
            self.register_buffer("carried", carried_over())
            self.smooth = nn.Conv1d(2 * len(H36M_17), 2 * len(H36M_17), 1 + 2 * CONTEXT, groups=34, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                nn.init.orthogonal_(module.weight, gain=0.02 if module is self.last else config.gain)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if config.answer == "corrections":
            bell = torch.exp(-0.5 * (torch.arange(-CONTEXT, CONTEXT + 1) / FIRST_SIGMA) ** 2)
            self.smooth.weight.data.copy_((bell / bell.sum()).expand_as(self.smooth.weight))

    def forward(
        self, track: Float[Tensor, "B 34 T"], seeds: Int64[Tensor, "B"] | None = None
    ) -> Float[Tensor, "B 34 t"]:
        """seeds: of the dropout; without them there is none."""
        assert track.shape[-1] > 2 * CONTEXT, f"{track.shape[-1]} frames hold none with {CONTEXT} on each side"
        condition = track
        for layer in self.condition:
            condition = F.leaky_relu(layer(condition), SLOPE)
        condition = condition.mean(-1)

        x = self.first(track)
        x = F.layer_norm(x, x.shape[1:]) * self.first_scale[:, None] + self.first_shift[:, None]
        x = dropped(F.leaky_relu(x, SLOPE), self.first_drop, seeds)
        for stage in self.stages:
            x = stage(x, condition, seeds)
        with without_autocast(track):  # eight bits of mantissa are too few for a position
            answer: Tensor = self.last(at_least_float32(x))
            if self.config.answer == "corrections":
                answer = answer + self.smooth(self.carried @ at_least_float32(track))
        return answer


def dropped(x: Float[Tensor, "B C T"], drop: nn.Module, seeds: Int64[Tensor, "B"] | None) -> Float[Tensor, "B C T"]:
    """Dropout for pictures, applied to a picture one pixel high."""
    kept: Tensor = drop(x[:, :, None], seeds)
    return kept[:, :, 0]


def carried_over() -> Float[Tensor, "34 34"]:
    """Maps COCO_17's numbers to H36M_17's by name; the top of the head, which COCO lacks, starts at the nose."""
    table = torch.zeros(len(H36M_17), len(COCO_17))
    for k, joint in enumerate(H36M_17.joints):
        names = (joint,) if joint in COCO_17 else DERIVED_JOINTS.get(joint, ("nose",))
        for name in names:
            table[k, COCO_17.index(name)] = 1 / len(names)
    both: Tensor = torch.block_diag(table, table)
    return both
