"""Round numbers for the axes of plots."""

import math

STEPS = (1, 2, 2.5, 5, 10)
SAME, LEAST = 1e-12, 1e-300
"""Smaller relative differences, and smaller sizes, are none: there are no numbers for the ticks between."""


def round_ticks(low: float, high: float) -> list[float]:
    """A few round numbers, evenly spaced, that enclose low and high."""
    spread, size = high - low, max(abs(low), abs(high))
    if spread <= size * SAME:
        spread = size if size > LEAST else 1.0
    power = 10.0 ** math.floor(math.log10(spread / 4))
    step = max(s * power for s in STEPS if s * power <= spread / 3)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, 2 - math.floor(math.log10(step)))
    return [round(k * step, digits) for k in range(first, max(last, first + 1) + 1)]
