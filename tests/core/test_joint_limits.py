"""Knees of somebody seen from the side do not bend backwards; nothing else is changed."""

from dataclasses import replace

import pytest
import torch

from reposer.core import Pose
from reposer.core.joint_limits import FURTHEST_BACK, within_limits
from reposer.core.skeleton import OPENPOSE_18, OPENPOSE_25
from reposer.synthetic.people import SyntheticPeople


def sideways(bend, skeleton=OPENPOSE_18):
    """Somebody who looks to the right, both knees bent by so many degrees; below 0: the wrong way."""
    angle = torch.tensor(float(bend)).deg2rad()
    places = {"neck": (0.0, -50.0), "nose": (14.0, -78.0), "mid_hip": (0.0, 0.0)}
    for side, apart in (("right", 1.0), ("left", -1.0)):
        places |= {f"{side}_shoulder": (apart, -50.0), f"{side}_hip": (apart, 0.0), f"{side}_knee": (apart, 48.0)}
        places[f"{side}_ankle"] = (apart - 47 * float(angle.sin()), 48 + 47 * float(angle.cos()))
        places[f"{side}_big_toe"] = (places[f"{side}_ankle"][0] + 10, places[f"{side}_ankle"][1] + 4)
    known = [joint in places for joint in skeleton.joints]
    xy = torch.tensor([places.get(joint, (0.0, 0.0)) for joint in skeleton.joints]) + 150
    return Pose(xy, torch.tensor(known), (300, 300), skeleton)


def bend(pose, side):
    hip, knee, ankle = (pose.xy[pose.skeleton.index(f"{side}_{j}")] for j in ("hip", "knee", "ankle"))
    thigh, shin = knee - hip, ankle - knee
    cross = thigh[0] * shin[1] - thigh[1] * shin[0]
    return float(torch.atan2(cross, thigh @ shin).rad2deg())


@pytest.mark.parametrize("angle", [-5.0, 0.0, 40.0, 120.0])
def test_knees_that_a_body_can_bend_so_stay(angle):
    assert torch.equal(within_limits(sideways(angle)).xy, sideways(angle).xy)


@pytest.mark.parametrize("angle", [-30.0, -80.0])
def test_a_knee_bent_backwards_is_turned_to_the_limit_and_keeps_its_length_and_its_foot(angle):
    pose = sideways(angle, OPENPOSE_25)
    limited = within_limits(pose)
    for side in ("right", "left"):
        assert bend(pose, side) == pytest.approx(angle, abs=0.1)
        assert bend(limited, side) == pytest.approx(-FURTHEST_BACK, abs=0.1)
        knee, ankle, toe = (OPENPOSE_25.index(f"{side}_{j}") for j in ("knee", "ankle", "big_toe"))
        for a, b in ((knee, ankle), (ankle, toe)):
            before, after = ((p.xy[a] - p.xy[b]).norm() for p in (pose, limited))
            assert float(after) == pytest.approx(float(before), abs=1e-3)
    flipped = within_limits(pose.flip())
    assert torch.allclose(flipped.xy[flipped.visible], limited.flip().xy[flipped.visible], atol=1e-3)
    assert torch.allclose(within_limits(limited).xy, limited.xy, atol=1e-3)


def test_where_the_picture_does_not_tell_the_way_of_a_knee_nothing_changes():
    pose = sideways(-60.0)
    wide = replace(pose, xy=pose.xy.clone())
    for side, way in (("right", -12.0), ("left", 12.0)):
        wide.xy[OPENPOSE_18.index(f"{side}_shoulder"), 0] += way
    hidden = replace(pose, visible=pose.visible & (torch.arange(18) != OPENPOSE_18.index("nose")))
    for other in (wide, hidden):
        assert torch.equal(within_limits(other).xy, other.xy)


@pytest.mark.slow
def test_poses_of_bodies_are_within_their_limits():
    people = SyntheticPeople((64, 44), "test", 16)
    poses = Pose.stack([people[i].source_pose for i in range(16)])
    assert torch.equal(within_limits(poses).xy, poses.xy)
