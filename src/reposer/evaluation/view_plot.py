"""A sheet of small plots: each metric over the angle, generated compared with copied."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from reposer.core import BadInput
from reposer.core.ticks import round_ticks

from .numbers import better, titled
from .report import Report
from .views import GENERATED, Angle, by_angle

Point = tuple[float, float]
Colour = tuple[int, int, int]
PAPER, INK, RULE = (255, 255, 255), (60, 64, 72), (226, 229, 234)
# blue, orange, purple, green-grey: distinguishable by colour-blind people and in print
BLUE, ORANGE = (33, 104, 171), (200, 120, 40)
OTHERS = ((150, 60, 130), (96, 120, 100))
WIDTH, HEIGHT = 360, 220  # of one plot's field, in pixels
LEFT, TOP, RIGHT, BOTTOM = 62, 44, 22, 44


class Line(NamedTuple):
    """One system's values over the angles."""

    title: str
    colour: Colour
    points: list[Point]


def view_plot(reports: Mapping[str, Report], angle: Angle = "azimuth") -> UInt8[np.ndarray, "h w 3"]:
    """The metrics side by side; each line is a mean per angle. Points without a finite mean leave a gap."""
    metrics = list(reports[GENERATED].summary)
    titles = ["generated", "copied source", *list(reports)[2:]]
    colours = [BLUE, ORANGE, *OTHERS]
    if len(titles) > len(colours):
        raise BadInput(
            f"A plot of views has {len(colours)} lines at most, not {len(titles)}; compare with fewer generators at a "
            "time."
        )
    sheet = Image.new("RGB", (len(metrics) * (LEFT + WIDTH + RIGHT), TOP + HEIGHT + BOTTOM), PAPER)
    for k, metric in enumerate(metrics):
        values = by_angle(reports, metric, angle)
        _plot(
            ImageDraw.Draw(sheet), k * (LEFT + WIDTH + RIGHT) + LEFT, metric, angle,
            [
                Line(title, colour, [(degrees, own[n].mean) for degrees, own in values.items()])
                for n, (title, colour) in enumerate(zip(titles, colours, strict=False))
            ],
        )  # fmt: skip
    return np.array(sheet)


def _plot(draw: ImageDraw.ImageDraw, left: int, metric: str, angle: Angle, lines: Sequence[Line]) -> None:
    font = ImageFont.load_default(size=12)
    finite = [y for line in lines for _, y in line.points if math.isfinite(y)] or [0.0]
    ticks = round_ticks(min(finite), max(finite))
    low, high = ticks[0], ticks[-1]
    first, last = (0, 360) if angle == "azimuth" else (-180, 180)

    def place(point: Point) -> Point:
        x, y = point
        return left + (x - first) / (last - first) * WIDTH, TOP + (high - y) / (high - low) * HEIGHT

    for value in ticks:
        y = place((first, value))[1]
        draw.line([(left, y), (left + WIDTH, y)], RULE)
        draw.text((left - 6, y), f"{value:g}", INK, font, anchor="rm")
    for degrees in range(first, last + 1, 90):
        draw.text((place((degrees, low))[0], TOP + HEIGHT + 6), f"{degrees}", INK, font, anchor="mt")
    draw.text(
        (left, TOP - 12),
        f"{titled(metric)}, {better(metric)} is better",
        INK,
        ImageFont.load_default(size=13),
        anchor="ls",
    )
    draw.text((left + WIDTH / 2, TOP + HEIGHT + 24), f"{angle} in degrees", INK, font, anchor="mt")
    at = left + WIDTH - 4.0
    for title, colour, _ in lines:  # names from the right, in the order of lines
        draw.text((at, TOP - 28), title, colour, font, anchor="rs")
        at -= font.getlength(title) + 14
    for _, colour, points in reversed(lines):  # reversed, so that the first line is on top
        for a, b in pairwise(points):
            if math.isfinite(a[1]) and math.isfinite(b[1]):
                draw.line([place(a), place(b)], colour, 2)
        for x, y in (place(p) for p in points if math.isfinite(p[1])):
            draw.ellipse([x - 2.5, y - 2.5, x + 2.5, y + 2.5], colour)
