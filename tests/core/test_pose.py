import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reposer.core import Pose
from reposer.core.pose import rotation_about
from reposer.core.skeleton import BLAZEPOSE_33, COCO_17, OPENPOSE_18, OPENPOSE_25


def a_pose(seed: int = 0, skeleton=OPENPOSE_18, size=(256, 176)) -> Pose:
    dice = torch.Generator().manual_seed(seed)
    xy = torch.rand(len(skeleton), 2, generator=dice) * torch.tensor([size[1], size[0]])
    visible = torch.rand(len(skeleton), generator=dice) < 0.7
    return Pose(xy, visible, size, skeleton, torch.rand(len(skeleton), generator=dice))


@given(st.integers(0, 1000))
def test_flip_is_its_own_inverse(seed):
    pose = a_pose(seed)
    twice = pose.flip().flip()
    torch.testing.assert_close(twice.xy, pose.xy)
    assert torch.equal(twice.visible, pose.visible) and torch.equal(twice.score, pose.score)


def test_flip_makes_left_joints_right_ones():
    pose = a_pose()
    flipped = pose.flip()
    left, right = OPENPOSE_18.index("left_wrist"), OPENPOSE_18.index("right_wrist")
    assert flipped.xy[left, 0] == pytest.approx(175 - pose.xy[right, 0].item())
    assert flipped.xy[left, 1] == pose.xy[right, 1] and flipped.visible[left] == pose.visible[right]


@given(st.integers(1, 600), st.integers(1, 600))
def test_a_resize_there_and_back_changes_nothing(height, width):
    pose = a_pose()
    torch.testing.assert_close(pose.resize((height, width)).resize(pose.size).xy, pose.xy, rtol=1e-4, atol=1e-3)


def test_a_resize_keeps_pixel_corners():
    corners = torch.tensor([[-0.5, -0.5], [175.5, 255.5]]).repeat(9, 1)
    moved = Pose(corners, torch.ones(18, dtype=torch.bool), (256, 176)).resize((128, 88))
    torch.testing.assert_close(moved.xy[:2], torch.tensor([[-0.5, -0.5], [87.5, 127.5]]))


def test_a_crop_by_the_whole_picture_changes_nothing_and_by_a_part_shifts():
    pose = a_pose()
    whole = pose.crop((-0.5, -0.5, 175.5, 255.5))
    assert whole.size == pose.size and torch.equal(whole.xy, pose.xy)
    part = pose.crop((9.5, 19.5, 109.5, 219.5))
    assert part.size == (200, 100)
    torch.testing.assert_close(part.xy, pose.xy - torch.tensor([10.0, 20.0]))


def test_a_full_turn_changes_nothing_and_a_quarter_turns_right_to_down():
    pose = a_pose()
    centre = (87.5, 127.5)
    torch.testing.assert_close(pose.affine(rotation_about(centre, 360), pose.size).xy, pose.xy, rtol=0, atol=1e-3)
    right_of = torch.tensor([[97.5, 127.5]]).repeat(18, 1)
    moved = Pose(right_of, pose.visible, pose.size).affine(rotation_about(centre, 90), pose.size)
    torch.testing.assert_close(moved.xy[0], torch.tensor([87.5, 137.5]), rtol=0, atol=1e-4)


def test_openpose_25_holds_openpose_18():
    pose = a_pose(1, OPENPOSE_25)
    small = pose.convert(OPENPOSE_18)
    for k, joint in enumerate(OPENPOSE_18.joints):
        assert torch.equal(small.xy[k], pose.xy[OPENPOSE_25.index(joint)])
        assert small.visible[k] == pose.visible[OPENPOSE_25.index(joint)]


@pytest.mark.parametrize("skeleton", [COCO_17, BLAZEPOSE_33])
def test_a_neck_is_the_middle_of_both_shoulders_if_both_are_seen(skeleton):
    left, right = skeleton.index("left_shoulder"), skeleton.index("right_shoulder")
    pose = a_pose(2, skeleton)
    seen = torch.ones(len(skeleton), dtype=torch.bool)
    both = Pose(pose.xy, seen, pose.size, skeleton).convert(OPENPOSE_18)
    torch.testing.assert_close(both.xy[1], (pose.xy[left] + pose.xy[right]) / 2)
    assert both.visible[1]
    one = seen.clone()
    one[left] = False
    assert not Pose(pose.xy, one, pose.size, skeleton).convert(OPENPOSE_18).visible[1]


def test_a_neck_from_another_detector_by_way_of_coco_is_the_same_neck():
    pose = a_pose(4, BLAZEPOSE_33)
    pose = Pose(pose.xy, torch.ones(33, dtype=torch.bool), pose.size, BLAZEPOSE_33)
    direct, by_coco = pose.convert(OPENPOSE_18), pose.convert(COCO_17).convert(OPENPOSE_18)
    torch.testing.assert_close(by_coco.xy, direct.xy)
    assert torch.equal(by_coco.visible, direct.visible) and direct.visible.all()


@pytest.mark.parametrize("skeleton", [OPENPOSE_18, OPENPOSE_25, BLAZEPOSE_33])
def test_flipping_commutes_with_resizing_and_converting(skeleton):
    pose = a_pose(5, skeleton)
    torch.testing.assert_close(pose.flip().resize((128, 88)).xy, pose.resize((128, 88)).flip().xy)
    one, other = pose.flip().convert(COCO_17), pose.convert(COCO_17).flip()
    assert torch.equal(one.visible, other.visible)
    torch.testing.assert_close(one.xy[one.visible], other.xy[one.visible])


def test_a_batch_of_poses_moves_as_each_alone():
    poses = [a_pose(seed) for seed in range(3)]
    batch = Pose.stack(poses)
    for k, pose in enumerate(poses):
        assert torch.equal(batch.flip()[k].xy, pose.flip().xy)
        assert torch.equal(batch.convert(COCO_17)[k].visible, pose.convert(COCO_17).visible)
    assert len(batch) == 3 and len(batch[0:2]) == 2


def test_a_box_holds_every_visible_joint():
    pose = a_pose(3)
    left, top, right, bottom = pose.box()
    seen = pose.xy[pose.visible]
    assert left < seen[:, 0].min() and right > seen[:, 0].max()
    assert top < seen[:, 1].min() and bottom > seen[:, 1].max()
