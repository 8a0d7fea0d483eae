"""Clips: what a sample shows is a function of (item, seed); what a folder holds comes out where it belongs."""

import json
import pickle
from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest
import torch

from reposer.core import BadInput, ClipBatch, FaceLines, Framing, Pose
from reposer.core.images import to_uint8
from reposer.core.skeleton import COCO_17, FACE_68, H36M_17, OPENPOSE_18
from reposer.data import frame_folders
from reposer.data.clip_dataset import ClipReading, RecentFrames, holds_clips, open_clips
from reposer.data.clip_folder import ClipFolder
from reposer.data.dance_clips import DanceClips
from reposer.data.face_clips import FaceClips
from reposer.data.pictures import write_picture
from reposer.data.poses import write_track
from reposer.nn.edges import frame_edges
from reposer.recipes import ClipDataConfig
from tests.batches import batches
from tests.forked import spawned_as_ever

from .video_clips import moving_square, place, write_clip

SIZE = (64, 48)
TOP, LEFT, SIDE = 20, 12, 7  # of a green square in frame 0; it goes down by one pixel a frame


def square(t, size=SIZE):
    """Black, with a green square whose middle is (LEFT + 3, TOP + 3 + t)."""
    picture = torch.zeros(*size, 3, dtype=torch.uint8)
    picture[TOP + t : TOP + t + SIDE, LEFT : LEFT + SIDE, 1] = 255
    return picture


def middle_of_green(picture):
    """(x, y) of the middle of what is green and not white."""
    green = ((picture[1] > 0) & (picture[0] < 0)).float()
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in green.shape), indexing="ij")
    return torch.stack([(green * x).sum(), (green * y).sum()]) / green.sum()


def openpose(count, t, missing=()):
    """All joints on the middle of frame t's square."""
    rows = [[0.0, 0.0, 0.0] if k in missing else [LEFT + 3.0, TOP + 3.0 + t, 0.9] for k in range(count)]
    return {"people": [{"pose_keypoints_2d": [v for row in rows for v in row]}]}


def write_dance(root, split="train", videos=("ann", "bob"), frames=8, clean=True, masks=False, empty=(), missing=()):
    folder = root / f"{split}_256"
    for video in videos:
        for t in range(frames):
            name = f"{video}/{t:05d}"
            write_picture(folder / "train_A" / f"{name}.png", square(t))
            if masks:
                write_picture(folder / "train_C" / f"{name}.png", square(t)[..., [1, 1, 1]])
            for kind, count in (("train_alphapose", 18), ("train_video2d", 17)):
                if kind == "train_video2d" and not clean:
                    continue
                path = folder / kind / (f"{name}_keypoints.json" if count == 18 else f"{name}.json")
                path.parent.mkdir(parents=True, exist_ok=True)
                content = {"people": []} if t in empty else openpose(count, t, missing)
                path.write_text(json.dumps(content))
    return root


def write_faces(root, split="train", videos=("ann", "bob"), frames=6, landmarks="keypoints", empty=()):
    for video in videos:
        for t in range(frames):
            write_picture(root / f"{split}_data" / video / f"{t:05d}.png", square(t))
            path = root / f"{split}_{landmarks}" / video / f"{t:05d}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            line = f"{LEFT + 3},{TOP + 3 + t}\n"
            path.write_text("" if t in empty else line * 68)
    return root


def write_video(root, name="clip", frames=20, unreliable=(), size=SIZE):
    """A square that goes down, with all joints on its middle."""
    root.mkdir(exist_ok=True, parents=True)
    write_clip(root / f"{name}.mp4", moving_square(frames, size), Fraction(10), options={"crf": "1"})
    joints = [[[15.5, t % (size[0] - 8) + 3.5]] * 18 for t in range(frames)]
    track = {"size": list(size), "keypoints": joints, "unreliable_frames": list(unreliable)}
    (root / f"{name}.coco18.json").write_text(json.dumps(track))
    return root


def same(a, b):
    """Whether two clip samples or batches hold the same."""
    poses = [(a.poses, b.poses), (a.source_pose, b.source_pose)]
    poses = [(x.points, y.points) if isinstance(x, FaceLines) else (x, y) for x, y in poses]
    return (
        torch.equal(a.frames, b.frames)
        and torch.equal(a.source, b.source)
        and all(torch.equal(x.xy, y.xy) and torch.equal(x.visible, y.visible) for x, y in poses)
    )


# A folder of your own clips


def test_a_sample_of_a_folder_of_clips_is_consecutive_frames_and_a_reference_of_the_first_twenty(tmp_path):
    data = ClipFolder(write_video(tmp_path, frames=40), "train", options=ClipReading(frames=5))
    assert len(data) == 1 and data.span(0) == range(32) and data.fps(0) == 10
    assert ClipFolder(tmp_path, "test", options=ClipReading(frames=5)).span(0) == range(32, 40)
    starts, references = set(), set()
    for seed in range(60):
        sample = data.sample(0, seed)
        tops = [place(to_uint8(frame)) for frame in sample.frames]
        assert tops == list(range(tops[0], tops[0] + 5))
        assert [row.xy[0, 1].item() for row in sample.poses] == [top + 3.5 for top in tops]
        starts.add(tops[0])
        references.add(place(to_uint8(sample.source)))
        assert sample.source_pose.xy[0, 1] == place(to_uint8(sample.source)) + 3.5
        assert same(sample, data.sample(0, seed))
    assert min(starts) == 0 and max(starts) == 27 and references <= set(range(20)) and len(references) > 12


def test_frames_that_the_track_calls_unreliable_are_not_trusted_and_never_sampled(tmp_path):
    data = ClipFolder(write_video(tmp_path, frames=30, unreliable=(0, 9, 10)), "train", options=ClipReading(frames=4))
    assert (~data.trusted(0)).nonzero()[:, 0].tolist() == [0, 9, 10]
    for seed in range(40):
        sample = data.sample(0, seed)
        assert sample.poses.visible.all() and sample.source_pose.visible.all()
    assert data.whole(0).source_pose.visible.all() and place(to_uint8(data.whole(0).source)) == 1
    crowded = ClipFolder(
        write_video(tmp_path / "b", frames=10, unreliable=(2, 5)), "train", options=ClipReading(frames=4)
    )
    assert len(crowded.sample(0, 0).frames) == 4  # there is no stretch without them


def test_a_whole_clip_is_its_split_frame_by_frame_with_the_first_frame_of_training_as_source(tmp_path):
    data = ClipFolder(write_video(tmp_path, frames=20), "test", options=ClipReading(frames=4))
    clip = data.whole(0)
    assert clip.num_frames == len(clip.poses) == 4 and clip.fps == 10 and clip.name == "clip"
    assert [place(to_uint8(frame)) for frame in clip.frames()] == [16, 17, 18, 19]
    assert place(to_uint8(clip.source)) == 0 and clip.foreground() is None
    pair = data[0]
    assert place(to_uint8(pair.source)) == 0 and place(to_uint8(pair.target)) == 18
    assert pair.name == "clip_00000_2_clip_00018"
    with pytest.raises(IndexError):
        data[1]


def test_a_clip_that_is_too_short_for_a_sample_ends_with_its_last_frame_repeated(tmp_path):
    data = ClipFolder(write_video(tmp_path, frames=5), "train", options=ClipReading(frames=6))
    assert [place(to_uint8(frame)) for frame in data.sample(0, 3).frames] == [0, 1, 2, 3, 3, 3]


def test_the_frame_is_cut_around_where_the_person_moves_and_joints_stay_on_their_pixels(tmp_path):
    framing = Framing((64, 48), margin=1.0, fit="pad", aspect=0.5)
    data = ClipFolder(write_video(tmp_path, frames=12, size=(64, 96)), "all", framing, ClipReading(frames=4))
    clip = data.whole(0)
    height, width = clip.size
    assert width / height == pytest.approx(0.5, abs=0.05) and height < 60
    for t, (frame, pose) in enumerate(zip(clip.frames(), clip.poses, strict=True)):
        assert frame.shape == (3, 64, 48)
        if t == 0:
            continue  # the square is on the edge, which is repeated
        light = (frame.mean(0) > 0.2).float()
        y, x = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
        middle = torch.stack([(light * x).sum(), (light * y).sum()]) / light.sum()
        assert (middle - pose.xy[0]).abs().max() < 0.8
    whole = ClipFolder(tmp_path, "all", framing, ClipReading(frames=4), crop=False)
    assert whole.whole(0).size == (64, 96)


def test_frames_are_the_same_however_few_may_be_kept(tmp_path):
    write_video(tmp_path, frames=20)
    many, none = (
        ClipFolder(tmp_path, "train", options=ClipReading(frames=4)),
        ClipFolder(tmp_path, "train", cache_bytes=0, options=ClipReading(frames=4)),
    )
    assert all(same(many.sample(0, seed), none.sample(0, seed)) for seed in range(5))
    for a, b in zip(many.whole(0).frames(), none.whole(0).frames(), strict=True):
        assert torch.equal(a, b)


def test_a_move_takes_joints_along_and_repeats_the_edge(tmp_path):
    data = ClipFolder(write_video(tmp_path, frames=20), "train", options=ClipReading(frames=4, augment=True))
    plain = ClipFolder(tmp_path, "train", options=ClipReading(frames=4))
    errors = []
    for seed in range(12):
        sample, still = data.sample(0, seed), plain.sample(0, seed)
        assert not same(sample, still) and (sample.frames > -0.8).all()  # grey all over
        for frame, pose in zip(sample.frames, sample.poses, strict=True):
            light = (frame.mean(0) > 0.1).float()
            y, x = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
            if light[:2].any():
                continue  # cut off by the edge
            errors.append(torch.stack([(light * x).sum(), (light * y).sum()]) / light.sum() - pose.xy[0])
    assert torch.stack(errors).abs().max() < 1.2 and torch.stack(errors).mean(0).abs().max() < 0.4


@pytest.mark.slow
def test_tracks_of_another_skeleton_are_converted_and_landmarks_become_lines(tmp_path):
    write_video(tmp_path, frames=10)
    assert ClipFolder(tmp_path, options=ClipReading(frames=2, skeleton=COCO_17)).sample(0, 0).poses.skeleton == COCO_17
    sampled = ClipFolder(tmp_path, options=ClipReading(frames=2, source_skeleton=COCO_17)).sample(0, 0)
    assert sampled.source_pose.skeleton == COCO_17 and sampled.poses.skeleton == OPENPOSE_18
    (tmp_path / "clip.coco18.json").unlink()
    points = Pose(torch.rand(10, 68, 2) * 8, torch.ones(10, 68, dtype=torch.bool), SIZE, FACE_68)
    write_track(tmp_path / "clip.json", points, 10)
    sampled = ClipFolder(tmp_path, options=ClipReading(frames=2)).sample(0, 0)
    assert isinstance(sampled.poses, FaceLines) and isinstance(sampled.source_pose, FaceLines)
    assert sampled.poses.points.xy.shape == (2, 68, 2) and sampled.poses.edges is None
    kept, decoded = (
        ClipFolder(tmp_path, "all", Framing((64, 64)), ClipReading(frames=4, edges=True), cache_bytes=n)
        for n in (10**8, 0)
    )
    assert torch.equal(kept.whole(0).poses.edges, decoded.whole(0).poses.edges)
    edged = kept.sample(0, 2)
    assert torch.equal(edged.poses.edges, decoded.sample(0, 2).poses.edges)
    assert edged.source_pose.edges.shape == (1, 64, 64) and edged.poses.edges.shape == (4, 1, 64, 64)
    assert torch.equal(edged.poses.edges[2], frame_edges(edged.frames[2:3], edged.poses.points[2:3])[0])
    assert kept.whole(0).poses.edges.any()


def test_what_is_wrong_with_a_folder_of_clips_is_named(tmp_path):
    write_video(tmp_path, "a", frames=10)
    with pytest.raises(BadInput, match=r"no split 'val' of a folder of clips; there are train, test, all"):
        ClipFolder(tmp_path, "val")
    write_video(tmp_path, "a_2", frames=4)  # a.mp4 and a_2.mp4: each its own track
    assert [data.name(k) for data in [ClipFolder(tmp_path)] for k in range(2)] == ["a", "a_2"]
    (tmp_path / "a.other.json").write_text("{}")
    with pytest.raises(BadInput, match=r"a\.mp4 needs one track .* there is a\.coco18\.json, a\.other\.json"):
        ClipFolder(tmp_path)
    (tmp_path / "a.other.json").unlink()
    (tmp_path / "a.coco18.json").rename(tmp_path / "a_2.json")
    with pytest.raises(BadInput, match=r"a\.mp4 needs one track of joints beside it, a\.json; there is none"):
        ClipFolder(tmp_path)
    (tmp_path / "a_2.json").rename(tmp_path / "a.json")
    (tmp_path / "a_2.coco18.json").write_text(json.dumps({"keypoints": [[[1, 1]] * 18] * 3}))
    with pytest.raises(BadInput, match=r"a_2\.mp4 has 4 frames, .*a_2\.coco18\.json has joints for 3"):
        ClipFolder(tmp_path).sample(1, 0)
    nobody = write_video(tmp_path / "b", frames=10, unreliable=range(10))
    with pytest.raises(BadInput, match="finds no person"):
        ClipFolder(nobody).sample(0, 0)


# FashionVideo and iPER


def test_the_published_skeletons_are_coco_for_the_reference_and_human36m_for_the_driving_poses(tmp_path):
    data = open_clips(write_dance(tmp_path), "train", None, ClipReading(frames=4))
    assert isinstance(data, DanceClips) and len(data) == 2
    assert data.identity(0) == "ann" and data.name(1) == "bob" and data.picture_size(0) == SIZE
    sample = data.sample(0, 1)
    assert sample.source_pose.skeleton == COCO_17 and sample.poses.skeleton == H36M_17
    tops = [int((frame[1] > 0).any(-1).float().argmax()) for frame in sample.frames]
    assert tops == list(range(tops[0], tops[0] + 4))
    assert torch.equal(sample.poses.xy[:, 0], torch.tensor([[LEFT + 3.0, top + 3.0] for top in tops]))
    both = open_clips(tmp_path, "train", None, ClipReading(frames=4, skeleton=OPENPOSE_18)).sample(0, 1)
    assert both.source_pose.skeleton == both.poses.skeleton == OPENPOSE_18
    noisy = write_dance(tmp_path / "noisy", clean=False)
    assert open_clips(noisy, "train", None, ClipReading(frames=4)).sample(0, 1).poses.skeleton == OPENPOSE_18
    with pytest.raises(BadInput, match=r"no cleaned tracks \(train_video2d\)"):
        DanceClips(noisy, options=ClipReading(skeleton=H36M_17))


def test_a_missing_joint_is_zero_and_a_frame_without_a_person_has_none(tmp_path):
    data = DanceClips(
        write_dance(tmp_path, missing=(3,), empty=(2,)), options=ClipReading(frames=8, skeleton=OPENPOSE_18)
    )
    poses = data.conditions(0, range(8))
    seen = torch.ones(8, 18, dtype=torch.bool)
    seen[:, 3], seen[2] = False, False
    assert torch.equal(poses.visible, seen)
    assert data.whole(0).trusted.tolist() == [True, True, False, True, True, True, True, True]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fashion", "iper"])
def test_the_published_moves_take_joints_along(kind, tmp_path):
    framing = Framing((64, 64), fit="pad")
    root = write_dance(tmp_path, masks=kind == "iper")
    data = DanceClips(root, framing=framing, options=ClipReading(frames=3, skeleton=OPENPOSE_18, augment=True))
    assert data.augment == kind
    still = DanceClips(root, framing=framing, options=ClipReading(frames=3, skeleton=OPENPOSE_18))
    errors, turns = [], []
    for seed in range(16):
        sample, plain = data.sample(0, seed), still.sample(0, seed)
        assert same(sample, data.sample(0, seed)) and not same(sample, plain)
        assert sample.source.max() == 1 or kind == "iper"
        for picture, pose in zip([*sample.frames, sample.source], [*sample.poses, sample.source_pose], strict=True):
            errors.append(middle_of_green(picture) - pose.xy[0])
        turns.append((sample.source_pose.xy[0] - plain.source_pose.xy[0], sample.poses.xy[0, 0] - plain.poses.xy[0, 0]))
        if kind == "iper":
            green = (sample.frames[:, 1:2] > 0) & (sample.frames[:, :1] < 0)
            assert ((sample.foreground > 0) != green).float().mean() < 0.01
    assert torch.stack(errors).abs().max() < 1 and torch.stack(errors).mean(0).abs().max() < 0.2
    source, clip = (torch.stack(list(moved)) for moved in zip(*turns, strict=True))
    # the reference is sampled by itself in one kind, with the clip in the other
    agreement = np.corrcoef(source[:, 1].numpy(), clip[:, 1].numpy())[0, 1]
    assert agreement > 0.9 if kind == "iper" else agreement < 0.8


def test_a_list_says_which_frames_make_a_clip_and_who_appears_in_them(tmp_path):
    root = write_dance(tmp_path, "test")
    row = {"gen": [f"./data/test_256/train_A/ann/{t:05d}.png" for t in (2, 3, 4)], "ref": "x/train_A/bob/00006.png"}
    lines = ["A_paths,B_paths_noise,B_paths_clean", ",".join(f'"{row}"' for _ in range(3))]
    (root / "test_256" / "test_list.csv").write_text("\n".join(lines) + "\n")
    data = DanceClips(root, "test", options=ClipReading(frames=2))
    assert len(data) == 1 and data.identity(0) == "bob" and data.name(0) == "bob_as_ann"
    clip = data.whole(0)
    assert clip.num_frames == 3 and clip.fps == 30
    tops = [int((frame[1] > 0).any(-1).float().argmax()) - TOP for frame in [clip.source, *clip.frames()]]
    assert tops == [6, 2, 3, 4]
    (root / "test_256" / "test_list.csv").write_text(lines[0] + "\n\"{'gen': 3}\",,\n")
    with pytest.raises(BadInput, match=r"test_list\.csv, row 2: A_paths should hold"):
        DanceClips(root, "test")
    mixed = {"gen": ["ann/00002.png", "bob/00003.png"], "ref": "bob/00006.png"}
    (root / "test_256" / "test_list.csv").write_text(f'{lines[0]}\n"{mixed}",,\n')
    with pytest.raises(BadInput, match="paths of one video's frames"):
        DanceClips(root, "test")
    long = {"gen": [f"./data/test_256/train_A/ann/{t:05d}.png" for t in range(4000)], "ref": "bob/00006.png"}
    (root / "test_256" / "test_list.csv").write_text(f'{lines[0]}\n"{long}",,\n')
    assert len(DanceClips(root, "test").rows[0].frames) == 4000


def test_what_is_wrong_with_dance_clips_is_named(tmp_path):
    root = write_dance(tmp_path)
    with pytest.raises(BadInput, match=r"has no split 'test' .* it has train"):
        DanceClips(root, "test")
    path = root / "train_256" / "train_video2d" / "ann" / "00003.json"
    path.write_text(json.dumps(openpose(18, 3)))
    with pytest.raises(BadInput, match=r"00003\.json has no joints of a clean track: .* with 17 joints"):
        DanceClips(root).whole(0)
    path.unlink()
    with pytest.raises(BadInput, match=r"00003\.png has no joints: .*train_video2d/ann/00003\.json was expected"):
        DanceClips(root).whole(0)


# FaceForensics


@pytest.mark.parametrize("landmarks", ["keypoints", "keypoint"])
def test_both_names_of_the_folder_of_landmarks_are_read(landmarks, tmp_path):
    data = open_clips(write_faces(tmp_path, landmarks=landmarks, empty=(4,)), "train", None, ClipReading(frames=3))
    assert isinstance(data, FaceClips) and len(data) == 2
    clip = data.whole(0)
    assert isinstance(clip.poses, FaceLines) and clip.poses.edges is None
    assert clip.trusted.tolist() == [True, True, True, True, False, True]
    assert torch.equal(clip.poses.points.xy[1, 5], torch.tensor([LEFT + 3.0, TOP + 4.0]))
    for seed in range(8):
        sample = data.sample(0, seed)
        assert torch.equal(sample.source, sample.frames[0])  # as published
    early = {
        data.sample(0, seed).source[1].argmax().item()
        for data in [FaceClips(tmp_path, reference="early", options=ClipReading(frames=3))]
        for seed in range(9)
    }
    assert len(early) > 1


def test_edges_of_the_driving_frame_are_part_of_the_condition_on_request(tmp_path):
    data = open_clips(write_faces(tmp_path), "train", Framing((64, 64)), ClipReading(frames=2, edges=True))
    sample = data.sample(0, 0)
    assert sample.poses.edges.shape == (2, 1, 64, 64) and sample.source_pose.edges.shape == (1, 64, 64)
    assert ClipBatch.stack([sample, sample]).poses.edges.shape == (2, 2, 1, 64, 64)


def test_what_is_wrong_with_face_clips_is_named(tmp_path):
    root = write_faces(tmp_path)
    with pytest.raises(BadInput, match=r"has no split 'test' \(test_data and test_keypoints\)"):
        FaceClips(root, "test")
    with pytest.raises(BadInput, match="their skeleton is face68, not openpose18"):
        open_clips(root, "train", None, ClipReading(skeleton=OPENPOSE_18))
    path = root / "train_keypoints" / "ann" / "00002.txt"
    path.write_text("1,2\n" * 67)
    with pytest.raises(BadInput, match=r"00002\.txt has 67 lines; 68 lines 'x,y' were expected"):
        FaceClips(root).whole(0)


# All kinds


def test_a_set_of_many_videos_is_not_held_in_memory_as_a_list_of_its_files(tmp_path, monkeypatch):
    data = DanceClips(write_dance(tmp_path, videos=("ann", "bob", "eve")), options=ClipReading(frames=3))
    samples = [data.sample(i, 1) for i in range(3)]
    monkeypatch.setattr(frame_folders, "KEPT_LISTINGS", 2)
    few = DanceClips(tmp_path, options=ClipReading(frames=3))
    for _ in range(2):
        assert all(same(few.sample(i, 1), sample) for i, sample in enumerate(samples))
    assert len(few._listed) == 2


def test_a_skeleton_that_does_not_exist_is_named_before_training():
    with pytest.raises(BadInput, match=r"no skeleton 'openpose81'\..*There are: .*openpose18, "):
        ClipDataConfig(skeleton="openpose81")


def test_a_folder_is_recognised_by_its_files_and_an_unknown_or_mixed_one_refused(tmp_path):
    assert isinstance(open_clips(write_video(tmp_path / "a"), "train", None), ClipFolder)
    (tmp_path / "b").mkdir()
    assert holds_clips(tmp_path / "a") and not holds_clips(tmp_path / "b")
    with pytest.raises(BadInput, match=r"holds no clips .* clip-folder: .*; dance-clips: .*; face-clips: "):
        open_clips(tmp_path / "b", "train", None)
    with pytest.raises(BadInput, match="There is no folder"):
        open_clips(tmp_path / "c", "train", None)
    write_faces(write_dance(tmp_path / "d"))
    with pytest.raises(BadInput, match="several kinds of clips"):
        open_clips(tmp_path / "d", "train", None)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["clip-folder", "dance-clips"])
def test_the_batches_are_the_same_with_any_number_of_workers(kind, tmp_path):
    if kind == "clip-folder":
        for name in ("ann", "bob", "eve"):
            write_video(tmp_path, name, frames=15)
    else:
        write_dance(tmp_path, videos=("ann", "bob", "eve"))
    data = open_clips(tmp_path, "train", Framing((32, 24)), ClipReading(frames=3, augment=True))
    settings = {"seed": 5, "batch_size": 2, "first_step": 0, "last_step": 4}
    alone = list(batches(data, **settings))
    assert len({name for batch in alone for name in batch.names}) > 3
    for workers, begin in ((1, spawned_as_ever if kind == "clip-folder" else nullcontext), (3, nullcontext)):
        with begin():
            for a, b in zip(alone, batches(data, **settings, workers=workers), strict=True):
                assert a.names == b.names and same(a, b)
    two = [list(batches(data, **settings, process=k, processes=2)) for k in range(2)]
    for a, first, second in zip(alone, *two, strict=True):
        assert a.names == (*first.names, *second.names)


def test_a_data_set_goes_to_a_worker_without_what_it_has_kept(tmp_path):
    data = ClipFolder(write_video(tmp_path), "train", Framing((64, 48)), ClipReading(frames=4))
    before = len(pickle.dumps(data))
    sample = data.sample(0, 1)
    assert len(pickle.dumps(data)) == before and same(pickle.loads(pickle.dumps(data)).sample(0, 1), sample)


def test_what_was_used_last_is_kept_up_to_the_limit():
    memory, made = RecentFrames(30), []

    def ask(address):
        def make():
            made.append(address)
            return (torch.full((10,), address, dtype=torch.uint8),)

        assert memory.get(address, make)[0][0] == address

    for address in (1, 2, 3, 1, 4, 1, 2):
        ask(address)
    assert made == [1, 2, 3, 4, 2]
