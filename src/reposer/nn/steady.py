"""Calm clips from families that draw each frame by itself: what moved is taken along from the frame before, where that
is safe.

Each frame is mixed with the answer to the frame before, moved by the optical flow between the two drawn frames where
the flow
there and back agree, and left in place elsewhere. Only where that has about the colour that is drawn now: what a person
uncovers is new, and is drawn as it came. (After the warp with a test of occlusion in Lai et al. 2018; without a
network.)
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
"""Shares of the range, mean over RGB and a small window: below the first the colours are one, above the second two."""
NEAR, WIDE = 3, 5
"""Sides of windows, in pixels: of the mean difference of colours; and of how far a doubt spreads."""
STRENGTH = 0.6
"""How much of a pixel that can be taken along comes from before, unless it is said."""
CUT = 0.25
"""Where less than this share of the picture can be taken along, another scene began."""


class Steadier:
    """Takes in a clip's drawn frames, in order, and gives each back calmer, at once; it keeps one frame and its answer.

    strength: how much of a pixel that can be taken along comes from before, in [0, 1): 0 changes nothing.
    before: the last frame and its answer; set them to go on where a clip was broken off.
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
            drawn, shown = self.before
            moved, confidence = carried(drawn, shown, frame)
            answer = torch.lerp(frame, moved, self.strength * confidence)
        self.before = frame, answer
        return answer


def steadied(frames: Iterable[Float[Tensor, "3 H W"]], strength: float = STRENGTH) -> Iterator[Float[Tensor, "3 H W"]]:
    """A clip's frames through a `Steadier` of their own, as they come."""
    return map(Steadier(strength), frames)


def carried(
    drawn_before: Float[Tensor, "3 H W"], shown_before: Float[Tensor, "3 H W"], drawn: Float[Tensor, "3 H W"]
) -> tuple[Float[Tensor, "3 H W"], Float[Tensor, "1 H W"]]:
    """What was shown before, moved to where it is now; and how far it may be believed, in [0, 1]: 0 all over after a
    cut."""
    pair = torch.stack([drawn_before, drawn]).float()
    flow, back = lucas_kanade(pair, pair.flip(0)).split(1)  # from now to before, and the other way
    # where there and back disagree nothing is known of motion (a plain wall shows none): perhaps it stands still
    flow = torch.where(agree(flow, back)[:, None], flow, 0.0)
    moved = warp(shown_before.float()[None], flow)
    apart = (moved - pair[1:]).abs().mean(1, keepdim=True) / 2
    around = F.avg_pool2d(apart, NEAR, 1, NEAR // 2, count_include_pad=False)
    apart = torch.maximum(around, apart / 2)  # the mean forgives noise; one pixel that is far off is none
    confidence = ((OTHER - apart) / (OTHER - SAME)).clamp(0, 1)
    # a doubt spreads to its surroundings; then the weights fade, and are still 0 where the doubt was
    confidence = -F.max_pool2d(-confidence, WIDE, 1, WIDE // 2)
    confidence = F.avg_pool2d(confidence, WIDE, 1, WIDE // 2, count_include_pad=False)
    confidence = confidence * (confidence.mean() >= CUT)
    return moved[0].to(drawn), confidence[0].to(drawn)
