"""Metrics of pictures applied frame by frame, and to a clip's steps."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import UInt8
from torch import Tensor

from .clips import CLIP_METRICS, ClipFrame, ClipMean, StepMetric
from .l1 import UNIT
from .metric import METRICS, PairMetric

PictureDistance = Callable[[UInt8[Tensor, "H W 3"], UInt8[Tensor, "H W 3"]], float]


class FrameMean(ClipMean):
    """The mean over a clip's frames of a metric of pictures; frames without a finite value are excluded."""

    picture_metric: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        metric = METRICS[self.picture_metric]()
        assert isinstance(metric, PairMetric), f"{self.picture_metric} has no value of one picture"
        self.metric = metric

    def update(self, frame: ClipFrame) -> None:
        if self.needs_limbs and frame.limbs is None:
            return
        value = self.metric.score(frame.generated, frame.target, frame.limbs if self.needs_limbs else None)
        if math.isfinite(value):
            self.add(value)


@CLIP_METRICS.register("frame-l1")
class FrameL1(FrameMean):
    """`l1`, the mean over frames."""

    name, picture_metric = "frame-l1", "l1"
    higher_is_better = False
    best = 0.0
    unit = UNIT


@CLIP_METRICS.register("frame-l1-limbs")
class FrameL1Limbs(FrameMean):
    """`l1-limbs`, the mean over the frames with known limbs: the static background does not count."""

    name, picture_metric = "frame-l1-limbs", "l1-limbs"
    higher_is_better = False
    best = 0.0
    unit = UNIT
    needs_limbs = True


@CLIP_METRICS.register("frame-ssim-gaussian1.5")
class FrameSSIM(FrameMean):
    """`ssim-gaussian1.5`, the mean over frames."""

    name, picture_metric = "frame-ssim-gaussian1.5", "ssim-gaussian1.5"
    higher_is_better = True
    best = 1.0


class TemporalDistance(StepMetric):
    """|d(g, g') - d(t, t')| of each step, for a distance d of pictures: tLPIPS with LPIPS as d (Chu et al. 2020,
    TecoGAN).

    g, g' are consecutive generated frames, t, t' the true ones. The mean over steps; TecoGAN prints 100 times it.
    """

    higher_is_better = False
    best = 0.0
    looks_through_a_network = True
    lens: ClassVar[str]
    """The picture metric that `open` takes as d."""

    def __init__(self, distance: PictureDistance, network: str = "") -> None:
        super().__init__()
        self.distance, self._network = distance, network

    @classmethod
    def open(cls, weights: Path | None = None, device: torch.device | str = "cpu") -> "TemporalDistance":
        metric = METRICS[cls.lens].open(weights, device)
        assert isinstance(metric, PairMetric), f"{cls.lens} has no value of one pair"
        return cls(partial(metric.score, mask=None), metric.network)

    @property
    def network(self) -> str:
        return self._network

    def step(self, earlier: ClipFrame, later: ClipFrame) -> tuple[float, float]:
        generated = self.distance(earlier.generated, later.generated)
        true = self.distance(earlier.target, later.target)
        return abs(generated - true), 1.0


@CLIP_METRICS.register("tlpips-alex")
class TLPIPSAlex(TemporalDistance):
    """`TemporalDistance` of `lpips-alex`."""

    name, lens = "tlpips-alex", "lpips-alex"


@CLIP_METRICS.register("tlpips-vgg")
class TLPIPSVGG(TemporalDistance):
    """`TemporalDistance` of `lpips-vgg`."""

    name, lens = "tlpips-vgg", "lpips-vgg"
