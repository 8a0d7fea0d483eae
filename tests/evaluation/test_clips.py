"""Driving clips: generated frames meet their true ones, streaming, and the report says what was scored."""

import json
import math
import weakref
from dataclasses import replace

import pytest
import torch

from reposer.core import BadInput, Clip, Framing, Generated, Pose, View
from reposer.core.images import from_uint8, resize, to_uint8
from reposer.core.tracks import one_euro
from reposer.data.clip_dataset import WholeClip
from reposer.evaluation import CLIPS_V1, ClipScorer, evaluate_clips, side_by_side
from reposer.evaluation.driving import DrivenClip, copied, drive
from reposer.evaluation.masks import MASKS
from reposer.generators.copy_source import CopySourceConfig
from reposer.metrics.clips import Motion
from reposer.synthetic.people import SyntheticPeople
from tests.data.video_clips import clip_of

SIZE = (32, 24)
CHEAP = ("frame-l1", "frame-ssim-gaussian1.5", "flicker-l1", "motion-ratio-l1", "warp-l1-exact")


def noise(count, seed=0, size=SIZE):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *size, 3), generator=random, dtype=torch.uint8)


def poses(count, size=SIZE):
    return Pose(torch.full((count, 18, 2), 5.0), torch.ones(count, 18, dtype=torch.bool), size)


def a_clip(count=5, size=SIZE, name="clip"):
    return Clip(from_uint8(noise(count, 1, size)), poses(count, size), name, 25.0)


def driven(generated, target, name="clip", motions=None):
    return DrivenClip(name, zip(generated, target, strict=True), motions)


def unmoved(count):
    return [Motion(torch.zeros(2, *SIZE), torch.ones(SIZE, dtype=torch.bool)) for _ in range(count - 1)]


# ------------------------------------------------------------------------------------------ driving


def test_the_copied_source_is_each_frame_of_its_clip():
    clip = a_clip()
    frames = list(drive(CopySourceConfig(Framing(SIZE)).build(), clip, source=2).frames)
    assert len(frames) == 5
    for (generated, true), frame in zip(frames, clip.frames, strict=True):
        assert torch.equal(true, to_uint8(frame))
        assert torch.equal(generated, to_uint8(clip.frames[2]))


def test_padding_of_the_frame_is_not_scored():
    clip = a_clip(size=(32, 20))
    (generated, true), *_ = drive(CopySourceConfig(Framing(SIZE, fit="pad")).build(), clip).frames
    assert true.shape == generated.shape == (32, 20, 3)
    assert torch.equal(true, to_uint8(clip.frames[0]))


def test_motion_that_the_frame_would_scale_is_refused():
    with pytest.raises(BadInput, match=r"32x24 pixels, but CopySource generates it at 64x48"):
        drive(CopySourceConfig(Framing((64, 48))).build(), a_clip(), motions=unmoved(5))


def test_frames_that_are_not_finite_are_named():
    generator = CopySourceConfig(Framing(SIZE)).build()
    clip = a_clip()
    clip.frames[0, 0, 0, 0] = math.nan
    with pytest.raises(BadInput, match="not finite for frame 0 of clip"):
        evaluate_clips([drive(generator, clip)], CHEAP)


def test_a_generator_is_asked_in_its_frame_with_the_seed():
    asked = {}

    class Spy(type(CopySourceConfig(Framing(SIZE)).build())):
        def animate(self, source, source_pose, target_poses, *, previous=None, seed=0):
            asked.update(size=source.shape[-2:], poses=target_poses.size, count=len(target_poses), seed=seed)
            return super().animate(source, source_pose, target_poses, seed=seed)

    list(drive(Spy(CopySourceConfig(Framing((64, 48)))), a_clip(), seed=7).frames)
    assert asked == {"size": (64, 48), "poses": (64, 48), "count": 5, "seed": 7}


class Sticks(type(CopySourceConfig(Framing(SIZE)).build())):
    """Shows where the joints are: a picture whose first column tells their mean place."""

    def forward(self, source, source_pose, target_pose):
        grey = target_pose.xy[:, :, 0].mean(1) / 20 - 1
        return Generated(grey[:, None, None, None].expand(len(source), 3, *SIZE))


def walking(count=6, trusted=None, size=SIZE, framing=None):
    """A whole clip as data sets of clips give it, its person going to the right by a pixel a frame."""
    clip = a_clip(count, size)
    xy = torch.rand(18, 2, generator=torch.Generator().manual_seed(3)) * 12 + 4
    xy = xy + torch.arange(count)[:, None, None] * torch.tensor([1.0, 0.0])
    pose = Pose(xy, torch.ones(count, 18, dtype=torch.bool), size)
    trusted = torch.ones(count, dtype=torch.bool) if trusted is None else torch.tensor(trusted)
    return WholeClip("walk", clip.frames[0], pose[0], pose, 25.0, size, trusted, lambda: iter(clip.frames))


def test_a_whole_clip_is_driven_as_a_clip_is():
    whole, generator = walking(), CopySourceConfig(Framing(SIZE)).build()
    clip = Clip(torch.stack(list(whole.frames())), whole.poses, "walk", 25.0)
    ours, theirs = drive(generator, whole), drive(generator, clip)
    for (a, b), (c, d), x, y in zip(ours.frames, theirs.frames, ours.limbs, theirs.limbs, strict=True):
        assert torch.equal(a, c) and torch.equal(b, d) and torch.equal(x, y)


def test_the_copied_source_is_what_a_generator_that_copies_gives():
    whole = walking()
    by_generator = evaluate_clips([drive(CopySourceConfig(Framing(SIZE)).build(), whole)], (*CHEAP, "frame-l1-limbs"))
    report = evaluate_clips([copied(whole, Framing(SIZE))], (*CHEAP, "frame-l1-limbs"))
    assert report.summary == by_generator.summary and report.hash == by_generator.hash


def test_limbs_are_those_of_the_pictures_metric_and_untrusted_frames_have_none():
    whole = walking(4, [True, False, True, True])
    masks = list(drive(CopySourceConfig(Framing(SIZE)).build(), whole).limbs)
    assert masks[1] is None
    pose = whole.poses[2:3]
    assert torch.equal(masks[2], MASKS["limbs"](pose, pose, SIZE[0] / 32)[0, 0].bool())
    report = evaluate_clips([drive(CopySourceConfig(Framing(SIZE)).build(), whole)], ("frame-l1-limbs", "frame-l1"))
    assert report.rows[0].limb_frames == 3
    assert report.summary["frame-l1-limbs"].counted == "1 clip, without 1 frame of unknown limbs, 4 frames"
    assert report.summary["frame-l1"].counted == "1 clip, 4 frames"
    other = evaluate_clips([drive(CopySourceConfig(Framing(SIZE)).build(), walking(4))], ("frame-l1",))
    assert other.hash != report.hash  # the same frames, other limbs


def test_in_a_padded_frame_limbs_lie_where_the_picture_without_padding_has_them():
    size, framing = (32, 16), Framing(SIZE, fit="pad")
    clip = Clip(a_clip(3, size).frames, walking(3, size=size).poses, "clip", 25.0)
    driven = drive(CopySourceConfig(Framing(SIZE, fit="pad")).build(), clip)
    expected = MASKS["limbs"](clip.poses, clip.poses, 1.0)[:, 0].bool()
    for mask, expected_mask, (_, true) in zip(driven.limbs, expected, driven.frames, strict=True):
        assert mask.shape == true.shape[:2] == size
        assert torch.equal(mask, expected_mask)
    assert framing.content_box(size) == (4, 0, 20, 32)


def test_views_have_no_limbs():
    views = View(torch.arange(3.0), torch.zeros(3))
    whole = replace(walking(3), poses=views, source_pose=views[0])
    driven = copied(whole, Framing(SIZE))
    assert driven.limbs is None
    report = evaluate_clips([driven], ("frame-l1", "frame-l1-limbs"))
    assert "where its limbs are" in report.absent["frame-l1-limbs"] and list(report.summary) == ["frame-l1"]


def test_smoothing_moves_the_poses_that_drive_and_not_the_limbs_that_are_scored():
    whole, generator = walking(), Sticks(CopySourceConfig(Framing(SIZE)))
    plain, smooth = drive(generator, whole), drive(generator, whole, smoothing="one-euro")
    given = drive(generator, whole, poses=one_euro(whole.poses, 25.0))
    a, b, c = (torch.stack([generated for generated, _ in d.frames]) for d in (plain, smooth, given))
    assert torch.equal(b, c) and not torch.equal(a, b)
    assert all(torch.equal(x, y) for x, y in zip(plain.limbs, smooth.limbs, strict=True))


def test_a_frame_that_shows_nobody_is_driven_by_the_pose_before():
    whole, generator = walking(), Sticks(CopySourceConfig(Framing(SIZE)))
    visible = whole.poses.visible.clone()
    visible[3] = False
    gap = replace(whole, poses=replace(whole.poses, visible=visible))
    frames = [generated for generated, _ in drive(generator, gap).frames]
    assert torch.equal(frames[3], frames[2]) and not torch.equal(frames[4], frames[3])


def test_what_is_generated_is_steadied_if_that_is_asked():
    class Trembling(Sticks):
        def forward(self, source, source_pose, target_pose):
            noise = torch.randn(source.shape, generator=torch.Generator().manual_seed(int(target_pose.xy.sum())))
            return Generated(source * 0.5 + 0.05 * noise)

    coarse = resize(from_uint8(noise(1, 4, (4, 3))), SIZE)[0]
    still = replace(walking(), source=coarse, open_frames=lambda: iter([coarse] * 6))
    values = [
        evaluate_clips([drive(Trembling(CopySourceConfig(Framing(SIZE))), still, steady=s)], ("flicker-l1",)).summary
        for s in (0.0, 0.6)
    ]
    assert values[1]["flicker-l1"].value.mean < 0.85 * values[0]["flicker-l1"].value.mean


# ------------------------------------------------------------------------------------------ scoring


def test_true_frames_against_themselves_are_perfect():
    frames = noise(6)
    report = evaluate_clips([driven(frames, frames, motions=unmoved(6))], CHEAP)
    means = {name: found.value.mean for name, found in report.summary.items()}
    assert means["frame-l1"] == means["flicker-l1"] == 0
    assert means["frame-ssim-gaussian1.5"] == pytest.approx(1) and means["motion-ratio-l1"] == 1
    assert means["warp-l1-exact"] == report.truth["warp-l1-exact"].mean > 0  # noise does not move as told


def test_the_order_of_clips_does_not_matter_and_a_run_goes_on_where_it_stopped():
    def clips():
        return [driven(noise(n, n), noise(n, 9 + n), f"clip{n}", unmoved(n)) for n in (3, 4, 6)]

    whole = evaluate_clips(clips(), CHEAP)
    other = evaluate_clips(clips()[::-1], CHEAP)
    first, later = ClipScorer(CHEAP), ClipScorer(CHEAP)
    first.add(clips()[0])
    later.load_state(first.state(), first.rows)
    for clip in clips()[1:]:
        later.add(clip)
    assert whole.summary == other.summary == later.report().summary
    assert whole.truth == other.truth == later.report().truth
    assert whole.hash == other.hash == later.report().hash
    assert whole.to_plain() == later.report().to_plain()


def test_the_hash_knows_the_true_clip_and_not_the_generated_one():
    def hashed(generated, target, name="clip"):
        return evaluate_clips([driven(generated, target, name)], ("flicker-l1",)).hash

    reference = hashed(noise(3), noise(3, 1))
    assert hashed(noise(3, 5), noise(3, 1)) == reference
    assert reference not in {hashed(noise(3), noise(3, 2)), hashed(noise(3), noise(3, 1), "other")}


def test_memory_does_not_grow_with_the_length_of_a_clip():
    frame, target = noise(2)
    alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
    most = 0

    def frames(length):
        nonlocal most
        for _ in range(length):
            pair = frame.clone(), target.clone()
            alive.update(pair)
            most = max(most, len(alive))
            yield pair
            del pair

    ClipScorer(("flicker-l1", "motion-ratio-l1", "frame-l1")).add(DrivenClip("clip", frames(120)))
    assert most <= 6  # the frame at hand and the one before, and what the loop still names
    assert not alive


def test_metrics_that_cannot_be_taken_are_absent_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.delenv("REPOSER_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    report = evaluate_clips(
        [driven(noise(3), noise(3, 1))], ("flicker-l1", "warp-l1-exact", "fvd-r3d18", "tlpips-alex")
    )
    assert list(report.summary) == ["flicker-l1"]
    assert set(report.absent) == {"warp-l1-exact", "fvd-r3d18", "tlpips-alex"}
    assert "do not say how they move" in report.absent["warp-l1-exact"]
    assert "r3d_18-b3b3357e.pth" in report.absent["fvd-r3d18"]


def test_exact_motion_counts_on_the_clips_that_bring_it():
    clips = [driven(noise(3), noise(3, 1), "a", unmoved(3)), driven(noise(3), noise(3, 1), "b")]
    report = evaluate_clips(clips, ("warp-l1-exact", "flicker-l1"))
    assert report.summary["warp-l1-exact"].value.pairs == 1
    assert report.summary["flicker-l1"].value.pairs == 2
    assert "warp-l1-exact" not in report.rows[1].values


def test_empty_clips_changing_sizes_and_short_motions_are_refused():
    with pytest.raises(BadInput, match="no clips"):
        evaluate_clips([])
    with pytest.raises(BadInput, match="has no frames"):
        evaluate_clips([driven([], [])], CHEAP)
    uneven = [noise(1)[0], noise(1, size=(32, 20))[0]]
    with pytest.raises(BadInput, match=r"Frame 1 of clip has 32x20 pixels, the one before 32x24"):
        evaluate_clips([driven(uneven, uneven)], CHEAP)
    with pytest.raises(BadInput, match=r"generated at 32x20, the true one is 32x24"):
        evaluate_clips([driven(uneven[1:], uneven[:1])], CHEAP)
    with pytest.raises(BadInput, match="none leads to frame 3"):
        evaluate_clips([driven(noise(4), noise(4), motions=unmoved(3))], CHEAP)


def test_a_clip_that_breaks_off_leaves_nothing_behind():
    scorer, other = ClipScorer(CHEAP), ClipScorer(CHEAP)
    with pytest.raises(BadInput, match="none leads to frame 2"):
        scorer.add(driven(noise(4), noise(4, 1), motions=unmoved(2)))
    for one in (scorer, other):
        one.add(driven(noise(3), noise(3, 2), motions=unmoved(3)))
    assert scorer.report() == other.report()


def test_masks_of_limbs_that_do_not_fit_the_frames_are_refused():
    good = torch.ones(SIZE, dtype=torch.bool)
    frames = list(zip(noise(3), noise(3, 1), strict=True))
    with pytest.raises(BadInput, match="none is for frame 2"):
        evaluate_clips([DrivenClip("clip", frames, limbs=[good, None])], ("frame-l1-limbs",))
    with pytest.raises(BadInput, match="frame 0 of clip has 8x8 pixels, the frame 32x24"):
        evaluate_clips([DrivenClip("clip", frames, limbs=iter([good[:8, :8]] * 3))], ("frame-l1-limbs",))


def test_reports_of_the_same_clips_stand_side_by_side_with_the_best_in_bold():
    target = noise(4, 1)
    own = {name: evaluate_clips([driven(g, target)], CHEAP) for name, g in (("a", target), ("b", noise(4)))}
    found = side_by_side(own)
    assert (found.names, found.notes) == (("a", "b"), ("the truth itself", "better"))
    assert [line.metric for line in found.lines] == list(CHEAP[:4])
    assert all(line.best == {0} for line in found.lines)
    assert found.lines[1].notes == ("1.0000", "higher") and found.lines[3].notes[1] == "nearest to 1"
    other = evaluate_clips([driven(noise(4), noise(4, 2))], CHEAP)
    with pytest.raises(BadInput, match=r"'a' and 'other' are not of the same protocol, .* and clips"):
        side_by_side({"a": own["a"], "other": other})


def test_the_report_prints_every_number_with_its_protocol_and_count():
    clips = [driven(noise(n, n), noise(n, 9), f"clip{n}", unmoved(n)) for n in (3, 4)]
    report = evaluate_clips(clips, CHEAP, about={"generator": "noise"})
    flicker, warped = report.lines()[2], report.lines()[4]
    assert flicker.startswith("reposer-clips-v1/flicker-l1 = ") and flicker.endswith("(2 clips, 7 frames)")
    assert "; the truth itself: " in warped
    plain = json.loads(json.dumps(report.to_plain(), allow_nan=False))
    assert plain["about"] == {"generator": "noise"} and len(plain["clips"]) == 2
    low, mean, high = (plain["summary"]["flicker-l1"][key] for key in ("low", "mean", "high"))
    assert low <= mean <= high
    titles = [column.header for column in report.to_table().columns]
    assert titles == ["metric", "mean [95% interval]", "the truth itself", "better", "scored"]


# ------------------------------------------------------------------------------- rendered and real clips


def test_a_rendered_person_moves_as_the_rendering_says():
    clip, rendering = SyntheticPeople((64, 48), "test", 10).clip(950_003, "walk", 4, fps=8)
    motions = [Motion(*rendering.flow(t - 1, t)) for t in range(1, len(rendering))]
    assert len(motions) == 3 and all(motion.visible.any() for motion in motions)
    true = to_uint8(clip.frames)
    still = [replace(motion, flow=torch.zeros_like(motion.flow)) for motion in motions]
    names = ("warp-l1-exact",)
    moved = evaluate_clips([driven(true, true, motions=motions)], names).summary["warp-l1-exact"].value.mean
    left = evaluate_clips([driven(true, true, motions=still)], names).summary["warp-l1-exact"].value.mean
    assert moved < 0.85 * left
    copied = drive(CopySourceConfig(Framing((64, 48))).build(), clip, motions=motions)
    report = evaluate_clips([copied], (*names, "flicker-l1", "motion-ratio-l1"))
    assert report.truth["warp-l1-exact"].mean == pytest.approx(moved)
    assert report.summary["motion-ratio-l1"].value.mean == 0 and report.summary["flicker-l1"].value.mean > 0


def test_the_protocols_metrics_are_all_registered():
    scorer = ClipScorer()
    assert set(scorer.metrics) | set(scorer.absent) == set(CLIPS_V1.metrics)


@pytest.mark.slow
def test_a_real_clip_is_best_against_itself_and_shuffled_frames_are_worse(real_data):
    path = real_data / "people_video" / "pose_squats.mp4"
    clip = clip_of(path, path.with_suffix(".coco18.json"), size=(128, 72))
    true = to_uint8(clip.frames[:8])
    shuffled = true[torch.tensor([5, 0, 2, 7, 4, 1, 3, 6])]
    names = ("frame-l1", "flicker-l1", "motion-ratio-l1", "warp-l1-lucas-kanade")
    own, mixed = (evaluate_clips([driven(g, true)], names) for g in (true, shuffled))
    assert own.summary["frame-l1"].value.mean == own.summary["flicker-l1"].value.mean == 0
    assert own.summary["motion-ratio-l1"].value.mean == 1
    warped = own.summary["warp-l1-lucas-kanade"].value.mean
    assert warped == own.truth["warp-l1-lucas-kanade"].mean == mixed.truth["warp-l1-lucas-kanade"].mean < 0.03
    assert mixed.summary["warp-l1-lucas-kanade"].value.mean > 1.3 * warped
    assert mixed.summary["flicker-l1"].value.mean > 0 and mixed.summary["motion-ratio-l1"].value.mean > 1.2
