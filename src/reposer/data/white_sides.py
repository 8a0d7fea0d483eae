"""Detect, from the pixels of a square picture, white columns that were added beside a narrower one.

White columns alone prove nothing: a studio's wall is also white. Only a padded picture that is not white itself ends in
a straight line exactly at the columns where the white begins, over most of its height, on both sides.
"""

from typing import Literal

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

Sides = Literal["white-with-edge", "white", "not-white"]

SIDE = 256
COLUMNS = 40  # on each side of the 176 that show the picture, in a square of 256
SHARE = COLUMNS / SIDE
# Column ranges, where a side has 40. JPEG blurs colours over some columns on both sides of the line; they are skipped.
OUTER, BEFORE, BEHIND = (0, 30), (33, 36), (42, 45)
LEVEL = 250  # least value of every channel of white
ALL_WHITE, EDGE_ROWS = 0.98, 0.5  # shares of pixels and of rows


def white_sides(picture: UInt8[Tensor, "S T 3"], share: float = SHARE) -> Sides:
    """Whether the outer columns are white, and whether the picture inside ends where they should begin.

    share: of the picture's width, for each side.
    """
    both = [picture, picture.flip(1)]
    if any(float(_white(side, OUTER, share).double().mean()) < ALL_WHITE for side in both):
        return "not-white"
    edges = [_white(side, BEFORE, share).all(1) & ~_white(side, BEHIND, share).any(1) for side in both]
    return "white-with-edge" if all(float(e.double().mean()) >= EDGE_ROWS for e in edges) else "white"


def without_sides(picture: UInt8[Tensor, "S S 3"]) -> UInt8[Tensor, "S w 3"]:
    """The square without the 40 of 256 columns on each side."""
    width = picture.shape[1]
    cut = round(COLUMNS * width / SIDE)
    return picture[:, cut : width - cut]


def _white(picture: UInt8[Tensor, "S T 3"], columns: tuple[int, int], share: float) -> Bool[Tensor, "S w"]:
    """Which pixels of these columns (a side has 40) are white."""
    first, last = (round(c * share * picture.shape[1] / COLUMNS) for c in columns)
    return (picture[:, first : max(last, first + 1)] >= torch.tensor(LEVEL, dtype=torch.uint8)).all(-1)
