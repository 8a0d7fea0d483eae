"""Synthetic people: the truth beside a picture is the truth of that picture, and an index is all that
decides it.
"""

import itertools

import numpy as np
import pytest
import torch

from reposer.core import BadInput, Framing
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.synthetic import (
    PARTS,
    BodyPose,
    Camera,
    SyntheticPeople,
    render_person,
    sample_identity,
    write_people,
)
from reposer.data.synthetic.body import Body, pose_body, torso_profile
from reposer.data.synthetic.identity import MONK_SCALE
from reposer.data.synthetic.poses import DEMO_POSES, plausible, sample_pose
from reposer.data.synthetic.raster import rasterise

SMALL = (128, 88)


def parts_near(person, joint, radius=1):
    x, y = np.rint(person.xy[OPENPOSE_18.index(joint)]).astype(int)
    window = person.parts[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
    return {PARTS[p] for p in np.unique(window)}


def standing(number, yaw=0.0, size=SMALL):
    return render_person(
        sample_identity(number, np.random.default_rng(number)), BodyPose(), Camera(yaw=yaw), size
    )


def test_an_index_gives_the_same_pair_in_any_order_and_any_instance():
    first, second = SyntheticPeople(SMALL, num_pairs=5), SyntheticPeople(SMALL, num_pairs=900)
    forwards = [first[i] for i in range(3)]
    for i in (2, 0, 1):
        a, b = forwards[i], second[i]
        assert a.name == b.name
        assert torch.equal(a.source, b.source) and torch.equal(a.target, b.target)
        assert torch.equal(a.source_pose.xy, b.source_pose.xy)
        assert torch.equal(a.target_pose.visible, b.target_pose.visible)


def test_another_seed_or_index_gives_another_person():
    pictures = [
        SyntheticPeople(SMALL, seed=0).picture(0, 0),
        SyntheticPeople(SMALL, seed=1).picture(0, 0),
        SyntheticPeople(SMALL, seed=0).picture(1, 0),
        SyntheticPeople(SMALL, seed=0).picture(0, 1),
    ]
    for a, b in itertools.combinations(pictures, 2):
        assert not np.array_equal(a.picture, b.picture)


def test_identities_are_disjoint_between_splits_and_the_name_tells_the_identity():
    splits = [SyntheticPeople(SMALL, split, num_pairs=50_000) for split in ("train", "val", "test")]
    numbers = [{s.identity_number(i) for i in range(len(s))} for s in splits]
    assert all(not (a & b) for a, b in itertools.combinations(numbers, 2))
    sample = splits[1][3]
    assert sample.name.rsplit("_", 1)[0] == f"person{splits[1].identity_number(3):06d}"


def test_a_sample_has_the_house_forms():
    sample = SyntheticPeople(SMALL, num_pairs=1)[0]
    for picture, pose in ((sample.source, sample.source_pose), (sample.target, sample.target_pose)):
        assert picture.shape == (3, *SMALL) and picture.dtype == torch.float32
        assert picture.min() >= -1 and picture.max() <= 1
        assert pose.xy.shape == (18, 2) and pose.size == SMALL and pose.visible.dtype == torch.bool


def test_a_framing_lays_picture_and_joints_into_the_same_frame():
    plain = SyntheticPeople(SMALL, num_pairs=1)[0]
    framed = SyntheticPeople(SMALL, num_pairs=1, framing=Framing((128, 96), fit="pad"))[0]
    assert framed.source.shape == (3, 128, 96)
    assert torch.equal(framed.source[:, :, 4:92], plain.source)
    assert torch.allclose(
        framed.source_pose.xy.float(), plain.source_pose.xy + torch.tensor([4.0, 0.0]), atol=1e-4
    )


@pytest.mark.parametrize("number", range(6))
def test_seen_joints_land_on_the_parts_they_name(number):
    person = standing(number, size=(256, 176))
    for joint, words in (
        ("nose", {"face"}), ("right_eye", {"face", "hair"}), ("left_eye", {"face", "hair"}),
        ("right_ankle", {"right_shoe", "right_lower_leg"}), ("left_ankle", {"left_shoe", "left_lower_leg"}),
        ("right_wrist", {"right_hand", "right_lower_arm"}), ("left_wrist", {"left_hand", "left_lower_arm"}),
        ("left_elbow", {"left_upper_arm", "left_lower_arm"}), ("neck", {"neck", "torso", "hair"}),
    ):  # fmt: skip
        assert parts_near(person, joint) & words, joint


def test_a_person_who_faces_the_camera_has_the_right_side_at_the_pictures_left():
    front, behind = standing(3), standing(3, yaw=180.0)
    for word in ("shoulder", "hip", "ankle", "eye", "ear"):
        right, left = OPENPOSE_18.index(f"right_{word}"), OPENPOSE_18.index(f"left_{word}")
        assert front.xy[right, 0] < front.xy[left, 0]
        assert behind.xy[right, 0] > behind.xy[left, 0]
    x = np.arange(SMALL[1])[None] + np.zeros(SMALL)[..., :1]
    for word in ("upper_arm", "upper_leg", "lower_leg", "shoe"):
        right, left = (x[front.parts == PARTS.index(f"{side}_{word}")] for side in ("right", "left"))
        if len(right) and len(left):
            assert right.mean() < left.mean()


def test_a_positive_yaw_turns_the_person_to_their_left():
    person = standing(1, yaw=90.0)
    nose, neck = (person.xy[OPENPOSE_18.index(j)] for j in ("nose", "neck"))
    assert nose[0] > neck[0] + 3


def test_a_face_seen_from_behind_is_hidden_and_from_the_side_half_of_it_is():
    def hidden(yaw):
        person = standing(2, yaw)
        return {j for j, o in zip(OPENPOSE_18.joints, person.occluded, strict=True) if o}

    face = {"nose", "right_eye", "left_eye"}
    assert face <= hidden(180.0)
    assert not face & hidden(0.0)
    assert {"left_eye", "left_ear"} <= hidden(90.0) and "nose" not in hidden(90.0)
    assert {"right_eye", "right_ear"} <= hidden(-90.0)


def test_joints_outside_the_picture_are_missed_and_those_seen_are_mostly_found():
    data = SyntheticPeople(SMALL)
    people = [data.picture(n, 0) for n in range(24)]
    xy, visible, occluded = (np.stack([getattr(p, k) for p in people]) for k in ("xy", "visible", "occluded"))
    outside = (
        (xy[..., 0] < -0.5)
        | (xy[..., 0] > SMALL[1] - 0.5)
        | (xy[..., 1] < -0.5)
        | (xy[..., 1] > SMALL[0] - 0.5)
    )
    assert not visible[outside].any()
    assert visible[~occluded].mean() > 0.95
    assert visible[occluded & ~outside].mean() < 0.7
    assert visible.mean() > 0.7


def test_the_person_is_where_the_part_map_says():
    person = standing(5)
    far = standing(5, yaw=0.0).picture.astype(int)
    assert person.parts.shape == SMALL and person.parts.max() < len(PARTS)
    assert 0.08 < person.mask.mean() < 0.5
    assert np.array_equal(person.mask, person.parts > 0)
    corners = far[:4, :4]
    assert corners.std() < 6  # the studio wall is plain


def test_bones_keep_their_lengths_and_feet_their_ground_in_every_sampled_pose():
    body = Body()
    reference = pose_body(body, BodyPose()).points
    stream = np.random.default_rng(0)
    for _ in range(40):
        figure = pose_body(body, sample_pose(body, stream))
        p = figure.points
        for side in ("right", "left"):
            for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")):
                length, expected = (
                    np.linalg.norm(q[f"{side}_{a}"] - q[f"{side}_{b}"]) for q in (p, reference)
                )
                assert length == pytest.approx(expected, rel=1e-6)
            assert p[f"{side}_ankle"][1] > 0.03
        assert plausible(figure)


def test_knees_and_elbows_bend_the_way_they_can():
    body, stream = Body(), np.random.default_rng(1)
    for _ in range(40):
        figure = pose_body(body, sample_pose(body, stream))
        p, front = figure.points, figure.frames["pelvis"][:, 2]
        for side in ("right", "left"):
            middle = (p[f"{side}_hip"] + p[f"{side}_ankle"]) / 2
            assert (p[f"{side}_knee"] - middle) @ front > -0.01


def test_the_bodies_outline_has_a_waist():
    side, _, _ = torso_profile(Body(), np.array([0.0, 0.11, 0.24]))
    assert side[1] < side[0] and side[1] < side[2]


def test_skin_tones_cover_the_scale_evenly():
    tones = [sample_identity(n, np.random.default_rng(n)).tone for n in range(500)]
    counts = np.bincount(tones, minlength=len(MONK_SCALE) + 1)[1:]
    assert counts.min() > 30 and counts.max() < 75


def test_the_nearest_of_two_triangles_wins_and_back_faces_are_not_drawn():
    front = np.array([[0, 0, 5], [0, 9, 5], [9, 0, 5]], float)
    behind = front - [0, 0, 3]
    points = np.concatenate([behind, front])
    hits = rasterise(points, np.array([[0, 1, 2], [3, 4, 5]]), (10, 10))
    assert set(np.unique(hits.face)) == {-1, 1}
    assert hits.face[1, 1] == 1 and hits.face[9, 9] == -1
    assert (rasterise(points, np.array([[0, 2, 1]]), (10, 10)).face == -1).all()


def test_the_demonstration_shows_one_person_in_clear_poses():
    samples = SyntheticPeople(SMALL, "test").held_out_demo(num_poses=len(DEMO_POSES))
    assert len(samples) == 6
    assert len({s.name.rsplit("_", 1)[0] for s in samples}) == 1 and len({s.name for s in samples}) == 6
    for sample in samples:
        assert torch.equal(sample.source, samples[0].source)
        assert not torch.equal(sample.source, sample.target)


def test_an_unknown_split_and_too_many_pairs_are_refused_with_a_way_out():
    with pytest.raises(BadInput, match="train, val, test"):
        SyntheticPeople(split="dev")
    with pytest.raises(BadInput, match="50000"):
        SyntheticPeople(split="test", num_pairs=50_001)


def test_written_people_have_the_layout_of_the_published_lists(tmp_path):
    root = write_people(tmp_path / "people", size=SMALL, num_train=2, num_test=1, views=3, progress=False)
    assert sorted(p.name for p in root.iterdir()) == [
        "fasion-resize-annotation-test.csv", "fasion-resize-annotation-train.csv",
        "fasion-resize-pairs-test.csv", "fasion-resize-pairs-train.csv",
        "test", "test.lst", "train", "train.lst",
    ]  # fmt: skip
    names = (root / "train.lst").read_text().split()
    assert names == sorted(p.name for p in (root / "train").iterdir()) and len(names) == 6
    pairs = (root / "fasion-resize-pairs-train.csv").read_text().split()
    assert pairs[0] == "from,to" and len(pairs) == 1 + 2 * 3 * 2
    assert all(
        a.rsplit("_", 1)[0] == b.rsplit("_", 1)[0] and a != b for a, b in (p.split(",") for p in pairs[1:])
    )
    rows = (root / "fasion-resize-annotation-train.csv").read_text().splitlines()
    assert rows[0] == "name:keypoints_y:keypoints_x" and len(rows) == 7
    person = SyntheticPeople(SMALL).picture(0, 0)
    name, y, x = rows[1].split(": ")
    assert name == "synthetic000000_0.png"
    found = person.visible
    in_frame = (person.xy[found, 0] + 0.5) * (176 / SMALL[1]) - 0.5  # these lists count in the 256x176 frame
    assert np.array_equal(np.array(eval(x))[found], np.rint(in_frame))
    assert (np.array(eval(y))[~found] == -1).all()


def test_writing_refuses_a_folder_that_exists_and_leaves_no_half_written_one(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="exists already"):
        write_people(tmp_path)

    def fail(*_):
        raise RuntimeError("disk full")

    monkeypatch.setattr(SyntheticPeople, "picture", fail)
    with pytest.raises(RuntimeError):
        write_people(tmp_path / "people", size=SMALL, num_train=1, num_test=1, progress=False)
    assert not list(tmp_path.iterdir())
