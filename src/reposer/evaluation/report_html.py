"""A report as one self-contained page: for a screen of any size, light or dark, and for paper."""

import base64
import io
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from reposer.core.disk import write_text
from reposer.core.shown import in_html
from reposer.metrics import METRICS

from .numbers import better, direction
from .report import Report, Row
from .report_bars import bars, number
from .suite import Finding
from .suite.part import PICTURE_SETS

Pictures = Callable[[str], Mapping[str, UInt8[Tensor, "H W 3"]]]
"""The name of a pair -> its "source" (if there is one), "target" and "generated"."""

COLUMNS = ("source", "target", "generated", "difference")
SETS = {
    "generated": "the generated pictures",
    "target": "the true targets: what can be reached",
    "source": "the sources as they are: what costs nothing",
}


def write_report(folder: Path, stem: str, report: Report, pictures: Pictures) -> str:
    """Write the report as JSON, CSV and a page; returns their location, in words."""
    report.write_json(folder / f"{stem}.json")
    report.write_csv(folder / f"{stem}.csv")
    write_html(folder / f"{stem}.html", report, pictures)
    return f"{folder / f'{stem}.html'}, .json and .csv"


def write_html(path: Path, report: Report, pictures: Pictures, *, ranked_by: str | None = None, each: int = 3) -> None:
    """Write the page to `path`, atomically; it makes no network requests.

    ranked_by: the metric by which pairs are best or worst; none = the protocol's first that pairs have.
    each: number of best, of middle and of worst pairs to show.
    """
    what = " ".join(str(report.about[key]) for key in ("model", "generated") if key in report.about)
    title = f"{what} · {report.protocol.name}" if what else report.protocol.name
    height, width = report.size
    parts = [
        f"<header><h1>{in_html(title)}</h1><p>{len(report.rows):,} pairs · {height}x{width} pixels (height x "
        "width)</p></header>",
        _numbers(report),
        _absent(report),
        _parts(report),
        _suite(report),
        *_pairs(report, pictures, ranked_by, each),
        _protocol(report),
        _made(report),
    ]
    write_text(path, _PAGE.format(title=in_html(title), style=_STYLE, body="\n".join(filter(None, parts))))


def ranked(report: Report, metric: str, each: int) -> dict[str, list[Row]]:
    """The best, median and worst pairs by `metric`, no pair twice; those without a value are excluded."""
    rows = [row for row in report.rows if not math.isnan(row.values.get(metric, math.nan))]
    sign = -1 if METRICS[metric].higher_is_better else 1
    rows.sort(key=lambda row: (sign * row.values[metric], row.name))
    each = min(each, max(1, len(rows) // 3))
    best, rest = rows[:each], rows[each:]
    worst, between = rest[-each:], rest[:-each]
    start = max(0, (len(between) - each) // 2)
    return {"best": best, "median": between[start : start + each], "worst": worst}


def _numbers(report: Report) -> str:
    """All metrics of the protocol, in its order."""
    rows = []
    for name in report.protocol.metrics:
        unit = METRICS[name].unit
        beside, below = (f" {unit}", "") if unit == "dB" else ("", f"<small>{in_html(unit)}</small>")
        shown = (
            f'<th scope="row"><span class="quiet">{in_html(report.protocol.name)}/</span>{in_html(name)} {below}</th>'
        )
        if (found := report.summary.get(name)) is not None:
            value, _, interval = found.cell().partition(" [")
            interval = f"[{interval}" if interval else ""
            cells = (
                f'<td class="main" data-as="value">{value}{beside}</td><td data-as="interval">{interval}</td>'
                f'<td data-as="better">{better(name)}</td><td class="left" '
                f'data-as="counted">{in_html(found.counted)}</td>'
            )
        elif name in report.absent:
            cells = (
                '<td class="quiet" data-as="value">absent</td><td></td><td></td>'
                '<td class="left quiet">see the reason below</td>'
            )
        else:
            continue
        rows.append(f"<tr>{shown}{cells}</tr>")
    head = (
        f"<tr><th>metric</th><th>value</th><th>{report.protocol.confidence:.0%} interval</th>"
        '<th>better</th><th class="left">counted</th></tr>'
    )
    note = "Intervals are bootstrapped over pairs; a number of a whole set of pictures has none."
    return _section("Numbers", _table(head, rows), note)


def _absent(report: Report) -> str:
    said = [
        f"<dt>{in_html(name)}</dt><dd>{in_html(reason)}</dd>"
        for name, reason in sorted(report.absent.items(), key=lambda item: item[1])
    ]
    note = "The protocol names these numbers; here they could not be taken. Absent is not zero."
    return _section("Absent", f'<dl class="wide">{"".join(said)}</dl>', note) if said else ""


def _parts(report: Report) -> str:
    """Bars of every number that has parts."""
    figures = []
    for _, found in _by_metric(f for f in report.findings if f.part):
        total, unit = max(f.total for f in found), f", {found[0].unit}" if found[0].unit else ""
        word = direction(found[0].higher_is_better)
        which = f" · {word} is better" if word else ""
        caption = f"<b>{in_html(found[0].metric)}</b>{in_html(unit)}{which} · of {total:,} pairs"
        figures.append(f"<figure><figcaption>{caption}</figcaption>{bars(found)}</figure>")
    legend = " ".join(f'<span class="key"><i class="{k}"></i>{in_html(v)}</span>' for k, v in SETS.items())
    note = (
        f'<span class="legend">{legend}</span>Whiskers are intervals; in brackets, on how many pairs the number stands.'
    )
    return _section("Part by part", f'<div class="charts">{"".join(figures)}</div>', note) if figures else ""


def _suite(report: Report) -> str:
    """Every number of the suite about whole pictures, next to its ceiling and its baseline."""
    rows = []
    for (estimator, _), found in _by_metric(f for f in report.findings if not f.part):
        by_set = {f.pictures: f for f in found}
        cells = "".join(f'<td data-as="{which}">{_finding(by_set.get(which))}</td>' for which in PICTURE_SETS)
        unit = f" ({found[0].unit})" if found[0].unit else ""
        name = f'<th scope="row">{in_html(found[0].metric + unit)}</th>'
        rows.append(
            (estimator, f'<tr>{name}{cells}<td data-as="better">{direction(found[0].higher_is_better)}</td></tr>')
        )
    head = "".join(f"<th>{which}</th>" for which in PICTURE_SETS)
    tables = [
        f"<h3>{in_html(estimator)}</h3>" + _table(f"<tr><th>number</th>{head}<th>better</th></tr>", [r for _, r in own])
        for estimator, own in itertools.groupby(rows, key=lambda row: row[0])
    ]
    note = (
        "Each number on three sets of pictures: generated, the true targets (what can be reached), the sources as they "
        "are (what costs nothing). Small print: interval, and on how many pairs it stands."
    )
    return _section("The fine-grained suite", "".join(tables), note) if tables else ""


def _finding(found: Finding | None) -> str:
    if found is None:
        return ""
    low, high = (number(v, found.unit) for v in (found.low, found.high))
    interval = f"[{low}, {high}] · " if math.isfinite(found.low) else ""
    return (
        f'<span class="main">{number(found.value, found.unit)}</span><br> '
        f"<small>{interval}{found.covered:,} of {found.total:,}</small>"
    )


def _pairs(report: Report, pictures: Pictures, ranked_by: str | None, each: int) -> Iterator[str]:
    """The best, median and worst pairs, side by side."""
    having = (name for name in report.protocol.metrics if any(name in row.values for row in report.rows))
    metric = ranked_by or next(having, None)
    if metric is None:
        return
    groups = []
    for title, rows in ranked(report, metric, each).items():
        if rows:
            groups.append(f"<h3>{title.capitalize()}</h3>")
            groups += [_pair(row, metric, _arrays(pictures(row.name))) for row in rows]
    note = (
        f"Ranked by {in_html(metric)}. The difference is |generated - target|, channel by channel: "
        "black where they are equal."
    )
    yield _section("Pairs", "".join(groups), note)


def _arrays(pictures: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: picture.numpy() for name, picture in pictures.items()}


def _pair(row: Row, metric: str, shown: Mapping[str, np.ndarray]) -> str:
    target, generated = shown["target"], shown["generated"]
    assert target.shape == generated.shape, (target.shape, generated.shape)
    difference = np.abs(target.astype(np.int16) - generated.astype(np.int16)).astype(np.uint8)
    cells = []
    for name in COLUMNS:
        picture = difference if name == "difference" else shown.get(name)
        image = '<div class="none">none</div>' if picture is None else _image(picture, f"{name} of {row.name}")
        cells.append(f"<figure>{image}<figcaption>{name}</figcaption></figure>")
    others = " · ".join(
        f"{in_html(name)} {number(value, METRICS[name].unit, 4)}"
        for name, value in row.values.items()
        if name != metric
    )
    value = number(row.values[metric], METRICS[metric].unit, 4)
    return (
        f'<article><p><b>{in_html(metric)} {value}</b> <span class="quiet">{others}</span><br>'
        f'<span class="name">{in_html(row.name)}</span></p><div class="pair">{"".join(cells)}</div></article>'
    )


def _image(picture: UInt8[np.ndarray, "H W 3"], alt: str) -> str:
    """The picture embedded in the page, lossless."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    height, width = picture.shape[:2]
    return f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" alt="{in_html(alt)}">'


def _protocol(report: Report) -> str:
    """Everything a number depends on besides the pictures, with sources."""
    rows = [
        f'<tr><th scope="row">{in_html(what)}</th><td class="left">{in_html(how)}</td><td class="left '
        f'quiet">{in_html(source)}</td></tr>'
        for what, how, source in report.protocol.words()
    ]
    head = '<tr><th></th><th class="left">rule</th><th class="left">read in</th></tr>'
    return _section(f"The protocol {report.protocol.name} in words", _table(head, rows), "")


def _made(report: Report) -> str:
    """What identifies the numbers."""
    facts: dict[str, Any] = {
        "protocol, size and pairs (SHA-256)": report.hash,
        "true pictures (SHA-256)": report.truth_hash,
        **{f"network of {name}": network for name, network in report.networks.items() if network},
        **report.about,
        "Reposer": version("reposer"),
    }
    said = [
        f"<dt>{in_html(name)}</dt><dd>{in_html(v if isinstance(v, str) else json.dumps(v))}</dd>"
        for name, v in facts.items()
    ]
    note = "Numbers compare only where the first line is equal, and mean the same only where the second is, too."
    return _section("Where these numbers come from", f'<dl class="wide code">{"".join(said)}</dl>', note)


def _by_metric(findings: Iterator[Finding]) -> Iterator[tuple[tuple[str, str], list[Finding]]]:
    """Findings grouped by estimator and metric, in the order of appearance."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for found in findings:
        groups.setdefault((found.estimator, found.metric), []).append(found)
    order = list(dict.fromkeys(estimator for estimator, _ in groups))
    yield from sorted(groups.items(), key=lambda item: order.index(item[0][0]))


def _section(title: str, body: str, note: str) -> str:
    said = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{in_html(title)}</h2>{said}{body}</section>"


def _table(head: str, rows: Sequence[str]) -> str:
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2127; --quiet: #646b76; --line: #dfe3e8; --stripe: #f6f7f9;
        --generated: #2563c9; --target: #8b929c; --source: #e0a33b; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181c; --ink: #e4e7eb; --quiet: #9aa2ad; --line: #30353c; --stripe: #1d2025;
          --generated: #6ea2f5; --target: #8d949f; --source: #d9a446; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1.2rem 3rem; background: var(--paper); color: var(--ink);
       font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
header p, .quiet, .note, figcaption, small { color: var(--quiet); }
header p { margin: .3rem 0 0; }
section { margin-top: 2.4rem; }
h2 { font-size: 1.2rem; margin: 0 0 .5rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .5rem; overflow-wrap: anywhere; }
.note { margin: 0 0 .8rem; font-size: .9rem; max-width: 46rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); text-align: right;
         vertical-align: baseline; }
tr > :first-child, .left { text-align: left; }
thead th { white-space: nowrap; color: var(--quiet); font-weight: 500; font-size: .85rem; }
tbody th { font-weight: 500; }
td { white-space: nowrap; }
td.left { white-space: normal; }
.main { font-weight: 650; }
small { font-size: .8rem; }
dl { margin: 0; }
dt { font-weight: 500; margin-top: .5rem; }
dd { margin: 0; color: var(--quiet); font-size: .93rem; overflow-wrap: anywhere; }
@media (min-width: 46rem) {
  dl.wide { display: grid; grid-template-columns: 17rem 1fr; gap: .45rem 1rem; } dt { margin: 0; } }
dl.code dd { font: .84rem/1.6 ui-monospace, "SFMono-Regular", Menlo, monospace; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.6rem 2rem; }
figure { margin: 0; break-inside: avoid; }
.charts figcaption { font-size: .88rem; margin-bottom: .3rem; }
.charts b { color: var(--ink); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 10px; dominant-baseline: central; }
svg .value { font-size: 9px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
svg .tick { font-size: 8.5px; fill: var(--quiet); }
svg .axis { stroke: var(--line); fill: none; }
svg .whisker { stroke: var(--ink); stroke-width: .8; fill: none; }
svg .generated { fill: var(--generated); } svg .target { fill: var(--target); } svg .source { fill: var(--source); }
.legend { display: block; margin-bottom: .3rem; width: min(60rem, 100vw - 2.4rem); }
.key { white-space: nowrap; margin-right: 1.2rem; }
.key i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
i.generated { background: var(--generated); } i.target { background: var(--target); }
i.source { background: var(--source); }
article { margin: 0 0 1.4rem; break-inside: avoid; }
article p { margin: 0 0 .4rem; font-size: .9rem; }
.name { font: .8rem/1.5 ui-monospace, Menlo, monospace; color: var(--quiet); overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: repeat(4, minmax(0, max-content)); gap: .6rem; }
.pair img { display: block; width: 100%; height: auto; border-radius: 3px; }
.pair figcaption { font-size: .8rem; text-align: center; }
.none { color: var(--quiet); border: 1px dashed var(--line); border-radius: 3px; padding: 2rem 1rem;
        text-align: center; }
@media (max-width: 30rem) { body { padding: 1rem .9rem 2rem; } .pair { gap: .3rem; } .key { display: block; } }
@media (max-width: 38rem) { /* a row of a table becomes a card */
  thead { position: absolute; clip-path: inset(50%); } tbody, tr, tbody th, td { display: block; }
  tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  tbody th, td { border: 0; padding: .1rem 0; text-align: left; }
  td { white-space: normal; overflow-wrap: anywhere; } td:empty { display: none; } td br { display: none; }
  td[data-as]::before { content: attr(data-as); display: inline-block; min-width: 6rem; color: var(--quiet);
                        font-weight: 400; } }
@media print {
  :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #bbb;
          --generated: #2563c9; --target: #8b929c; --source: #e0a33b; }
  body { max-width: none; padding: 0; font-size: 10.5pt; } .scroll { overflow: visible; }
  h2, h3 { break-after: avoid; } tr { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
