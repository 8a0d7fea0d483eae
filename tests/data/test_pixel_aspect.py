"""Clips whose pixels are not square show people in their right proportions, and their tracks lie where they were
found."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch

from reposer.animation.driving import open_driving
from reposer.core import BadInput, Pose
from reposer.data.clip_folder import ClipFolder
from reposer.data.poses import write_track
from reposer.data.video_files import VideoFile, square_size

from .video_clips import clip_of, write_clip

SIZE = (96, 64)


def ellipse(height, width):
    """A light ellipse that fills half of the sides."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.where(((2 * x) ** 2 + (2 * y) ** 2 < 1)[..., None], (230, 200, 180), (30, 30, 40)).astype(np.uint8)


def a_clip(path, aspect):
    return write_clip(path, [ellipse(*SIZE)] * 3, aspect=aspect)


def sides(frame):
    """Height and width of what is light."""
    light = frame.float().mean(-1) > 120
    return int(light.any(1).sum()), int(light.any(0).sum())


@pytest.mark.parametrize("aspect", [Fraction(32, 27), Fraction(8, 9), Fraction(2), Fraction(1, 2), Fraction(1)])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_pixels_that_are_not_square_are_made_square(tmp_path, aspect, suffix):
    video = VideoFile(a_clip(tmp_path / f"a.{suffix}", aspect))
    frame = next(video.frames())
    assert video.stored_size == SIZE and video.size == tuple(frame.shape[:2]) == square_size(SIZE, aspect)
    height, width = sides(frame)
    assert abs(width / height - float(SIZE[1] * aspect / SIZE[0])) < 0.05
    assert frame.shape[0] >= SIZE[0] and frame.shape[1] >= SIZE[1]  # nothing is lost


@pytest.mark.parametrize("aspect", [Fraction(50), Fraction(1, 50)])
def test_pixels_that_are_many_times_as_wide_as_high_are_damaged(tmp_path, aspect):
    with pytest.raises(BadInput, match=r"times as wide as high, which is damaged\. Write it anew with square pixels"):
        VideoFile(a_clip(tmp_path / "a.mkv", aspect))


def a_pose(size):
    """Joints spread over the middle half of frames of this size."""
    share = torch.linspace(0.25, 0.75, 18)
    xy = torch.stack([share * size[1] - 0.5, share * size[0] - 0.5], -1).expand(3, 18, 2)
    return Pose(xy.contiguous(), torch.ones(3, 18, dtype=torch.bool), size)


@pytest.mark.parametrize("found_in", ["stored", "shown"])
def test_a_track_lies_on_the_person_in_whichever_size_its_joints_were_found(tmp_path, found_in):
    path = a_clip(tmp_path / "a.mp4", Fraction(2))
    size = SIZE if found_in == "stored" else square_size(SIZE, Fraction(2))
    write_track(tmp_path / "a.json", a_pose(size), 25)
    expected = a_pose(square_size(SIZE, Fraction(2))).xy
    track = open_driving(path).track
    assert track.size == (96, 128)
    for xy in (track.xy, clip_of(path, tmp_path / "a.json").poses.xy):
        assert (xy - expected).abs().max() < 0.01
    folder = ClipFolder(tmp_path, "all", crop=False)
    assert (folder.conditions(0, range(3)).xy - expected).abs().max() < 0.01


def test_a_track_that_does_not_say_its_size_is_refused_where_pixels_are_not_square(tmp_path):
    path = a_clip(tmp_path / "a.mp4", Fraction(2))
    (tmp_path / "a.json").write_text(json.dumps({"keypoints": a_pose(SIZE).xy.round().tolist()}))
    words = (
        r"are not square: its frames are 96x64 \(height x width\) in the file and 96x128 as shown, and .* does not say"
    )
    with pytest.raises(BadInput, match=words):
        open_driving(path)


def test_a_track_of_neither_size_is_refused(tmp_path):
    path = a_clip(tmp_path / "a.mp4", Fraction(2))
    write_track(tmp_path / "a.json", a_pose((50, 90)), 25)
    with pytest.raises(BadInput, match=r"50x90 clip .* not of one of 96x128"):
        open_driving(path)
