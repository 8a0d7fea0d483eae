"""How the picture files of a fashion data set contain the 256x176 pictures to which its joints refer."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.core.choices import PictureForm

from .lists import FASHION_SIZE
from .pictures import picture_header, read_picture
from .white_sides import white_sides, without_sides

T = TypeVar("T")
ASPECT_TOLERANCE = 0.02  # In-shop's large pictures are 1 % off
SQUARE_TOLERANCE = 0.01
NUM_HEADERS, NUM_DECODED = 256, 48  # of a data set's pictures, evenly spread
# The sides of published files are white, except for a few wide pictures; an edge is visible where walls are not white.
MOSTLY_WHITE, EDGES_SHARE, FEWEST_EDGES = 0.95, 0.1, 3


def has_picture_shape(size: tuple[int, int]) -> bool:
    """Whether (height, width) has the shape of a 256x176 picture."""
    aspect = FASHION_SIZE[1] / FASHION_SIZE[0]
    return abs(size[1] / size[0] / aspect - 1) <= ASPECT_TOLERANCE


def is_square(size: tuple[int, int]) -> bool:
    return abs(size[1] / size[0] - 1) <= SQUARE_TOLERANCE


def picture_form(folder: Path, names: Collection[str], declared: PictureForm | None) -> PictureForm:
    """How these pictures contain the 256x176 one: declared, or proved by their sizes and pixels; else refused.

    Reads the headers of a sample of them and decodes a sample of the squares; unreadable files are skipped here.
    """
    if declared is not None:
        return declared
    paths = [folder / name for name in spread(sorted(names), NUM_HEADERS)]
    return proved_form(sizes_of(paths), read_picture, folder)


def proved_form(
    sizes: dict[Path, tuple[int, int]], read: Callable[[Path], UInt8[Tensor, "h w 3"]], folder: Path
) -> PictureForm:
    """The form proved by the sizes and pixels of these pictures. Refuses ambiguous ones, naming the alternatives."""
    other = [path for path, size in sizes.items() if not has_picture_shape(size)]
    if not other:
        return "plain"
    odd = [path for path in other if not is_square(sizes[path])]
    if odd:
        raise not_declared(odd[0], sizes[odd[0]], folder)
    found = []
    for path in spread(other, NUM_DECODED):
        try:
            found.append(white_sides(read(path)))
        except BadInput:
            continue
    edges = found.count("white-with-edge")
    white = edges + found.count("white")
    if (
        found
        and white >= MOSTLY_WHITE * len(found)
        and edges >= max(EDGES_SHARE * len(found), min(FEWEST_EDGES, len(found)))
    ):
        return "padded"
    raise not_declared(other[0], sizes[other[0]], folder)


def not_declared(path: Path, size: tuple[int, int], folder: Path) -> BadInput:
    """The refusal of a picture of another shape with undeclared geometry."""
    readings = "squashed, if each axis of the 256x176 picture was scaled on its own"
    if is_square(size):
        readings = f"padded, if 40 of 256 columns on each side are white and no part of the picture, or {readings}"
    return BadInput(
        f"{path} is {size[0]}x{size[1]} pixels (height x width), not of the shape {FASHION_SIZE[0]}x{FASHION_SIZE[1]} "
        f"that the joints belong to, and the pixels in {folder} do not prove where that picture lies in it. Say how it "
        f"was made: {readings} (--pictures, in training --data.pictures, in Python pictures=...)."
    )


def whole_picture(picture: UInt8[Tensor, "h w 3"], form: PictureForm, path: Path) -> UInt8[Tensor, "h w2 3"]:
    """The part of a file's picture that shows the 256x176 one.

    A shape not covered by `form` is refused, except a square whose own pixels prove its white sides.
    """
    size = (picture.shape[0], picture.shape[1])
    if has_picture_shape(size) or form == "squashed":
        return picture
    if is_square(size) and (form == "padded" or white_sides(picture) == "white-with-edge"):
        return without_sides(picture)
    raise not_declared(path, size, path.parent)


def sizes_of(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """(height, width) of the readable pictures."""
    found = {}
    for path in paths:
        try:
            found[path] = picture_header(path)
        except BadInput:
            continue
    return found


def spread(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of the items, evenly spaced, including the first."""
    step = max(1, -(-len(items) // count))
    return list(items[::step])
