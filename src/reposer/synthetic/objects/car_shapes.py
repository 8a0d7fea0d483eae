"""The outlines of six kinds of cars, in metres."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CarShape:
    """Sizes in metres; z runs from the tail to the nose.

    top: outline of the body's upper side, (z, y) from tail to nose, without the bumpers' round ends.
    belt: height of the lower edge of the windows, at the tail and at the nose.
    cabin: z of the glass house's (rear edge at the belt, front edge at the belt).
    pillars: z between the side windows; doors: z of the door gaps; bed: z range of a pickup's open bed.
    """

    kind: str
    length: float
    width: float
    height: float
    clearance: float
    top: tuple[tuple[float, float], ...]
    belt: tuple[float, float]
    cabin: tuple[float, float]
    pillars: tuple[float, ...]
    doors: tuple[float, ...]
    axles: tuple[float, float]
    wheel: float
    lean: float = 0.22
    """Inward lean of the side windows, in metres across per metre of height."""
    bed: tuple[float, float] | None = None
    blind: tuple[float, float] | None = None
    """Range of z without side windows."""


def _hatchback(n: np.random.Generator) -> CarShape:
    length, height = n.uniform(3.6, 4.25), n.uniform(1.43, 1.56)
    e = length / 2
    hood, belt = n.uniform(0.84, 0.94), n.uniform(0.90, 0.98)
    scuttle = e - n.uniform(0.86, 1.08)
    roof0, roof1 = -e + n.uniform(0.30, 0.55), scuttle - n.uniform(0.72, 0.90)
    top = (
        (-e, 0.62),
        (-e + 0.03, belt - 0.02),
        (-e + 0.07, belt + 0.04),
        (roof0, height - 0.04),
        ((roof0 + roof1) / 2, height),
        (roof1, height - 0.03),
        (scuttle, hood + 0.05),
        (e - 0.18, hood - 0.16),
        (e, hood - 0.34),
    )
    middle = (roof0 + roof1) / 2 + 0.1
    return CarShape(
        "hatchback",
        length,
        n.uniform(1.66, 1.78),
        height,
        n.uniform(0.17, 0.22),
        top,
        (belt + 0.04, belt - 0.03),
        (-e + 0.10, scuttle),
        (middle, -e + 0.78),
        (scuttle - 0.12, middle, -e + 1.0),
        (-e + 0.62, e - 0.74),
        n.uniform(0.30, 0.33),
    )


def _saloon(n: np.random.Generator) -> CarShape:
    length, height = n.uniform(4.4, 4.95), n.uniform(1.40, 1.48)
    e = length / 2
    hood, belt, boot = n.uniform(0.82, 0.92), n.uniform(0.88, 0.95), n.uniform(0.93, 1.03)
    scuttle, rear = e - n.uniform(1.15, 1.35), -e + n.uniform(0.55, 0.85)
    roof0, roof1 = rear + n.uniform(0.6, 0.85), scuttle - n.uniform(0.72, 0.90)
    top = (
        (-e, 0.70),
        (-e + 0.05, boot - 0.05),
        (-e + 0.14, boot),
        (rear, boot + 0.03),
        (roof0, height - 0.05),
        ((roof0 + roof1) / 2, height),
        (roof1, height - 0.03),
        (scuttle, hood + 0.06),
        (e - 0.22, hood - 0.13),
        (e, hood - 0.32),
    )
    middle = (roof0 + roof1) / 2
    return CarShape(
        "saloon",
        length,
        n.uniform(1.74, 1.86),
        height,
        n.uniform(0.16, 0.20),
        top,
        (belt + 0.05, belt),
        (rear, scuttle),
        (middle, roof0 - 0.12),
        (scuttle - 0.10, middle, middle - 0.95),
        (-e + 0.92, e - 0.86),
        n.uniform(0.31, 0.34),
    )


def _estate(n: np.random.Generator) -> CarShape:
    length, height = n.uniform(4.4, 4.9), n.uniform(1.48, 1.78)
    e, high = length / 2, height > 1.6
    hood, belt = (1.04, 1.08) if high else (0.88, 0.94)
    scuttle = e - n.uniform(1.05, 1.25)
    roof0, roof1 = -e + n.uniform(0.28, 0.5), scuttle - n.uniform(0.65, 0.85)
    top = (
        (-e, 0.70),
        (-e + 0.03, belt - 0.02),
        (-e + 0.07, belt + 0.04),
        (roof0, height - 0.05),
        ((roof0 + roof1) / 2, height),
        (roof1, height - 0.03),
        (scuttle, hood + 0.05),
        (e - 0.16, hood - 0.10),
        (e, hood - 0.34),
    )
    middle = scuttle - n.uniform(1.25, 1.4)
    return CarShape(
        "estate",
        length,
        n.uniform(1.78, 1.92),
        height,
        0.26 if high else 0.18,
        top,
        (belt + 0.04, belt - 0.02),
        (-e + 0.10, scuttle),
        (middle, middle - 0.95),
        (scuttle - 0.10, middle, middle - 0.95),
        (-e + 0.86, e - 0.84),
        0.37 if high else 0.32,
    )


def _pickup(n: np.random.Generator) -> CarShape:
    length, height = n.uniform(4.9, 5.4), n.uniform(1.72, 1.85)
    e, double = length / 2, n.random() < 0.5
    hood, belt, rail = n.uniform(1.10, 1.18), n.uniform(1.12, 1.18), n.uniform(1.08, 1.16)
    scuttle = e - n.uniform(1.2, 1.35)
    roof1 = scuttle - n.uniform(0.55, 0.7)
    roof0 = roof1 - (1.35 if double else 0.65)
    rear = roof0 - 0.14
    top = (
        (-e, rail - 0.05),
        (-e + 0.10, rail),
        (-e + 0.12, rail - 0.42),
        (rear - 0.10, rail - 0.42),
        (rear - 0.08, rail),
        (rear, belt + 0.04),
        (roof0, height - 0.04),
        ((roof0 + roof1) / 2, height),
        (roof1, height - 0.03),
        (scuttle, hood + 0.04),
        (e - 0.12, hood - 0.06),
        (e, hood - 0.34),
    )
    middle = (roof0 + roof1) / 2
    return CarShape(
        "pickup",
        length,
        n.uniform(1.82, 1.96),
        height,
        n.uniform(0.30, 0.38),
        top,
        (belt, belt),
        (rear, scuttle),
        (middle,) if double else (),
        (scuttle - 0.08, middle, rear) if double else (scuttle - 0.08, rear + 0.06),
        (-e + 1.1, e - 0.92),
        n.uniform(0.37, 0.41),
        lean=0.18,
        bed=(-e + 0.11, rear - 0.09),
    )


def _van(n: np.random.Generator) -> CarShape:
    length, height = n.uniform(4.5, 5.4), n.uniform(1.88, 2.35)
    e = length / 2
    hood, belt = n.uniform(1.05, 1.15), n.uniform(1.15, 1.25)
    scuttle = e - n.uniform(0.55, 0.80)
    roof1 = scuttle - n.uniform(0.55, 0.75)
    top = (
        (-e, 0.70),
        (-e + 0.02, belt),
        (-e + 0.06, height - 0.12),
        (-e + 0.16, height - 0.02),
        (0, height),
        (roof1, height - 0.05),
        (scuttle, hood + 0.08),
        (e - 0.10, hood - 0.16),
        (e, hood - 0.42),
    )
    blind = (-e, scuttle - 1.15) if n.random() < 0.55 else None
    doors = (scuttle - 0.1, scuttle - 1.12, scuttle - 2.1)
    return CarShape(
        "van",
        length,
        n.uniform(1.80, 1.98),
        height,
        n.uniform(0.20, 0.26),
        top,
        (belt, belt - 0.06),
        (-e + 0.06, scuttle),
        (scuttle - 1.15, scuttle - 2.15),
        doors,
        (-e + 0.95, e - 0.80),
        n.uniform(0.33, 0.36),
        lean=0.10,
        blind=blind,
    )


def _sports(n: np.random.Generator) -> CarShape:
    length, height = n.uniform(4.15, 4.55), n.uniform(1.16, 1.27)
    e = length / 2
    hood, belt, tail = n.uniform(0.74, 0.82), n.uniform(0.80, 0.86), n.uniform(0.86, 0.95)
    scuttle, rear = e - n.uniform(1.30, 1.60), -e + n.uniform(0.30, 0.65)
    roof1 = scuttle - n.uniform(0.75, 0.9)
    roof0 = roof1 - n.uniform(0.45, 0.7)
    top = (
        (-e, 0.60),
        (-e + 0.06, tail - 0.06),
        (-e + 0.16, tail),
        (rear, tail + 0.02),
        (roof0, height - 0.04),
        ((roof0 + roof1) / 2, height),
        (roof1, height - 0.02),
        (scuttle, hood + 0.06),
        (e - 0.5, hood - 0.13),
        (e - 0.12, hood - 0.28),
        (e, hood - 0.40),
    )
    return CarShape(
        "sports",
        length,
        n.uniform(1.82, 1.95),
        height,
        n.uniform(0.12, 0.15),
        top,
        (belt + 0.06, belt),
        (rear, scuttle),
        (roof0 - 0.02,),
        (scuttle - 0.06, roof0 - 0.02),
        (-e + 0.80, e - 0.86),
        n.uniform(0.32, 0.345),
        lean=0.34,
    )


CAR_SHAPES: tuple[Callable[[np.random.Generator], CarShape], ...] = (
    _hatchback,
    _saloon,
    _estate,
    _pickup,
    _van,
    _sports,
)
