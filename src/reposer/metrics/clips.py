"""The interface of clip metrics: frames in, one after the other; one number out, however long the clips were.

Frames -> statistics of a step between frames -> sums -> number. No state of a metric grows with a clip's length.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from reposer.core import Registry

from .metric import AnyMetric, MeanMetric

CLIP_METRICS: Registry[type["ClipMetric"]] = Registry("metric of clips", "reposer.clip_metrics")


@dataclass(frozen=True)
class Motion:
    """The true clip's motion from one frame to the next.

    flow: backward, in pixels: what pixel p of the later frame shows is at p + flow(p) of the earlier one; undefined at
        pixels that are not visible.
    visible: both frames show it.
    """

    flow: Float[Tensor, "2 H W"]
    visible: Bool[Tensor, "H W"]


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a clip and the true one, as 8-bit pictures.

    motions: the true clip's motion from the previous frame, by the name of its estimator; empty in a first frame.
    limbs: where the true frame's limbs are; None if unknown or uncertain.
    """

    generated: UInt8[Tensor, "H W 3"]
    target: UInt8[Tensor, "H W 3"]
    motions: Mapping[str, Motion] = field(default_factory=dict)
    limbs: Bool[Tensor, "H W"] | None = None

    def __post_init__(self) -> None:
        assert self.generated.shape == self.target.shape, (self.generated.shape, self.target.shape)
        assert self.generated.dtype == self.target.dtype == torch.uint8, (self.generated.dtype, self.target.dtype)


MotionEstimator = Callable[[UInt8[Tensor, "H W 3"], UInt8[Tensor, "H W 3"]], Motion]
MOTIONS: Registry[MotionEstimator] = Registry("estimator of motion")
"""From (earlier, later) true frames to their motion. A clip may bring its own, exact one instead, as `exact`."""


class ClipMetric(AnyMetric):
    """Statistics of clips, accumulated by `update`, frame by frame, and `end_clip`. `merge` and `state` cover finished
    clips.

    `best` is NaN where it depends on the clip: then the true clip is scored as well as the generated one.
    """

    counts = "clip"
    motion: ClassVar[str | None] = None
    """Source of the true clip's motion: one of MOTIONS, or "exact" for the one that the clip brings."""
    needs_limbs: ClassVar[bool] = False
    """Whether it only looks at the true frames' limbs: frames without them are excluded."""

    @abstractmethod
    def begin_clip(self) -> None:
        """Start a new clip, discarding one in progress: the next frame is its first."""

    @abstractmethod
    def update(self, frame: ClipFrame) -> None:
        """Add the next frame of the current clip."""

    @abstractmethod
    def end_clip(self) -> float | None:
        """End the clip. Returns its own value, NaN if undefined; None if single clips have none."""


class ClipMean(MeanMetric, ClipMetric):
    """A metric whose value of a clip is a mean over its frames or steps; the number is the mean over clips.

    Clips without a finite value are excluded from the number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begin_clip()

    def begin_clip(self) -> None:
        self._amount, self._weight = 0.0, 0.0

    def add(self, amount: float, weight: float = 1.0) -> None:
        """Add to the current clip, whose value is the sum of amounts over the sum of weights."""
        self._amount, self._weight = self._amount + amount, self._weight + weight

    def end_clip(self) -> float:
        nothing = math.inf if self._amount else math.nan
        value = self._amount / self._weight if self._weight else nothing
        self.values.append(value)
        self.begin_clip()
        return value

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        super().load_state(state)
        self.begin_clip()


class StepMetric(ClipMean):
    """A mean over a clip's steps, each from one frame to the next."""

    def begin_clip(self) -> None:
        super().begin_clip()
        self._earlier: ClipFrame | None = None

    @abstractmethod
    def step(self, earlier: ClipFrame, later: ClipFrame) -> tuple[float, float]:
        """(amount, weight) of the step; (0, 0) if it gives no information."""

    def update(self, frame: ClipFrame) -> None:
        if self._earlier is not None:
            self.add(*self.step(self._earlier, frame))
        self._earlier = frame
