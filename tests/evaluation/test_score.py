"""Scoring folders: what belongs to what, what is wrong with a file, and how a run goes on."""

import json
import math
import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.core import BadInput, Pose
from reposer.evaluation import PROTOCOLS, Folders, Geometry, PairBatch, Protocol, evaluate, score_folder
from reposer.evaluation import score as score_module
from reposer.evaluation.compare import compare
from reposer.evaluation.folder import FilePair, match, pictures_in
from reposer.evaluation.folder_geometry import Declared, pair_geometries
from reposer.evaluation.geometry import resized, with_white_sides
from reposer.evaluation.scorer import Scorer
from reposer.evaluation.written_report import read_report
from reposer.metrics import METRICS

from .test_evaluate import NoisyPeople, copy_the_source

PLAIN = Protocol("plain", metrics=("psnr", "l1"))


def picture(seed, size=(40, 32)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folders(tmp_path):
    """Ten pairs of two people: generated pictures are their targets with every fifth row black."""
    for k in range(10, 20):
        target = picture(k)
        save(tmp_path / f"targets/fashionidd{k % 2}_{k}.png", target)
        save(tmp_path / f"targets/source{k}_0.png", picture(100 + k))
        generated = target.copy()
        generated[:: k - 5] = 0
        save(tmp_path / f"generated/source{k}_0_2_fashionidd{k % 2}_{k}_vis.png", generated)
    return Folders(tmp_path / "generated", tmp_path / "targets")


def test_peers_names_say_source_and_target():
    targets = {name: None for name in ("a_1", "b_2_side", "b_2_back", "x", "p_2", "p_3")}
    for stem, expected in (
        ("a_1_2_b_2_side", ("a_1", "b_2_side")),
        ("b_2_side_2_a_1_vis", ("b_2_side", "a_1")),
        ("b_2_back.jpg___b_2_side.jpg_vis", ("b_2_back", "b_2_side")),
        ("a_1_to_x", ("a_1", "x")),
        ("b_2_side", (None, "b_2_side")),
        ("p_2_2_p_3", ("p_2", "p_3")),
    ):
        paths = {name: Path(f"{name}.png") for name in targets}
        pairs, problems = match({stem: paths["x"]}, paths, paths)
        (pair,) = pairs
        assert (pair.source.stem if pair.source else None, pair.target.stem) == expected, stem
        assert all(p.reason != "its name says no target that is there" for p in problems)
    pairs, problems = match({"nobody": paths["x"]}, paths, paths)
    assert not pairs and any(p.reason.startswith("its name says no target") for p in problems)


def test_a_list_of_pairs_says_what_is_missing_and_what_is_too_much(folders):
    generated, targets = pictures_in(folders.generated), pictures_in(folders.targets)
    wanted = [("source10_0.png", "fashionidd0_10.png"), ("source11_0.png", "fashionidd0_10.png")]
    pairs, problems = match(generated, targets, targets, wanted)
    assert [p.name for p in pairs] == ["source10_0_2_fashionidd0_10"]
    assert [p.name for p in problems if "no generated" in p.reason] == ["source11_0_2_fashionidd0_10"]
    assert sum("not in the list" in p.reason for p in problems) == 9


def test_files_score_as_the_same_pixels_of_a_generator(tmp_path):
    """The pairs of a data set, rendered and then written to files, get the same rows and the same hashes."""
    people = NoisyPeople(5)
    generated = evaluate(copy_the_source, PLAIN, people)
    for i in range(5):
        sample = people[i]
        cut = slice(2, 22)  # without the padding
        for folder, pixels in (("generated", sample.source), ("targets", sample.target)):
            whole = ((pixels[:, :, cut] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
            save(tmp_path / folder / f"{sample.name}.png", whole)
    scored = score_folder(
        Folders(tmp_path / "generated", tmp_path / "targets"), PLAIN, tmp_path / "out", workers=0, show=False
    )
    assert not scored.problems
    assert scored.report.rows == tuple(sorted(generated.rows, key=lambda row: row.name))
    assert (scored.report.hash, scored.report.truth_hash) == (generated.hash, generated.truth_hash)


@pytest.mark.slow
def test_workers_do_not_matter(folders, tmp_path, monkeypatch):
    alone = score_folder(folders, PLAIN, tmp_path / "a", workers=0, show=False).report
    monkeypatch.setattr(score_module, "CHUNK", 3)
    assert score_folder(folders, PLAIN, tmp_path / "b", workers=2, show=False).report == alone


@pytest.mark.nightly
def test_ray_gives_the_report_of_one_process_and_a_killed_worker_loses_and_doubles_no_row(
    folders, tmp_path, monkeypatch
):
    """The pictures are handed over, too, as networks need them."""
    pytest.importorskip("ray")
    monkeypatch.setattr(score_module, "CHUNK", 2)
    alone = score_folder(folders, PLAIN, tmp_path / "alone", workers=0, show=False)
    work, log = score_module._work, tmp_path / "scored.txt"

    def killing(task):
        done = work(replace(task, show=True))
        with log.open("a") as file:
            file.write(f"{task.pairs[0].name}\n")
        with suppress(FileExistsError):
            (tmp_path / "killed").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)  # it is scored, and nobody was told
        return done

    monkeypatch.setattr(score_module, "_work", killing)
    monkeypatch.chdir(tmp_path)
    near = replace(folders, generated=Path("generated"), targets=Path("targets"))
    found = score_folder(near, PLAIN, tmp_path / "ray", workers=2, engine="ray", show=False)
    assert found.report == alone.report and found.problems == alone.problems
    chunks = log.read_text().split()
    assert len(set(chunks)) == 5 and len(chunks) == 6, "the killed one's is scored again, and nothing else"


def test_bad_pictures_are_named_and_the_others_are_scored(folders, tmp_path):
    names = sorted(folders.generated.iterdir())
    whole = names[0].read_bytes()
    names[0].write_bytes(whole[: len(whole) // 2])
    save(names[1], picture(0, (40, 160)))
    names[2].write_text("no picture")
    names[3].unlink()
    body = bytearray(names[4].read_bytes())
    body[60:90] = bytes(30)  # broken inside, ends as it should
    names[4].write_bytes(bytes(body))
    wanted = [(n.stem.split("_2_")[0], n.stem.split("_2_")[1].removesuffix("_vis")) for n in names]
    scored = score_folder(
        Folders(folders.generated, folders.targets, wanted=wanted), PLAIN, tmp_path / "o", workers=0, show=False
    )
    reasons = {problem.name.removesuffix(".png"): problem.reason for problem in scored.problems}
    assert len(scored.report.rows) == 5 and len(reasons) == 5
    assert "cut short" in reasons[names[0].stem] and "40x160" in reasons[names[1].stem]
    assert "not a picture" in reasons[names[2].stem] and "damaged" in reasons[names[4].stem]
    assert any("no generated picture" in reason for reason in reasons.values())
    listed = scored.report.about["not_scored"]
    assert {entry["name"] for entry in listed} == {problem.name for problem in scored.problems}


def test_a_picture_of_another_shape_is_refused_before_it_is_decoded(tmp_path):
    save(tmp_path / "t.png", np.zeros((256, 176, 3), np.uint8))
    for size, fine in (((256, 176), True), ((512, 352), True), ((256, 256), True), ((256, 880), False)):
        save(tmp_path / "p.png", np.zeros((*size, 3), np.uint8))
        pair = FilePair(tmp_path / "p.png", tmp_path / "t.png", None, None)
        found, problems = pair_geometries([pair], PROTOCOLS["patn2019"], Declared("padded"))
        assert (len(found), len(problems)) == ((1, 0) if fine else (0, 1)), size


class Killed(Exception):
    pass


def test_a_scoring_run_that_was_killed_goes_on_and_ends_alike(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(score_module, "CHUNK", 2)
    monkeypatch.setattr(score_module, "SAVE_SECONDS", 0.0)
    expected = score_folder(folders, PLAIN, tmp_path / "whole", workers=0, show=False).report
    work, seen = score_module._work, []

    def until_the_fourth(task):
        seen.append(task)
        if len(seen) == 4:
            raise Killed
        return work(task)

    monkeypatch.setattr(score_module, "_work", until_the_fourth)
    with pytest.raises(Killed):
        score_folder(folders, PLAIN, tmp_path / "broken", workers=0, show=False)
    assert (tmp_path / "broken/reposer-unfinished/state.safetensors").is_file()
    rest = score_folder(folders, PLAIN, tmp_path / "broken", workers=0, show=False)
    assert len(seen) == 4 + 2  # chunks 1 to 3 were not done again
    assert rest.report == expected and not (tmp_path / "broken/reposer-unfinished").exists()


def test_an_unfinished_run_of_changed_files_begins_again(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(score_module, "CHUNK", 2)
    monkeypatch.setattr(score_module, "SAVE_SECONDS", 0.0)
    work, seen = score_module._work, []

    def once(task):
        seen.append(task)
        if len(seen) == 2:
            raise Killed
        return work(task)

    monkeypatch.setattr(score_module, "_work", once)
    with pytest.raises(Killed):
        score_folder(folders, PLAIN, tmp_path / "o", workers=0, show=False)
    first = sorted(folders.generated.iterdir())[0]
    save(first, picture(500))
    report = score_folder(folders, PLAIN, tmp_path / "o", workers=0, show=False).report
    assert len(seen) == 2 + 5
    fresh = score_folder(folders, PLAIN, tmp_path / "fresh", workers=0, show=False).report
    assert report.rows == fresh.rows


def test_what_is_not_there_is_absent_with_its_reason_and_never_zero(folders, tmp_path):
    rule = Protocol("masked", metrics=("l1", "l1-limbs"))
    report = score_folder(folders, rule, tmp_path / "o", workers=0, show=False).report
    assert set(report.summary) == {"l1"} and "joints" in report.absent["l1-limbs"]
    report.write_json(tmp_path / "report.json")
    plain = json.loads((tmp_path / "report.json").read_text())
    assert set(plain["summary"]) == {"l1"} and "l1-limbs" in plain["absent"]


def test_a_pair_whose_target_has_no_joint_is_left_out_of_a_masked_number_and_the_report_counts_it(folders, tmp_path):
    numbers = np.random.default_rng(0)
    poses = {}
    for path in folders.targets.iterdir():
        xy = torch.from_numpy(numbers.uniform(4, 28, (18, 2)).astype(np.float32))
        blind = path.stem == "fashionidd0_10"
        poses[path.stem] = Pose(xy, torch.full((18,), not blind), (40, 32))
    rule = Protocol("masked", metrics=("l1", "ssim-uniform7-masked-target", "ssim-gaussian1.5-range-masked-polygons"))
    report = score_folder(replace(folders, poses=poses), rule, tmp_path / "o", workers=0, show=False).report
    for name in rule.metrics[1:]:
        summary = report.summary[name]
        assert (summary.value.pairs, summary.value.left_out) == (9, 1)
        assert summary.value.mean < 1
        assert "10 pairs, 1 with an empty mask or without a finite value left out" in str(summary)
        assert math.isnan(next(r for r in report.rows if "fashionidd0_10" in r.name).values[name])
    assert report.summary["l1"].value.pairs == 10
    report.write_json(tmp_path / "report.json")
    plain = json.loads((tmp_path / "report.json").read_text())
    assert plain["summary"]["ssim-uniform7-masked-target"]["left_out"] == 1


def test_joints_place_the_mask_in_the_protocols_geometry(tmp_path):
    """A picture that differs in a disc around its only limb: all of the difference lies in the mask, whatever the
    frame."""
    target = np.full((128, 88, 3), 128, np.uint8)
    generated = target.copy()
    generated[60:64, 40:60] = 255
    save(tmp_path / "t/a_1.png", target)
    save(tmp_path / "g/a_1.png", generated)
    xy = torch.zeros(18, 2)
    xy[2], xy[3] = torch.tensor([80.0, 124.0]), torch.tensor([120.0, 124.0])  # in a picture twice as large
    visible = torch.zeros(18, dtype=torch.bool)
    visible[2:4] = True
    poses = {"a_1": Pose(xy, visible, (256, 176))}
    rule = Protocol("masked", metrics=("l1", "l1-limbs"), generated=Geometry((128, 88)), target=Geometry((128, 88)))
    folders = Folders(tmp_path / "g", tmp_path / "t", poses=poses)
    values = score_folder(folders, rule, tmp_path / "o", workers=0, show=False).report.rows[0].values
    pixels = 128 * 88 * values["l1"] / values["l1-limbs"]  # the mask's size, if it holds every difference
    assert values["l1"] == pytest.approx(80 * 127 / (255 * 128 * 88))
    assert 150 < pixels < 260  # a limb of 20 pixels, 8 wide, with round ends


def test_white_sides_add_their_share_of_psnr_exactly(tmp_path):
    target = picture(0, (256, 176))
    generated = np.clip(target.astype(int) + 9, 0, 255).astype(np.uint8)
    shown = PairBatch(("a",), ("a",), torch.tensor(generated[None]), torch.tensor(target[None]))
    values = []
    for sides in (0, 40):
        scorer = Scorer(Protocol("p", metrics=("psnr",), white_sides=sides))
        scorer.add(shown)
        values.append(scorer.report().summary["psnr"].value.mean)
    assert values[1] - values[0] == pytest.approx(10 * math.log10(256 / 176), abs=1e-9)


def test_a_square_file_with_white_sides_loses_exactly_them():
    person = torch.tensor(picture(3, (256, 176)))
    padded = with_white_sides(person[None], 40, 40)[0]
    assert torch.equal(Geometry((256, 176), fit="keep-aspect").apply(padded), person)
    sides = PROTOCOLS["pg2-2017"].target  # and the other way round: a picture, and a list's joints, get them
    assert torch.equal(sides.apply(person), padded) and torch.equal(sides.apply(padded), padded)
    listed = Pose(torch.tensor([[20.0, 7.0]] * 18), torch.ones(18, dtype=torch.bool), (256, 176))
    assert sides.place(listed).xy[0].tolist() == [60.0, 7.0] and sides.place(listed).size == (256, 256)
    pose = Pose(torch.tensor([[40.0, 7.0]] * 18), torch.ones(18, dtype=torch.bool), (256, 256))
    assert Geometry((256, 176), fit="keep-aspect").place(pose).xy[0].tolist() == [0.0, 7.0]


def test_resizing_rules_are_those_of_their_libraries():
    pixels = torch.tensor(picture(1, (64, 44)))
    ours = resized(pixels, (32, 22), "pil-bicubic").numpy()
    pil = np.array(Image.fromarray(pixels.numpy()).resize((22, 32), Image.Resampling.BICUBIC))
    assert np.array_equal(ours, pil)
    # without antialiasing, halving by linear interpolation is the mean of four neighbours
    whole = pixels.numpy().astype(float)
    means = (whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]) / 4
    assert np.abs(resized(pixels, (32, 22), "cv2-linear").numpy() - means).max() <= 0.5
    up = resized(
        torch.tensor(np.arange(8, dtype=np.uint8)[None, :, None].repeat(4, 0).repeat(3, 2) * 10), (8, 16), "cv2-cubic"
    )
    assert (np.diff(up[0, 2:14, 0].int().numpy()) > 0).all()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_complete(name):
    rule = PROTOCOLS[name]
    assert rule.name == name
    assert all(metric in METRICS for metric in rule.metrics)
    needs = {m for m in rule.metrics if METRICS[m].needs_reference}
    assert bool(needs) == bool(rule.reference_set), needs
    assert rule.facts or name in ("reposer-v1-reconstruction", "reposer-v1-leaderboard")
    assert all(fact.source for fact in rule.facts)
    assert {what for what, _, _ in rule.words()} >= {"size", "metrics", "white sides"}


def test_only_numbers_that_were_made_alike_are_ranked(folders, tmp_path):
    def report(name, rule, generated=folders.generated):
        out = tmp_path / name
        score_folder(Folders(generated, folders.targets), rule, out, workers=0, show=False).report.write_json(
            out / "report.json"
        )
        return read_report(out / "report.json")

    for path in folders.generated.iterdir():  # a better generator
        save(
            tmp_path / "better" / path.name,
            np.array(Image.open(path)) // 2 + np.array(Image.open(_target(path, folders))) // 2,
        )
    first, better = report("first", PLAIN), report("better-report", PLAIN, tmp_path / "better")
    found = compare({"first": first, "better": better})
    assert found.ranked and all(line.best == {1} for line in found.lines)
    resized_rule = Protocol("small", metrics=("psnr", "l1"), generated=Geometry((20, 16)), target=Geometry((20, 16)))
    other = compare({"first": first, "small": report("small", resized_rule)})
    assert not other.ranked and not any(line.best for line in other.lines)
    assert "another protocol (plain / small)" in other.lines[0].notes[0]
    assert "another picture size (40x32 / 20x16)" in other.lines[0].notes[0]
    (folders.generated / sorted(p.name for p in folders.generated.iterdir())[0]).unlink()
    fewer = compare({"first": first, "fewer": report("fewer", PLAIN)})
    assert "another number of pairs (10 / 9)" in fewer.lines[0].notes[0]
    with pytest.raises(BadInput, match="There is no file"):
        read_report(folders.targets / "nothing.json")


def _target(path, folders):
    return folders.targets / f"{path.stem.split('_2_')[1].removesuffix('_vis')}.png"


class CountsPictures(METRICS["l1"]):
    """How many pairs it was shown."""

    name = "counts"

    def compute(self):
        return type(super().compute())(float(len(self.values)), len(self.values))


def test_a_tail_drops_the_last_incomplete_batch_of_its_metric_alone(monkeypatch):
    monkeypatch.setitem(METRICS._entries, "counts", CountsPictures)
    rule = Protocol("tails", metrics=("counts", "l1"), tails={"counts": 4})
    pixels = torch.tensor(np.stack([picture(k) for k in range(10)]))
    for batch in (1, 3, 10):
        scorer = Scorer(rule, num_pairs=10)
        for k in range(0, 10, batch):
            names = tuple(str(n) for n in range(k, min(10, k + batch)))
            scorer.add(PairBatch(names, names, pixels[k : k + batch], pixels[k : k + batch]))
        seen = {name: len(metric.state()["values"]) for name, metric in scorer.metrics.items()}
        assert seen == {"counts": 8, "l1": 10}
        assert [("counts" in row.values) for row in scorer.rows] == [True] * 8 + [False] * 2
