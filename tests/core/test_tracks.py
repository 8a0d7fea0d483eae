"""Smoothing of tracks: what stands stays, what moves straight does not lag, what trembles is calmer, gaps are what
they were."""

from dataclasses import replace

import pytest
import torch

from reposer.core import BadInput, FaceLines, Pose, View
from reposer.core.skeleton import FACE_68
from reposer.core.tracks import SMOOTHERS, OneEuro, body_size, gaps_filled, one_euro, smoothed, two_sided

FPS = 25.0
SIZE = (256, 192)
BOTH = pytest.mark.parametrize("smooth", [one_euro, two_sided])


def standing(count=40, seed=0):
    """A body of 200 pixels that does not move."""
    random = torch.Generator().manual_seed(seed)
    xy = torch.rand(18, 2, generator=random) * torch.tensor([80.0, 200.0]) + 20
    xy[0], xy[10] = torch.tensor([60.0, 20.0]), torch.tensor([60.0, 220.0])
    return Pose(xy.repeat(count, 1, 1), torch.ones(count, 18, dtype=torch.bool), SIZE)


def moved(pose, by):
    return replace(pose, xy=pose.xy + by)


def trembling(pose, pixels=2.0, seed=1):
    random = torch.Generator().manual_seed(seed)
    return moved(pose, pixels * torch.randn(pose.xy.shape, generator=random))


def without(pose, frames, joint):
    visible = pose.visible.clone()
    visible[frames, joint] = False
    xy = torch.where(visible[..., None], pose.xy, torch.nan)  # it means nothing, and must not matter
    return replace(pose, xy=xy, visible=visible)


def off(found, true):
    return (found.xy - true.xy).square().sum(-1).mean().sqrt().item()


def same(a, b, within=1e-3):
    assert torch.equal(a.visible, b.visible)
    seen = a.visible
    assert torch.allclose(a.xy[seen], b.xy[seen], atol=within)


@BOTH
def test_a_track_that_stands_still_stays(smooth):
    same(smooth(standing(), FPS), standing())


def test_a_straight_motion_passes_the_two_sided_smoother_without_lag_and_one_euro_lags():
    times = torch.arange(40.0)[:, None, None]
    straight = moved(standing(), times * torch.tensor([2.0, -1.0]))
    same(two_sided(straight, FPS), straight, 0.01)
    lag = straight.xy[-1] - one_euro(straight, FPS).xy[-1]
    assert (lag[:, 0] > 0.2).all() and (lag[:, 0] < 8).all() and (lag[:, 1] < 0).all()


@pytest.mark.parametrize(("smooth", "variance_left"), [(one_euro, 0.3), (two_sided, 0.3)])
def test_of_the_noise_on_a_standing_body_less_than_a_third_of_the_variance_is_left(smooth, variance_left):
    true = standing(200)
    noisy = trembling(true)
    assert off(smooth(noisy, FPS), true) ** 2 < variance_left * off(noisy, true) ** 2


def test_a_swinging_arm_is_nearer_to_the_truth_smoothed_and_nearest_when_the_future_is_known():
    true = standing(100)
    swing = torch.zeros(100, 18, 2)
    swing[:, 4, 0] = 50 * torch.sin(torch.arange(100) / FPS * 6.28)  # a wrist, once a second
    true = moved(true, swing)
    noisy = trembling(true, 3.0)
    causal, whole = off(one_euro(noisy, FPS), true), off(two_sided(noisy, FPS), true)
    assert whole < causal < off(noisy, true)
    assert whole < 0.7 * off(noisy, true)


def test_one_euro_does_not_know_the_future_and_the_two_sided_does():
    noisy = trembling(standing())
    other = replace(noisy, xy=torch.cat([noisy.xy[:20], noisy.xy[20:] + 30]))
    assert torch.equal(one_euro(noisy, FPS).xy[:20], one_euro(other, FPS).xy[:20])
    assert not torch.allclose(two_sided(noisy, FPS).xy[18:20], two_sided(other, FPS).xy[18:20], atol=0.01)


def test_a_stream_is_the_whole_track_pose_by_pose_and_a_slower_clip_is_smoothed_by_its_time():
    noisy = trembling(standing())
    smoother = OneEuro()
    stream = Pose.stack([smoother(pose, 3.0 + t / FPS) for t, pose in enumerate(noisy)])
    same(stream, one_euro(noisy, FPS), 1e-4)
    slow, fast = off(one_euro(noisy, 5.0), standing()), off(one_euro(noisy, 50.0), standing())
    assert fast < slow


@BOTH
def test_smoothing_commutes_with_flipping_and_with_the_resolution(smooth):
    noisy = without(trembling(standing()), slice(10, 13), 4)
    same(smooth(noisy.flip(), FPS), smooth(noisy, FPS).flip())
    larger = (3 * SIZE[0], 3 * SIZE[1])
    same(smooth(noisy.resize(larger), FPS), smooth(noisy, FPS).resize(larger), 3e-3)


def test_short_gaps_are_bridged_between_two_sightings_and_longer_ones_stay():
    times = torch.arange(40.0)[:, None, None]
    true = moved(standing(), times * torch.tensor([1.0, 0.5]))
    gaps = without(without(true, slice(10, 14), 4), slice(20, 30), 7)
    gaps = without(without(gaps, slice(0, 2), 3), slice(38, 40), 3)
    found = two_sided(gaps, FPS, max_gap=4 / FPS)
    assert found.visible[10:14, 4].all() and torch.allclose(found.xy[10:14, 4], true.xy[10:14, 4], atol=0.05)
    assert not found.visible[20:30, 7].any() and found.visible[30:, 7].all()
    assert not found.visible[:2, 3].any() and not found.visible[38:, 3].any()
    same(replace(found, visible=gaps.visible), replace(true, visible=gaps.visible), 0.05)
    assert torch.equal(two_sided(gaps, FPS, max_gap=3 / FPS).visible, gaps.visible)


@BOTH
def test_a_joint_that_was_away_for_long_starts_anew_where_it_appears(smooth):
    track = standing()
    xy = track.xy.clone()
    xy[25:, 4] += 60
    away = without(replace(track, xy=xy), slice(10, 25), 4)
    found = smooth(away, FPS)
    assert torch.equal(found.visible, away.visible)
    assert torch.allclose(found.xy[25:, 4], xy[25:, 4], atol=1e-3)
    assert torch.allclose(found.xy[:10, 4], xy[:10, 4], atol=1e-3)


def test_a_joint_of_a_low_score_pulls_less_and_a_bridged_one_has_none():
    track = standing()
    xy = track.xy.clone()
    xy[20, 4] += 20
    score = torch.ones(40, 18)
    sure = two_sided(replace(track, xy=xy, score=score), FPS)
    score = score.clone()
    score[20, 4] = 0.1
    doubtful = two_sided(replace(track, xy=xy, score=score), FPS)
    assert (doubtful.xy - track.xy).norm(dim=-1).max() < 0.3 * (sure.xy - track.xy).norm(dim=-1).max()
    bridged = two_sided(without(replace(track, score=score), slice(5, 7), 4), FPS)
    assert bridged.visible.all() and (bridged.score[5:7, 4] == 0).all() and (bridged.score[:5] == 1).all()
    assert torch.equal(one_euro(replace(track, score=score), FPS).score, score)


@BOTH
def test_joints_and_rows_without_anybody_are_left_alone(smooth):
    nobody = replace(standing(), visible=torch.zeros(40, 18, dtype=torch.bool))
    assert not smooth(nobody, FPS).visible.any()
    some = without(standing(), slice(0, 40), 9)
    same(smooth(some, FPS), some)


def test_frames_that_show_nobody_have_the_pose_before_and_the_first_ones_wait():
    track = moved(standing(6), torch.arange(6.0)[:, None, None])
    visible = track.visible.clone()
    visible[[0, 1, 3, 5]] = False
    found = gaps_filled(replace(track, visible=visible))
    assert torch.equal(found.xy, track.xy[[2, 2, 2, 2, 4, 4]]) and found.visible.all()
    assert gaps_filled(track) is track
    nobody = replace(track, visible=torch.zeros_like(visible))
    assert gaps_filled(nobody) is nobody


def test_the_size_of_a_body_is_the_larger_side_of_its_box():
    track = standing(2)
    assert body_size(track).tolist() == [200, 200]
    lone = replace(track, visible=torch.arange(18)[None] == torch.tensor([[3], [-1]]))
    assert body_size(lone).tolist() == [0, 0]


def test_faces_are_smoothed_by_their_points_and_views_not_at_all():
    random = torch.Generator().manual_seed(0)
    points = Pose(torch.rand(6, 68, 2, generator=random) * 60, torch.ones(6, 68, dtype=torch.bool), SIZE, FACE_68)
    face = FaceLines(points, torch.ones(6, 1, *SIZE))
    found = smoothed(face, FPS, "one-euro")
    assert torch.equal(found.points.xy, one_euro(points, FPS).xy) and torch.equal(found.edges, face.edges)
    views = View(torch.arange(4.0), torch.zeros(4))
    assert smoothed(views, FPS, "two-sided") is views
    assert smoothed(points, FPS, "none") is points and set(SMOOTHERS) == {"none", "one-euro", "two-sided"}


def test_what_cannot_be_smoothed_is_refused():
    smoother = OneEuro()
    smoother(standing(1)[0], 1.0)
    with pytest.raises(BadInput, match="time goes forward"):
        smoother(standing(1)[0], 1.0)
    for smooth in (one_euro, two_sided):
        with pytest.raises(BadInput, match="frame rate above 0, not 0"):
            smooth(standing(), 0)
    with pytest.raises(BadInput, match="cutoffs above 0"):
        OneEuro(min_cutoff=0)
    with pytest.raises(BadInput, match="noise and agility above 0"):
        two_sided(standing(), FPS, noise=0)
