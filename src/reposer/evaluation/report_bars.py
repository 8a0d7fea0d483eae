"""SVG bar charts: one number of the suite, part by part, for the three sets of pictures."""

import math
from collections.abc import Sequence

from reposer.core.shown import in_html

from .suite import Finding
from .suite.part import PICTURE_SETS

BARS, VALUES, LETTER = (150, 76, 5.6)  # in SVG units: width of bars and numbers, width of a letter of a part's name
BAR, GAP, TOP, FOOT = 10, 9, 4, 18


def bars(findings: Sequence[Finding]) -> str:
    """A group of bars per part: generated, target, source; whiskers are intervals, the pairs counted are in brackets.

    findings: of one metric, with its parts.
    """
    parts = list(dict.fromkeys(found.part for found in findings))
    by_place = {(found.part, found.pictures): found for found in findings}
    sets = [which for which in PICTURE_SETS if any(found.pictures == which for found in findings)]
    left = LETTER * max(map(len, parts)) + 8
    end = _round_up(max((v for f in findings for v in (f.value, f.high) if math.isfinite(v)), default=1.0))
    group = len(sets) * BAR + GAP
    height = TOP + len(parts) * group + FOOT
    marks = [_axis(left, end, height - FOOT)]
    for row, part in enumerate(parts):
        y = TOP + row * group
        middle = y + len(sets) * BAR / 2
        marks.append(f'<text class="part" x="{left - 6:.1f}" y="{middle:.1f}" text-anchor="end">{in_html(part)}</text>')
        for k, which in enumerate(sets):
            if (found := by_place.get((part, which))) is not None:
                marks.append(_bar(found, left, y + k * BAR, end))
    title = f"{findings[0].metric}, part by part"
    box = f"0 0 {left + BARS + VALUES:.0f} {height}"
    return f'<svg viewBox="{box}" role="img" aria-label="{in_html(title)}">{"".join(marks)}</svg>'


def number(value: float, unit: str = "", digits: int = 3) -> str:
    """A number as printed; a dash if there is none."""
    if math.isnan(value):
        return "–"
    return f"{value:.{ {'px': 1, 'dB': 2}.get(unit, digits) }f}"


def _bar(found: Finding, left: float, y: float, end: float) -> str:
    def x(value: float) -> float:
        return left + BARS * min(max(value / end, 0.0), 1.0)

    middle = y + (BAR - 1) / 2
    text = f"{number(found.value, found.unit)} ({found.covered})"
    marks = [
        f'<text class="value" x="{left + BARS + 6:.1f}" y="{middle:.1f}">{text}</text>',
        f"<title>{in_html(_said(found))}</title>",
    ]
    if math.isfinite(found.value):
        width = x(found.value) - left
        marks.insert(
            0, f'<rect class="{found.pictures}" x="{left:.1f}" y="{y}" width="{width:.1f}" height="{BAR - 1}" rx="1"/>'
        )
    if math.isfinite(found.low) and math.isfinite(found.high):
        low, high = x(found.low), x(found.high)
        ends = f"M{low:.1f} {middle - 2:.1f}v4M{high:.1f} {middle - 2:.1f}v4"
        marks.insert(1, f'<path class="whisker" d="M{low:.1f} {middle:.1f}H{high:.1f}{ends}"/>')
    return f"<g>{''.join(marks)}</g>"


def _said(found: Finding) -> str:
    interval = f" [{number(found.low, found.unit)}, {number(found.high, found.unit)}]"
    shown = interval if math.isfinite(found.low) else ""
    unit = f" {found.unit}" if found.unit else ""
    return (
        f"{found.part}, {found.pictures}: {number(found.value, found.unit)}{shown}{unit}, "
        f"{found.covered} of {found.total} pairs"
    )


def _axis(left: float, end: float, bottom: float) -> str:
    """Lines at zero, half and the end of the axis."""
    marks = []
    for share in (0.0, 0.5, 1.0):
        x = left + BARS * share
        marks.append(f'<path class="axis" d="M{x:.1f} {TOP}V{bottom}"/>')
        marks.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 11}" text-anchor="middle">{share * end:g}</text>')
    return "".join(marks)


def _round_up(value: float) -> float:
    """The end of an axis: 1 for shares, else the next 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    scale = 10 ** math.floor(math.log10(value))
    rounded = next(step * scale for step in (1, 2, 5, 10) if value <= step * scale * (1 + 1e-9))
    return 1.0 if 0.2 < value <= 1.0 else rounded
