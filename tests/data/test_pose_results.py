"""Results of AlphaPose and MMPose, and files that are recognised but not read."""

import numpy as np
import pytest
import torch

from reposer.core import BadInput
from reposer.core.skeleton import COCO_17
from reposer.data.poses import choose_pose, read_pose, read_recording, read_track

from .pose_writers import SIZE, alphapose, mmpose, person, write


@pytest.fixture
def file(tmp_path):
    return lambda content: write(tmp_path / "a.json", content)


def as_expected(pose):
    expected = torch.from_numpy(person(COCO_17)[:, :2]).float()
    return pose.skeleton == COCO_17 and pose.size == SIZE and torch.equal(pose.xy, expected)


def test_alphapose_results_of_one_picture_are_a_pose(file):
    assert as_expected(read_pose(file([alphapose("photo.jpg")]), SIZE))
    assert as_expected(read_pose(file([alphapose("0.jpg")]), SIZE))
    assert as_expected(read_pose(file([alphapose(285)]), SIZE)), "COCO's results number their pictures"


def test_mmpose_joints_without_names_are_cocos_and_the_note_says_so(file):
    names = {str(k): name for k, name in enumerate(COCO_17.joints)}
    named = {"meta_info": {"keypoint_id2name": names}, "instance_info": [mmpose()]}
    unnamed = {"meta_info": {}, "instance_info": [mmpose()]}
    for content, told in (([mmpose()], True), (unnamed, True), (named, False)):
        chosen = choose_pose(read_recording(file(content)), SIZE)
        assert as_expected(chosen.pose)
        assert any("does not name its 17 joints; they are taken for COCO's" in note for note in chosen.notes) == told


@pytest.mark.parametrize("count", [26, 133, 136])
def test_of_larger_sets_of_joints_cocos_seventeen_are_taken(file, count):
    rows = np.concatenate([person(COCO_17), np.full((count - 17, 3), 0.5)])
    assert as_expected(read_pose(file([alphapose("a.jpg", rows)]), SIZE))
    assert as_expected(read_pose(file([mmpose(rows)]), SIZE))


def test_joints_that_are_not_believed_are_missing(file):
    rows = person(COCO_17)
    rows[5:9, 2] = 0.1
    for content in ([alphapose("a.jpg", rows)], [mmpose(rows)]):
        assert read_pose(file(content), SIZE).visible.sum() == 13


def test_alphapose_results_of_a_clip_have_an_empty_frame_where_nobody_was_found(file):
    path = file([alphapose("0.jpg"), alphapose("10.jpg"), alphapose("2.jpg")])
    track = read_track(path, SIZE)
    assert track.visible.any(-1).nonzero().flatten().tolist() == [0, 2, 10] and len(track) == 11
    assert len(read_track(path, SIZE, 15)) == 15, "nobody at the end either"
    with pytest.raises(BadInput, match="with 11 frames, and one pose is needed"):
        read_pose(path, SIZE)
    with pytest.raises(BadInput, match="numbered from 0"):
        read_track(file([alphapose("1.jpg"), alphapose("999999999.jpg")]), SIZE)


def test_alphapose_results_of_several_photos_are_frames_in_the_order_of_the_file(file):
    path = file([alphapose("b.jpg"), alphapose("a.jpg", person(COCO_17, shift=(1, 0)))])
    assert as_expected(read_pose(path, SIZE, frame=0))
    assert read_pose(path, SIZE, frame=1).xy[0].tolist() == [21.0, 30.0]


@pytest.mark.parametrize(
    "content",
    [
        [mmpose()],
        {"predictions": [[mmpose()]], "visualization": []},
        [{"frame_id": 0, "instances": [mmpose()]}],
        {
            "meta_info": {"keypoint_id2name": {str(k): name for k, name in enumerate(COCO_17.joints)}},
            "instance_info": [{"frame_id": 1, "instances": [mmpose()]}],
        },
    ],
    ids=["picture", "inferencer", "clip", "with meta"],
)
def test_mmpose_predictions_are_poses(file, content):
    assert as_expected(read_pose(file(content), SIZE))


def test_mmpose_predictions_of_a_clip_are_a_track(file):
    frames = [{"frame_id": t + 1, "instances": [mmpose()] if t != 1 else []} for t in range(3)]
    assert read_track(file(frames), SIZE).visible.any(-1).tolist() == [True, False, True]
    frames[2]["frame_id"] = 7
    with pytest.raises(BadInput, match="frame 2 has the frame_id 7; frames that follow one another"):
        read_track(file(frames), SIZE)


def test_mmpose_predictions_of_other_joints_are_refused(file):
    meta = {"keypoint_id2name": {"0": "left_eye_of_a_horse"}}
    with pytest.raises(BadInput, match=r"left_eye_of_a_horse.*model 'human'"):
        read_pose(file({"meta_info": meta, "instance_info": [{"frame_id": 0, "instances": [mmpose()]}]}), SIZE)
    with pytest.raises(BadInput, match="has 21 joints; COCO's 17"):
        read_pose(file([mmpose(np.ones((21, 3)))]), SIZE)
    in_space = mmpose() | {"keypoints": [[1.0, 2.0, 3.0]] * 17}
    with pytest.raises(BadInput, match="places in space"):
        read_pose(file([in_space]), SIZE)
    with pytest.raises(BadInput, match="no score for each"):
        read_pose(file([mmpose() | {"keypoint_scores": [1.0]}]), SIZE)


def test_a_damaged_person_of_results_is_left_out_beside_a_good_one(file):
    for good, bad in (
        (alphapose("a.jpg"), alphapose("a.jpg") | {"keypoints": [1, 2]}),
        (alphapose("a.jpg"), alphapose("a.jpg") | {"keypoints": None}),
        (mmpose(), mmpose() | {"keypoints": [["x", 1]] * 17}),
        (mmpose(), 5),
    ):
        chosen = choose_pose(read_recording(file([bad, good])), SIZE)
        assert as_expected(chosen.pose) and "person 0" in chosen.notes[0] and "left out" in chosen.notes[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"0.jpg": {"version": 0.1, "bodies": [{"joints": []}]}}, "--format cmu, which is not read.*--format open"),
        ({"version": 0.1, "bodies": []}, "--format cmu"),
        ([], "an empty list: nobody was found"),
        ({}, "an empty object"),
        ({"a": 1, "b": 2}, "an object with 'a', 'b'. Read are our own pose .*OpenPose.*AlphaPose.*MMPose"),
        ([[1, 2]], "a list. Read are"),
        (7, "known: 7"),
        (None, "known: None"),
        ({"instance_info": 5}, "a list was expected, not 5"),
        ([{"instances": 5}], "the people of a picture are 5"),
        ([alphapose("a.jpg"), 4], "entry 1 is 4"),
        ([{"people": []}, 4], "frame 1 of a list of OpenPose frames is 4"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_it_is_and_the_way_out(file, content, says):
    with pytest.raises(BadInput, match=says):
        read_pose(file(content), SIZE)


def test_a_single_pose_is_no_track(file):
    with pytest.raises(BadInput, match="the pose of one picture; a clip's track was expected"):
        read_track(file([mmpose()]), SIZE)
