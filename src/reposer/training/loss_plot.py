"""The plot of a run's losses, `losses.png`: a field for each term of `log.jsonl`, over the steps."""

import io
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from reposer.core.disk import whole_file
from reposer.core.ticks import round_ticks

from .runs import terms_of

Points = list[tuple[int, float]]
PAPER, INK, RULE, BLUE = (255, 255, 255), (60, 64, 72), (226, 229, 234), (33, 104, 171)
WIDTH, HEIGHT = 300, 150  # of one field, in pixels
LEFT, TOP, RIGHT, BOTTOM = 66, 34, 18, 30
COLUMNS = 3
MOST_POINTS = 300  # of a line; of more, neighbours are averaged


def write_loss_plot(lines: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Writes the plot of a log's lines; nothing if the log has no finite terms."""
    series: dict[str, Points] = {}
    for line in lines:
        for name, value in terms_of(line).items():
            series.setdefault(name, []).append((line["step"], value))
    if not series:
        return
    columns, rows = min(COLUMNS, len(series)), math.ceil(len(series) / COLUMNS)
    size = (columns * (LEFT + WIDTH + RIGHT), rows * (TOP + HEIGHT + BOTTOM))
    sheet = Image.new("RGB", size, PAPER)
    steps = [line["step"] for line in lines]
    for number, (name, points) in enumerate(series.items()):
        corner = (number % COLUMNS * (LEFT + WIDTH + RIGHT), number // COLUMNS * (TOP + HEIGHT + BOTTOM))
        _field(ImageDraw.Draw(sheet), corner, name, _thinned(points), (min(0, *steps), max(1, *steps)))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    with whole_file(path) as file:
        file.write(content.getvalue())


def _field(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], name: str, points: Points, span: tuple[int, int]
) -> None:
    left, top = corner[0] + LEFT, corner[1] + TOP
    font = ImageFont.load_default(size=12)
    values = [value for _, value in points]
    ticks = round_ticks(min(values), max(values))
    first, last = span

    def place(step: float, value: float) -> tuple[float, float]:
        share = (ticks[-1] - value) / (ticks[-1] - ticks[0])
        return left + (step - first) / (last - first) * WIDTH, top + share * HEIGHT

    for value in ticks:
        y = place(first, value)[1]
        draw.line([(left, y), (left + WIDTH, y)], RULE)
        draw.text((left - 6, y), f"{value:g}", INK, font, anchor="rm")
    draw.text((left, top + HEIGHT + 6), f"{first:,}", INK, font, anchor="lt")
    draw.text((left + WIDTH, top + HEIGHT + 6), f"{last:,} steps", INK, font, anchor="rt")
    draw.text((left, top - 10), name, INK, ImageFont.load_default(size=13), anchor="ls")
    for (a, before), (b, after) in pairwise(points):
        draw.line([place(a, before), place(b, after)], BLUE, 2)
    if len(points) == 1:
        x, y = place(*points[0])
        draw.ellipse([x - 2.5, y - 2.5, x + 2.5, y + 2.5], BLUE)


def _thinned(points: Points) -> Points:
    """At most MOST_POINTS: means of equally many neighbours."""
    every = math.ceil(len(points) / MOST_POINTS)
    groups = [points[k : k + every] for k in range(0, len(points), every)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]
