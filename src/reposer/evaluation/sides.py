"""What the sides of a square picture prove: white padding, or that there is none. Often they prove nothing."""

from collections.abc import Iterable
from typing import Literal

from jaxtyping import UInt8
from torch import Tensor

from reposer.data.white_sides import white_sides

from .geometry import FileGeometry, Size

Evidence = Literal["white", "content", "mixed", "nothing"]
WIDER_SHARE = 0.05
ALMOST_WHITE = 240  # level of a pixel's darkest channel
FLAT = 30  # levels that a row of padding may vary by: JPEG's ringing
OUTER = 0.8  # share of a side that is examined: JPEG blocks mix the rest with the picture


def proof(picture: UInt8[Tensor, "H W 3"], person: Size) -> Evidence:
    """What a picture proves about white sides around a person's picture of this shape.

    "white": both sides are white, and the picture begins, not white, in the very columns where they should end.
    "content": a row of a side varies, so it is no padding of white or of one colour per row.
    """
    outer, share = _outer(picture, person)
    if not outer:
        return "nothing"
    if any((_range(side) > FLAT).double().mean() > 0.05 for side in outer):
        return "content"
    return "white" if white_sides(picture, share) == "white-with-edge" else "nothing"


def whiteness(picture: UInt8[Tensor, "H W 3"], person: Size) -> float:
    """The mean level of the sides' darkest channel."""
    outer, _ = _outer(picture, person)
    return 0.0 if not outer else min(float(side.amin(-1).double().mean()) for side in outer)


def common_proof(pictures: Iterable[UInt8[Tensor, "H W 3"]], person: Size) -> Evidence:
    """What pictures that were made alike prove together; "mixed" if they contradict each other.

    Among published files with white sides a few show pictures that were wider: 1 of 20 may.
    """
    found = [proof(picture, person) for picture in pictures]
    white, content = found.count("white"), found.count("content")
    if white and content <= WIDER_SHARE * len(found):
        return "white"
    if white and content:
        return "mixed"
    return "content" if content else "nothing"


def have_white_sides(pictures: Iterable[UInt8[Tensor, "H W 3"]], person: Size) -> bool:
    """Whether the sides of nearly all of these are about white, as those of a network that learned white sides are."""
    levels = [whiteness(picture, person) for picture in pictures]
    return bool(levels) and sum(level >= ALMOST_WHITE for level in levels) >= 0.9 * len(levels)


def _outer(picture: UInt8[Tensor, "H W 3"], person: Size) -> tuple[list[UInt8[Tensor, "H w 3"]], float]:
    """The outer columns of both sides, and a side's share of the width; none if there is no room for sides."""
    width = picture.shape[1]
    left, _, end, _ = FileGeometry("padded", person).content_box((picture.shape[0], width))
    if min(left, width - end) < 2:
        return [], 0.0
    columns = max(1, int(OUTER * left))
    return [picture[:, :columns], picture[:, width - columns :]], left / width


def _range(side: UInt8[Tensor, "H w 3"]) -> Tensor:
    """How much each row varies, in levels."""
    return (side.amax(1).int() - side.amin(1).int()).amax(-1)
