"""Folders as people have them: several sizes, no sources, other names, other joints, too few pictures."""

from dataclasses import replace

import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.evaluation import PROTOCOLS, Folders, Protocol, score_folder, side_by_side
from reposer.evaluation import score as score_module
from reposer.evaluation.compare import compare
from reposer.evaluation.folder import match
from reposer.evaluation.report import Report, Row
from reposer.evaluation.scorer import PairBatch, Scorer
from reposer.metrics import METRICS, Value

from .test_score import PLAIN, Killed, picture, save

LIMBS = Protocol("masked", metrics=("l1", "l1-limbs"))


def scored(tmp_path, rule=PLAIN, **changes):
    folders = replace(Folders(tmp_path / "g", tmp_path / "t"), **changes)
    return score_folder(folders, rule, tmp_path / "o", workers=0, show=False)


def pair(tmp_path, name, size=(40, 32), *, generated=None):
    save(tmp_path / f"t/{name}.png", picture(1, size))
    save(tmp_path / f"g/{generated or name}.png", picture(2, size))


def joints(*x):
    """A vertical limb at each x, by the picture's stem."""
    found = {}
    for k, at in enumerate(x):
        xy, visible = torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool)
        xy[2], xy[3] = torch.tensor([at, 10.0]), torch.tensor([at, 30.0])
        visible[2:4] = True
        found[f"a_{k}"] = Pose(xy, visible, (40, 32))
    return found


def broken(path):
    body = bytearray(path.read_bytes())
    body[60:90] = bytes(30)
    path.write_bytes(bytes(body))


class ShownPictures(METRICS["l1"]):
    """A metric that wants to see the pictures in the main process, as networks do."""

    name = "shown"
    looks_through_a_network = True


class AgainstReference(ShownPictures):
    """How many levels the reference set has in all."""

    name = "reference"
    needs_reference = True

    def __init__(self):
        super().__init__()
        self.total = 0.0

    def add_reference(self, pictures):
        self.total += float(pictures.sum())

    def update(self, generated, target, mask=None):
        return None

    def compute(self):
        return Value(self.total, 1)

    def state(self):
        return {"total": torch.tensor(self.total, dtype=torch.float64)}

    def load_state(self, state):
        self.total = float(state["total"])


@pytest.fixture
def seen(monkeypatch):
    for kind in (ShownPictures, AgainstReference):
        monkeypatch.setitem(METRICS._entries, kind.name, kind)
    return Protocol("seen", metrics=("shown",))


def test_pictures_of_several_sizes_are_scored_in_the_frame_that_holds_them(tmp_path):
    pair(tmp_path, "a_1", (40, 32))
    pair(tmp_path, "b_1", (36, 48))
    report = scored(tmp_path).report
    assert report.size == (40, 48) and len(report.rows) == 2


def test_a_chunk_of_broken_pictures_alone_does_not_stop_the_others(tmp_path, seen, monkeypatch):
    monkeypatch.setattr(score_module, "CHUNK", 1)
    pair(tmp_path, "a_1")
    pair(tmp_path, "b_1")
    broken(tmp_path / "g/b_1.png")
    found = scored(tmp_path, seen)
    assert [row.name for row in found.report.rows] == ["a_1"] and len(found.problems) == 1


def test_a_folder_of_which_nothing_can_be_decoded_is_bad_input(tmp_path):
    pair(tmp_path, "a_1")
    broken(tmp_path / "g/a_1.png")
    with pytest.raises(BadInput, match=r"can be scored.*damaged"):
        scored(tmp_path)


def test_sources_that_are_not_there_leave_the_pixels_to_be_scored(tmp_path):
    pair(tmp_path, "b_2", generated="a_1_2_b_2_vis")
    found = scored(tmp_path, LIMBS)
    assert [row.name for row in found.report.rows] == ["a_1_2_b_2"] and not found.problems
    save(tmp_path / "s/other.png", picture(3))
    with pytest.raises(BadInput, match="its source a_1 is not there"):
        scored(tmp_path, sources=tmp_path / "s")


def test_a_pair_has_one_name_however_its_file_writes_it(tmp_path):
    paths = {name: tmp_path / f"{name}.png" for name in ("a_1", "ü_2")}
    hashes = set()
    for stem in ("a_1_2_ü_2", "a_1___ü_2_vis", "a_1.jpg_to_ü_2.jpg_fake"):
        ((found,), _) = match({stem: tmp_path / f"{stem}.png"}, paths, None)
        hashes.add((found.name, found.source))
    assert hashes == {("a_1_2_ü_2", paths["a_1"])}


def test_two_pictures_of_one_pair_do_not_count_twice(tmp_path):
    pair(tmp_path, "b_2", generated="a_1_2_b_2")
    pair(tmp_path, "b_2", generated="a_1_2_b_2_vis")
    found = scored(tmp_path)
    assert len(found.report.rows) == 1
    assert [p.reason for p in found.problems] == ["a_1_2_b_2.png is of the same pair"]


def test_a_mask_of_the_source_is_absent_where_there_is_no_source(tmp_path):
    pair(tmp_path, "a_0")
    rule = Protocol("masks", metrics=("l1", "ssim-uniform7-masked-source", "ssim-uniform7-masked-target"))
    report = scored(tmp_path, rule, poses=joints(12.0)).report
    assert list(report.absent) == ["ssim-uniform7-masked-source"]
    assert set(report.summary) == {"l1", "ssim-uniform7-masked-target"}


def test_numbers_inside_of_other_masks_are_not_ranked(tmp_path):
    pair(tmp_path, "a_0")
    first, second = (scored(tmp_path, LIMBS, poses=joints(x)).report.to_plain() for x in (12.0, 20.0))
    lines = {line.metric: line.notes[0] for line in compare({"first": first, "second": second}).lines}
    assert lines["l1"] == "yes"
    assert "another set of masks" in lines["l1-limbs"]


def test_numbers_against_other_reference_sets_are_not_ranked(tmp_path, seen):
    pair(tmp_path, "a_0")
    for k in range(4):
        save(tmp_path / f"train{k % 2}/{k}.png", picture(k))
    rule = Protocol("far", metrics=("l1", "reference"), reference_set="train")
    first, second = (scored(tmp_path, rule, reference=tmp_path / f"train{k}").report.to_plain() for k in range(2))
    lines = {line.metric: line.notes[0] for line in compare({"first": first, "second": second}).lines}
    assert lines["l1"] == "yes"
    assert "another reference set" in lines["reference"]


@pytest.mark.parametrize("what", ["joints", "reference"])
def test_an_unfinished_run_of_other_joints_or_references_begins_again(tmp_path, seen, monkeypatch, what):
    monkeypatch.setattr(score_module, "CHUNK", 1)
    monkeypatch.setattr(score_module, "SAVE_SECONDS", 0.0)
    for k in range(3):
        pair(tmp_path, f"a_{k}")
        save(tmp_path / f"old/{k}.png", picture(k))
        save(tmp_path / f"new/{k}.png", picture(k + 9))
    rule = Protocol("far", metrics=("l1-limbs", "reference"), reference_set="train")
    work, calls = score_module._work, []

    def broken_off(task):
        calls.append(task)
        if len(calls) == 3:
            raise Killed
        return work(task)

    monkeypatch.setattr(score_module, "_work", broken_off)
    old = {"poses": joints(12.0, 12.0, 12.0), "reference": tmp_path / "old"}
    new = old | ({"poses": joints(20.0, 20.0, 20.0)} if what == "joints" else {"reference": tmp_path / "new"})
    with pytest.raises(Killed):
        scored(tmp_path, rule, **old)
    assert (tmp_path / "o/reposer-unfinished").is_dir()
    went_on = scored(tmp_path, rule, **new).report
    assert went_on == scored(tmp_path, rule, **new).report and len(calls) == 3 + 3 + 3


def test_masks_and_references_of_a_killed_run_are_kept(tmp_path, seen):
    rule = Protocol("far", metrics=("l1-limbs", "reference"), reference_set="train")
    pixels, pose = torch.tensor(picture(1))[None], Pose.stack([joints(12.0)["a_0"]])
    whole, rest = (Scorer(rule, num_reference=2) for _ in range(2))
    for k in range(2):
        whole.add_reference(torch.tensor(picture(k))[None])
    whole.add(PairBatch(("a",), ("a",), pixels, pixels, source_pose=pose, target_pose=pose))
    rest.load_state(whole.state(), whole.rows)
    assert rest.report() == whole.report() and whole.report().mask_hashes.keys() == {"limbs"}


def test_too_few_pictures_for_a_whole_batch_are_absent_from_the_start(seen):
    rule = Protocol("tails", metrics=("shown", "reference"), tails={"shown": 4, "reference": 3})
    scorer = Scorer(rule, num_pairs=3, num_reference=2)
    assert "whole batches of 4 pairs" in scorer.absent["shown"]
    assert "a whole batch of 3 pictures" in scorer.absent["reference"] and not scorer.metrics
    assert not Scorer(rule, num_pairs=4, num_reference=3).absent


def test_a_picture_of_its_targets_shape_is_never_refused(tmp_path):
    pair(tmp_path, "a_1", (128, 88))
    assert not scored(tmp_path, PROTOCOLS["gfla2020"]).problems
    save(tmp_path / "t/a_1.png", picture(1, (128, 64)))
    with pytest.raises(BadInput, match="it is 128x88 pixels, its target's picture 128x64; it must have that shape"):
        scored(tmp_path, PROTOCOLS["gfla2020"])


def test_a_number_that_one_report_alone_has_is_not_called_ranked(tmp_path):
    pair(tmp_path, "a_1")
    both = [scored(tmp_path, Protocol(name, metrics=(name,))).report.to_plain() for name in ("l1", "psnr")]
    found = compare({"first": both[0], "second": both[1]})
    assert all(line.notes == ("nothing to rank it with",) and not line.best for line in found.lines)


def test_sets_have_no_number_of_one_identity_and_do_not_stop_the_table():
    rows = tuple(Row(name, name, {"l1": 0.1}) for name in "ab")
    report = Report(Protocol("p", metrics=("l1", "fid")), rows, (4, 4), "h", "t", of_sets={"fid": Value(3.0, 2)})
    found = side_by_side({"one": report, "two": report})
    assert [line.metric for line in found.lines] == ["l1", "l1", "l1", "fid"]


def test_unused_sources_are_not_decoded(tmp_path):
    pair(tmp_path, "b_2", generated="a_1_2_b_2")
    save(tmp_path / "t/a_1.png", picture(3, (20, 90)))
    broken(tmp_path / "t/a_1.png")
    assert not scored(tmp_path, PROTOCOLS["reposer-v1-reconstruction"]).problems
