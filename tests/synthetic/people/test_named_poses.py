"""The presets' file holds the synthetic people's named poses."""

import pytest
import torch

from reposer.core import BadInput
from reposer.data.poses.presets import preset, preset_names
from reposer.synthetic.people.body.figure import Body, pose_body
from reposer.synthetic.people.body.limits import plausible
from scripts.presets import NAMED_POSES, preset_pose


def test_the_file_of_presets_has_the_joints_of_the_named_poses():
    assert list(preset_names()) == list(NAMED_POSES)
    for name in NAMED_POSES:
        written, rendered = preset(name), preset_pose(name)
        assert written.size == rendered.size
        assert torch.equal(written.visible, rendered.visible)
        assert torch.allclose(written.xy[written.visible], rendered.xy[rendered.visible], atol=0.051), name


def test_named_poses_are_poses_that_a_body_can_hold():
    moving = {"running", "kick", "lunge", "arabesque", "walking", "reaching", "squat", "tree", "kneeling"}
    for name, (pose, _) in NAMED_POSES.items():
        balanced = None if name in moving or pose.seat is not None else -0.1
        assert plausible(pose_body(Body(), pose), balanced=balanced), name


def test_an_unknown_name_is_answered_with_all_names():
    with pytest.raises(BadInput, match=r"no pose of the name 'arms-u'; there are standing, .*arms-up"):
        preset("arms-u")
