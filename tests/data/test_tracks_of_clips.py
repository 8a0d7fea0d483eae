"""Tracks and the frames they belong to: sizes, people and times are what the files say, or the user is told."""

import json

import pytest
import torch

from reposer.animation.driving import open_driving
from reposer.core import BadInput, Pose
from reposer.data.check import check_dataset
from reposer.data.clip_folder import ClipFolder
from reposer.data.clips import choose_track_of
from reposer.data.dance_clips import DanceClips, read_joints
from reposer.data.poses import write_track
from reposer.data.video_files import VideoFile
from tests.test_pipeline import standing

from .test_clip_datasets import write_dance
from .video_clips import moving_square, place, write_clip

SIZE = (64, 48)
VARYING = [0, 33, 67, 83, 100, 117, 133, 183, 233, 267]
"""Milliseconds: ten frames that are shown for 2, 2, 1, 1, 1, 1, 3, 3 and 2 sixtieths of a second."""


def dance(root, *people, canvas=None):
    """dance-clips in which every frame's file holds these people: (first place, score)."""
    for split in ("train", "test"):
        write_dance(root, split, clean=False, frames=3)
    entries = [{"pose_keypoints_2d": [v for k in range(18) for v in (x + k, y + k, score)]} for x, y, score in people]
    size = {} if canvas is None else {"canvas_height": canvas[0], "canvas_width": canvas[1]}
    for path in root.rglob("*_keypoints.json"):
        path.write_text(json.dumps({"people": entries} | size))
    return root


def kinds(root):
    return {finding.kind: finding for finding in check_dataset(root, progress=False)}


def test_dance_clips_scale_the_joints_of_a_canvas_to_the_frames(tmp_path):
    path = next(dance(tmp_path, (5.0, 6.0, 0.9), canvas=(128, 96)).rglob("*_keypoints.json"))
    pose = read_joints(path, SIZE, "noisy")
    assert pose.xy[0].tolist() == [2.25, 2.75]  # (5 + 0.5) / 2 - 0.5
    path.write_text(json.dumps({"people": [], "canvas_height": 10, "canvas_width": 10}))
    assert not read_joints(path, SIZE, "noisy").visible.any()
    with pytest.raises(BadInput, match=r"in a canvas of 10x50, .* another ratio than the picture's 64x48"):
        dance(tmp_path, (5.0, 6.0, 0.9), canvas=(10, 50))
        read_joints(path, SIZE, "noisy")


def test_dance_clips_read_the_surest_of_several_people_and_the_check_says_so(tmp_path):
    dance(tmp_path, (1.0, 1.0, 0.05), (20.0, 30.0, 0.9))
    data = DanceClips(tmp_path, "train")
    assert data.conditions(0, [0]).xy[0, 0].tolist() == [20.0, 30.0]
    assert "3 frames" in kinds(tmp_path)["chosen people"].examples[0]


def test_dance_clips_take_minus_one_as_missing_whatever_its_score(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": [-1, -1, 1.0] + [20.0, 30.0, 1.0] * 17}]}))
    assert read_joints(path, SIZE, "noisy").visible.tolist() == [False] + [True] * 17


def varying(tmp_path):
    """A clip of varying rate, whose frame k shows a square in row k, and the track of its stored frames."""
    clip = write_clip(tmp_path / "clip.mp4", moving_square(10, SIZE), times=VARYING, options={"bf": "0"})
    poses = Pose.stack([standing(40.0, (20.0, 20.0 + k), SIZE) for k in range(10)])
    return VideoFile(clip), poses


def test_a_track_with_times_has_a_row_for_each_stored_frame_and_plays_alone_at_them(tmp_path):
    video, poses = varying(tmp_path)
    assert video.variable and [place(frame) for frame in video.stored_frames()] == list(range(10))
    write_track(tmp_path / "clip.json", poses, float(video.fps), video.seconds)
    driving = open_driving(tmp_path / "clip.mp4")
    shown = [place(frame) for frame in driving.frames()]
    assert shown != list(range(10))
    torch.testing.assert_close(driving.poses().xy, poses.xy[torch.tensor(shown)])
    alone = open_driving(tmp_path / "clip.json")
    torch.testing.assert_close(alone.poses().xy, driving.poses().xy)
    assert alone.fps == driving.fps
    data = ClipFolder(tmp_path, "all")
    torch.testing.assert_close(data.conditions(0, range(len(shown))).xy, poses.xy[torch.tensor(shown)])


def test_a_track_of_other_times_is_of_another_clip_and_one_without_times_is_told(tmp_path):
    video, poses = varying(tmp_path)
    track = tmp_path / "clip.json"
    write_track(track, poses, 30, [k / 30 for k in range(10)])
    with pytest.raises(BadInput, match=r"shows its frames at other times than .* the track of another clip"):
        choose_track_of(video, track)
    write_track(track, poses, 30)
    assert "is taken as one pose for each frame of its file" in choose_track_of(video, track).notes[0]
    track.write_text(track.read_text().replace('"keypoints"', '"seconds": [0, 2, 1], "keypoints"'))
    with pytest.raises(BadInput, match="10 rising times from 0 on were expected"):
        choose_track_of(video, track)


def half_size(tmp_path):
    """A clip with a track that was found in a copy of half its size, and does not say so."""
    clip = write_clip(tmp_path / "clip.mp4", moving_square(4, SIZE))
    rows = standing(20.0, (10.0, 16.0), (32, 24)).xy.tolist()
    people = [{"pose_keypoints_2d": [v for x, y in rows for v in (x, y, 0.9)]}]
    (tmp_path / "clip.json").write_text(json.dumps([{"people": people}] * 4))
    return clip, torch.tensor(rows)


def test_the_declared_size_of_a_track_is_used_and_an_undeclared_one_is_told(tmp_path):
    clip, rows = half_size(tmp_path)
    driving = open_driving(clip, size=(32, 24))
    torch.testing.assert_close(driving.poses().xy[0], (rows + 0.5) * 2 - 0.5)
    assert not driving.notes
    (note,) = open_driving(clip).notes
    assert "clip.json does not say how large its clip is; 64x48 (height x width) is taken" in note
    assert "does not say how large its clip is" in kinds(tmp_path)["chosen tracks"].examples[0]
    with pytest.raises(BadInput, match="are said to lie in frames of 32x32, whose sides have another ratio"):
        open_driving(clip, size=(32, 32))
    with pytest.raises(BadInput, match="--driving-size is for a track without a size"):
        open_driving(clip, size=(32, 24), estimator="movenet")


def test_a_declared_size_that_the_track_contradicts_is_refused(tmp_path):
    clip, _ = half_size(tmp_path)
    write_track(tmp_path / "clip.json", Pose.stack([standing(40.0, (20.0, 32.0), SIZE)] * 4), 25)
    with pytest.raises(BadInput, match=r"says itself that its clip is 64x48 .* not 32x24"):
        open_driving(clip, size=(32, 24))


def test_frames_are_sorted_by_their_numbers_and_a_gap_is_a_finding(tmp_path):
    root = dance(tmp_path, (5.0, 6.0, 0.9))
    for path in sorted(root.rglob("ann/0000*")):
        number = {"0": "2", "1": "10", "2": "11"}[path.name[4]]
        path.rename(path.with_name(number + path.name[5:]))
    assert [path.stem for path in DanceClips(root, "train").frame_files(0)] == ["2", "10", "11"]
    assert kinds(root)["uneven frames"].examples == ("ann: after frame 10 comes frame 11",)
