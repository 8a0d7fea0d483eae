"""Poses, motions and cameras of synthetic people: what no body can do, they do not do."""

from typing import get_args

import numpy as np
import pytest

from reposer.core.skeleton import FACE_68
from reposer.synthetic.people.body.cameras import CROPS, Camera, look_at, sample_camera, sample_look
from reposer.synthetic.people.body.cycles import CYCLES, CycleName, Style, cycle, sample_style
from reposer.synthetic.people.body.figure import HEAD_RADII, Body, BodyPose, LegPose, ankle_height, pose_body, turn
from reposer.synthetic.people.body.limits import (
    LIMITS,
    balance,
    beyond_limits,
    centre_of_mass,
    joint_angles,
    overlap,
    penetrates,
    plausible,
    soles,
)
from reposer.synthetic.people.body.poses import DEMO_POSES, KINDS, sample_pose
from reposer.synthetic.people.head.landmarks import face_places, face_points

BODIES = (
    Body(),
    Body(stature=0.93, head=1.08, shoulders=0.93, hips=1.02, waist=0.88, bust=0.028, limbs=0.88, legs=0.97),
    Body(stature=1.06, head=1.02, shoulders=1.08, hips=0.94, waist=1.05, limbs=1.02, legs=1.03, arms=1.02),
    Body(shoulders=1.02, hips=1.04, waist=1.2, belly=0.016, limbs=1.1, legs=0.98),
    Body(head=1.1, shoulders=0.97, hips=0.98, waist=0.95, bust=0.015, limbs=0.95, arms=0.98),
)


@pytest.fixture(scope="module")
def sampled():
    stream = np.random.default_rng(7)
    figures = []
    for i in range(500):
        body = BODIES[i % len(BODIES)]
        figures.append(pose_body(body, sample_pose(body, stream)))
    return figures


@pytest.mark.slow
def test_no_joint_of_500_sampled_poses_bends_further_than_a_persons(sampled):
    for figure in sampled:
        assert not beyond_limits(figure)
        for name, angle in joint_angles(figure).items():
            word = name.removeprefix("right_").removeprefix("left_")
            assert LIMITS[word][0] <= angle <= LIMITS[word][1], name


def test_no_limb_of_500_sampled_poses_runs_through_the_body(sampled):
    assert not any(penetrates(figure) for figure in sampled)
    assert max(overlap(figure) for figure in sampled) <= 0


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_not_in_motion_does_not_fall(kind):
    stream = np.random.default_rng(3)
    allowed = KINDS[kind].balanced
    for i in range(24):
        body = BODIES[i % len(BODIES)]
        figure = pose_body(body, sample_pose(body, stream, kind=kind))
        assert allowed is None or balance(figure) >= allowed
        assert soles(figure)[..., 1].min() > -0.012
        if kind != "running":
            assert soles(figure)[..., 1].min() < 0.02, "a foot touches the ground"


def test_bones_keep_their_lengths(sampled):
    for figure in sampled[::5]:
        p, rest = figure.points, pose_body(figure.body, BodyPose()).points
        for side in ("right", "left"):
            for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")):
                here, there = (np.linalg.norm(q[f"{side}_{a}"] - q[f"{side}_{b}"]) for q in (p, rest))
                assert here == pytest.approx(there, rel=1e-6)


def test_angles_are_measured_as_they_are_posed():
    pose = BodyPose(pelvis=(5, 20, 4), spine=(12, -9, 6), neck=(-8, 30, -5))
    angles = joint_angles(pose_body(Body(), pose))
    for word, expected in (("spine", pose.spine), ("neck", pose.neck)):
        assert [angles[f"{word}_{k}"] for k in ("bow", "turn", "tilt")] == pytest.approx(expected)


def test_the_measures_see_what_is_wrong():
    stand = pose_body(Body(), BodyPose())
    assert plausible(stand) and balance(stand) > 0.02
    leaning = pose_body(Body(), BodyPose(pelvis=(80, 0, 0)))
    assert balance(leaning) < 0 and not plausible(leaning)
    assert "neck_turn" in beyond_limits(pose_body(Body(), BodyPose(neck=(0, 95, 0))))
    through = pose_body(Body(), BodyPose(right_leg=LegPose(outward=-0.21), left_leg=LegPose(outward=0.0)))
    assert overlap(through) > 0 and penetrates(through)


def test_the_centre_of_mass_of_a_stand_is_in_the_middle_and_near_the_hips():
    x, y, _ = centre_of_mass(pose_body(Body(), BodyPose()))
    assert x == pytest.approx(0) and 0.5 < y < 0.62


def test_a_mirrored_pose_has_mirrored_joints_and_twice_mirrored_is_itself():
    stream = np.random.default_rng(5)
    body = BODIES[1]
    for _ in range(30):
        pose = sample_pose(body, stream)
        assert pose.mirrored().mirrored() == pose
        here, there = pose_body(body, pose), pose_body(body, pose.mirrored())
        for name, place in here.points.items():
            swap = {"right": "left", "left": "right"}
            side, _, rest = name.partition("_")
            partner = there.points[f"{swap[side]}_{rest}" if side in swap else name]
            assert partner == pytest.approx(place * (-1, 1, 1), abs=1e-9), name


def test_a_pose_depends_on_the_stream_alone():
    a, b = (sample_pose(Body(), np.random.default_rng(11)) for _ in range(2))
    assert a == b


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_pose_is_found_by_every_body(kind):
    for body in BODIES:
        poses = {repr(sample_pose(body, np.random.default_rng(s), kind=kind).right_arm) for s in range(6)}
        assert len(poses) == 6, "not the plain stand that stands in for a pose that was not found"


def test_a_skirt_allows_no_raised_foot_and_no_squat():
    stream = np.random.default_rng(2)
    for _ in range(60):
        pose = sample_pose(Body(), stream, max_lift=0.05)
        assert max(pose.right_leg.lift, pose.left_leg.lift) <= 0.05 and pose.crouch < 0.15
        assert pose.seat is None or pose.seat > 0.1


def test_who_sits_has_the_hips_on_the_seat():
    stream = np.random.default_rng(4)
    for body in BODIES:
        pose = sample_pose(body, stream, kind="sitting")
        figure = pose_body(body, pose)
        assert figure.points["seat"][1] == pose.seat
        assert 0.03 < figure.points["mid_hip"][1] - pose.seat < 0.07
    assert "seat" not in pose_body(Body(), BodyPose()).points


def test_the_poses_of_the_demonstration_are_possible():
    assert all(plausible(pose_body(Body(), pose), balanced=-0.1) for pose, _ in DEMO_POSES)


def test_a_sole_stays_on_the_ground_however_the_foot_is_pitched():
    for pitch in range(-60, 81, 10):
        leg = LegPose(pitch=pitch)
        figure = pose_body(Body(), BodyPose(right_leg=leg, left_leg=leg))
        assert soles(figure)[..., 1].min() == pytest.approx(0, abs=1e-9)
        assert figure.points["left_ankle"][1] == pytest.approx(ankle_height(pitch))


# ------------------------------------------------------------------------------------------ motion


def moments(name, body, style, steps=100):
    """Joints (steps + 1, n, 3) in the world, soles (steps + 1, 2, 4, 3) in the body's space, over one cycle."""
    joints, feet = [], []
    for k in range(steps + 1):
        pose, yaw, shift = cycle(name, k / steps, body, style)
        figure = pose_body(body, pose)
        joints.append((np.stack(list(figure.points.values())) + shift) @ turn(1, yaw).T)
        feet.append(soles(figure))
    return np.stack(joints), np.stack(feet)


@pytest.mark.parametrize("name", CYCLES)
def test_a_motion_is_closed_and_has_no_jumps(name):
    stream = np.random.default_rng(1)
    for body in BODIES[:3]:
        joints, _ = moments(name, body, sample_style(stream))
        assert joints[0] == pytest.approx(joints[-1], abs=1e-9)
        steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
        assert steps.max() < 0.055
        changes = np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1)
        assert changes.max() < 0.04


@pytest.mark.parametrize("name", CYCLES)
def test_feet_in_motion_neither_sink_nor_float(name):
    for body in BODIES[:2]:
        _, feet = moments(name, body, Style(), steps=60)
        lowest = feet[..., 1].min((1, 2))
        assert lowest.min() > -0.002
        if name == "run":
            assert lowest.max() > 0.02 and (lowest < 0.005).mean() > 0.5, "both feet fly, but not for long"
        else:
            assert lowest.max() < 0.005


@pytest.mark.parametrize("name", ["walk", "run", "turn", "wave", "dance"])
def test_nobody_walks_through_themselves(name):
    for body in BODIES[:3]:
        for k in range(20):
            assert plausible(pose_body(body, cycle(name, k / 20, body).pose), balanced=None)


def test_a_planted_foot_stays_where_it_is_while_sitting_down():
    body = Body()
    ankles = []
    for k in range(50):
        pose, _, shift = cycle("sit", k / 50, body)
        ankles.append(pose_body(body, pose).points["left_ankle"] + shift)
    assert np.ptp(ankles, axis=0) == pytest.approx(np.zeros(3), abs=0.004)


def test_the_seat_stays_where_it_is_while_sitting_down():
    body = Body()
    seats = []
    for k in range(50):
        pose, _, shift = cycle("sit", k / 50, body)
        seats.append(pose_body(body, pose).points["seat"] + shift)
    assert np.ptp(seats, axis=0) == pytest.approx(np.zeros(3), abs=1e-9)


def test_a_mirrored_style_mirrors_the_motion():
    here, there = (cycle("wave", 0.5, Body(), Style(mirrored=m)) for m in (False, True))
    assert here.pose.mirrored() == there.pose
    assert set(get_args(CycleName)) == set(CYCLES)


# ----------------------------------------------------------------------------------------- cameras


def test_cameras_see_people_from_everywhere_and_mostly_whole():
    stream = np.random.default_rng(0)
    cameras = [sample_camera(stream) for _ in range(600)]
    facing = (np.array([c.yaw for c in cameras]) + 180) % 360 - 180
    assert 0.4 < (np.abs(facing) < 50).mean() < 0.75
    assert (np.abs(facing) > 130).mean() > 0.12
    assert {c.crop for c in cameras} == set(CROPS)
    assert 0.7 < np.mean([c.crop == "full" for c in cameras]) < 0.9
    assert all(2.5 < c.distance <= 10 and abs(c.roll) <= 3 for c in cameras)
    assert abs(sample_camera(stream, kind="back").yaw - 180) < 100


def test_who_looks_at_the_camera_turns_the_face_towards_it():
    for yaw in (-70, -20, 0, 40, 80):
        camera = Camera(yaw=yaw, elevation=0)
        pose = BodyPose(pelvis=(10, 8, 0), spine=(5, 6, 0))
        frames = [pose_body(Body(), p).frames["head"] for p in (pose, look_at(pose, camera))]
        away, towards = ((turn(1, yaw) @ f)[2, 2] for f in frames)
        assert towards >= away and towards > 0.8
    stream = np.random.default_rng(0)
    looked = [sample_look(BodyPose(), Camera(yaw=60), stream) != BodyPose() for _ in range(300)]
    assert 0.4 < np.mean(looked) < 0.6
    assert sample_look(BodyPose(), Camera(yaw=180), stream) == BodyPose()


# ------------------------------------------------------------------------------------------- faces


def test_landmarks_lie_on_the_face_where_the_eyes_and_the_mouth_are_painted():
    figure = pose_body(Body(), BodyPose(neck=(5, 20, 3)))
    local = (face_points(figure) - figure.points["head"]) @ figure.frames["head"] / HEAD_RADII
    assert local.shape == (68, 3)

    def middle(word):
        return local[[word in joint for joint in FACE_68.joints]].mean(0)

    assert middle("left_eye")[:2] == pytest.approx((0.37, 0.03), abs=0.03)
    assert middle("right_eye")[:2] == pytest.approx((-0.37, 0.03), abs=0.03)
    assert middle("mouth")[1] == pytest.approx(-0.545, abs=0.04)
    assert middle("left_brow")[1] > 0.2
    inner = [j for j in range(68) if "jaw" not in FACE_68.joints[j]]
    assert (local[inner, 2] > 0.45).all(), "in front"
    assert np.linalg.norm(local, axis=1).min() > 0.8 and np.linalg.norm(local, axis=1).max() < 1.3


def test_an_average_face_is_symmetric():
    places = face_places()
    assert places[list(FACE_68.mirror)] * (-1, 1) == pytest.approx(places)
