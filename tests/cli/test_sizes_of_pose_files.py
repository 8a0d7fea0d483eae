"""Sizes that pose files do not say: what is declared is used, what is taken instead is said."""

import pytest
import torch

from reposer.cli import main
from reposer.core import BadInput
from reposer.data.check import check_dataset
from reposer.data.pictures import write_picture
from reposer.data.poses import people_of, write_pose_json
from reposer.own_photo import PoseFile, person_in
from tests.data.pose_writers import openpose, write
from tests.test_pipeline import smooth_photo, standing

SIZE, HALF = (96, 72), (48, 36)


@pytest.fixture
def world(tmp_path):
    """A photo, and the joints that were found in a copy of half its size, which their file does not say."""
    write_picture(tmp_path / "ann_1.png", smooth_photo(SIZE))
    pose = standing(30.0, (17.0, 25.0), HALF)
    rows = torch.cat([pose.xy, torch.full((18, 1), 0.9)], -1).numpy()
    write(tmp_path / "ann_1.json", openpose(rows))
    return tmp_path


def test_the_size_taken_for_a_source_pose_is_told(world):
    found = person_in(smooth_photo(SIZE), "ann_1.png", PoseFile(world / "ann_1.json"))
    assert "ann_1.json does not say how large its picture is; 96x72 (height x width) is taken." in found.notes[0]


def test_a_folder_s_check_names_pose_files_that_do_not_say_their_size(world):
    (world / "train").mkdir()
    for name in ("ann_1.png", "ann_1.json"):
        (world / name).rename(world / "train" / name)
    findings = {finding.kind: finding for finding in check_dataset(world, progress=False)}
    assert "does not say how large its picture is; 96x72" in findings["chosen poses"].examples[0]


def test_show_scales_joints_of_the_declared_size_to_the_photo(world):
    (pose,), notes = people_of(world / "ann_1.json", HALF, photo=SIZE)
    torch.testing.assert_close(pose.xy, (standing(30.0, (17.0, 25.0), HALF).xy + 0.5) * 2 - 0.5, atol=1e-3, rtol=0)
    assert pose.size == SIZE and not notes
    (pose,), notes = people_of(world / "ann_1.json", photo=SIZE)
    assert pose.size == SIZE and "does not say how large its picture is" in notes[0]
    with pytest.raises(BadInput, match="another ratio"):
        people_of(world / "ann_1.json", (48, 48), photo=SIZE)


def test_convert_refuses_a_size_that_the_file_contradicts(world, capsys):
    write_pose_json(world / "own.json", standing(30.0, (17.0, 25.0), HALF))
    command = ["pose", "convert", str(world / "own.json"), str(world / "out.json"), "--size"]
    assert main([*command, "96", "72"]) == 2 and not (world / "out.json").exists()
    assert "says itself that it belongs to a picture of 48x36 (height x width), not of 96x72" in capsys.readouterr().err
    assert main([*command, "48", "36"]) == 0
