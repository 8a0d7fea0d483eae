"""Where the driving poses come from: a track, the track beside a clip, or a pose estimator that was named."""

import json
from fractions import Fraction

import pytest
import torch

from reposer.animation.driving import open_driving
from reposer.core import BadInput, Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.poses import write_track
from reposer.estimators import POSE_ESTIMATORS, PoseEstimator
from tests.data.video_clips import moving_square, place, write_clip

FPS = Fraction(25)


def numbered(count, size=(64, 48)):
    """Joint 0 of frame t is at x = t."""
    xy = torch.zeros(count, 18, 2) + 10
    xy[:, 0, 0] = torch.arange(count)
    return Pose(xy, torch.ones(count, 18, dtype=torch.bool), size)


def numbers(poses):
    return [int(pose.xy[0, 0]) for pose in poses]


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "walk.mp4", moving_square(10), FPS)


def test_the_one_track_beside_a_clip_is_its_track(clip):
    write_track(clip.with_suffix(".body.json"), numbered(10), 25)
    write_track(clip.with_name("walking.json"), numbered(3), 25)  # another clip's
    driving = open_driving(clip)
    assert driving.fps == FPS and driving.num_frames == 10 and driving.size == (64, 48)
    assert numbers(driving.poses()) == list(range(10)) == [place(frame) for frame in driving.frames()]
    write_track(clip.with_suffix(".json"), numbered(10), 25)
    with pytest.raises(BadInput, match=r"walk\.body\.json, walk\.json.*--track"):
        open_driving(clip)
    assert open_driving(clip, track=clip.with_suffix(".json")).num_frames == 10


def test_poses_and_frames_of_a_varying_rate_stay_together(tmp_path):
    times = [0, 40, 80, 120, 320, 360, 400, 440]
    clip = write_clip(tmp_path / "phone.mkv", moving_square(8), times=times)
    write_track(tmp_path / "phone.json", numbered(8), 25)
    driving = open_driving(clip)
    assert numbers(driving.poses()) == [place(f) for f in driving.frames()] == [0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 6, 7]
    slow = open_driving(clip, fps=Fraction(5))
    assert slow.fps == 5 and numbers(slow.poses()) == [place(f) for f in slow.frames()] == [0, 3]


def test_a_track_of_another_clip_is_refused(clip):
    write_track(clip.with_suffix(".json"), numbered(9), 25)
    with pytest.raises(BadInput, match=r"has 10 frames, .* joints for 9"):
        open_driving(clip)


def test_a_track_alone_has_a_rate_of_its_own_or_is_told_one(tmp_path):
    path = tmp_path / "poses.json"
    write_track(path, numbered(10), 12.5)
    driving = open_driving(path)
    assert driving.fps == Fraction(25, 2) and driving.clip is None and numbers(driving.poses()) == list(range(10))
    assert len(numbers(open_driving(path, fps=Fraction(25)).poses())) == 20
    path.write_text(json.dumps({"keypoints": numbered(4).xy.tolist()}))
    with pytest.raises(BadInput, match="does not say how large"):
        open_driving(path, fps=FPS)
    with pytest.raises(BadInput, match="--fps"):
        open_driving(path, size=(64, 48))
    small, large = (open_driving(path, fps=FPS, size=size) for size in ((64, 48), (128, 96)))
    assert small.num_frames == 4 and small.about != large.about, "other poses: nothing to go on from"
    with pytest.raises(BadInput, match="no driving file"):
        open_driving(tmp_path / "none.json")


def test_a_rate_that_no_clip_has_is_refused(tmp_path, clip):
    path = tmp_path / "poses.json"
    write_track(path, numbered(10), 25)
    write_track(clip.with_suffix(".json"), numbered(10), 25)
    for moves in (path, clip):
        for fps in (Fraction(1, 100_000), Fraction(10**9), Fraction(0), Fraction(-25)):
            with pytest.raises(BadInput, match=r"0\.1 to 1000 frames per second, not at"):
                open_driving(moves, fps=fps)


def test_a_track_that_would_be_shown_as_millions_of_frames_is_refused(tmp_path):
    path = tmp_path / "poses.json"
    write_track(path, numbered(101), 0.1)
    with pytest.raises(BadInput, match=r"101 frames at 0\.1 per second; shown at 1000 those are 1\.01e\+06 frames"):
        open_driving(path, fps=Fraction(1000))


def test_a_folder_of_openpose_files_drives_and_belongs_to_a_clip(tmp_path, clip):
    folder = tmp_path / "poses"
    folder.mkdir()
    for t in range(10):
        joints = [value for k in range(18) for value in (10.0 + k if k else t + 1.0, 10.0, 0.9)]
        content = {"people": [{"pose_keypoints_2d": joints}]}
        (folder / f"walk_{t:012d}_keypoints.json").write_text(json.dumps(content))
    driving = open_driving(folder, fps=FPS, size=(64, 48))
    assert numbers(driving.poses()) == [t + 1 for t in range(10)] and driving.about["driving"]
    assert open_driving(clip, track=folder).num_frames == 10
    before = driving.about
    file = folder / "walk_000000000003_keypoints.json"
    file.write_text(file.read_text().replace("0.9", "0.8"))
    assert open_driving(folder, fps=FPS, size=(64, 48)).about != before, "other poses: nothing to go on from"
    with pytest.raises(BadInput, match="a folder without a pose file"):
        open_driving(tmp_path, fps=FPS)


class Square(PoseEstimator):
    """Every joint is on the square; nobody where it is in the first rows."""

    name, licence, skeleton = "square", "Apache-2.0", OPENPOSE_18
    looked = 0

    @property
    def description(self):
        return "square, of this test"

    def __call__(self, pictures):
        type(self).looked += 1
        rows = torch.tensor([float(place(picture)) for picture in pictures])
        xy = rows[:, None, None].expand(-1, 18, 2).clone()
        return Pose(xy, (rows > 1)[:, None].expand(-1, 18), tuple(pictures.shape[1:3]))

    def person(self, pictures):
        raise NotImplementedError


def test_a_named_pose_estimator_looks_at_the_frames_as_they_are_asked_for(clip, monkeypatch):
    monkeypatch.setitem(POSE_ESTIMATORS._entries, "square", lambda weights: Square())
    monkeypatch.setattr(Square, "looked", 0)
    driving = open_driving(clip, estimator="square")
    poses = iter(driving.poses())
    assert driving.track is None and Square.looked == 0
    for t in range(4):
        assert numbers([next(poses)]) == [t] and Square.looked == t + 1
    whole = driving.found(driving.poses())
    assert numbers(whole.poses()) == list(range(10)) and "square" in driving.about["joints"]


def test_without_a_track_and_a_name_movenet_finds_the_joints_and_an_unknown_name_is_refused(clip):
    driving = open_driving(clip)
    assert driving.estimator.name == "movenet" and "movenet" in driving.about["joints"]
    with pytest.raises(BadInput, match=r"There is no pose estimator 'movnet'\. Did you mean movenet"):
        open_driving(clip, estimator="movnet")
