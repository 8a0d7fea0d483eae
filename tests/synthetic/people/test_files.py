"""Synthetic people as files: what is read back is what was rendered, whoever wrote it and however often they were
stopped."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.core import BadInput
from reposer.core.skeleton import OPENPOSE_18
from reposer.data import open_dataset
from reposer.data.check import check_dataset
from reposer.data.lists import FASHION_SIZE
from reposer.synthetic.people import SyntheticPeople, drafts, write, write_people
from reposer.synthetic.people.attributes import attributes
from tests.forked import started

SMALL = (64, 44)
FEW = {"size": SMALL, "num_train": 4, "num_test": 1, "views": 2, "progress": False}


def contents(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def finished_pictures(draft):
    records = [json.loads(path.read_text()) for path in draft.glob(".finished/*.json")]
    return {draft / record["split"] / name for record in records for name in record["names"]}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Everything that can be written, by one process."""
    return write_people(tmp_path_factory.mktemp("full") / "people", **FEW, truth=True, flow=True, workers=1)


@pytest.fixture(scope="module")
def rendering():
    return SyntheticPeople(SMALL).rendered([(1, 0), (1, 1)])


@pytest.mark.slow
def test_one_and_two_processes_write_the_same_bytes(full, tmp_path):
    other = write_people(tmp_path / "people", **FEW, truth=True, flow=True, workers=2)
    assert contents(other) == contents(full)


def test_written_people_have_the_layout_of_the_published_lists(full):
    assert sorted(p.name for p in full.iterdir()) == [
        "about.json",
        "fasion-resize-annotation-test.csv", "fasion-resize-annotation-train.csv",
        "fasion-resize-pairs-test.csv", "fasion-resize-pairs-train.csv",
        "test", "test.lst", "train", "train.lst", "truth",
    ]  # fmt: skip
    names = (full / "train.lst").read_text().split()
    assert names == sorted(p.name for p in (full / "train").iterdir()) and len(names) == 8
    pairs = (full / "fasion-resize-pairs-train.csv").read_text().split()
    assert pairs[0] == "from,to" and len(pairs) == 1 + 4 * 2
    assert not [finding for finding in check_dataset(full, progress=False) if finding.severity == "error"]


def test_pictures_and_joints_read_back_are_those_that_were_rendered(full, rendering):
    data = open_dataset(full, "train", None)
    i = next(i for i, row in enumerate(data.rows) if row.source_name == "synthetic000001_0.png")
    assert data.identity(i) == "synthetic000001"
    assert torch.equal(data.picture("synthetic000001_0.png"), rendering.picture[0])
    pose, truth = data.poses["synthetic000001_1.png"], rendering.detected[1].resize(FASHION_SIZE)
    assert torch.equal(pose.visible, truth.visible)
    assert torch.equal(pose.xy[pose.visible], truth.xy[truth.visible].round())


def test_truth_read_back_is_the_renderings(full, rendering):
    for view in (0, 1):
        with np.load(full / "truth" / "train" / f"synthetic000001_{view}.npz") as truth:
            assert np.array_equal(truth["parts"], rendering.parts[view].numpy())
            assert np.array_equal(truth["albedo"], rendering.albedo[view].numpy())
            for name, values in (("depth", rendering.depth), ("surface", rendering.surface)):
                assert truth[name].dtype == np.float16
                assert np.array_equal(truth[name], values[view].numpy().astype(np.float16), equal_nan=True)
            for name, pose in rendering.poses.items():
                assert np.array_equal(truth[f"joints_{name}"], pose.xy[view].numpy())
                assert np.array_equal(truth[f"visible_{name}"], pose.visible[view].numpy())
    with np.load(full / "truth" / "train" / "flow" / "synthetic000001_0__synthetic000001_1.npz") as truth:
        flow, visible = rendering.flow(0, 1)
        assert np.array_equal(truth["flow"], flow.numpy().astype(np.float16), equal_nan=True)
        assert np.array_equal(truth["visible"], visible.numpy())


def test_attributes_are_written_for_each_person(full):
    words = json.loads((full / "truth" / "train" / "attributes.json").read_text())
    data = SyntheticPeople(SMALL)
    assert words == {f"synthetic{n:06d}": attributes(data.who(n)) for n in range(4)}


def test_the_finished_folder_says_what_made_it(full):
    about = json.loads((full / "about.json").read_text())
    assert about["people"] == {"train": 4, "test": 1} and about["seed"] == 0
    assert about["licence"] == "CC0-1.0"


@pytest.mark.slow
def test_a_run_that_was_killed_and_continued_equals_an_unbroken_one(full, tmp_path):
    root, draft = tmp_path / "people", tmp_path / ".people-draft"
    options = {**FEW, "truth": True, "flow": True, "workers": 1}
    run = started(partial(write_people, root, **options))
    while not list(draft.glob(".finished/*.json")):
        assert run.is_alive()
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.join()
    assert not root.exists()
    for half in set(draft.glob("*/*.png")) - finished_pictures(draft):
        half.write_bytes(b"half a picture")
    write_people(root, **options)
    assert contents(root) == contents(full) and not draft.exists()


@pytest.mark.slow
def test_what_is_finished_is_not_rendered_again(tmp_path, monkeypatch):
    real = write._Plan.render

    def stops_at(last):
        def render(plan, number):
            if number >= last:
                raise RuntimeError("disk full")
            return real(plan, number)

        return render

    monkeypatch.setattr(write._Plan, "render", stops_at(3))
    with pytest.raises(RuntimeError, match="disk full"):
        write_people(tmp_path / "people", **FEW, workers=1)
    assert len(list((tmp_path / ".people-draft" / ".finished").iterdir())) == 3
    assert not (tmp_path / "people").exists()

    def only_the_rest(plan, number):
        assert number >= 3
        return real(plan, number)

    monkeypatch.setattr(write._Plan, "render", only_the_rest)
    assert len(open_dataset(write_people(tmp_path / "people", **FEW, workers=1), "train", None)) == 8


def test_a_draft_with_other_arguments_is_not_continued(tmp_path, monkeypatch):
    real = write._Plan.render
    monkeypatch.setattr(write._Plan, "render", lambda plan, number: real(plan, number) if number < 2 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_people(tmp_path / "people", **FEW, workers=1)
    with pytest.raises(BadInput, match=r"seed = 0, not 5"):
        write_people(tmp_path / "people", **FEW, seed=5)
    monkeypatch.setattr("reposer.synthetic.people.drafts.code_digest", lambda *parts: "another")
    with pytest.raises(BadInput, match="the code that renders"):
        write_people(tmp_path / "people", **FEW)


def test_nothing_is_left_where_nothing_was_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(write._Plan, "render", lambda plan, number: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_people(tmp_path / "people", **FEW, workers=1)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(BadInput, match="exists already"):
        write_people(tmp_path)
    with pytest.raises(BadInput, match="2 views"):
        write_people(tmp_path / "people", views=1)
    with pytest.raises(BadInput, match="50000 people"):
        write_people(tmp_path / "people", num_test=50_001)
    with pytest.raises(BadInput, match="at least 1"):
        write_people(tmp_path / "people", **FEW, workers=0)
    assert not list(tmp_path.iterdir())


def test_jpegs_and_every_number_of_people_can_be_written(tmp_path):
    root = write_people(
        tmp_path / "people", size=SMALL, num_train=1, num_test=0, num_val=1, views=2, suffix=".jpg", workers=1,
        progress=False,
    )  # fmt: skip
    with Image.open(root / "val" / "synthetic900000_1.jpg") as image:
        assert image.format == "JPEG" and image.size == (44, 64)
    assert (root / "test.lst").read_text() == ""
    assert len(open_dataset(root, "val", None).poses["synthetic900000_0.jpg"].xy) == len(OPENPOSE_18)


@pytest.mark.nightly
def test_ray_writes_the_bytes_of_one_process_and_a_killed_worker_loses_and_doubles_no_person(
    full, tmp_path, monkeypatch
):
    pytest.importorskip("ray")
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "written.txt"

    class Killing(drafts._Writer):
        def __call__(self, piece):
            done = super().__call__(piece)
            with log.open("a") as file:
                file.write(f"{piece.name}\n")
            with suppress(FileExistsError):
                (tmp_path / "killed").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)  # the person is written, and nobody was told
            return done

    monkeypatch.setattr(drafts, "_Writer", Killing)
    other = write_people("people", **FEW, truth=True, flow=True, workers=2, engine="ray")
    pieces = log.read_text().split()
    assert len(pieces) == 6 and len(set(pieces)) == 5, "the killed one's is rendered again, and nothing else"
    assert contents(other) == contents(full)


def test_a_cluster_without_its_library_is_refused_before_anything_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    for command in ("synthesize", "views"):
        assert main(["data", command, str(tmp_path / "people"), "--people", "1", "--engine", "ray"]) == 2
        assert "needs Ray Data (ray is missing)" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
