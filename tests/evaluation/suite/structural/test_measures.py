"""Measures of joints: what they are by definition, restated joint by joint."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reposer.core.skeleton import COCO_17, OPENPOSE_18
from reposer.evaluation.suite.structural.measures import COCO_SIGMAS, GROUPS, Joints, measures, oks, pckh_patn

SIZE = (256, 176)


def people(seed, count=6, missing=0.3):
    """Random joints; those that are not visible have no position at all."""
    random = torch.Generator().manual_seed(seed)
    xy = torch.rand(count, 18, 2, generator=random).double() * torch.tensor([176.0, 256.0])
    visible = torch.rand(count, 18, generator=random) >= missing
    xy[~visible] = math.nan
    return Joints(xy, visible)


def near(truth, seed, pixels):
    """Other joints near the true ones; some are lost and some made up."""
    random = torch.Generator().manual_seed(seed)
    other = people(seed + 1, len(truth.xy), missing=0.2)
    noise = torch.randn(truth.xy.shape, generator=random).double() * pixels
    xy = torch.where(truth.visible[..., None], truth.xy + noise, other.xy)
    return Joints(xy, other.visible)


def values(found, truth):
    """(metric, part) -> value over all pairs."""
    return {(t.metric, t.part): (t.above.sum() / t.below.sum()).item() for t in measures(found, truth)}


def shifted(joints, x, y):
    return Joints(joints.xy + torch.tensor([x, y], dtype=torch.float64), joints.visible)


def patn_joint_by_joint(found, truth):
    right = total = 0
    for n in range(len(truth.xy)):
        head = [k for k in (0, 1, 14, 15, 16, 17) if truth.visible[n, k]]
        if len(head) < 2:
            continue
        xs, ys = ([truth.xy[n, k, axis].item() for k in head] for axis in (0, 1))
        w, h = max(xs) - min(xs), max(ys) - min(ys)
        for k in range(18):
            if truth.visible[n, k]:
                total += 1
                dx, dy = (abs(found.xy[n, k, axis] - truth.xy[n, k, axis]).item() for axis in (0, 1))
                right += bool(found.visible[n, k]) and dx < 0.5 * w and dy < 0.5 * h
    return right / total


def oks_joint_by_joint(found, truth, n):
    there = [OPENPOSE_18.index(j) for j in COCO_17.joints if truth.visible[n, OPENPOSE_18.index(j)]]
    xs, ys = ([truth.xy[n, k, axis].item() for k in there] for axis in (0, 1))
    area = (max(xs) - min(xs) + 1) * (max(ys) - min(ys) + 1)
    total = 0.0
    for k in there:
        if found.visible[n, k]:
            sigma = COCO_SIGMAS[OPENPOSE_18.joints[k].split("_")[-1]]
            d = math.dist(found.xy[n, k].tolist(), truth.xy[n, k].tolist())
            total += math.exp(-(d**2) / (2 * area * (2 * sigma) ** 2))
    return total / len(there)


@given(st.integers(0, 10_000), st.sampled_from([1.0, 20.0, 80.0]))
def test_pckh_of_patn_is_what_counting_joint_by_joint_gives(seed, pixels):
    truth = people(seed, missing=0.5)
    found = near(truth, seed + 1, pixels)
    tally = pckh_patn(found, truth)
    assert (tally.above.sum() / tally.below.sum()).item() == pytest.approx(patn_joint_by_joint(found, truth))


@given(st.integers(0, 10_000), st.sampled_from([1.0, 10.0, 40.0]))
def test_oks_is_what_adding_joint_by_joint_gives(seed, pixels):
    truth = people(seed)
    found = near(truth, seed + 1, pixels)
    mean, above_half, _ = oks(found, truth)
    expected = [oks_joint_by_joint(found, truth, n) for n in range(len(truth.xy))]
    assert mean.above.tolist() == pytest.approx(expected)
    assert above_half.above.tolist() == [float(value > 0.5) for value in expected]


def test_oks_of_one_joint_falls_to_the_root_of_e_at_twice_sigma_of_the_scale():
    k = OPENPOSE_18.index("left_knee")
    truth = Joints(torch.full((1, 18, 2), math.nan).double(), torch.zeros(1, 18, dtype=torch.bool))
    for joint, xy in (("left_knee", (30.0, 99.0)), ("nose", (39.0, 0.0))):  # a box of 10 x 100 pixels
        truth.xy[0, OPENPOSE_18.index(joint)] = torch.tensor(xy).double()
        truth.visible[0, OPENPOSE_18.index(joint)] = True
    found = Joints(truth.xy.clone(), truth.visible)
    found.xy[0, k, 0] += 2 * 0.087 * math.sqrt(1000)
    assert next(oks(found, truth)).above.item() == pytest.approx((1 + math.exp(-0.5)) / 2)


def test_the_truth_itself_is_perfect():
    truth = people(1)
    for (metric, part), value in values(truth, truth).items():
        perfect = 0.0 if metric in ("joint-error", "joint-missed", "joint-false") else 1.0
        assert value == pytest.approx(perfect), (metric, part)


def test_joints_all_moved_farther_than_any_threshold_are_all_wrong_by_that_much():
    truth = people(2)
    found = values(shifted(truth, 300.0, 400.0), truth)
    for metric in ("pckh-patn", "pck@0.05", "pck@0.2", "pckh@0.5"):
        assert found[metric, ""] == 0
    assert found["oks", ""] < 0.2  # its tail never ends
    assert found["oks@0.5", ""] == found["joint-missed", ""] == 0
    assert found["joint-error", ""] == pytest.approx(500)


def test_nothing_found_is_all_wrong_and_has_no_error_in_pixels():
    truth = people(3)
    found = values(Joints(truth.xy, torch.zeros_like(truth.visible)), truth)
    assert found["pckh-patn", ""] == found["pck@0.2", "knee"] == found["oks", ""] == 0
    assert found["joint-missed", ""] == 1 and found["joint-false", ""] == 0
    assert math.isnan(found["joint-error", ""])


def test_a_joint_too_many_is_false_and_costs_nothing_else():
    truth = people(4)
    more = Joints(truth.xy.nan_to_num(0.0), torch.ones_like(truth.visible))
    exact, found = values(truth, truth), values(more, truth)
    assert found.pop(("joint-false", "")) == 1
    assert {k: v for k, v in found.items() if k[0] != "joint-false"} == {
        k: v for k, v in exact.items() if k[0] != "joint-false"
    }


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_mirrored_people_score_the_same_part_by_part(seed):
    mirror = list(OPENPOSE_18.mirror)

    def flipped(joints):
        xy = torch.stack([SIZE[1] - 1 - joints.xy[..., 0], joints.xy[..., 1]], -1)
        return Joints(xy[:, mirror], joints.visible[:, mirror])

    truth = people(seed)
    found = near(truth, seed + 1, 8.0)
    assert values(flipped(found), flipped(truth)) == pytest.approx(values(found, truth), nan_ok=True)


def test_shares_do_not_change_with_the_size_of_the_picture():
    truth = people(5)
    found = near(truth, 6, 8.0)
    large = values(Joints(found.xy * 2, found.visible), Joints(truth.xy * 2, truth.visible))
    for (metric, part), value in values(found, truth).items():
        if metric.startswith("pck"):
            assert large[metric, part] == value, (metric, part)
    assert large["joint-error", ""] == pytest.approx(2 * values(found, truth)["joint-error", ""])


def test_every_joint_belongs_to_one_group_and_the_groups_make_the_whole():
    assert sorted(j for joints in GROUPS.values() for j in joints) == sorted(OPENPOSE_18.joints)
    tallies = {(t.metric, t.part): t for t in measures(near(people(7), 8, 8.0), people(7))}
    for metric in ("pck@0.1", "pckh@0.5", "joint-error", "joint-missed", "joint-false"):
        parts = [tallies[metric, group] for group in GROUPS]
        assert torch.allclose(sum(t.above for t in parts), tallies[metric, ""].above)
        assert torch.equal(sum(t.below for t in parts), tallies[metric, ""].below)


def one_person(**joints):
    person = Joints(torch.full((1, 18, 2), math.nan).double(), torch.zeros(1, 18, dtype=torch.bool))
    for joint, xy in joints.items():
        person.xy[0, OPENPOSE_18.index(joint)] = torch.tensor(xy).double()
        person.visible[0, OPENPOSE_18.index(joint)] = True
    return person


def test_patn_looks_at_each_axis_by_itself_and_the_others_along_the_straight_line():
    truth = one_person(nose=(50.0, 20.0), neck=(60.0, 40.0))  # a head box of 10 x 20, diagonal 22.4
    assert pckh_patn(shifted(truth, 4.9, 9.9), truth).above.item() == 2
    assert pckh_patn(shifted(truth, 5.0, 0.0), truth).above.item() == 0, "half the side is no longer near"
    assert pckh_patn(shifted(truth, 0.0, 10.0), truth).above.item() == 0
    reach = 0.5 * 0.6 * math.hypot(10, 20)
    assert values(shifted(truth, reach - 0.01, 0.0), truth)["pckh@0.5", ""] == 1
    assert values(shifted(truth, 0.0, reach + 0.01), truth)["pckh@0.5", ""] == 0


def test_a_head_without_width_is_all_wrong_for_patn_and_at_least_four_pixels_for_the_others():
    profile = one_person(nose=(50.0, 20.0), neck=(50.0, 24.0), left_knee=(50.0, 150.0))
    assert pckh_patn(profile, profile).above.item() == 0
    found = values(shifted(profile, 1.99, 0.0), profile)
    assert found["pckh@0.5", ""] == 1
    assert values(shifted(profile, 2.01, 0.0), profile)["pckh@0.5", ""] == 0


def test_pairs_without_head_or_torso_are_left_out_of_what_is_measured_by_them():
    no_head = one_person(nose=(50.0, 20.0), left_shoulder=(60.0, 45.0), left_hip=(58.0, 90.0))
    assert pckh_patn(no_head, no_head).below.item() == 0
    found = values(no_head, no_head)
    assert math.isnan(found["pckh@0.5", ""]) and found["pck@0.05", ""] == 1
    no_hips = one_person(neck=(50.0, 40.0), left_shoulder=(60.0, 45.0), right_shoulder=(40.0, 45.0))
    assert math.isnan(values(no_hips, no_hips)["pck@0.2", ""])
    assert values(no_hips, no_hips)["oks", ""] == 1
