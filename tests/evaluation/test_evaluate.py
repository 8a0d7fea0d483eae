"""Scores are of the bytes a saved file would hold, without padding, however they were counted."""

import csv
import io
import json
import math

import numpy as np
import pytest
import torch
from rich.console import Console

from reposer.core import BadInput, Framing, Pose, Sample
from reposer.core.images import from_uint8, to_uint8
from reposer.core.rng import seeded_randn
from reposer.evaluation import PROTOCOLS, Protocol, bootstrap_interval, evaluate, side_by_side

FRAMING = Framing((32, 24), fit="pad")
PICTURE_SIZE = (32, 20)  # two columns of padding on each side
V1 = PROTOCOLS["reposer-v1-reconstruction"]


class NoisyPeople:
    """Pairs of random pictures of three people; padded left and right."""

    framing = FRAMING

    def __init__(self, count=7):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        random = torch.Generator().manual_seed(i)
        source, target = from_uint8(torch.randint(0, 256, (2, 32, 24, 3), generator=random, dtype=torch.uint8))
        xy = torch.rand(18, 2, generator=random) * torch.tensor([24.0, 32.0])
        pose = Pose(xy, torch.ones(18, dtype=torch.bool), FRAMING.size)
        return Sample(source, target, pose, pose, name=f"person{i % 3}_{i}")

    def identity(self, i):
        return f"person{i % 3}"

    def target_size(self, i):
        return PICTURE_SIZE

    def picture_names(self, i):
        return f"person{i % 3}_{i}s", f"person{i % 3}_{i}t"

    def attributes(self, i):
        return {}


def copy_the_source(source, source_pose, target_pose, *, seeds=None):
    return source


def noise(source, source_pose, target_pose, *, seeds=None):
    return seeded_randn(source.shape[1:], seeds).clamp(-1, 1)


def the_truth(dataset):
    """Generates each target itself; only for a data set whose pairs come in order, one by one."""
    rows = iter(range(len(dataset)))
    return lambda source, source_pose, target_pose, *, seeds=None: dataset[next(rows)].target[None]


def test_neither_batch_size_nor_order_nor_the_other_pairs_matter():
    people = NoisyPeople()
    whole = evaluate(noise, V1, people, batch_size=7)
    for batch_size, indices in ((1, None), (3, [6, 5, 4, 3, 2, 1, 0])):
        report = evaluate(noise, V1, people, batch_size=batch_size, indices=indices)
        assert report.summary == whole.summary
        assert report.by_identity == whole.by_identity
        assert (report.hash, report.truth_hash) == (whole.hash, whole.truth_hash)
        assert sorted(report.rows, key=lambda r: r.name) == sorted(whole.rows, key=lambda r: r.name)
    alone = evaluate(noise, V1, people, indices=[4])
    assert alone.rows[0] == whole.rows[4]


def test_the_truth_has_the_best_values_and_an_infinite_psnr():
    people = NoisyPeople(3)
    report = evaluate(the_truth(people), V1, people, batch_size=1)
    assert report.summary["l1"].value.mean == report.summary["l1-limbs"].value.mean == 0
    assert report.summary["ssim-gaussian1.5"].value.mean == pytest.approx(1)
    psnr = report.summary["psnr"]
    assert psnr.value.mean == math.inf and psnr.value.left_out == 3
    assert str(psnr) == "reposer-v1-reconstruction/psnr = inf (3 pairs, 3 without a finite value left out)"


def test_padding_is_not_scored():
    people = NoisyPeople(4)

    def wrong_in_the_padding(source, source_pose, target_pose, *, seeds=None):
        generated = source.clone()
        generated[..., :2] = -generated[..., :2]
        generated[..., -2:] = 1
        return generated

    expected = evaluate(copy_the_source, V1, people)
    report = evaluate(wrong_in_the_padding, V1, people)
    assert report.size == PICTURE_SIZE
    assert report.summary == expected.summary


class PeopleOfTwoSizes(NoisyPeople):
    """Every other person fills the frame; the rest leave two columns on each side."""

    def target_size(self, i):
        return (32, 24) if i % 2 else PICTURE_SIZE


def test_each_picture_is_scored_without_its_own_padding_where_sizes_differ():
    people = PeopleOfTwoSizes(6)
    whole = evaluate(noise, V1, people, batch_size=6)
    assert whole.size == FRAMING.size
    for batch_size in (1, 4):
        report = evaluate(noise, V1, people, batch_size=batch_size)
        assert report.rows == whole.rows and report.truth_hash == whole.truth_hash
    narrow = evaluate(noise, V1, NoisyPeople(6))
    assert [row.values == other.values for row, other in zip(whole.rows, narrow.rows, strict=True)] == [True, False] * 3


def test_scores_are_those_of_the_rounded_bytes():
    people = NoisyPeople(2)

    def almost(source, source_pose, target_pose, *, seeds=None):
        return source + 0.4 / 127.5  # less than half a grey level

    assert evaluate(almost, V1, people).summary == evaluate(copy_the_source, V1, people).summary
    generated, truth = (to_uint8(p)[:, 2:22].numpy().astype(float) for p in (people[1].source, people[1].target))
    row = evaluate(copy_the_source, V1, people).rows[1]
    assert row.values["l1"] == pytest.approx(np.abs(generated - truth).mean() / 255)


def test_a_person_is_the_name_up_to_its_last_underscore():
    report = evaluate(copy_the_source, V1, NoisyPeople(7))
    assert list(report.by_identity) == ["person0", "person1", "person2"]
    assert report.by_identity["person0"]["l1"].value.pairs == 3
    means = [s["l1"].value.mean * s["l1"].value.pairs for s in report.by_identity.values()]
    assert sum(means) / 7 == pytest.approx(report.summary["l1"].value.mean)


def test_the_files_hold_every_pair_and_what_the_numbers_are(tmp_path):
    people = NoisyPeople(4)
    about = {"family": "copy", "feature_network": "people-encoder", "size": (32, 24)}
    report = evaluate(the_truth(people), V1, people, batch_size=1, about=about)
    report.write_csv(tmp_path / "deep" / "pairs.csv")
    report.write_json(tmp_path / "report.json")
    lines = list(csv.DictReader((tmp_path / "deep" / "pairs.csv").open()))
    assert [line["name"] for line in lines] == [row.name for row in report.rows]
    assert [float(line["l1-limbs"]) for line in lines] == [row.values["l1-limbs"] for row in report.rows]
    assert float(lines[0]["psnr"]) == math.inf
    plain = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert plain["protocol"]["name"] == "reposer-v1-reconstruction" and plain["pairs"] == 4
    assert plain["about"] == {"family": "copy", "feature_network": "people-encoder", "size": [32, 24]}
    assert plain["summary"]["psnr"]["mean"] == "inf"
    assert plain["summary"]["l1"]["printed"] == str(report.summary["l1"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "report.json"]


def test_the_hash_tells_other_pairs_and_other_protocols_apart():
    people = NoisyPeople(4)
    whole = evaluate(copy_the_source, V1, people)
    assert evaluate(noise, V1, people).hash == whole.hash
    assert evaluate(copy_the_source, V1, people, indices=[0, 1, 2]).hash != whole.hash
    other = Protocol("other", V1.metrics, limb_radius=1 / 16)
    assert evaluate(copy_the_source, other, people).hash != whole.hash


def test_reports_of_other_pairs_do_not_compare():
    people = NoisyPeople(4)
    reports = {
        "copy": evaluate(copy_the_source, V1, people),
        "part": evaluate(copy_the_source, V1, people, indices=[0]),
    }
    with pytest.raises(BadInput, match="'copy' and 'part'"):
        side_by_side(reports)


def test_a_comparison_has_a_group_per_person_and_marks_the_best():
    people = NoisyPeople(6)
    reports = {
        "copy": evaluate(copy_the_source, V1, people),
        "truth": evaluate(the_truth(people), V1, people, batch_size=1),
    }
    lines = side_by_side(reports).markdown().splitlines()
    assert lines[0] == "| person | metric | copy | truth |"
    assert len(lines) == 2 + 4 * (3 + 1)  # four metrics of three people, and of all
    l1 = [line for line in lines if line.startswith("| person1 (2 pairs) | l1 |")]
    assert len(l1) == 1 and l1[0].endswith(r"| **0.0000 \[0.0000, 0.0000\]** |")
    console = Console(width=80, file=io.StringIO())
    console.print(side_by_side(reports).to_table())
    text = console.file.getvalue()
    assert text.count("0.0000 [0.0000, 0.0000]") == 2 * (3 + 1), "no cell is cut on a narrow terminal"
    assert "person2 (2 pairs)" in text
    assert len(side_by_side(reports, by_identity=False).lines) == 4


def test_a_line_names_the_protocol_the_interval_and_the_pairs():
    lines = evaluate(copy_the_source, "reposer-v1-reconstruction", NoisyPeople(5)).lines()
    assert lines[1].startswith("reposer-v1-reconstruction/ssim-gaussian1.5 = 0.")
    assert lines[1].endswith("] (5 pairs)")


def test_pictures_that_are_not_finite_or_of_another_size_are_refused_by_name():
    people = NoisyPeople(2)
    with pytest.raises(BadInput, match="not finite for person0_0"):
        evaluate(lambda s, a, b, *, seeds=None: s * math.nan, V1, people)
    with pytest.raises(BadInput, match="framing"):
        evaluate(lambda s, a, b, *, seeds=None: s[..., 1:], V1, people)
    with pytest.raises(BadInput, match="no pairs"):
        evaluate(copy_the_source, V1, people, indices=[])
    with pytest.raises(BadInput, match="reposer-v1-reconstruction"):
        evaluate(copy_the_source, "reposer-v1-reconstructoin", people)


def test_the_frozen_protocol_is_what_it_was():
    assert (
        Protocol(
            "reposer-v1-reconstruction",
            metrics=("psnr", "ssim-gaussian1.5", "l1", "l1-limbs"),
            limb_radius=1 / 32,
            confidence=0.95,
            resamples=2000,
            seed=0,
        )
        == V1
    )


def test_a_bootstrap_interval_holds_the_mean_and_is_about_as_wide_as_theory_says():
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    low, high = bootstrap_interval(values.tolist())
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(400), rel=0.1)


def test_a_bootstrap_interval_depends_on_the_finite_values_alone():
    values = [1.0, 2.0, 5.0, 9.0]
    assert bootstrap_interval(values) == bootstrap_interval([9.0, math.inf, 2.0, 1.0, math.nan, 5.0])
    assert bootstrap_interval([3.0] * 5) == (3.0, 3.0)
    assert all(math.isnan(v) for v in bootstrap_interval([math.inf]))
