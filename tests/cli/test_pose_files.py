"""`reposer pose convert`, `show` and `list`, and poses by name or from a picture of a skeleton in `transfer`."""

import json

import pytest
import torch

from reposer.cli import main
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.pictures import read_picture, write_picture
from reposer.data.poses import read_pose, write_pose_json
from reposer.data.poses.presets import preset, preset_names
from reposer.generators import GENERATORS, save
from tests.test_pipeline import smooth_photo, standing

SIZE = (97, 70)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "photo.png", smooth_photo(SIZE))
    write_pose_json(tmp_path / "photo.json", standing(60.0, (35.0, 50.0), SIZE))
    return tmp_path


def transfer(folder, *more):
    if not (folder / "people.safetensors").exists():
        save(GENERATORS["gfla"]().tiny().build().eval(), folder / "people.safetensors")
    return main(
        [
            "transfer",
            "photo.png",
            "--source-pose",
            "photo.json",
            "--model",
            "people.safetensors",
            "--out",
            "out.png",
            *more,
        ]
    )


def test_a_file_is_converted_by_the_ending_of_the_other_and_what_is_lost_is_said(folder, capsys):
    assert main(["pose", "convert", "photo.json", "list.csv"]) == 0
    assert "The size of the picture is left out: the form has none." in capsys.readouterr().err
    truth = read_pose(folder / "photo.json")
    size = [*map(str, truth.size)]
    assert main(["pose", "convert", "list.csv", "people.json", "--format", "openpose18", "--size", *size]) == 0
    first = json.loads((folder / "people.json").read_text())["people"][0]["pose_keypoints_2d"]
    assert torch.allclose(torch.tensor(first, dtype=torch.float32).view(18, 3)[:, :2], truth.xy.round(), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["photo.json", "b.txt"], "no ending of pose files"),
        (["photo.json", "b.json", "--format", "openpos"], "no form 'openpos'"),
        (["photo.json", "b.csv", "--format", "coco"], "ends in .json"),
        (["photo.png", "b.json"], "no skeleton in OpenPose's colours"),
        (["missing.json", "b.json"], "no file missing.json"),
        (["photo.json", "photo.json"], "written over"),
        (["photo.json", "b.json", "--frame", "3"], "no frame 3"),
        (["photo.json", "b.json", "--person", "3"], "no person 3"),
    ],
)
def test_a_conversion_that_cannot_be_is_refused_in_a_sentence(arguments, says, folder, capsys):
    assert main(["pose", "convert", *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not (folder / "b.json").exists()


def test_poses_are_shown_over_the_photo_and_on_black(folder):
    assert main(["pose", "show", "photo.json", "--photo", "photo.png", "--out", "over.png"]) == 0
    over, photo = read_picture(folder / "over.png"), read_picture(folder / "photo.png")
    assert over.shape == photo.shape and not torch.equal(over, photo)
    assert main(["pose", "show", "photo.json", "--out", "black.png"]) == 0
    assert torch.equal(read_picture(folder / "black.png")[0, 0], torch.zeros(3, dtype=torch.uint8))
    assert main(["pose", "show", "arms-up", "--out", "up.png"]) == 0
    assert tuple(read_picture(folder / "up.png").shape[:2]) == preset("arms-up").size


def test_the_list_names_every_preset_and_its_sheet_shows_them(folder, capsys):
    assert main(["pose", "list", "--sheet", "sheet.png"]) == 0
    assert capsys.readouterr().out.split() == list(preset_names())
    assert read_picture(folder / "sheet.png").shape[1] == 8 * preset("standing").size[1]


@pytest.mark.slow
def test_a_pose_by_name_and_its_skeleton_picture_give_the_same_result(folder):
    assert transfer(folder, "--pose", "squat", "--show-retarget", "--no-note") == 0
    by_name = read_picture(folder / "out.png")
    assert read_picture(folder / "out-retarget.png").shape == (SIZE[0], 3 * SIZE[1], 3)
    write_pose_json(folder / "up.json", preset("squat").resize((512, 384)))
    assert main(["pose", "convert", "up.json", "up.png"]) == 0
    assert transfer(folder, "--pose", "up.png", "--no-note") == 0
    away = (read_picture(folder / "out.png").int() - by_name.int()).abs()
    assert float(away.float().mean()) < 1.0


def test_without_retargeting_a_pose_has_only_another_size_and_place(folder):
    assert transfer(folder, "--pose", "sitting", "--no-note") == 0
    fitted = read_picture(folder / "out.png")
    assert transfer(folder, "--pose", "sitting", "--no-retarget", "--no-note") == 0
    assert not torch.equal(read_picture(folder / "out.png"), fitted)


def test_an_option_of_files_is_refused_with_a_pose_by_name(folder, capsys):
    assert transfer(folder, "--pose", "arms-up", "--pose-frame", "1") == 2
    assert "arms-up is a pose by name, and --pose-frame is for pose files" in capsys.readouterr().err


def test_the_presets_are_poses_of_18_joints():
    assert all(preset(name).skeleton == OPENPOSE_18 for name in preset_names())
