"""Tracks of joints in files: any skeleton comes back as it was written."""

import json

import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.core.skeleton import FACE_68, H36M_17, OPENPOSE_18
from reposer.data.poses import read_recording, read_track, write_track


def some_track(skeleton, scored, frames=4):
    stream = torch.Generator().manual_seed(len(skeleton))
    xy = torch.rand(frames, len(skeleton), 2, generator=stream).mul(40).round() - 3
    visible = torch.rand(frames, len(skeleton), generator=stream) < 0.8
    visible[2] = False  # nobody
    score = torch.rand(frames, len(skeleton), generator=stream).mul(100).round() / 100 if scored else None
    return Pose(xy, visible, (32, 40), skeleton, score)


@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize("skeleton", [OPENPOSE_18, H36M_17, FACE_68], ids=lambda s: s.name)
def test_a_track_comes_back_as_it_was_written(skeleton, scored, tmp_path):
    track = some_track(skeleton, scored)
    write_track(tmp_path / "t.json", track, 12.5)
    for size in (None, (32, 40)):
        back = read_track(tmp_path / "t.json", size)
        assert back.skeleton == skeleton and back.size == (32, 40)
        assert torch.equal(back.visible, track.visible)
        assert torch.equal(back.xy[track.visible], track.xy[track.visible])
        assert (back.score is not None) == scored
        if scored:
            torch.testing.assert_close(back.score[track.visible], track.score[track.visible])
    assert read_recording(tmp_path / "t.json").fps == 12.5


def test_a_frame_may_be_null_and_minus_one_means_missing_only_without_a_skeleton(tmp_path):
    joints = [[[-1, 5]] + [[2, 3]] * 17, None]
    (tmp_path / "t.json").write_text(json.dumps({"keypoints": joints}))
    assert read_track(tmp_path / "t.json", (9, 9)).visible.sum(-1).tolist() == [17, 0]
    assert read_recording(tmp_path / "t.json").fps is None
    own = {"skeleton": "openpose18", "size": [9, 9], "keypoints": joints, "unreliable_frames": []}
    (tmp_path / "t.json").write_text(json.dumps(own))
    assert read_track(tmp_path / "t.json").visible.sum(-1).tolist() == [18, 0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"skeleton": "stick"}, "names the skeleton 'stick'"),
        ({"size": [9]}, r"has the size \[9\]"),
        ({"size": [8, 9]}, r"the track of a 8x9 clip \(height x width\), not of one of 9x9"),
        ({"keypoints": "none"}, "has no track of joints"),
        ({"keypoints": [[[1, 2]] * 17]}, "has no track of joints of openpose18: frame 0 has 17 joints, not 18"),
        ({"keypoints": [[[1, 2]] * 17 + [["a", 2]]]}, "frame 0: the joint left_ear is"),
        ({"unreliable_frames": ["x"]}, "should be a list of frame numbers"),
        ({"unreliable_frames": [True]}, r"should be a list of frame numbers \(from 0\), not \[True\]"),
        ({"unreliable_frames": [-1]}, "should be a list of frame numbers"),
        ({"unreliable_frames": [1]}, "names frame 1, and the track has 1 frames"),
        ({"skeleton": []}, r"names the skeleton \[\]"),
        ({"skeleton": None}, "names the skeleton None"),
        ({"skeleton": "\x1b[31m"}, r"names the skeleton '\\x1b\[31m'"),
        ({"size": [True, 9]}, r"has the size \[True, 9\]"),
        ({"size": [9, 10**12]}, "at most 1,000,000 each"),
        ({"fps": 1e-5}, "1e-05 frames per second; a number from 0.1 to 1000"),
        ({"fps": 1e9}, "1000000000.0 frames per second"),
        ({"fps": True}, "True frames per second"),
        ({"fps": "25"}, "'25' frames per second"),
        ({"keypoints": [[[1e30, 2]] * 18]}, "the joint nose is"),
        ({"keypoints": [[[True, 2]] * 18]}, "the joint nose is"),
        ({"keypoints": [[[0.1, 0.2], [0.3, 0.9]] + [None] * 16]}, "which are no pixels"),
        ({"keypoints": [[[40, 2]] * 18]}, "all joints lie outside of the picture of 9x9"),
        ({"keypoints": []}, "has no frame"),
        ({"keypoints": [], "seconds": []}, "has no frame"),
        ({"keypoints": [], "seconds": 0}, "has the seconds 0; 0 rising times"),
        ({"seconds": 0}, "has the seconds 0; 1 rising times"),
        ({"seconds": [1]}, r"has the seconds \[1\]; 1 rising times from 0 on"),
        ({"keypoints": [None, [1, 2]]}, r"frame 1 is one place, \[1, 2\]; .*A single pose is written as"),
    ],
)
def test_a_track_that_cannot_be_meant_is_refused(changed, said, tmp_path):
    content = {"skeleton": "openpose18", "size": [9, 9], "keypoints": [[[1, 2]] * 18]} | changed
    (tmp_path / "t.json").write_text(json.dumps(content))
    with pytest.raises(BadInput, match=said) as caught:
        read_track(tmp_path / "t.json", (9, 9))
    assert str(caught.value).isprintable()


def test_a_track_that_knows_no_size_needs_the_clips(tmp_path):
    (tmp_path / "t.json").write_text(json.dumps({"keypoints": [[[1, 2]] * 18]}))
    with pytest.raises(BadInput, match="does not say how large its clip is"):
        read_track(tmp_path / "t.json")
