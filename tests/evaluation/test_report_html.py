"""The page says everything the report knows, needs nothing else, and shows the right pairs bit for bit."""

import base64
import io
import math
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.evaluation.protocol import Fact, Protocol
from reposer.evaluation.report import Report, Row
from reposer.evaluation.report_bars import bars
from reposer.evaluation.report_html import ranked, write_html
from reposer.evaluation.suite import Finding
from reposer.metrics import Value

RULE = Protocol("clean-v1", metrics=("psnr", "l1", "fid"), facts=(Fact("pictures <b>as they are</b>", "our own code"),))


def a_finding(metric, part, pictures, value, **changes):
    options = {"low": value - 0.1, "high": value + 0.1, "covered": 7, "total": 9, "unit": ""} | changes
    return Finding(metric, part, pictures, "finder (abc123)", value, higher_is_better=True, **options)


def a_report(values=(20.0, 25.0, 31.0, 18.0, 27.0, 22.0, 24.0), **changes):
    rows = tuple(Row(f"<pair>_{k}", "somebody", {"psnr": v, "l1": v / 100}) for k, v in enumerate(values))
    findings = [
        a_finding("pck@0.1", part, pictures, value)
        for part in ("head", "wrist")
        for pictures, value in (("generated", 0.5), ("target", 0.875), ("source", 0.25))
    ]
    findings += [a_finding("hit@10", "", p, 0.625, covered=8) for p in ("generated", "target")]
    options = {
        "rows": rows,
        "size": (12, 8),
        "hash": "a1" * 32,
        "truth_hash": "b2" * 32,
        "about": {"generated": "folder <x>", "step": 7},
        "networks": {"fid": "inception (c3c3)"},
        "absent": {"fid": "There is no file inception.pth; fetch it & try again."},
        "findings": tuple(findings),
    }
    return Report(RULE, **{**options, **changes})


def pictures(name):
    random = np.random.default_rng(int(name[-1]))
    return {
        role: torch.from_numpy(random.integers(0, 256, (12, 8, 3), dtype=np.uint8))
        for role in ("source", "target", "generated")
    }


class Reader(HTMLParser):
    """Text, pictures and everything that a page would fetch; tags must close in order."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self):
        super().__init__()
        self.open, self.words, self.images, self.fetched = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "poster", "action"):
                (self.images if value.startswith("data:image/png;base64,") else self.fetched).append(value)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def page(tmp_path):
    write_html(tmp_path / "report.html", a_report(), pictures)
    return (tmp_path / "report.html").read_text()


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_the_page_is_one_file_without_network(page):
    reader = read(page)
    assert reader.fetched == [] and len(reader.images) == 6 * 4
    assert "url(" not in page and "@import" not in page and "<script" not in page
    assert "default-src 'none'" in page


def test_what_came_from_outside_is_text_not_markup(page):
    words = "".join(read(page).words)
    assert "<pair>_2" in words and "folder <x>" in words and "pictures <b>as they are</b>" in words
    assert "<pair>" not in page and "<x>" not in page


def test_every_number_has_its_protocol_interval_and_count(page):
    words = " ".join(" ".join(read(page).words).split())
    summary = a_report().summary["psnr"]
    assert f"clean-v1/ psnr {summary.value.mean:.2f} dB [{summary.low:.2f}, {summary.high:.2f}]" in words
    assert "higher 7 pairs" in words
    assert "hit@10" in words and "0.625 [0.525, 0.725] · 8 of 9" in words


def test_an_absent_number_is_there_with_its_reason(page):
    words = " ".join(" ".join(read(page).words).split())
    assert "fid absent see the reason below" in words
    assert "fetch it & try again." in words


def test_protocol_hashes_networks_and_maker_are_told(page):
    words = " ".join(read(page).words)
    for fact in ("our own code", "a1" * 32, "b2" * 32, "inception (c3c3)", "step"):
        assert fact in words
    for what, how, _ in RULE.words():
        assert what in words and how in words


def test_the_pictures_are_those_of_the_pair_bit_for_bit(page):
    shown = [np.array(Image.open(io.BytesIO(base64.b64decode(image.partition(",")[2])))) for image in read(page).images]
    best = {role: shown.numpy() for role, shown in pictures("<pair>_2").items()}  # 31 dB
    for picture, role in zip(shown[:3], ("source", "target", "generated"), strict=True):
        assert np.array_equal(picture, best[role])
    apart = np.abs(best["target"].astype(int) - best["generated"].astype(int))
    assert np.array_equal(shown[3], apart)


def test_best_is_high_or_low_as_the_metric_says_and_no_pair_comes_twice():
    high, low = (ranked(a_report(), metric, 2) for metric in ("psnr", "l1"))
    assert [r.values["psnr"] for r in high["best"]] == [31.0, 27.0]
    assert [r.values["psnr"] for r in high["worst"]] == [20.0, 18.0]
    assert [r.values["l1"] for r in low["best"]] == [0.18, 0.2]
    assert [r.values["psnr"] for r in high["median"]] == [25.0, 24.0]
    for count in range(1, 12):
        report = a_report(tuple(float(k) for k in range(count)))
        names = [row.name for rows in ranked(report, "psnr", 3).values() for row in rows]
        assert len(names) == len(set(names)) == min(9, count if count < 3 else 3 * min(3, count // 3))


def test_the_median_lies_in_the_middle():
    (middle,) = ranked(a_report(tuple(float(k) for k in range(11))), "psnr", 1)["median"]
    assert middle.values["psnr"] == 5.0


def test_pairs_without_a_value_are_not_ranked_and_identical_ones_are_best():
    found = ranked(a_report((20.0, math.nan, math.inf, 30.0)), "psnr", 1)
    assert [[r.values["psnr"] for r in rows] for rows in found.values()] == [[math.inf], [30.0], [20.0]]


def test_a_report_without_pairs_values_suite_or_source_is_a_page_too(tmp_path):
    sets_only = a_report(rows=(Row("a", "a", {}),), findings=(), absent={}, of_sets={"fid": Value(3.5, 1)})
    write_html(tmp_path / "sets.html", sets_only, pictures)
    assert "3.5000" in (tmp_path / "sets.html").read_text()
    write_html(
        tmp_path / "lone.html",
        a_report((20.0,)),
        lambda name: {k: v for k, v in pictures(name).items() if k != "source"},
    )
    assert len(read((tmp_path / "lone.html").read_text()).images) == 3


def bars_of(findings):
    return ElementTree.fromstring(bars(findings))


def test_bars_are_as_long_as_their_values_and_say_their_coverage():
    picture = bars_of([f for f in a_report().findings if f.part])
    widths = {}
    for bar in picture.iter("rect"):
        widths.setdefault(bar.get("class"), set()).add(float(bar.get("width")))
    (generated,), (target,), (source,) = (widths[k] for k in ("generated", "target", "source"))
    assert generated == 2 * source and target == pytest.approx(generated * 0.875 / 0.5, abs=0.1)
    titles = [t.text for t in picture.iter("title")]
    assert "wrist, source: 0.250 [0.150, 0.350], 7 of 9 pairs" in titles and len(titles) == 6
    assert next(t.text for t in picture.iter("text") if t.get("class") == "value") == "0.500 (7)"


def test_a_part_that_nobody_could_see_has_no_bar():
    nothing = a_finding("pck@0.1", "head", "generated", math.nan, low=math.nan, high=math.nan, covered=0)
    picture = bars_of([nothing])
    assert not list(picture.iter("rect")) and "– (0)" in [t.text for t in picture.iter("text")]


@pytest.mark.parametrize(("value", "end"), [(0.5, "1"), (7.3, "10"), (12.0, "20"), (0.013, "0.02"), (0.0, "1")])
def test_the_axis_ends_at_a_round_number(value, end):
    finding = a_finding("error", "head", "generated", value, low=math.nan, high=math.nan)
    ticks = [t.text for t in bars_of([finding]).iter("text") if t.get("class") == "tick"]
    assert ticks[-1] == end and re.fullmatch(r"0", ticks[0])
