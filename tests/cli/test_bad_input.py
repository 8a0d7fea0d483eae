"""Bad input through the command line: one clear sentence, exit code 2, no traceback, nothing half-written."""

import json
import os
import pickle
import shutil
import struct
import zlib
from fractions import Fraction

import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.core import Pose
from reposer.data.poses import write_pose_json, write_track
from reposer.synthetic.objects import write_objects
from reposer.synthetic.people import SyntheticPeople, write_people
from tests.cli.test_road import TINY
from tests.data.video_clips import moving_square, write_clip
from tests.test_pipeline import standing


@pytest.fixture
def refused(capsys, tmp_path):
    """Runs a command that must be refused; returns what it said."""

    def run(*arguments):
        before = sorted(p for p in tmp_path.rglob("*"))
        assert main([str(a) for a in arguments]) == 2
        captured = capsys.readouterr()
        said = [line for line in captured.err.splitlines() if line.startswith("reposer: ")]
        assert len(said) == 1 and captured.err.endswith(said[0] + "\n"), captured.err
        assert "Traceback" not in captured.err
        assert sorted(p for p in tmp_path.rglob("*")) == before, "something was left behind"
        return said[0]

    return run


@pytest.fixture(scope="module")
def some_people(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "people"
    return write_people(root, size=(64, 44), num_train=2, num_test=1, views=2, progress=False)


@pytest.fixture
def people(some_people, tmp_path):
    return shutil.copytree(some_people, tmp_path / "people")


@pytest.fixture
def photo(tmp_path):
    person = SyntheticPeople((96, 66), "test").rendered([(950_000, 0)])
    Image.fromarray(person.picture[0].numpy()).save(tmp_path / "photo.png")
    write_pose_json(tmp_path / "photo.json", person.detected[0])
    return tmp_path / "photo.png"


def transfer(photo, **changes):
    options = {"source_pose": photo.with_suffix(".json"), "pose": photo.with_suffix(".json")} | changes
    return ["transfer", photo, "--source-pose", options["source_pose"], "--pose", options["pose"]]


def test_a_csv_with_seventeen_joints(people, refused):
    path = people / "fasion-resize-annotation-train.csv"
    header, row, *rest = path.read_text().splitlines()
    name, _, x = row.rsplit(":", 2)
    path.write_text("\n".join([header, f"{name}: {list(range(17))}:{x}", *rest]))
    said = refused("train", "gfla-mini", "--data", people, "--out", people.parent / "run", *TINY)
    assert "17 y" in said and path.name in said


def test_a_picture_that_is_cut_short(photo, refused):
    photo.write_bytes(photo.read_bytes()[:2000])
    assert photo.name in refused(*transfer(photo))


def test_a_picture_of_a_hundred_megapixels_is_refused_before_it_is_decoded(photo, refused):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 5_050, 8, 2, 0, 0, 0)
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    assert "megapixels" in refused(*transfer(photo))


def test_a_pair_whose_file_is_missing(people, refused):
    gone = next((people / "train").iterdir())
    gone.unlink()
    assert gone.name in refused("train", "gfla-mini", "--data", people, "--out", people.parent / "run", *TINY)


def test_a_checkpoint_of_another_family(tmp_path, refused):
    torch.save({"unet.conv.weight": torch.zeros(2)}, tmp_path / "other.pth")
    out = tmp_path / "x.safetensors"
    said = refused("import-weights", "gfla", tmp_path / "other.pth", "--recipe", "gfla-fashion-2020", "--out", out)
    assert "unet.conv.weight" in said


class RunsCode:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_that_would_run_code(tmp_path, refused):
    victim = tmp_path / "written-by-the-pickle"
    (tmp_path / "bad.pth").write_bytes(pickle.dumps({"weight": RunsCode(victim)}))
    torch.save({"weight": RunsCode(victim)}, tmp_path / "zipped.pth")
    for name in ("bad.pth", "zipped.pth"):
        out = tmp_path / "x.safetensors"
        refused("import-weights", "gfla", tmp_path / name, "--recipe", "gfla-fashion-2020", "--out", out)
        assert not victim.exists()


def test_a_photo_without_a_person_s_pose(photo, tmp_path, refused):
    content = json.loads(photo.with_suffix(".json").read_text())
    content["joints"] = dict.fromkeys(content["joints"])
    nobody = tmp_path / "nobody.json"
    nobody.write_text(json.dumps(content))
    assert "no person" in refused(*transfer(photo, source_pose=nobody))


def test_a_model_that_does_not_exist_names_what_there_is(photo, refused):
    assert "shipped model" in refused(*transfer(photo), "--model", "gfla-huge")


def test_a_device_that_is_not_there(photo, refused):
    for name in ("cuda:99", "gpu"):
        assert f"called '{name}'" in refused(*transfer(photo), "--device", name)


@pytest.mark.slow
def test_a_folder_that_is_no_data_set_says_what_was_looked_for(tmp_path, refused):
    (tmp_path / "empty").mkdir()
    assert "annotation" in refused("evaluate", "gfla-synthetic", "--data", tmp_path / "empty")


def test_a_data_set_without_its_option_and_a_recipe_instead_of_its_run_are_told_the_way(people, refused):
    assert refused("train", "gfla-mini", "my people").endswith("takes its data set as an option: --data 'my people'.")
    said = refused("evaluate", "patn-mini", "--data", people)
    assert "is neither a file nor a shipped model" in said
    assert said.endswith("It is a recipe: name the run that `reposer train patn-mini` made, as in runs/patn-mini.")


def test_vgg_without_its_file_names_file_source_and_checksum(people, tmp_path, monkeypatch, refused):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    monkeypatch.delenv("REPOSER_WEIGHTS_DIR", raising=False)
    said = refused(
        *("train", "gfla-mini", "--data", people, "--out", tmp_path / "run", *TINY),
        *("--stages.0.objective.features", "vgg19"),
    )
    assert "vgg19-dcbb9e9d.pth" in said and "dcbb9e9d" in said


@pytest.fixture(scope="module")
def data_of_each_kind(tmp_path_factory):
    """Folders of pairs of people, of views of objects, of clips; and a pipe."""
    root = tmp_path_factory.mktemp("kinds")
    write_people(root / "people", size=(64, 44), num_train=1, num_test=1, views=2, workers=1, progress=False)
    write_objects(root / "objects", "cars", size=(32, 32), num_objects={"train": 1, "test": 1}, progress=False)
    (root / "clips").mkdir()
    write_clip(root / "clips" / "a.mp4", moving_square(4, (64, 48)), Fraction(12))
    write_track(root / "clips" / "a.json", Pose.stack([standing(40.0, (20.0, 32.0), (64, 48))] * 4), 12)
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe, kind, word",
    [
        ("gfla-mini", "objects", "holds views of objects; poses of people were expected"),
        ("drn-landmarks-mini", "objects", "holds views of objects; poses of people were expected"),
        ("gfla-mini", "clips", "holds no data set that Reposer knows"),
        ("gfla-views-mini", "people", "holds no views of objects"),
        ("gfla-views-mini", "clips", "holds no views of objects"),
        ("gfla-animation-mini", "people", "holds no clips"),
        ("gfla-animation-mini", "objects", "holds no clips"),
        ("gfla-mini", "pipe", "There is no file or folder"),
    ],
)
def test_a_recipe_on_data_of_another_kind_is_refused_before_the_first_step(
    recipe, kind, word, data_of_each_kind, tmp_path, capsys
):
    out = tmp_path / "run"
    assert main(["train", recipe, "--data", str(data_of_each_kind / kind), "--out", str(out)]) == 2
    *_, said = capsys.readouterr().err.splitlines()
    assert said.startswith("reposer: ") and word in said, said
    assert not out.exists()
