"""A pose that leaves its photo: nothing is cut silently."""

from dataclasses import replace

import pytest
import torch

from reposer.core import BadInput
from reposer.core.canvas import ROOM, cut_joints, ends, growth, moved_inside
from reposer.core.framing import in_picture
from tests.test_pipeline import standing

SIZE = (200, 150)


def poses(dx=0.0, dy=0.0, scale=1.0):
    source = standing(120.0, (75.0, 90.0), SIZE)
    return source, replace(source, xy=(source.xy - 75) * scale + 75 + torch.tensor([dx, dy]))


def test_only_joints_that_the_photo_showed_count_as_cut():
    source, target = poses(dy=-50.0)
    cut = cut_joints(source, target)
    assert "nose" in cut and "left_ankle" not in cut
    hidden = replace(source, visible=source.visible & (source.xy[:, 1] > 60))
    assert "nose" not in cut_joints(hidden, target)
    assert cut_joints(*poses()) == []


def test_the_top_of_the_head_and_the_hands_count_though_no_joint_is_there():
    source, target = poses()
    top, hand = ends(source)["top of the head"], ends(source)["left hand"]
    assert top[1] < source.xy[:, 1].min() and hand[1] > source.xy[source.skeleton.index("left_wrist"), 1]
    up = replace(target, xy=target.xy - torch.tensor([0.0, float(source.xy[:, 1].min()) - 0.5]))
    assert cut_joints(source, up) == ["top of the head"]
    assert cut_joints(up, up) == [], "the photo itself cuts it there"
    inside = moved_inside(source, up)
    assert cut_joints(source, inside) == [] and ends(inside)["top of the head"][1] > 0


def bust(dy=0.0):
    """A head and shoulders: their joints' box is small, the top of the head far beyond it."""
    source, _ = poses()
    shown = torch.tensor(
        [name.split("_")[-1] in ("nose", "eye", "ear", "neck", "shoulder") for name in source.skeleton.joints]
    )
    return replace(source, visible=shown, xy=source.xy + torch.tensor([0.0, dy]))


def test_a_bust_whose_top_leaves_gets_room_for_it():
    source = bust()
    target = bust(dy=1.0 - float(source.xy[source.visible][:, 1].min()))
    assert cut_joints(source, target) == ["top of the head"]
    assert cut_joints(source, moved_inside(source, target)) == []
    left, top, right, bottom = growth(source, target)
    assert top >= -float(ends(target)["top of the head"][1]) and (left, right, bottom) == (0, 0, 0)


@pytest.mark.parametrize("move", [(-70.0, 0.0), (60.0, 0.0), (0.0, -80.0), (0.0, 90.0), (-70.0, 90.0)])
def test_a_pose_moved_inside_keeps_its_shape_and_its_room(move):
    source, target = poses(*move)
    inside = moved_inside(source, target)
    assert cut_joints(source, inside) == [] and in_picture(inside).visible.all()
    assert torch.allclose(inside.xy - inside.xy[0], target.xy - target.xy[0], atol=1e-3)
    left, top, right, bottom = inside.box()
    room = ROOM * (bottom - top) - 1
    assert min(left, top, SIZE[1] - right, SIZE[0] - bottom) >= room - 1


def test_a_pose_that_is_too_large_is_made_smaller_and_one_that_fits_stays():
    source, large = poses(scale=2.5)
    inside = moved_inside(source, large)
    assert in_picture(inside).visible.all()
    sizes = [pose.box()[3] - pose.box()[1] for pose in (inside, large)]
    assert sizes[0] < 0.7 * sizes[1]
    source, target = poses()
    assert torch.allclose(moved_inside(source, target).xy, target.xy, atol=1e-3)


def test_the_canvas_grows_where_the_pose_leaves_and_only_there():
    source, target = poses(dy=-50.0)
    left, top, right, bottom = growth(source, target)
    assert (left, right, bottom) == (0, 0, 0) and 20 < top < 40
    with pytest.raises(BadInput, match=r"--canvas inside"):
        growth(*poses(dx=4000.0))


def test_a_canvas_has_no_more_pixels_than_a_photo_may_have():
    source = standing(900.0, (500.0, 25_000.0), (50_000, 1000))
    joints = [source.skeleton.joints.index(name) for name in ("left_wrist", "right_wrist")]
    xy = source.xy.clone()
    xy[joints] = torch.tensor([[-30_000.0, 25_000.0], [30_000.0, 25_000.0]])
    with pytest.raises(BadInput, match=r"100 megapixels.*--canvas inside"):
        growth(source, replace(source, xy=xy))
