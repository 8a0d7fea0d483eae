"""Pose files: what goes out comes back, and what cannot be used is refused in one sentence."""

import json

import numpy as np
import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.core.skeleton import COCO_17, OPENPOSE_18, OPENPOSE_25
from reposer.data.poses import read_pose, read_track, write_pose_json

from .folders import some_pose


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
        ({"skeleton": []}, r"names the skeleton \[\]"),
        ({"skeleton": {"a": 1}}, "names the skeleton {'a': 1}"),
        ({"skeleton": "\x1b]0;owned\x07"}, r"names the skeleton '\\x1b\]0;owned\\x07'"),
        ({"size": [True, 4]}, "height, width"),
        ({"size": "44"}, "height, width"),
        ({"size": [10**39, 4]}, "height, width"),
        ({"joints": []}, r"has the joints \[\]"),
        ({"joints": {"\x1b[2J": [1, 2]}}, r"lacks: '\\x1b\[2J'"),
        ({"joints": {"nose": [1, True]}}, "the joint nose is"),
        ({"joints": {"nose": [1e20, 1]}}, "the joint nose is"),
        ({"joints": {"nose": [0.2, 0.3], "neck": [0.2, 0.9]}}, "which are no pixels"),
        ({"size": [0, 4]}, "height, width"),
        ({"joints": {"tail": [1, 2]}}, "lacks: 'tail'"),
        ({"joints": {"nose": [1]}}, "the joint nose is"),
        ({"more": 1}, "is no pose file"),
    ],
)
def test_a_damaged_pose_file_is_refused(tmp_path, change, says):
    content = {"skeleton": "openpose18", "size": [4, 4], "joints": {}} | change
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(BadInput, match=says) as caught:
        read_pose(tmp_path / "a.json")
    assert str(caught.value).isprintable()


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
    assert read_pose(path, (9, 9)).xy[0].tolist() == [7.0, 7.0]
    assert read_pose(path, (9, 9), person=0).xy[0].tolist() == [3.0, 3.0]
    with pytest.raises(BadInput, match="has 2 people"):
        read_pose(path, (9, 9), person=2)


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
