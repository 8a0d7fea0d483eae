"""The door for files: what goes out comes back, and what cannot be used is refused in one sentence."""

import pytest
import torch

from reposer.core import BadInput
from reposer.data.lists import read_annotation, read_pairs, write_annotation, write_pairs

from .folders import some_pose

HEADER = "name:keypoints_y:keypoints_x\n"


def row(name, y, x):
    return f"{name}: {list(y)}: {list(x)}\n"


# Lists


@pytest.mark.parametrize(
    ("frame", "size"), [("crop176", (256, 176)), ("padded256", (256, 176)), ((128, 64), (128, 64))]
)
def test_a_list_of_joints_comes_back(tmp_path, frame, size):
    poses = {f"p_{k}.jpg": some_pose(size, k, missing=range(k)) for k in range(4)}
    write_annotation(tmp_path / "a.csv", poses, frame=frame)
    back = read_annotation(tmp_path / "a.csv", frame=frame)
    assert list(back) == list(poses)
    for name, pose in poses.items():
        assert back[name].size == size
        assert torch.equal(back[name].visible, pose.visible)
        assert torch.equal(back[name].xy[pose.visible], pose.xy[pose.visible])


def test_missing_is_told_before_the_padding_is_cut_off(tmp_path):
    y, x = [0] * 18, [39] * 18  # x = 39 lies one pixel left of the crop: at -1, and is not missing
    y[3] = x[3] = -1
    (tmp_path / "a.csv").write_text(HEADER + row("a_0.jpg", y, x))
    pose = read_annotation(tmp_path / "a.csv", frame="padded256")["a_0.jpg"]
    assert pose.visible.sum() == 17 and not pose.visible[3]
    assert pose.xy[0].tolist() == [-1.0, 0.0]


def test_the_same_joints_in_both_frames_are_the_same_pose(tmp_path):
    poses = {"a_0.jpg": some_pose()}
    for frame in ("padded256", "crop176"):
        write_annotation(tmp_path / f"{frame}.csv", poses, frame=frame)
    read = [read_annotation(tmp_path / f"{frame}.csv", frame=frame)["a_0.jpg"] for frame in ("padded256", "crop176")]
    assert torch.equal(read[0].xy, read[1].xy)


def test_a_row_with_seventeen_joints_names_file_row_and_count(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + row("a_0.jpg", range(18), range(18)) + row("a_1.jpg", range(17), range(17)))
    with pytest.raises(BadInput, match=r"a\.csv, row 3: a_1\.jpg has 17 y and 17 x; openpose18 has 18 joints"):
        read_annotation(path, frame="crop176")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with ''"),
        ("name,y,x\n", "begins with the line"),
        (HEADER + "a.jpg [1] [2]\n", "row 2"),
        (HEADER + "a.jpg: [1, x]: [2]\n", "not two lists of numbers"),
        (HEADER + "a.jpg: [NaN]: [2]\n", "not two lists of numbers"),
    ],
)
def test_a_damaged_list_of_joints_is_refused(tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BadInput, match=says.replace("[", r"\[")):
        read_annotation(tmp_path / "a.csv", frame="crop176")


def test_a_list_of_pairs_comes_back_and_a_damaged_one_is_refused(tmp_path):
    pairs = [("a_0.jpg", "a_1.jpg"), ("b_0.jpg", "b_2.jpg")]
    write_pairs(tmp_path / "p.csv", pairs)
    assert read_pairs(tmp_path / "p.csv") == pairs
    (tmp_path / "p.csv").write_text("from,to\na,b,c\n")
    with pytest.raises(BadInput, match="row 2: two names"):
        read_pairs(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_text("a,b\n")
    with pytest.raises(BadInput, match="begins with the line 'from,to'"):
        read_pairs(tmp_path / "p.csv")
