"""Round numbers for the axes of plots."""

import math

STEPS = (1, 2, 2.5, 5, 10)


def round_ticks(low: float, high: float) -> list[float]:
    """A few round numbers, evenly spaced, that enclose low and high."""
    spread = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(spread / 4))
    step = max(s * power for s in STEPS if s * power <= spread / 3)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 10) for k in range(first, max(last, first + 1) + 1)]
