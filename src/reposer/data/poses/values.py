"""Numbers in pose files: valid positions, sizes, scores and rates."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from reposer.core import BadInput, Skeleton, quoted

from .recording import Person, Size, UnusablePerson

FARTHEST = 1_000_000
"""Largest distance of a joint from a picture's corner, and longest side of a picture, in pixels."""
LEAST_FPS, MOST_FPS = 0.1, 1000.0
"""Lowest and highest frame rate of a track, in frames per second."""


def is_number(value: Any) -> bool:
    """Whether it is a finite number, not a bool, in the range of a picture's coordinates."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and -FARTHEST <= value <= FARTHEST  # NaN is refused, too
    )


def is_place(value: Any, *lengths: int) -> bool:
    """Whether it is a list of numbers of one of these lengths."""
    return isinstance(value, list) and len(value) in lengths and all(map(is_number, value))


def is_count(value: Any) -> bool:
    """Whether it is a non-negative integer."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def size_in(path: Path, size: Any) -> Size:
    """(height, width) in our own forms."""
    if not (isinstance(size, list) and len(size) == 2 and all(map(_is_side, size))):
        raise BadInput(
            f"{path} has the size {quoted(size)}; [height, width] in whole pixels was expected, at most {FARTHEST:,} "
            "each."
        )
    return size[0], size[1]


def canvas_in(path: Path, content: dict[str, Any]) -> Size | None:
    """(height, width) from `canvas_height` and `canvas_width`, written by editors of OpenPose's form; else None."""
    height: Any = content.get("canvas_height")
    width: Any = content.get("canvas_width")
    if height is None and width is None:
        return None
    sides = [int(side) if is_number(side) and side == int(side) else side for side in (height, width)]
    if not all(map(_is_side, sides)):
        raise BadInput(
            f"{path} has a canvas of height {quoted(height)} and width {quoted(width)}; whole pixels were expected."
        )
    return sides[0], sides[1]


def rate_in(path: Path, fps: Any) -> float | None:
    """Frames per second, if the file states them."""
    if fps is None:
        return None
    if not (is_number(fps) and LEAST_FPS <= fps <= MOST_FPS):
        raise BadInput(
            f"{path} says {quoted(fps)} frames per second; a number from {LEAST_FPS:g} to {MOST_FPS:g} was expected."
        )
    return float(fps)


def seconds_in(path: Path, seconds: Any, count: int) -> Sequence[float] | None:
    """When each of `count` frames is shown, if the file states it: times from 0 on that rise."""
    if seconds is None:
        return None
    times = seconds if isinstance(seconds, list) and all(map(is_number, seconds)) else None
    if times is None or len(times) != count or any(b <= a for a, b in pairwise(times)) or any(times[:1]):
        raise BadInput(
            f"{path} has the seconds {quoted(seconds)}; {count} rising times from 0 on were expected, one per frame."
        )
    return [float(t) for t in times]


def whole_number_in(text: str) -> int | None:
    """The last number in a file's name, which is the frame's."""
    digits = ""
    for sign in reversed(text):
        if sign.isascii() and sign.isdigit():
            digits = sign + digits
        elif digits:
            break
    return int(digits) if 0 < len(digits) <= 18 else None


def person_of_triples(
    values: Sequence[Any], skeleton: Skeleton, *, least_score: float = 0.0, identity: int | None = None
) -> Person | UnusablePerson:
    """A person from a flat list of x, y, score for each joint of `skeleton`; further values are ignored.

    A joint is missing if its score is 0 or below `least_score`, or if it is at exactly (0, 0) or (-1, -1): even with a
    score of 1 these mean "not found".
    """
    if not all(map(is_number, values)):
        bad = next(value for value in values if not is_number(value))
        return UnusablePerson(f"has {quoted(bad)} among its numbers")
    rows = np.array(values, np.float64).reshape(-1, 3)[: len(skeleton)]
    visible = found(rows, least_score)
    if not visible.any():
        return UnusablePerson("shows no joint: none of them was found")
    return Person(skeleton, rows, visible, identity=identity)


def part_of_triples(values: Any, skeleton: Skeleton, *, least_score: float = 0.0) -> Person | None:
    """A hand, a face or feet from a flat list as in `person_of_triples`; None if it is none, or if none was found."""
    if not isinstance(values, list) or len(values) != 3 * len(skeleton) or not all(map(is_number, values)):
        return None
    rows = np.array(values, np.float64).reshape(-1, 3)
    return Person(skeleton, rows, found(rows, least_score)) if rows.any() else None


def found(rows: Float[np.ndarray, "K 3"], least_score: float = 0.0) -> Bool[np.ndarray, "K"]:
    """Which joints of x, y and score count as found."""
    there: Bool[np.ndarray, "K"] = (rows[:, 2] > 0) & (rows[:, 2] >= least_score) & ~_is_word_for_missing(rows)
    return there


def _is_word_for_missing(rows: Float[np.ndarray, "K 3"]) -> Bool[np.ndarray, "K"]:
    xy = rows[:, :2]
    missing: np.ndarray = (xy == 0).all(-1) | (xy == -1).all(-1)
    return missing


def _is_side(value: Any) -> bool:
    return is_count(value) and 1 <= value <= FARTHEST
