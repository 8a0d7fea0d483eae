"""`reposer evaluate` shows what it has scored: pairs, clips, and views of objects."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.core import BadInput
from reposer.core.rng import seeded_randn
from reposer.evaluation import Protocol, evaluate
from reposer.generators import GENERATORS, save
from reposer.scoring.options import Options
from reposer.scoring.pairs import pictures_of
from reposer.synthetic.objects import write_objects
from reposer.synthetic.people import SyntheticPeople
from tests.data.video_clips import moving_square, write_clip


def untrained(family, path):
    """A tiny network of a family, written as a run writes it."""
    torch.manual_seed(0)
    save(GENERATORS[family]().tiny().build(), path)
    return path


@pytest.fixture
def clip_folder(tmp_path):
    """Two clips of 10 frames; in the second, the joints of frame 9 are not to be trusted."""
    folder = tmp_path / "clips"
    folder.mkdir()
    joints = np.random.default_rng(0).uniform(8, 40, (18, 2))
    for name, unreliable in (("first", []), ("second one", [9])):
        write_clip(folder / f"{name}.mp4", moving_square(10))
        track = {
            "keypoints": [(joints + np.array([0, t])).tolist() for t in range(10)],
            "unreliable_frames": unreliable,
        }
        (folder / f"{name}.json").write_text(json.dumps(track))
    return folder


def test_the_pictures_on_the_page_are_drawn_from_the_noise_that_was_scored():
    people = SyntheticPeople((32, 22), "test", num_pairs=3)
    rule = Protocol("plain", metrics=("l1",), seed=5)

    def noise(source, source_pose, target_pose, *, seeds=None):
        return seeded_randn(source.shape[1:], seeds).clamp(-1, 1)

    report = evaluate(noise, rule, people, batch_size=2)
    for i, row in enumerate(report.rows):
        shown = pictures_of(people, i, noise, rule)
        own = (shown["generated"].double() - shown["target"]).abs().mean() / 255
        assert abs(own - row.values["l1"]) < 1e-12


def test_clips_are_scored_beside_the_copied_source_and_shown_frame_by_frame(clip_folder, tmp_path, capsys):
    model = untrained("gfla", tmp_path / "model.safetensors")
    options = ["--out", str(tmp_path / "out"), "--without-networks", "--smooth", "one-euro", "--steady"]
    assert main(["evaluate", str(model), "--data", str(clip_folder), *options]) == 0
    said = capsys.readouterr().out
    assert "reposer-clips-v1/frame-l1-limbs = " in said and "without 1 frame of unknown limbs" in said
    assert "absent" not in said
    report = json.loads((tmp_path / "out" / "report-reposer-clips-v1.json").read_text())
    assert list(report) == ["protocol", "drawn", "copied", "calmer"]
    assert len({report[who]["hash"] for who in ("drawn", "copied", "calmer")}) == 1
    assert [row["name"] for row in report["drawn"]["clips"]] == ["first", "second one"]
    assert [row["limb_frames"] for row in report["drawn"]["clips"]] == [2, 1]
    assert report["calmer"]["about"]["drawn by"] == "model, one-euro + steady"
    sheet = Image.open(tmp_path / "out" / "report-reposer-clips-v1-second-one.png")
    assert sheet.height > sheet.width / 2  # four rows of two frames


def test_some_of_the_clips_and_only_what_goes_with_clips(clip_folder, tmp_path, capsys):
    model = untrained("gfla", tmp_path / "model.safetensors")
    command = ["evaluate", str(model), "--data", str(clip_folder), "--without-networks", "--split", "all"]
    assert main([*command, "--pairs", "1"]) == 0
    report = json.loads((tmp_path / "report-reposer-clips-v1.json").read_text())
    assert list(report) == ["protocol", "drawn", "copied"] and len(report["drawn"]["clips"]) == 1
    for wrong, word in (
        (["--pairs", "3"], "1 to 2"),
        (["--against", "copy"], "--against does not go with clips"),
        (["--protocol", "reposer-v1"], "scored under reposer-clips-v1, not under reposer-v1"),
    ):
        capsys.readouterr()
        assert main([*command, *wrong]) == 2
        assert word in capsys.readouterr().err


def test_smoothing_does_not_go_with_pairs(tmp_path, capsys):
    model = untrained("gfla", tmp_path / "model.safetensors")
    assert main(["evaluate", str(model), "--smooth", "two-sided"]) == 2
    assert "--smooth does not go with pairs" in capsys.readouterr().err


def test_views_are_scored_by_azimuth_beside_the_copied_source_and_another_model(tmp_path, capsys):
    pytest.importorskip("h5py")
    data = write_objects(tmp_path / "objects", "chairs", size=(64, 64), num_objects={"train": 1, "test": 1})
    models = [untrained("gfla-views", tmp_path / f"{name}.safetensors") for name in ("one", "other")]
    command = ["evaluate", str(models[0]), "--data", str(data), "--out", str(tmp_path / "out")]
    assert main([*command, "--against", str(models[1])]) == 0
    assert "drawn / other (copied source)" in capsys.readouterr().out.replace("\n", " ")
    report = json.loads((tmp_path / "out" / "report-reposer-views-v1.json").read_text())
    assert list(report) == ["drawn", "copied", "other", "by_azimuth"]
    rows = report["by_azimuth"]["l1"]
    assert len(rows) == 18 and all(row["drawn"] == row["other"] for row in rows)
    assert Image.open(tmp_path / "out" / "report-reposer-views-v1.png").width > 1000
    assert main([*command, "--split", "held-out", "--pairs", "6"]) == 0
    assert "6 pairs" in capsys.readouterr().out


def test_numbers_that_are_chosen_are_spread_evenly():
    assert Options().chosen(3) == [0, 1, 2] and Options(pairs=3).chosen(9) == [0, 3, 6]
    for count in (0, 4):
        with pytest.raises(BadInput, match="1 to 3"):
            Options(pairs=count).chosen(3)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gfla-animation", "gfla-face"])
def test_families_of_clips_are_scored_on_drawn_clips_where_no_data_are_given(family, tmp_path):
    model = untrained(family, tmp_path / "model.safetensors")
    assert main(["evaluate", str(model), "--pairs", "1", "--without-networks"]) == 0
    (clip,) = json.loads((tmp_path / "report-reposer-clips-v1.json").read_text())["drawn"]["clips"]
    assert clip["limb_frames"] == clip["frames"] > 10
    edged = main(["evaluate", str(model), "--pairs", "1", "--without-networks", "--edges"])
    if family == "gfla-animation":
        assert edged == 2
    else:
        (other,) = json.loads((tmp_path / "report-reposer-clips-v1.json").read_text())["drawn"]["clips"]
        assert edged == 0 and other["values"] != clip["values"]
