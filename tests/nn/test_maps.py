"""Pose maps: bumps, discs, limbs and stick pictures stand where the joints are, and flip with them."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from skimage.draw import disk, polygon
from skimage.morphology import dilation, erosion

from reposer.core import SKELETONS, BadInput, Pose
from reposer.core.skeleton import BODY_LINES
from reposer.nn.maps import PoseDiscs, PoseMaps, discs, heatmaps, limb_mask, polygon_mask, pose_mask, stick_picture

SIZE = (40, 30)
SKELETON = SKELETONS["openpose18"]


def poses(batch=3, seed=0, skeleton=SKELETON, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, len(skeleton))
    xy = torch.rand(*shape, 2, generator=generator, dtype=dtype) * torch.tensor([SIZE[1] + 10.0, SIZE[0] + 10.0]) - 5
    return Pose(xy.to(dtype), torch.rand(shape, generator=generator) > 0.25, SIZE, skeleton)


def pose_of(joints):
    """One person of whom only the named joints are seen; the others hold NaN."""
    xy, visible = torch.full((1, 18, 2), torch.nan), torch.zeros(1, 18, dtype=torch.bool)
    for name, place in joints.items():
        xy[0, SKELETON.index(name)] = torch.tensor(place)
        visible[0, SKELETON.index(name)] = True
    return Pose(xy, visible, SIZE)


def test_a_heatmap_is_a_gaussian_bump_of_height_one_around_the_joint():
    pose = poses(dtype=torch.float64)
    maps = heatmaps(pose, 2.5)
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    for b in range(3):
        for k in range(18):
            px, py = pose.xy[b, k]
            bump = torch.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 2.5**2)) * pose.visible[b, k]
            torch.testing.assert_close(maps[b, k], bump)


def test_truncated_coordinates_are_cut_towards_zero_as_int_does():
    pose = pose_of({"nose": (12.9, 20.99), "neck": (-0.8, 3.5)})
    maps = heatmaps(pose, 6.0, coordinates="truncated")
    assert torch.equal(maps, heatmaps(pose_of({"nose": (12.0, 20.0), "neck": (0.0, 3.0)}), 6.0))
    assert maps[0, 0, 20, 12] == 1 and maps[0, 1, 3, 0] == 1
    discs_of = discs(pose, 4.0, coordinates="truncated")
    assert torch.equal(discs_of, discs(pose_of({"nose": (12.0, 20.0), "neck": (0.0, 3.0)}), 4.0))


@pytest.mark.parametrize("hidden", [torch.nan, torch.inf, -1.0, 5.0])
def test_a_missing_joint_leaves_nothing_whatever_its_position_holds(hidden):
    pose = pose_of({})
    pose.xy[:] = hidden
    assert (heatmaps(pose, 6.0) == 0).all()
    assert (heatmaps(pose, 6.0, coordinates="truncated") == 0).all()
    assert (discs(pose, 4.0) == -1).all()
    assert (limb_mask(pose, 4.0) == 0).all()
    assert (pose_mask(pose, 4.0) == 0).all()
    assert (polygon_mask(pose, 4.0) == 0).all()
    assert (stick_picture(pose) == -1).all()


def test_a_joint_outside_the_frame_leaves_its_tail_inside():
    maps = heatmaps(pose_of({"nose": (-4.0, 10.0)}), 4.0)
    assert maps[0, 0, 10, 0] == pytest.approx(math.exp(-0.5))
    assert maps[0, 0].amax() == maps[0, 0, 10, 0]


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_maps_commute_with_flipping(skeleton):
    pose = poses(skeleton=skeleton, dtype=torch.float64)
    mirror = torch.tensor(skeleton.mirror)
    for maps_of in (lambda p: heatmaps(p, 3.0), lambda p: discs(p, 3.0)):
        torch.testing.assert_close(maps_of(pose.flip()), maps_of(pose).flip(-1)[:, mirror])
    assert torch.equal(limb_mask(pose.flip(), 2.0), limb_mask(pose, 2.0).flip(-1))


@pytest.mark.parametrize(
    "maps_of",
    [
        lambda p: heatmaps(p, 3.0),
        lambda p: discs(p, 3.0),
        lambda p: limb_mask(p, 2.0),
        lambda p: pose_mask(p, 4.0),
        lambda p: polygon_mask(p, 4.0),
        stick_picture,
    ],
)
def test_the_maps_of_a_row_are_those_of_it_alone(maps_of):
    pose = poses()
    together = maps_of(pose)
    assert together.shape[-2:] == SIZE
    for b in range(3):
        torch.testing.assert_close(maps_of(pose[b : b + 1])[0], together[b])


def test_a_disc_holds_the_pixels_within_its_radius_and_no_others():
    maps = discs(pose_of({"left_knee": (10.0, 12.0)}), 2.0)[0]
    joint = SKELETON.index("left_knee")
    assert (maps[joint] == 1).sum() == 13  # whole points within 2 of the origin
    assert maps[joint, 12, 12] == 1 and maps[joint, 13, 12] == -1
    assert set(maps.unique().tolist()) == {-1.0, 1.0}


def test_a_limb_mask_is_a_capsule_around_the_limb():
    mask = limb_mask(pose_of({"right_knee": (5.0, 20.0), "right_ankle": (15.0, 20.0)}), 3.0)[0, 0]
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    capsule = (x - x.clamp(5, 15)).square() + (y - 20).square() <= 9
    assert torch.equal(mask.bool(), capsule)
    assert set(mask.unique().tolist()) == {0.0, 1.0}


def test_no_limb_leads_to_a_missing_joint_and_a_lone_joint_is_a_disc():
    apart = limb_mask(pose_of({"right_hip": (5.0, 10.0), "right_ankle": (5.0, 30.0)}), 2.0)[0, 0]
    assert apart[10, 5] == apart[30, 5] == 1 and apart[20, 5] == 0
    assert apart.sum() == 26


def test_two_joints_in_one_place_are_a_disc():
    assert limb_mask(pose_of({"neck": (9.0, 9.0), "nose": (9.0, 9.0)}), 2.0).sum() == 13


def test_limbs_of_a_stick_picture_differ_in_colour_and_fade_at_their_edges():
    joints = {"right_shoulder": (4.0, 3.0), "right_elbow": (4.0, 36.5), "left_shoulder": (24.0, 3.0)}
    picture = stick_picture(pose_of(joints | {"left_elbow": (24.0, 36.5)}), thickness=4.0)[0]
    assert picture.min() >= -1 and picture.max() <= 1
    assert (picture[:, 20, 4] - picture[:, 20, 24]).abs().max() > 0.5
    assert (picture[:, 20, 14] == -1).all()
    edge, inside = picture[:, 20, 6] + 1, picture[:, 20, 4] + 1
    assert torch.allclose(edge, inside / 2, atol=1e-5), "the limb covers half of the pixel at its edge"


def test_every_limb_has_a_colour_of_its_own():
    from reposer.nn.maps import _limb_colours

    for skeleton in SKELETONS.values():
        colours = _limb_colours(len(skeleton.limbs))
        assert len(set(colours)) == len(skeleton.limbs)


def test_maps_have_the_type_of_the_pose_and_gradients_reach_it():
    pose = poses(dtype=torch.float64)
    pose.xy.requires_grad_()
    maps = heatmaps(pose, 3.0)
    assert maps.dtype == torch.float64
    maps.sum().backward()
    assert pose.xy.grad is not None and pose.xy.grad[pose.visible].abs().sum() > 0
    assert pose.xy.grad.isfinite().all()


def each_window(mask, of):
    """`of` the 5x5 window around every pixel, as far as it lies in the picture."""
    result = torch.empty_like(mask)
    for y in range(SIZE[0]):
        for x in range(SIZE[1]):
            result[y, x] = of(mask[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3])
    return result


def test_a_polygon_mask_is_scikit_images_polygons_discs_and_closing():
    pose = replace(poses(), xy=poses().xy.round())
    found = polygon_mask(pose, 4.0)[:, 0].bool().numpy()
    for b in range(3):
        maps = np.zeros(SIZE, bool)
        places, seen = pose.xy[b].double().numpy(), pose.visible[b]
        for start, end in BODY_LINES:
            i, j = SKELETON.index(start), SKELETON.index(end)
            if seen[i] and seen[j]:
                along = (places[j] - places[i]) / np.hypot(*(places[j] - places[i]))
                side = 4 * np.array([-along[1], along[0]])
                corners = np.stack([places[i] + side, places[i] - side, places[j] - side, places[j] + side])
                maps[polygon(corners[:, 1], corners[:, 0], shape=SIZE)] = True
        for k in range(18):
            if seen[k]:
                maps[disk(places[k][::-1], 4, shape=SIZE)] = True
        square = np.ones((5, 5), bool)
        maps = erosion(dilation(maps, square), square)
        assert (maps != found[b]).sum() <= 2  # pixels on a line, where corners are rounded


def test_a_polygon_mask_has_a_disc_on_a_joint_without_a_visible_partner_and_pg2s_mask_nothing():
    alone = pose_of({"left_wrist": (15.0, 20.0)})
    assert polygon_mask(alone, 4.0).sum() == 45  # pixels nearer than 4, which closing leaves as they are
    assert pose_mask(alone, 4.0).sum() == 0


def test_two_joints_at_one_place_have_their_disc_and_no_line():
    both = pose_of({"left_wrist": (15.0, 20.0), "left_elbow": (15.0, 20.0)})
    assert torch.equal(polygon_mask(both, 4.0), polygon_mask(pose_of({"left_wrist": (15.0, 20.0)}), 4.0))


def test_a_pose_mask_is_the_loop_of_stamps_that_it_describes():
    """Against the stamps one by one, and the closing pixel by pixel."""
    pose, radius = poses(), 4
    for b in range(3):
        maps = torch.zeros(SIZE, dtype=torch.bool)
        for start, end in BODY_LINES:
            i, j = SKELETON.index(start), SKELETON.index(end)
            if not (pose.visible[b, i] and pose.visible[b, j]):
                continue
            (ax, ay), (bx, by) = ([int(c) for c in pose.xy[b, k].tolist()] for k in (i, j))
            count = max(1, int(math.hypot(bx - ax, by - ay) / radius))
            for n in range(count + 1):
                cx, cy = (int(Fraction(p * (count - n) + q * n, count)) for p, q in ((ax, bx), (ay, by)))
                for dy in range(-radius, radius + 1):
                    for dx in range(-radius, radius + 1):
                        y, x = cy + dy, cx + dx
                        if dx * dx + dy * dy <= radius**2 and 0 <= y < SIZE[0] and 0 <= x < SIZE[1]:
                            maps[y, x] = True
        closed = each_window(each_window(maps, torch.any), torch.all)
        assert torch.equal(pose_mask(pose, radius)[b, 0].bool(), closed)


def test_a_pose_mask_has_no_lone_joint_and_none_whose_partners_are_missing():
    assert pose_mask(pose_of({"right_hip": (5.0, 10.0), "right_ankle": (5.0, 30.0)}), 4.0).sum() == 0


def test_maps_of_no_width_or_of_an_unknown_skeleton_are_refused():
    for kind, width in ((PoseMaps, "sigma"), (PoseDiscs, "radius")):
        with pytest.raises(BadInput, match=f"The {width} of pose maps is above 0, not 0"):
            kind(**{width: 0.0})
        with pytest.raises(BadInput, match=r"There is no skeleton 'octopus'\. There are: .*openpose18"):
            kind(skeleton="octopus")
