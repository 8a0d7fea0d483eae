"""Rendered clips: nobody is in two splits, a frame is the same whoever asks, and landmarks are on the face."""

import pickle

import pytest
import torch

from reposer.core import BadInput, FaceLines, Framing
from reposer.core.skeleton import FACE_68, OPENPOSE_18
from reposer.generators.gfla.clip_network import GFLAFaceConfig
from reposer.nn.face_maps import face_mask
from reposer.synthetic.people import SyntheticClips, SyntheticFaceClips, render
from tests.data.test_clip_datasets import same

PEOPLE = Framing((64, 48), fit="pad")
FACES = Framing((64, 64), aspect=1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "framing"), [(SyntheticClips, PEOPLE), (SyntheticFaceClips, FACES)])
def test_a_sample_depends_on_item_and_seed_alone_and_shows_consecutive_frames_of_the_whole_clip(kind, framing):
    data = kind("train", framing, frames=3, num_clips=3, length=8)
    sample = data.sample(1, 4)
    start = int(sample.name.rsplit("_", 1)[1])
    assert sample.frames.shape == (3, 3, *framing.size) and sample.frames.min() >= -1
    clip = data.whole(1)
    frames = list(clip.frames())
    assert len(frames) == clip.num_frames == len(clip.poses) == 8 and clip.fps == 25
    for k in range(3):
        assert torch.equal(sample.frames[k], frames[start + k])
    fresh = kind("train", framing, frames=3, num_clips=3, length=8)
    fresh.sample(2, 9)
    assert same(fresh.sample(1, 4), sample) and same(pickle.loads(pickle.dumps(data)).sample(1, 4), sample)
    none_kept = kind("train", framing, frames=3, num_clips=3, length=8, cache_bytes=0)
    assert same(none_kept.sample(1, 4), sample)
    assert not torch.equal(frames[0], frames[7])  # something moves


@pytest.mark.parametrize("kind", [SyntheticClips, SyntheticFaceClips])
def test_nobody_is_in_two_splits(kind):
    splits = [kind(split, num_clips=50) for split in ("train", "val", "test")]
    people = [{data.identity(i) for i in range(len(data))} for data in splits]
    assert all(len(own) == 50 for own in people) and len(set.union(*people)) == 150
    with pytest.raises(BadInput, match="no split 'all'"):
        kind("all")
    with pytest.raises(BadInput, match="a sample has 1 to 10 of them, not 12"):
        kind(frames=12, length=10)


def test_joints_and_mask_of_a_clip_lie_on_the_person():
    data = SyntheticClips("train", PEOPLE, frames=4, num_clips=4, length=20)
    sample = data.sample(3, 0)
    assert sample.poses.skeleton == OPENPOSE_18 and sample.poses.size == PEOPLE.size
    assert sample.foreground.shape == (4, 1, *PEOPLE.size) and set(sample.foreground.unique().tolist()) == {0, 1}
    on = total = 0
    for mask, pose in zip(sample.foreground[:, 0], sample.poses, strict=True):
        x, y = pose.xy[pose.visible].round().long().unbind(-1)
        on, total = on + int(mask[y.clamp(0, 63), x.clamp(0, 47)].sum()), total + len(x)
    assert on > 0.9 * total > 30


def test_landmarks_are_those_of_the_rendered_face_and_hidden_ones_are_given_too():
    data = SyntheticFaceClips("train", FACES, frames=2, num_clips=3)
    bust, manner = data._bust(2)
    for t in (0, 31):
        moment = manner(t / 25)
        rendering = render([bust.shot(moment)], FACES.size).poses[FACE_68.name]
        condition = data.conditions(2, [t])
        assert isinstance(condition, FaceLines) and condition.points.visible.all()
        torch.testing.assert_close(condition.points.xy, rendering.xy, atol=1e-3, rtol=0)
        assert (rendering.xy > -0.5).all() and (rendering.xy < 63.5).all()  # a face stays in its picture


@pytest.mark.slow
def test_rendered_faces_lend_their_frames_edges_on_request():
    plain, edged = (SyntheticFaceClips("train", FACES, frames=3, num_clips=2, edges=e) for e in (False, True))
    sample = edged.sample(1, 5)
    assert plain.sample(1, 5).poses.edges is None and same(plain.sample(1, 5), sample)
    assert sample.poses.edges.shape == (3, 1, 64, 64) and sample.source_pose.edges.shape == (1, 64, 64)
    inside = face_mask(sample.poses.points).bool()
    assert sample.poses.edges[~inside].sum() > 100 and not sample.poses.edges[inside].any()


def test_the_small_face_model_crops_a_photo_as_its_rendered_faces_were():
    framing = GFLAFaceConfig.mini().framing
    data = SyntheticFaceClips("train", framing, frames=1, num_clips=8)
    boxes = [pose.box() for i in range(8) for pose in data.conditions(i, [0, 37]).points]
    side = sum(max(right - left, bottom - top) for left, top, right, bottom in boxes) / len(boxes)
    assert framing.size[0] / side == pytest.approx(1 + 2 * framing.margin, rel=0.05)


@pytest.mark.slow
def test_faces_turn_talk_and_blink():
    data = SyntheticFaceClips("train", FACES, num_clips=12)
    turns, mouths, blinks = [], [], []
    for i in range(12):
        xy = data.conditions(i, range(0, data.length)).points.xy

        def at(joint, xy=xy):
            return xy[:, FACE_68.index(joint)]

        width = (at("left_jaw_1") - at("right_jaw_1"))[:, 0]
        turns.append(((at("nose_bridge_4") - at("right_jaw_1"))[:, 0] / width).std())
        mouths.append((at("mouth_bottom") - at("mouth_top")).norm(dim=-1).max())
        opening = (at("right_eye_bottom_outer") - at("right_eye_top_outer")).norm(dim=-1)
        blinks.append(opening.min() < 0.4 * opening.median())
    assert min(turns) > 0.02 and sum(t > 0.06 for t in turns) >= 6
    assert sum(m > 2 for m in mouths) >= 8  # pixels
    assert sum(blinks) >= 8


@pytest.mark.slow
def test_the_mouth_of_a_landmark_is_the_mouth_of_the_picture():
    """Between the inner lips of an open mouth it is dark or red or a tooth, not skin."""
    data = SyntheticFaceClips("train", Framing((128, 128), aspect=1.0), num_clips=6)
    told = []
    for i in range(6):
        points = data.conditions(i, range(data.length)).points.xy
        top, bottom = (points[:, FACE_68.index(j)] for j in ("mouth_top", "mouth_bottom"))
        t = int((bottom - top)[:, 1].argmax())
        if float((bottom - top)[t, 1]) < 5:
            continue
        picture = data.pictures(i, [t])[0]
        x, y = (0.6 * top[t] + 0.4 * bottom[t]).round().long().tolist()
        cheek = points[t, FACE_68.index("chin")] * 0.25 + points[t, FACE_68.index("lips_bottom")] * 0.75
        u, v = cheek.round().long().tolist()
        told.append(float((picture[:, y, x] - picture[:, v, u]).abs().max()))
    assert len(told) >= 3 and min(told) > 0.15
