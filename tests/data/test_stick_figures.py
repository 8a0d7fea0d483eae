"""A clip of a skeleton is told from a clip of a person."""

import colorsys

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from reposer.animation.driving import open_driving
from reposer.animation.video import sticks
from reposer.core import BadInput, Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.poses import write_track
from reposer.data.stick_figures import is_stick_figure
from reposer.data.video_files import VideoFile
from reposer.synthetic.people import SyntheticPeople

from .video_clips import moving_square, write_clip

COLOURS = [tuple(int(255 * c) for c in colorsys.hsv_to_rgb(k / 17, 1, 1)) for k in range(17)]


def poses(count, size):
    people = SyntheticPeople((64, 44), "test", count)
    return [people[i].target_pose.resize(size) for i in range(count)]


def a_skeleton(pose, ground, width=4, joints=4):
    """Limbs in the colours of the rainbow, as pose estimators show them."""
    picture = Image.new("RGB", pose.size[::-1], ground)
    pen = ImageDraw.Draw(picture)
    for k, (a, b) in enumerate(OPENPOSE_18.limb_indices):
        if pose.visible[a] and pose.visible[b]:
            pen.line([*pose.xy[a].tolist(), *pose.xy[b].tolist()], COLOURS[k % 17], width)
    for x, y in pose.xy[pose.visible].tolist():
        pen.ellipse((x - joints, y - joints, x + joints, y + joints), COLOURS[int(x) % 17])
    return torch.from_numpy(np.array(picture))


@pytest.mark.parametrize("ground", ["black", "white", (40, 40, 40)])
@pytest.mark.parametrize("height", [256, 512, 1080])
def test_skeletons_in_bright_colours_on_an_even_ground_are_stick_figures(ground, height):
    for pose in poses(4, (height, height * 11 // 16)):
        assert is_stick_figure(a_skeleton(pose, ground, max(3, height // 128), max(3, height // 128)))


def test_our_own_pictures_of_poses_are_stick_figures():
    assert all(is_stick_figure(sticks(pose)) for pose in poses(6, (256, 176)))


@pytest.mark.slow
def test_people_are_no_stick_figures():
    people = SyntheticPeople((128, 88), "test", 8)
    for i in range(8):
        picture = ((people[i].source + 1) * 127.5).round().to(torch.uint8).movedim(0, -1)
        assert not is_stick_figure(picture), i


def test_plain_noisy_and_striped_pictures_are_no_stick_figures():
    noise = torch.randint(0, 256, (128, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    stripes = torch.zeros(128, 96, 3, dtype=torch.uint8)
    stripes[::8, :, 0] = 255
    for picture in (noise, stripes, torch.zeros(128, 96, 3, dtype=torch.uint8), noise[:1, :1]):
        assert not is_stick_figure(picture)


def test_a_clip_of_a_skeleton_is_refused_as_one_also_after_blank_frames(tmp_path):
    frames = [a_skeleton(pose, "black").numpy() for pose in poses(3, (256, 176))]
    path = write_clip(tmp_path / "a.mp4", [np.zeros((256, 176, 3), np.uint8)] * 3 + frames)
    with pytest.raises(BadInput, match=r"a\.mp4 shows a stick figure, not a person.* --track FILE"):
        open_driving(path)


def test_a_clip_of_a_skeleton_with_its_track_is_as_good_as_any(tmp_path):
    frames = [a_skeleton(pose, "black").numpy() for pose in poses(3, (256, 176))]
    path = write_clip(tmp_path / "a.mp4", frames)
    write_track(tmp_path / "a.json", Pose.stack(poses(3, (256, 176))), 25)
    assert len(open_driving(path).track) == 3


def test_a_clip_of_something_else_is_left_to_the_pose_estimator(tmp_path):
    frames = next(VideoFile(write_clip(tmp_path / "a.mp4", moving_square(3))).frames())
    assert not is_stick_figure(frames)
