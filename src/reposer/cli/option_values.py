"""Range checks for option values: refused before the work starts, naming the option."""

import math
from collections.abc import Collection

from reposer.core import BadInput
from reposer.core.memory import size_in_bytes

MOST_PIXELS = 65_535
"""Largest side of a picture: JPEG allows no more."""
MOST_WORKERS = 1024
MOST_SEED = 2**63 - 1
"""Largest seed of torch's generators."""


def within(option: str, value: float | None, least: float, most: float = math.inf) -> None:
    """Require the value, if given, to be finite and from `least` to `most`."""
    if value is None or (least <= value <= most and math.isfinite(value)):
        return
    expected = f"{least:g} or more" if most == math.inf else f"{least:,} to {most:,}"
    raise BadInput(f"{option} is {expected}, not {value}.")


def above(option: str, value: float | None, limit: float = 0) -> None:
    """Require the value, if given, to be finite and above `limit`."""
    if value is not None and not (value > limit and math.isfinite(value)):
        raise BadInput(f"{option} is above {limit:g}, not {value}.")


def pixels(option: str, size: tuple[int, int] | None) -> None:
    """Require (height, width), if given, to be a possible size of a picture."""
    if size is not None and not all(0 < side <= MOST_PIXELS for side in size):
        raise BadInput(f"{option} is a height and a width of 1 to {MOST_PIXELS:,} pixels, not {size[0]} {size[1]}.")


def some(option: str, values: Collection[str] | None) -> None:
    """Require the option, if given, to have a value: without one it would mean all, or none."""
    if values is not None and not values:
        raise BadInput(f"{option} came without a value. Name at least one, or leave the option out.")


def seeded(option: str, seed: int) -> None:
    """Require a valid seed."""
    within(option, seed, 0, MOST_SEED)


def size(option: str, text: str | None) -> float | None:
    """Bytes of a size like 4G, if given."""
    return None if text is None else size_in_bytes(option, text)
