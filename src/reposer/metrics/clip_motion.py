"""Temporal stability of a generated clip: warp error, flicker, and the amount of motion."""

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core.images import from_uint8
from reposer.nn.optical_flow import agree, lucas_kanade
from reposer.nn.warp import warp

from .clips import CLIP_METRICS, MOTIONS, ClipFrame, Motion, StepMetric
from .l1 import UNIT

SAME_LIGHT = 0.1
"""Largest difference between the colours of one point in two true frames, as a mean over RGB and a share of the
range."""


@MOTIONS.register("lucas-kanade")
def lucas_kanade_motion(earlier: UInt8[Tensor, "H W 3"], later: UInt8[Tensor, "H W 3"]) -> Motion:
    """`nn.optical_flow.lucas_kanade`. Visible: forward and backward flow agree, and the colours stay within
    SAME_LIGHT.
    """
    frames = from_uint8(torch.stack([earlier, later]))
    flow, back = lucas_kanade(frames, frames.flip(0)).split(1)
    change = (warp(frames[:1], flow) - frames[1:]).abs().mean(1) / 2
    return Motion(flow[0], (agree(flow, back) & (change <= SAME_LIGHT))[0])


class WarpError(StepMetric):
    """Difference between each generated frame and the previous one, warped by the true clip's motion (after Lai et al.
    2018).

    The mean absolute difference of levels over the pixels that both true frames show, averaged over steps; steps
    without such pixels are excluded. Interpolation and changing light give the true clip an error too: compare with its
    own.
    """

    higher_is_better = False
    best = float("nan")
    unit = UNIT

    def step(self, earlier: ClipFrame, later: ClipFrame) -> tuple[float, float]:
        assert self.motion is not None
        motion = later.motions[self.motion]
        pixels = int(motion.visible.sum())
        if not pixels:
            return 0.0, 0.0
        flow = torch.where(motion.visible, motion.flow, 0.0)
        moved = warp(_planes(earlier.generated)[None], flow[None])[0]
        difference = (moved - _planes(later.generated)).abs() * motion.visible
        return difference.double().sum().item() / (255.0 * 3 * pixels), 1.0


@CLIP_METRICS.register("warp-l1-exact")
class ExactWarpError(WarpError):
    """`WarpError` with the motion that a clip brings, as rendered clips do: of the person alone."""

    name = "warp-l1-exact"
    motion = "exact"


@CLIP_METRICS.register("warp-l1-lucas-kanade")
class LucasKanadeWarpError(WarpError):
    """`WarpError` with the motion that Lucas-Kanade finds in the true frames."""

    name = "warp-l1-lucas-kanade"
    motion = "lucas-kanade"


@CLIP_METRICS.register("flicker-l1")
class Flicker(StepMetric):
    """The mean absolute difference between the errors (generated less true) of consecutive frames.

    A constant error does not flicker.
    """

    name = "flicker-l1"
    higher_is_better = False
    best = 0.0
    unit = UNIT

    def step(self, earlier: ClipFrame, later: ClipFrame) -> tuple[float, float]:
        change = (later.generated.int() - later.target.int()) - (earlier.generated.int() - earlier.target.int())
        return change.abs().sum().item() / (255.0 * change.numel()), 1.0


@CLIP_METRICS.register("motion-ratio-l1")
class MotionRatio(StepMetric):
    """The change between consecutive generated frames, as a multiple of the true frames' change.

    Below 1 the clip is too calm (a still picture has 0), above it something jitters. Infinite, and excluded, if the
    true clip stands still.
    """

    name = "motion-ratio-l1"
    higher_is_better = None
    best = 1.0

    def step(self, earlier: ClipFrame, later: ClipFrame) -> tuple[float, float]:
        return _change(earlier.generated, later.generated), _change(earlier.target, later.target)


def _change(earlier: UInt8[Tensor, "H W 3"], later: UInt8[Tensor, "H W 3"]) -> float:
    """Sum of absolute differences in levels, an integer."""
    return float((later.int() - earlier.int()).abs().sum())


def _planes(picture: UInt8[Tensor, "H W 3"]) -> Tensor:
    """(3, H, W), in levels."""
    return picture.movedim(-1, 0).float()
