"""The door for files: what goes out comes back, and what cannot be used is refused in one sentence."""

import json

import numpy as np
import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.core.skeleton import COCO_17, OPENPOSE_18, OPENPOSE_25
from reposer.data.files import (
    fashion_frame,
    read_annotation,
    read_openpose_json,
    read_pairs,
    read_pose,
    read_pose_json,
    read_track,
    write_annotation,
    write_pairs,
    write_pose_json,
)

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
    read = [
        read_annotation(tmp_path / f"{frame}.csv", frame=frame)["a_0.jpg"]
        for frame in ("padded256", "crop176")
    ]
    assert torch.equal(read[0].xy, read[1].xy)


def test_a_row_with_seventeen_joints_names_file_row_and_count(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + row("a_0.jpg", range(18), range(18)) + row("a_1.jpg", range(17), range(17)))
    with pytest.raises(
        BadInput, match=r"a\.csv, row 3: a_1\.jpg has 17 y and 17 x; openpose18 has 18 joints"
    ):
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


def frame_file(path, largest):
    path.write_text(HEADER + row("a_0.jpg", [5] * 18, [60] * 17 + [largest]))
    return path


def test_a_fashion_list_says_its_frame_by_name_and_its_joints_may_refute_it(tmp_path):
    resized, plain = tmp_path / "fasion-resize-annotation-test.csv", tmp_path / "fashion-annotation-test.csv"
    assert fashion_frame(frame_file(resized, 175)) == "crop176"
    assert fashion_frame(frame_file(plain, 200)) == "padded256"
    assert fashion_frame(frame_file(plain, 150), "crop176") == "crop176"
    assert fashion_frame(frame_file(plain, 150), "padded256") == "padded256"
    with pytest.raises(BadInput, match=r"x up to 200.*Rename it to fasion-annotation-test.csv"):
        fashion_frame(frame_file(resized, 200))
    with pytest.raises(BadInput, match=r"rename it to fashion-resize-annotation-test.csv"):
        fashion_frame(frame_file(plain, 150))


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


# Poses in JSON


def test_our_pose_file_comes_back(tmp_path):
    scored = Pose(torch.rand(17, 2) * 90, torch.arange(17) % 3 > 0, (100, 80), COCO_17, torch.rand(17))
    for pose in (some_pose((100, 80), missing=(2, 5)), scored):
        write_pose_json(tmp_path / "a.json", pose)
        back = read_pose(tmp_path / "a.json", size=(1, 1))  # the file knows its own size
        assert back.size == pose.size and back.skeleton == pose.skeleton
        assert torch.equal(back.visible, pose.visible)
        torch.testing.assert_close(back.xy[back.visible], pose.xy[pose.visible], atol=6e-4, rtol=0)
        assert (back.score is None) == (pose.score is None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"skeleton": "mine"}, "names the skeleton 'mine'"),
        ({"size": [0, 4]}, "height, width"),
        ({"joints": {"tail": [1, 2]}}, "lacks: tail"),
        ({"joints": {"nose": [1]}}, "the joint nose is"),
        ({"more": 1}, "is no pose file"),
    ],
)
def test_a_damaged_pose_file_is_refused(tmp_path, change, says):
    content = {"skeleton": "openpose18", "size": [4, 4], "joints": {}} | change
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(BadInput, match=says):
        read_pose_json(tmp_path / "a.json")


def openpose(path, *people):
    path.write_text(json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": list(p)} for p in people]}))
    return path


@pytest.mark.parametrize("skeleton", [OPENPOSE_18, OPENPOSE_25])
def test_openpose_joints_at_zero_with_no_score_are_missing(tmp_path, skeleton):
    values = np.arange(1.0, 3 * len(skeleton) + 1).reshape(-1, 3)
    values[:, 2] = 0.5
    values[4] = 0
    pose = read_pose(openpose(tmp_path / "a.json", values.ravel()), size=(100, 80))
    assert pose.skeleton == skeleton and pose.size == (100, 80)
    assert not pose.visible[4] and pose.visible.sum() == len(skeleton) - 1
    assert pose.xy[1].tolist() == [4.0, 5.0]
    assert pose.convert(OPENPOSE_18).visible.sum() == 17


def test_of_several_people_the_surest_is_taken_or_the_one_that_is_asked_for(tmp_path):
    sure, unsure = [7.0, 7.0, 0.9] * 18, [3.0, 3.0, 0.2] * 18
    path = openpose(tmp_path / "a.json", unsure, sure)
    assert read_openpose_json(path, (9, 9)).xy[0].tolist() == [7.0, 7.0]
    assert read_openpose_json(path, (9, 9), person=0).xy[0].tolist() == [3.0, 3.0]
    with pytest.raises(BadInput, match="has 2 people"):
        read_openpose_json(path, (9, 9), person=2)


def test_openpose_json_without_a_size_without_people_or_with_other_joints_is_refused(tmp_path):
    path = openpose(tmp_path / "a.json", [1.0] * 54)
    with pytest.raises(BadInput, match="does not say how large"):
        read_pose(path)
    with pytest.raises(BadInput, match="shows no person"):
        read_pose(openpose(path), size=(9, 9))
    with pytest.raises(BadInput, match="51 numbers"):
        read_pose(openpose(path, [1.0] * 51), size=(9, 9))
    path.write_text("{")
    with pytest.raises(BadInput, match="is not JSON"):
        read_pose(path)


def test_a_track_has_no_joints_in_unreliable_frames_and_where_it_says_minus_one(tmp_path):
    joints = [[[5.0, 0.0]] * 18 for _ in range(3)]
    joints[0][2] = [-1, -1]
    (tmp_path / "t.json").write_text(json.dumps({"keypoints": joints, "unreliable_frames": [2]}))
    track = read_track(tmp_path / "t.json", (10, 10))
    assert track.visible.sum(-1).tolist() == [17, 18, 0]
    (tmp_path / "t.json").write_text(json.dumps({"keypoints": [[[1, 2]] * 17]}))
    with pytest.raises(BadInput, match="has no track"):
        read_track(tmp_path / "t.json", (10, 10))
