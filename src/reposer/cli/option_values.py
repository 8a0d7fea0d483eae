"""Values of options that cannot be meant: refused before the work, by the option's name."""

import math
from collections.abc import Collection

from reposer.core import BadInput

MOST_PIXELS = 65_535
"""Of a side: JPEG knows no more."""
MOST_WORKERS = 1024
MOST_SEED = 2**63 - 1
"""Of torch's random streams."""


def within(option: str, value: float | None, least: float, most: float = math.inf) -> None:
    """The value, if one was given, is finite and from `least` to `most`."""
    if value is None or (least <= value <= most and math.isfinite(value)):
        return
    expected = f"{least:g} or more" if most == math.inf else f"{least:,} to {most:,}"
    raise BadInput(f"{option} is {expected}, not {value}.")


def above(option: str, value: float | None, limit: float = 0) -> None:
    """The value, if one was given, is finite and above `limit`."""
    if value is not None and not (value > limit and math.isfinite(value)):
        raise BadInput(f"{option} is above {limit:g}, not {value}.")


def pixels(option: str, size: tuple[int, int] | None) -> None:
    """(height, width), if it was given, is of a picture."""
    if size is not None and not all(0 < side <= MOST_PIXELS for side in size):
        raise BadInput(f"{option} is a height and a width of 1 to {MOST_PIXELS:,} pixels, not {size[0]} {size[1]}.")


def some(option: str, values: Collection[str] | None) -> None:
    """The option, if it was given, has a value: without one it would mean all, or none."""
    if values is not None and not values:
        raise BadInput(f"{option} came without a value. Name at least one, or leave the option out.")


def seeded(option: str, seed: int) -> None:
    """The number of a random stream."""
    within(option, seed, 0, MOST_SEED)
