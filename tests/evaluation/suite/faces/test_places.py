"""Whose head is where, which face is theirs, how a crop is cut, and what chance comes to."""

import itertools
import math

import pytest
import torch

from reposer.core import Pose
from reposer.core.images import from_uint8, resize, to_uint8
from reposer.core.skeleton import COCO_17, OPENPOSE_18
from reposer.estimators import Face
from reposer.evaluation.suite.faces.identity import chance, first_faces, nearest_is_right, preservation
from reposer.evaluation.suite.faces.places import face_crop, face_inside, head_box


def pose_of(joints, size=(256, 176), skeleton=OPENPOSE_18):
    xy, visible = torch.zeros(len(skeleton), 2), torch.zeros(len(skeleton), dtype=torch.bool)
    for joint, place in joints.items():
        xy[skeleton.index(joint)] = torch.tensor(place)
        visible[skeleton.index(joint)] = True
    return Pose(xy, visible, size, skeleton)


def face(x, y, side, score=0.5):
    return Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), torch.zeros(5, 2), score)


def test_the_head_box_is_half_as_large_again_as_the_head_and_lies_around_its_joints():
    joints = {"nose": (80.0, 50.0), "right_eye": (76.0, 46.0), "left_eye": (84.0, 46.0), "neck": (80.0, 80.0)}
    half = 1.5 * 1.4 * 30 / 2
    x, y = 80, (50 + 46 + 46) / 3
    assert head_box(pose_of(joints)) == pytest.approx((x - half, y - half, x + half, y + half))


@pytest.mark.parametrize(
    ("joints", "side"),
    [
        ({"nose": (0.0, 0.0), "neck": (0.0, 5.0), "left_ear": (1.0, 0.0)}, 32),  # the smallest
        ({"nose": (0.0, 0.0), "neck": (0.0, 99.0), "left_ear": (1.0, 0.0)}, 96),  # the largest
        ({"right_ear": (0.0, 0.0), "left_ear": (20.0, 0.0)}, 48),  # 2.4 times the ears
        ({"right_eye": (0.0, 0.0), "left_eye": (10.0, 0.0), "nose": (5.0, 0.0)}, 35),  # 3.5 times the eyes
        ({"right_eye": (0.0, 0.0), "right_ear": (10.0, 0.0)}, 48),  # the usual
    ],
)
def test_its_side_is_the_first_known_distance_within_bounds(joints, side):
    left, top, right, bottom = head_box(pose_of(joints))
    assert right - left == pytest.approx(1.5 * side) and bottom - top == pytest.approx(1.5 * side)
    small = head_box(pose_of(joints).resize((128, 88)))
    assert small[2] - small[0] == pytest.approx(0.75 * side), "it grows with the picture"


def test_a_head_of_which_one_joint_is_known_has_no_box_and_other_skeletons_have_one():
    assert head_box(pose_of({"nose": (3.0, 3.0), "neck": (3.0, 9.0)})) is None
    shoulders = {"right_shoulder": (70.0, 80.0), "left_shoulder": (90.0, 80.0)}
    joints = {"nose": (80.0, 50.0), "right_eye": (76.0, 46.0)}
    assert head_box(pose_of(joints | shoulders, skeleton=COCO_17)) == pytest.approx(
        head_box(pose_of(joints | {"neck": (80.0, 80.0)}))
    )


def test_the_largest_face_with_its_middle_in_the_box_counts():
    box = (10.0, 10.0, 20.0, 20.0)
    small, large, outside = face(12, 12, 3, 0.9), face(19, 19, 8), face(21, 15, 30)
    assert face_inside([small, outside, large], box) is large
    assert face_inside([small, outside], box) is small
    assert face_inside([outside], box) is None and face_inside([], box) is None
    surer = face(13, 13, 3, 0.95)
    assert face_inside([small, surer], box) is face_inside([surer, small], box) is surer


def test_a_crop_holds_the_pixels_that_the_box_touches():
    picture = torch.randint(0, 256, (30, 20, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def scaled(part):
        return to_uint8(resize(from_uint8(part)[None], (112, 112)))[0]

    assert torch.equal(face_crop(picture, (3.5, 4.5, 9.5, 12.5)), scaled(picture[5:13, 4:10]))
    assert torch.equal(face_crop(picture, (3.4, 4.4, 9.6, 12.6)), scaled(picture[4:14, 3:11]))
    assert torch.equal(face_crop(picture, (-9.0, -9.0, 99.0, 5.5)), scaled(picture[:6]))
    assert face_crop(picture, (20.0, 3.0, 25.0, 9.0)) is None
    assert face_crop(picture, (-9.0, -9.0, -2.0, -2.0)) is None


def vectors(count, seed=0):
    return torch.nn.functional.normalize(torch.randn(count, 4, generator=torch.Generator().manual_seed(seed)))


def test_chance_is_the_mean_over_all_pairs_of_different_identities(monkeypatch):
    v, who = vectors(9), [f"person{i % 4}" for i in range(9)]
    cosines = [float(v[i].double() @ v[j].double()) for i, j in itertools.permutations(range(9), 2) if who[i] != who[j]]
    expected = (sum(cosines) / len(cosines), sum(c >= 0.3 for c in cosines) / len(cosines))
    assert chance(v, who, 0.3) == pytest.approx(expected)
    monkeypatch.setattr("reposer.evaluation.suite.faces.identity.ROWS_AT_ONCE", 2)
    assert chance(v, who, 0.3) == pytest.approx(expected)
    assert math.isnan(chance(v, who, None)[1]) and chance(v, who, None)[0] == pytest.approx(expected[0])
    assert all(math.isnan(number) for number in chance(v, ["one"] * 9, 0.3))


def test_the_gallery_has_each_identity_once_and_its_first_face_by_name():
    assert first_faces(["d", "b", "c", "a"], ["x", "y", "x", "z"]) == [3, 1, 2]


def test_the_nearest_of_the_gallery_decides_and_of_equals_the_first():
    gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    queries = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    right = nearest_is_right(queries, ["a", "b", "c"], gallery, ["a", "b", "c"])
    assert right.tolist() == [1.0, 1.0, 0.0]
    assert nearest_is_right(queries[:1], ["c"], gallery, ["a", "b", "c"]).tolist() == [0.0]


def test_preservation_is_0_by_chance_and_1_for_real():
    assert preservation(0.2, 0.2, 0.7) == 0 and preservation(0.7, 0.2, 0.7) == 1
    assert preservation(0.45, 0.2, 0.7) == pytest.approx(0.5)
    assert math.isnan(preservation(0.5, 0.7, 0.2)) and math.isnan(preservation(0.5, math.nan, 0.7))
