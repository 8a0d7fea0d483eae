"""Reduces flicker in clips from families that generate each frame by itself, by carrying pixels over from the previous
frame where that is safe.

Each frame is mixed with the previous result, moved by the optical flow between the two generated frames where forward
and backward flow agree, and left in place elsewhere. It is mixed only where its colour is about that of the new frame:
what a person uncovers is new and stays as generated. (After the warp with an occlusion test in Lai et al. 2018; without
a network.)
"""

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reposer.core import BadInput

from .optical_flow import agree, lucas_kanade
from .warp import warp

SAME, OTHER = 0.05, 0.12
"""Colour differences as shares of the range, mean over RGB and a small window: equal below the first, different above
the second."""
NEAR, WIDE = 3, 5
"""Sides of windows, in pixels: of the mean difference of colours; and of how far a doubt spreads."""
STRENGTH = 0.6
"""Default weight of the carried pixels, where a pixel can be carried over."""
CUT = 0.25
"""If less than this share of the picture can be carried over, the frame starts a new scene."""


class Steadier:
    """Takes a clip's generated frames in order and returns each one steadied, at once; stores one frame and its result.

    strength: weight of the carried pixels where a pixel can be carried over, in [0, 1): 0 changes nothing.
    before: the last frame and its result; set them to continue an interrupted clip.
    """

    def __init__(self, strength: float = STRENGTH) -> None:
        if not 0 <= strength < 1:
            raise BadInput(f"The strength of a Steadier is at least 0 and below 1, not {strength}.")
        self.strength = strength
        self.before: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def __call__(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "3 H W"]:
        """The next frame, in [-1, 1]."""
        answer = frame
        if self.strength > 0 and self.before is not None and self.before[0].shape == frame.shape:
            generated, shown = self.before
            moved, confidence = carried(generated, shown, frame)
            answer = torch.lerp(frame, moved, self.strength * confidence)
        self.before = frame, answer
        return answer


def steadied(frames: Iterable[Float[Tensor, "3 H W"]], strength: float = STRENGTH) -> Iterator[Float[Tensor, "3 H W"]]:
    """A clip's frames passed through a new `Steadier`."""
    return map(Steadier(strength), frames)


def carried(
    generated_before: Float[Tensor, "3 H W"], shown_before: Float[Tensor, "3 H W"], generated: Float[Tensor, "3 H W"]
) -> tuple[Float[Tensor, "3 H W"], Float[Tensor, "1 H W"]]:
    """The previous result, moved to its place in this frame; and its reliability in [0, 1], which is 0 everywhere after
    a cut."""
    pair = torch.stack([generated_before, generated]).float()
    flow, back = lucas_kanade(pair, pair.flip(0)).split(1)  # from this frame to the previous one, and back
    # where the two disagree the motion is unknown (as on a plain wall): assume that nothing moves
    flow = torch.where(agree(flow, back)[:, None], flow, 0.0)
    moved = warp(shown_before.float()[None], flow)
    apart = (moved - pair[1:]).abs().mean(1, keepdim=True) / 2
    around = F.avg_pool2d(apart, NEAR, 1, NEAR // 2, count_include_pad=False)
    apart = torch.maximum(around, apart / 2)  # the mean tolerates noise, but not one pixel that is far off
    confidence = ((OTHER - apart) / (OTHER - SAME)).clamp(0, 1)
    # a doubt spreads to its surroundings; then the weights fade, and are still 0 where the doubt was
    confidence = -F.max_pool2d(-confidence, WIDE, 1, WIDE // 2)
    confidence = F.avg_pool2d(confidence, WIDE, 1, WIDE // 2, count_include_pad=False)
    confidence = confidence * (confidence.mean() >= CUT)
    return moved[0].to(generated), confidence[0].to(generated)
