"""`reposer evaluate` never takes pictures for generated ones that were made from anything else."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from reposer.cli import main
from reposer.core import Framing
from reposer.data import open_dataset
from reposer.data.lists import write_annotation
from reposer.data.pictures import write_picture
from reposer.evaluation import PROTOCOLS
from reposer.generators import GENERATORS, save
from reposer.scoring import pairs
from reposer.scoring.generated_key import folder_name, made_from
from tests.data.folders import some_picture, some_pose, write_fashion
from tests.data.video_clips import moving_square, write_clip

PROTOCOL = "dptn2022"


def small():
    return replace(
        GENERATORS["gfla"]().tiny(), framing=Framing((64, 64), fit="pad")
    ).build()  # a person fills 64x44 of it


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    save(small(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Scoring as it is, without processes that take seconds to begin."""
    monkeypatch.setattr(pairs, "score_folder", partial(pairs.score_folder, workers=0))


def data(root, seed):
    return write_fashion(root, {"test": ("fashionMENa",)}, views=3, seed=seed)


def scored(model, root, out, *more):
    """The report's numbers, and the folders of generated pictures in OUT."""
    code = main(["evaluate", str(model), "--data", str(root), "--protocol", PROTOCOL, "--out", str(out), *more])
    assert code == 1, "networks are absent"
    plain = json.loads((out / f"report-{PROTOCOL}.json").read_text())
    folders = sorted(out.glob("generated-*"))
    return {name: own["mean"] for name, own in plain["summary"].items()}, folders


@pytest.mark.slow
def test_other_data_of_equal_names_in_the_same_out_are_scored_by_their_own_pictures(model, tmp_path):
    first, other = data(tmp_path / "first", 0), data(tmp_path / "other", 50)
    names = [sorted(path.name for path in root.rglob("*")) for root in (first, other)]
    assert names[0] == names[1], "the trap"
    before, _ = scored(model, first, tmp_path / "out")
    after, folders = scored(model, other, tmp_path / "out")
    alone, _ = scored(model, other, tmp_path / "alone")
    assert after == alone and after != before and len(folders) == 2


@pytest.mark.slow
def test_data_that_were_exchanged_in_their_place_are_scored_by_their_own_pictures(model, tmp_path):
    root = data(tmp_path / "data", 0)
    scored(model, root, tmp_path / "out")
    shutil.rmtree(root)
    data(root, 50)
    after, _ = scored(model, root, tmp_path / "out")
    assert after == scored(model, root, tmp_path / "alone")[0]


@pytest.mark.slow
def test_the_same_command_after_a_kill_generates_only_what_is_missing(model, tmp_path, monkeypatch):
    root = data(tmp_path / "data", 0)
    before, (folder,) = scored(model, root, tmp_path / "out")
    gone = sorted(folder.glob("*.png"))[:2]
    for path in gone:
        path.unlink()
    written = []
    monkeypatch.setattr(
        pairs, "write_picture", lambda path, pixels: (written.append(path), write_picture(path, pixels))
    )
    after, folders = scored(model, root, tmp_path / "out")
    assert after == before and folders == [folder] and sorted(written) == gone


@pytest.mark.slow
def test_fewer_pairs_than_before_are_scored_alone(model, tmp_path):
    root = data(tmp_path / "data", 0)
    scored(model, root, tmp_path / "out")
    scored(model, root, tmp_path / "out", "--pairs", "2")
    plain = json.loads((tmp_path / "out" / f"report-{PROTOCOL}.json").read_text())
    assert plain["pairs"] == 2 and plain["about"]["not_scored"] == []


@pytest.mark.slow
def test_a_users_folder_of_that_name_is_refused_and_left_alone(model, tmp_path, capsys):
    root = data(tmp_path / "data", 0)
    _, (folder,) = scored(model, root, tmp_path / "out")
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "mine.png").write_bytes(b"mine")
    arguments = ["--data", str(root), "--protocol", PROTOCOL, "--out", str(tmp_path / "out")]
    assert main(["evaluate", str(model), *arguments]) == 2
    assert "not a work folder of Reposer" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["mine.png"]


@pytest.mark.parametrize(
    "what", ["nothing", "source", "pose", "weights", "pairs", "seed", "framing", "target size", "protocol"]
)
def test_each_thing_that_a_picture_is_made_from_moves_its_folder(what, tmp_path):
    root, rule = data(tmp_path / "data", 0), PROTOCOLS[PROTOCOL]
    torch.manual_seed(0)
    generator = small()
    dataset = open_dataset(root, "test", generator.framing)
    facts = {"numbers": range(3), "rule": rule, "weights": "1"}

    def name(dataset, numbers, rule, weights):
        return folder_name(made_from(generator, dataset, numbers, rule, weights=weights), rule)

    before = name(dataset, **facts)
    if what == "source":
        source = dataset.picture_path(dataset.rows[0].source_name)
        write_picture(source, some_picture(seed=99))
    if what == "pose":
        names = {name for row in dataset.rows for name in (row.source_name, row.target_name)}
        moved = {name: some_pose(seed=k) for k, name in enumerate(sorted(names))}
        write_annotation(root / "fasion-resize-annotation-test.csv", moved, frame="crop176")
        dataset = open_dataset(root, "test", generator.framing)
    if what == "framing":
        dataset = open_dataset(root, "test", Framing(generator.framing.size, fit="squash"))
    if what == "target size":
        dataset.target_size = lambda i: (200, 100)
    facts |= {
        "weights": {"weights": "2"},
        "pairs": {"numbers": range(1, 4)},
        "seed": {"rule": replace(rule, seed=1)},
        "protocol": {"rule": PROTOCOLS["patn2019"]},
    }.get(what, {})
    assert (name(dataset, **facts) == before) == (what == "nothing")


@pytest.mark.slow
def test_clips_of_equal_names_in_the_same_out_are_scored_by_their_own_frames(model, tmp_path):
    def clips(root, seed):
        joints = np.random.default_rng(seed).uniform(8, 40, (18, 2))
        track = {"keypoints": [(joints + np.array([0, t])).tolist() for t in range(5)], "unreliable_frames": []}
        root.mkdir()
        write_clip(root / "walk.mp4", list(moving_square(5 + seed))[seed:])
        (root / "walk.json").write_text(json.dumps(track))
        return root

    def numbers(root, out):
        assert main(["evaluate", str(model), "--data", str(root), "--without-networks", "--out", str(out)]) == 0
        return json.loads((out / "report-reposer-clips-v1.json").read_text())["generated"]["clips"]

    first, other = clips(tmp_path / "first", 0), clips(tmp_path / "other", 7)
    before, after = numbers(first, tmp_path / "out"), numbers(other, tmp_path / "out")
    assert after == numbers(other, tmp_path / "alone") and after != before
