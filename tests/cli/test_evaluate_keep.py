"""`reposer evaluate --keep-pictures` keeps what it scored, and generates only what is missing."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import reposer.scoring.kept as kept
import reposer.scoring.pairs as pairs
from reposer.cli import main
from reposer.core import BadInput, Framing
from reposer.data import open_dataset
from reposer.data.pictures import read_picture, write_picture
from reposer.evaluation import PROTOCOLS
from reposer.generators import GENERATORS, save
from reposer.generators.gfla.network import GFLAGenerator
from reposer.scoring.kept import file_names
from reposer.synthetic.objects import write_objects
from reposer.synthetic.people import write_people
from tests.data.video_clips import moving_square, write_clip

REPORT = "report-reposer-v1-reconstruction.json"


@pytest.fixture
def model(tmp_path):
    """A person fills 64x44 of its 64x64."""
    torch.manual_seed(0)
    save(padded().build(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def padded():
    return replace(GENERATORS["gfla"]().tiny(), framing=Framing((64, 64), fit="pad"))


@pytest.fixture
def people(tmp_path):
    write_people(tmp_path / "people", size=(64, 44), num_train=1, num_test=2, views=2, workers=1, progress=False)
    return tmp_path / "people"


def untrained(family, path):
    torch.manual_seed(0)
    save(GENERATORS[family]().tiny().build(), path)
    return path


def pair_names(people):
    dataset = open_dataset(people, "test", None)
    return sorted(dataset.pair_name(i) for i in range(len(dataset)))


def written(monkeypatch):
    """The names of the pictures that are written from now on."""
    names = []
    monkeypatch.setattr(
        kept, "write_picture", lambda path, picture: (names.append(path.name), write_picture(path, picture))
    )
    return names


@pytest.mark.slow
def test_pairs_are_kept_as_scored_and_only_missing_ones_are_generated(model, people, tmp_path, monkeypatch, capsys):
    command = ["evaluate", str(model), "--data", str(people), "--batch-size", "3"]
    assert main([*command, "--out", str(tmp_path / "without")]) == 0
    assert not (tmp_path / "without/pictures").exists()
    own = [*command, "--out", str(tmp_path / "out"), "--keep-pictures"]
    capsys.readouterr()
    assert main(own) == 0
    assert f"Generated pictures: {tmp_path / 'out/pictures'}" in capsys.readouterr().out
    report = json.loads((tmp_path / "out" / REPORT).read_text())
    assert report == json.loads((tmp_path / "without" / REPORT).read_text())
    files = sorted((tmp_path / "out/pictures").glob("*.png"))
    assert [path.stem for path in files] == pair_names(people)
    assert {tuple(read_picture(path).shape) for path in files} == {(64, 44, 3)}

    files[1].unlink()
    before = {path: path.read_bytes() for path in files if path.exists()}
    names = written(monkeypatch)
    assert main(own) == 0
    assert names == [files[1].name] and all(path.read_bytes() == content for path, content in before.items())
    assert json.loads((tmp_path / "out" / REPORT).read_text()) == report

    score = ["score", str(tmp_path / "out/pictures"), "--targets", str(people / "test"), "--workers", "0"]
    assert main([*score, "--protocol", "reposer-v1-reconstruction", "--out", str(tmp_path / "scored")]) in (0, 1)
    scored = json.loads((tmp_path / "scored/report.json").read_text())["summary"]
    assert scored["psnr"]["mean"] == pytest.approx(report["summary"]["psnr"]["mean"], abs=1e-9)


@pytest.mark.slow
def test_pictures_of_another_model_or_of_a_user_are_refused_and_left_alone(model, people, tmp_path, capsys):
    out = ["--data", str(people), "--out", str(tmp_path / "out"), "--keep-pictures"]
    assert main(["evaluate", str(model), *out]) == 0
    torch.manual_seed(1)
    save(padded().build(), tmp_path / "other.safetensors")
    before = {path: path.read_bytes() for path in (tmp_path / "out/pictures").iterdir()}
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "other.safetensors"), *out]) == 2
    assert "or of other work. Remove that folder to begin anew, or give another --out" in " ".join(
        capsys.readouterr().err.split()
    )
    assert {path: path.read_bytes() for path in (tmp_path / "out/pictures").iterdir()} == before
    (tmp_path / "mine/pictures").mkdir(parents=True)
    (tmp_path / "mine/pictures/holiday.png").write_bytes(b"mine")
    assert (
        main(["evaluate", str(model), "--data", str(people), "--out", str(tmp_path / "mine"), "--keep-pictures"]) == 2
    )
    assert "not a work folder of Reposer" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine/pictures").iterdir()] == ["holiday.png"]


@pytest.mark.slow
def test_a_kept_picture_of_another_size_is_named(model, people, tmp_path, capsys):
    command = ["evaluate", str(model), "--data", str(people), "--out", str(tmp_path / "out"), "--keep-pictures"]
    assert main(command) == 0
    file = sorted((tmp_path / "out/pictures").glob("*.png"))[0]
    write_picture(file, np.zeros((8, 8, 3), np.uint8))
    assert main(command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{file.name} has 8x8 pixels, and was written with 64x44. Remove it" in said


@pytest.mark.slow
def test_synthetic_pairs_and_numbered_checkpoints_have_folders_of_their_own(tmp_path):
    for step in ("00000001", "00000002"):
        file = untrained("gfla", tmp_path / f"{step}.safetensors")
        assert main(["evaluate", str(file), "--pairs", "1", "--keep-pictures"]) == 0
        (picture,) = (tmp_path / f"pictures-{step}").glob("*.png")
        assert "_2_" in picture.name and ":" not in picture.name


@pytest.mark.slow
def test_the_frames_of_a_clip_are_kept_and_a_clip_with_a_missing_one_is_generated_anew(tmp_path, monkeypatch):
    folder = tmp_path / "clips"
    folder.mkdir()
    joints = np.random.default_rng(0).uniform(8, 40, (18, 2))
    for name in ("first", "second one"):
        write_clip(folder / f"{name}.mp4", moving_square(10))
        track = {"keypoints": [(joints + np.array([0, t])).tolist() for t in range(10)]}
        (folder / f"{name}.json").write_text(json.dumps(track))
    model = untrained("gfla", tmp_path / "model.safetensors")
    command = ["evaluate", str(model), "--data", str(folder), "--without-networks", "--split", "all", "--steady"]
    out = tmp_path / "out"
    assert main([*command, "--out", str(tmp_path / "without")]) == 0
    own = [*command, "--out", str(out), "--keep-pictures"]
    names = written(monkeypatch)
    reports = []
    for missing in ([], [], ["second one/00003.png"]):
        names.clear()
        for name in missing:
            (out / "pictures" / name).unlink()
        assert main(own) == 0
        reports.append((json.loads((out / "report-reposer-clips-v1.json").read_text()), len(names)))
    plain = json.loads((tmp_path / "without/report-reposer-clips-v1.json").read_text())
    assert [report == plain for report, _ in reports] == [True] * 3
    assert [count for _, count in reports] == [20, 0, 10]
    assert sorted(path.name for path in (out / "pictures/first").iterdir()) == [f"{t:05d}.png" for t in range(10)]


@pytest.mark.slow
def test_views_are_kept_without_those_of_the_model_they_are_compared_with(tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    data = write_objects(tmp_path / "objects", "chairs", size=(64, 64), num_objects={"train": 1, "test": 1})
    models = [untrained("gfla-views", tmp_path / f"{name}.safetensors") for name in ("one", "other")]
    command = ["evaluate", str(models[0]), "--data", str(data), "--against", str(models[1]), "--pairs", "4"]
    assert main([*command, "--out", str(tmp_path / "without")]) == 0
    names = written(monkeypatch)
    for count in (4, 0):
        names.clear()
        assert main([*command, "--out", str(tmp_path / "out"), "--keep-pictures"]) == 0
        assert len(names) == count
        report = json.loads((tmp_path / "out/report-reposer-views-v1.json").read_text())
        assert report == json.loads((tmp_path / "without/report-reposer-views-v1.json").read_text())
    names_there = [path.stem for path in (tmp_path / "out/pictures").glob("*.png")]
    assert len(names_there) == 4 and all(
        re.fullmatch(r"(chair\d+_[\d.]+_\d+)_2_chair\d+_[\d.]+_\d+", n) for n in names_there
    )


@pytest.mark.slow
def test_numbers_that_are_not_finite_are_refused_again_and_again_and_no_picture_is_left(
    model, people, tmp_path, monkeypatch, capsys
):
    generate = GFLAGenerator.generate
    monkeypatch.setattr(GFLAGenerator, "generate", lambda *args, **options: generate(*args, **options) * torch.nan)
    command = ["evaluate", str(model), "--data", str(people), "--out", str(tmp_path / "out"), "--keep-pictures"]
    for _ in range(2):
        assert main(command) == 2
        assert "not finite" in capsys.readouterr().err
        assert not list((tmp_path / "out/pictures").glob("*.png"))


def test_pairs_that_would_share_a_file_are_refused(tmp_path):
    rule = PROTOCOLS["reposer-v1-reconstruction"]
    with pytest.raises(BadInput, match=r"would have one file, A_2_b\.png"):
        kept.Kept(None, None, [0, 1], ["a_2_b", "A_2_b"], rule, tmp_path)
    rows = [SimpleNamespace(source_name=name, target_name="b.jpg") for name in ("a.jpg", "a.png", "a.jpg")]
    data = SimpleNamespace(rows=rows, pair_name=lambda i: "a_2_b")
    with pytest.raises(BadInput, match=r"a\.png and b\.jpg, a\.jpg and b\.jpg would have one file"):
        pairs._files(data, [0, 1], tmp_path)
    assert pairs._files(data, [0, 2], tmp_path)[1] == [0, 2], "one pair that is listed twice"


def test_file_names_differ_also_on_discs_that_see_no_capitals():
    names = file_names(["Ann_as_bob", "ann_as_bob", "a/b", "a-b", "ann_as_bob-2", "x"])
    assert names == ["Ann_as_bob", "ann_as_bob-2", "a-b", "a-b-2", "ann_as_bob-2-2", "x"]
    assert len({name.casefold() for name in names}) == 6


@pytest.mark.slow
def test_results_of_clips_are_not_kept_within_the_clips(tmp_path, capsys):
    (tmp_path / "clips").mkdir()
    write_clip(tmp_path / "clips/a.mp4", moving_square(4))
    joints = np.random.default_rng(0).uniform(8, 40, (18, 2)).tolist()
    (tmp_path / "clips/a.json").write_text(json.dumps({"keypoints": [joints] * 4}))
    file = untrained("gfla", tmp_path / "model.safetensors")
    command = ["evaluate", str(file), "--data", str(tmp_path / "clips"), "--split", "all", "--without-networks"]
    assert main([*command, "--keep-pictures", "--out", str(tmp_path / "clips/scores")]) == 2
    assert "lie in the data" in capsys.readouterr().err
