"""What the sides of a square picture prove: white padding, or that there is none. Often they prove nothing."""

from collections.abc import Iterable
from typing import Literal

from jaxtyping import UInt8
from torch import Tensor

from .geometry import FileGeometry, Size

Evidence = Literal["white", "content", "mixed", "nothing"]
WHITE_LEVEL, ALMOST_WHITE, NOT_WHITE = 250, 240, 235  # of a pixel's darkest channel
FLAT = 30  # levels that a row of padding may vary by: JPEG's ringing
OUTER = 0.8  # share of a side that is looked at: JPEG blocks mix the rest with the picture


def proof(picture: UInt8[Tensor, "H W 3"], person: Size) -> Evidence:
    """Whether a picture has white sides around a person's picture of this shape.

    "white": both sides are white, and the picture begins, not white, in the very columns where they should end.
    "content": a row of a side varies, so it is no padding of white or of one colour a row.
    """
    outer, inner = _columns(picture, person)
    if outer is None or inner is None:
        return "nothing"
    if any((_range(side) > FLAT).double().mean() > 0.05 for side in outer):
        return "content"
    white = all((side.amin(-1) >= WHITE_LEVEL).double().mean() >= 0.99 for side in outer)
    ends = all((edge.amin(-1).amin(-1) < NOT_WHITE).double().mean() >= 0.5 for edge in inner)
    return "white" if white and ends else "nothing"


def whiteness(picture: UInt8[Tensor, "H W 3"], person: Size) -> float:
    """The mean level of the sides' darkest channel."""
    outer, _ = _columns(picture, person)
    return 0.0 if outer is None else min(float(side.amin(-1).double().mean()) for side in outer)


def common_proof(pictures: Iterable[UInt8[Tensor, "H W 3"]], person: Size) -> Evidence:
    """What pictures that were made alike prove together; "mixed" where they contradict each other."""
    found = {proof(picture, person) for picture in pictures}
    if {"white", "content"} <= found:
        return "mixed"
    return "white" if "white" in found else "content" if "content" in found else "nothing"


def have_white_sides(pictures: Iterable[UInt8[Tensor, "H W 3"]], person: Size) -> bool:
    """Whether the sides of nearly all of these are about white, as those of a network that learned white sides are."""
    levels = [whiteness(picture, person) for picture in pictures]
    return bool(levels) and sum(level >= ALMOST_WHITE for level in levels) >= 0.9 * len(levels)


def _columns(
    picture: UInt8[Tensor, "H W 3"], person: Size
) -> tuple[list[Tensor], list[Tensor]] | tuple[None, None]:
    """The outer columns of both sides, and the first columns of the person's picture beside each."""
    width = picture.shape[1]
    box = FileGeometry("padded", person).content_box((picture.shape[0], width))
    left, right = box[0], width - box[2]
    if min(left, right) < 2:
        return None, None
    outer = [picture[:, : max(1, int(OUTER * left))], picture[:, width - max(1, int(OUTER * right)) :]]
    inner = [picture[:, left : left + 3], picture[:, box[2] - 3 : box[2]]]
    return outer, inner


def _range(side: UInt8[Tensor, "H w 3"]) -> Tensor:
    """How much each row varies, in levels."""
    return (side.amax(1).int() - side.amin(1).int()).amax(-1)
