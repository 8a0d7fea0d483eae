"""The motion network: its size, what it sees, what it leaves alone, the files it learns from and those it refuses."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.core.skeleton import BLAZEPOSE_33, COCO_17, FACE_68, H36M_17, OPENPOSE_18
from reposer.nn.weights import write_safetensors
from reposer.probes.motion import (
    Human36M,
    MotionConfig,
    SyntheticTracks,
    bridged,
    clean,
    load_motion,
    motion_2020,
    motion_mini,
)
from reposer.probes.motion import network as network_module
from reposer.probes.motion.human36m import FOUND_FILE, TRUE_FILE
from reposer.probes.motion.measure import measure
from reposer.probes.motion.network import CONTEXT, TrackNorm, carried_over
from reposer.probes.motion.placing import knowable, placement, window
from reposer.probes.motion.plain_npz import read_plain_npz
from reposer.probes.motion.synthetic_motions import BONES, POINTS, between, sample_motion
from reposer.probes.motion.synthetic_tracks import Faults, filmed, spans
from reposer.training import train

TINY = motion_mini().model.tiny()


def track(frames=30, skeleton=COCO_17, size=(120, 160), seed=0):
    """Joints that wander smoothly about the picture, all visible."""
    stream = torch.Generator().manual_seed(seed)
    start = 20 + 80 * torch.rand(1, len(skeleton), 2, generator=stream)
    speed = torch.randn(1, len(skeleton), 2, generator=stream)
    xy = start + speed * torch.arange(frames)[:, None, None] / 10
    return Pose(xy, torch.ones(frames, len(skeleton), dtype=torch.bool), size, skeleton)


def hidden(pose, frames, joints=slice(None)):
    visible = pose.visible.clone()
    visible[frames, joints] = False
    xy = torch.where(visible[..., None], pose.xy, torch.full_like(pose.xy, float("nan")))
    return replace(pose, xy=xy, visible=visible)


def copier(config=TINY):
    """A network that smooths nothing and corrects nothing."""
    network = config.build().eval()
    torch.nn.init.zeros_(network.last.weight)
    torch.nn.init.dirac_(network.smooth.weight, groups=34)
    return network


# The network


def test_the_published_network_has_its_published_number_of_parameters():
    assert sum(p.numel() for p in motion_2020().build().parameters()) == 1_834_786


@pytest.mark.parametrize("answer", ["places", "corrections"])
@pytest.mark.parametrize("frames", [81, 104, 150])
def test_eighty_frames_of_context_go_in_and_do_not_come_out(frames, answer):
    network = replace(TINY, answer=answer).build()
    assert network(torch.randn(2, 34, frames)).shape == (2, 34, frames - 80)


def test_a_frame_of_the_answer_sees_81_frames_of_the_track(monkeypatch):
    monkeypatch.setattr(network_module.F, "layer_norm", lambda x, shape: x)  # norms see the whole track
    network = MotionConfig(width=16, hidden=8, gain=1.0).build().double()
    for module in network.modules():
        if isinstance(module, TrackNorm):  # and so do those who say how they scale
            for parameter in module.parameters():
                torch.nn.init.zeros_(parameter)
    before = torch.randn(1, 34, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for frame in (0, 60, 119, 199):
        after = before.clone()
        after[..., frame] += 1
        changed = (network(after) - network(before)).abs().amax((0, 1)) > 0
        assert torch.nonzero(changed)[:, 0].tolist() == list(range(max(frame - 80, 0), min(frame, 119) + 1))


def test_a_track_says_how_its_own_features_are_scaled():
    norm = TrackNorm(4, 3)
    x, condition = torch.randn(2, 4, 7), torch.randn(2, 4)
    gamma, beta = norm.says(condition).split(4, 1)
    for row in range(2):
        plain = (x[row] - x[row].mean()) / (x[row].var(unbiased=False) + 1e-5).sqrt()
        expected = plain * (1 + gamma[row, :, None]) + beta[row, :, None]
        assert torch.allclose(norm(x, condition)[row], expected, atol=1e-5)


def test_what_is_dropped_depends_on_a_rows_own_seed_and_without_seeds_nothing_is():
    network = replace(TINY, dropout=0.5).build()
    tracks = torch.randn(3, 34, 90, generator=torch.Generator().manual_seed(0))
    seeds = torch.tensor([5, 6, 7])
    dropped = network(tracks, seeds)
    assert torch.equal(dropped, network(tracks, seeds))
    assert torch.allclose(dropped[1:2], network(tracks[1:2], seeds[1:2]), atol=1e-6)
    assert not torch.allclose(dropped, network(tracks), atol=1e-3)
    assert torch.allclose(network(tracks[:1], seeds[:1]), network.train()(tracks[:1], seeds[:1]))


def test_places_are_not_rounded_to_the_eight_bits_of_autocast():
    numbers = torch.randn(1, 34, 90, generator=torch.Generator().manual_seed(0))
    network = copier()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        answer = network(numbers)
    assert torch.allclose(answer, (network.carried @ numbers)[..., 40:-40], atol=1e-6)


def test_joints_are_carried_over_by_name():
    pose = track(1)
    numbers = torch.cat([pose.xy[0, :, 1], pose.xy[0, :, 0]])
    y, x = (carried_over() @ numbers).chunk(2)
    named = pose.convert(H36M_17)
    top = H36M_17.index("head_top")
    assert named.visible[0].tolist() == [k != top for k in range(17)]
    rest = named.visible[0]
    assert torch.allclose(torch.stack([x, y], 1)[rest], named.xy[0, rest], atol=1e-4)
    assert [float(x[top]), float(y[top])] == pose.xy[0, COCO_17.index("nose")].tolist()


@pytest.mark.slow
def test_it_learns_a_track():
    recipe = motion_mini()
    model = replace(recipe.model, width=32, hidden=16)
    network = replace(recipe, model=model).build()
    data = SyntheticTracks((64, 64), "train", model.frames, "person", num_motions=1)
    batch = data.collate([data.sample(0, seed) for seed in range(8)], None)
    objective = recipe.stages[0].objective.build(network)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    lost = []
    for _ in range(60):
        (turn,) = objective.steps(batch)
        optimiser.zero_grad()
        turn.total().backward()
        optimiser.step()
        lost.append(float(turn.total().detach()))
    (copied,) = recipe.stages[0].objective.build(copier(model)).steps(batch)
    assert lost[-1] < 0.5 * float(copied.total().detach())


# Placing


def test_a_gap_is_bridged_straight_and_ends_stand_still():
    pose = track(12)
    whole = bridged(hidden(hidden(pose, slice(4, 7), 3), slice(0, 2), 5))
    assert whole.visible.all() and whole.score is None
    assert torch.allclose(whole.xy[:, 3], pose.xy[:, 3], atol=1e-4)  # it moved evenly
    assert torch.equal(whole.xy[:2, 5], pose.xy[[2, 2], 5])
    untouched = [k for k in range(17) if k not in (3, 5)]
    assert torch.equal(whole.xy[:, untouched], pose.xy[:, untouched])


def test_a_joint_that_no_frame_shows_lies_at_its_partner_or_amid_all_others():
    pose = track(5)
    wrist, other, nose = (COCO_17.index(j) for j in ("left_wrist", "right_wrist", "nose"))
    whole = bridged(hidden(pose, slice(None), [wrist, nose]))
    assert torch.equal(whole.xy[:, wrist], pose.xy[:, other])
    rest = [k for k in range(17) if k not in (wrist, nose)]
    assert torch.allclose(whole.xy[:, nose], pose.xy[:, rest].mean(1), atol=1e-4)


def test_what_a_track_tells_are_the_joints_that_some_frame_shows():
    legs = [k for k, joint in enumerate(COCO_17.joints) if joint.endswith(("knee", "ankle"))]
    known = knowable(hidden(track(5), slice(None), legs))
    untold = [joint for joint, told in zip(H36M_17.joints, known.tolist(), strict=True) if not told]
    assert untold == ["right_knee", "right_ankle", "left_knee", "left_ankle"]
    assert knowable(track(5)).all()


@pytest.mark.parametrize("placed_by", ["picture", "person"])
def test_pixels_come_back_from_numbers(placed_by):
    xy = torch.stack([track(9, seed=s).xy for s in range(3)])
    place = placement(xy, torch.ones(17, dtype=torch.bool), (120, 160), placed_by)
    numbers = place.numbers(xy)
    assert numbers.shape == (3, 34, 9)
    assert torch.allclose(place.pixels(numbers), xy, atol=1e-3)


def test_in_the_picture_numbers_are_as_published():
    xy = track(4).xy[None]
    numbers = placement(xy, torch.ones(17, dtype=torch.bool), (120, 160), "picture").numbers(xy)[0]
    from_corner = xy[0] + 0.5
    assert torch.allclose(numbers[:17].T, from_corner[..., 1] / 160 * 2 - 1, atol=1e-5)
    assert torch.allclose(numbers[17:].T, from_corner[..., 0] / 160 * 2 - 1, atol=1e-5)


def test_a_window_repeats_the_edges():
    assert window(torch.arange(5.0), -2, 9).tolist() == [0, 0, 0, 1, 2, 3, 4, 4, 4]


# Human3.6M's files


def write_files(folder: Path, *, layout="coco", joints=17, names=("Walking 1", "Sitting"), cut=None):
    """Both files as VideoPose3D lays them out, with tracks whose numbers say who, what and which camera they are."""
    true, found = {}, {}
    for s, subject in enumerate(("S1", "S5", "S6", "S7", "S8", "S9", "S11")):
        true[subject], found[subject] = {}, {}
        for a, action in enumerate(names):
            base = np.zeros((300, 17, 2), np.float32) + 100 * s + 10 * a
            true[subject][action] = [base + camera for camera in range(4)]
            found[subject][action] = [base + camera + 0.25 for camera in range(4)]
    for subject, action, camera, length in cut or ():
        found[subject][action][camera] = found[subject][action][camera][:length]
    symmetry = [[4, 5, 6], [1, 2, 3]]
    for name, positions, kind in ((TRUE_FILE, true, "h36m"), (FOUND_FILE, found, layout)):
        about = {"layout_name": kind, "num_joints": joints, "keypoints_symmetry": symmetry}
        np.savez_compressed(folder / name, positions_2d=positions, metadata=about)


def test_an_item_of_human36m_is_what_one_camera_saw_of_one_action(tmp_path):
    write_files(tmp_path)
    train_set, test_set = (Human36M(tmp_path, split, 24, "picture") for split in ("train", "test"))
    assert (len(train_set), len(test_set)) == (5 * 2 * 4, 2 * 2 * 4)
    assert train_set.names[0] == "S1 Sitting camera 0"
    pair = test_set.pair(test_set.names.index("S11 Walking 1 camera 2"), 0)
    assert (pair.noisy.skeleton, pair.clean.skeleton) == (COCO_17, H36M_17)
    assert pair.clean.xy[0, 0].tolist() == [601.5, 601.5]  # 602 from the corner
    assert pair.noisy.xy[0, 0].tolist() == [601.75, 601.75]
    assert (pair.clean.size, pair.fps) == ((1000, 1000), 50.0)
    assert test_set.pair(test_set.names.index("S11 Walking 1 camera 3"), 0).clean.size == (1002, 1000)


def test_tracks_whose_lengths_differ_by_more_than_a_hundredth_are_left_out_and_counted(tmp_path):
    write_files(tmp_path, cut=[("S9", "Sitting", 1, 296), ("S9", "Sitting", 2, 297), ("S11", "Sitting", 0, 0)])
    data = Human36M(tmp_path, "test", 24, "picture")
    assert (len(data), data.left_out) == (14, 2)
    assert "S9 Sitting camera 1" not in data.names
    kept = data.pair(data.names.index("S9 Sitting camera 2"), 0)
    assert len(kept.clean) == len(kept.noisy) == 297


def test_a_window_is_moved_as_published_and_input_and_answer_alike(tmp_path):
    write_files(tmp_path)
    data = Human36M(tmp_path, "train", 24, "picture")
    for seed in range(20):
        row = data.sample(0, seed)
        assert row.noisy.shape == (1, 34, 24 + 80) and row.clean.shape == (1, 34, 24)
        true = (torch.tensor([10.0]) / 1000 * 2 - 1).item()  # S1 Sitting camera 0
        gap = float((row.noisy[0, 0, 0] - row.clean[0, 0, 0]) / (0.25 / 500))
        assert gap + 1e-3 >= 1 and gap <= 1.5 + 1e-3  # the scale; the shift is the same for both
        y, x = float(row.clean[0, 0, 0]) - gap * true, float(row.clean[0, 17, 0]) - gap * true
        assert max(abs(x), abs(y)) <= 0.1 + 2e-3
    assert torch.equal(data.sample(3, 4).noisy, data.sample(3, 4).noisy)


def test_a_file_of_another_form_is_refused(tmp_path):
    write_files(tmp_path, joints=16)
    with pytest.raises(BadInput, match="16 joints"):
        Human36M(tmp_path, "train", 24, "picture")
    np.savez(tmp_path / TRUE_FILE, poses=np.zeros(3))
    with pytest.raises(BadInput, match=r"no entry positions_2d.*it has poses"):
        Human36M(tmp_path, "train", 24, "picture")
    (tmp_path / TRUE_FILE).write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(BadInput, match="cut short"):
        Human36M(tmp_path, "train", 24, "picture")
    with pytest.raises(BadInput, match="There is no file"):
        Human36M(tmp_path / "nowhere", "train", 24, "picture")
    with pytest.raises(BadInput, match="train, test, not 'val'"):
        Human36M(tmp_path, "val", 24, "picture")


def test_plain_objects_are_read_as_numpy_reads_them(tmp_path):
    content = {
        "a": [np.arange(6, dtype=">f4").reshape(2, 3), np.float64(2.5), np.array(["x", "yz"])],
        "b": {"n": 3, "none": None, "deep": [np.asfortranarray(np.arange(6).reshape(2, 3))]},
    }
    ragged = np.empty(2, object)
    ragged[:] = [[1, 2], "three"]
    np.savez(tmp_path / "x.npz", content=content, ragged=ragged, numbers=np.eye(3)[:, :2])
    read = read_plain_npz(tmp_path / "x.npz")
    assert np.array_equal(read["content"]["a"][0], content["a"][0]) and read["content"]["a"][1] == 2.5
    assert read["content"]["a"][2].tolist() == ["x", "yz"]
    assert np.array_equal(read["content"]["b"]["deep"][0], content["b"]["deep"][0])
    assert (read["content"]["b"]["n"], read["content"]["b"]["none"]) == (3, None)
    assert read["ragged"] == [[1, 2], "three"] and np.array_equal(read["numbers"], np.eye(3)[:, :2])


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


class Evaluate:
    def __reduce__(self):
        return (eval, ("1 + 1",))


class OtherArray:
    """A pickle that claims an array of objects which is a number of bytes: NumPy would take these for addresses."""

    def __reduce__(self):
        reconstruct = np.empty(0).__reduce__()[0]
        state = (1, (1,), np.dtype(object), False, b"\x01" * 8)
        return (reconstruct, (np.ndarray, (0,), b"b"), state)


@pytest.mark.parametrize("place", ["alone", "within"])
@pytest.mark.parametrize("kind", ["touch", "evaluate", "addresses", "type"])
def test_a_pickle_that_would_run_something_is_refused_and_not_run(tmp_path, kind, place):
    made = {
        "touch": Touch(tmp_path / "ran"),
        "evaluate": Evaluate(),
        "addresses": OtherArray(),
        "type": np.random.default_rng,
    }[kind]
    holder = np.empty((), object)
    holder[()] = made if place == "alone" else {"S1": {"Walking": [made]}}
    np.savez(tmp_path / TRUE_FILE, positions_2d=holder)
    with pytest.raises(BadInput, match="was not opened: arrays, numbers"):
        read_plain_npz(tmp_path / TRUE_FILE)
    assert not (tmp_path / "ran").exists()


def test_a_bare_pickle_is_no_npz(tmp_path):
    (tmp_path / "x.npz").write_bytes(pickle.dumps({"positions_2d": 1}))
    with pytest.raises(BadInput, match="another kind of file"):
        read_plain_npz(tmp_path / "x.npz")


# Synthetic tracks


def test_a_sample_is_a_function_of_item_and_seed():
    one, two = (SyntheticTracks((64, 64), "train", 24, "person", num_motions=3) for _ in range(2))
    two.sample(2, 9)
    a, b = one.sample(1, 5), two.sample(1, 5)
    assert torch.equal(a.noisy, b.noisy) and torch.equal(a.clean, b.clean)
    assert not torch.equal(one.sample(1, 6).noisy, a.noisy)
    other = SyntheticTracks((64, 64), "test", 24, "person", num_motions=3)
    assert not torch.equal(other.sample(1, 5).clean, a.clean)


def test_a_body_on_its_way_between_two_poses_keeps_its_bones():
    motions = [sample_motion("train", 0, number, 4).points[:1] for number in (0, 1)]
    start, end = motions[0], motions[1]
    at = between(np.repeat(start, 3, 0), np.repeat(end, 3, 0), np.array([0.0, 0.5, 1.0]))
    assert np.allclose(at[0], start[0], atol=1e-5) and np.allclose(at[2], end[0], atol=1e-5)
    for near, far in BONES:
        a, b = POINTS.index(near), POINTS.index(far)
        lengths = np.linalg.norm(at[:, b] - at[:, a], axis=1)
        assert lengths[1] == pytest.approx((lengths[0] + lengths[2]) / 2, rel=1e-4)


def test_without_faults_a_detector_finds_the_truth():
    calm = Faults(tremble=0, jump=0, lose_joint=0, lose_person=0, swap=0, hide_legs=0)
    data = SyntheticTracks((128, 128), "train", 24, "person", num_motions=4, faults=calm)
    for i in range(4):
        pair = data.pair(i, i)
        body = [COCO_17.index(j) for j in COCO_17.joints if not j.endswith(("nose", "eye", "ear"))]
        assert pair.noisy.visible[:, body].all() and pair.clean.visible.all()
        same = [joint for joint in COCO_17.joints[5:] if joint in H36M_17]
        exact, found = (pose.xy[:, [pose.skeleton.index(joint) for joint in same]] for pose in (pair.clean, pair.noisy))
        assert torch.allclose(exact, found, atol=1e-3)


def test_most_of_a_motion_is_in_the_picture():
    for number in range(6):
        motion = sample_motion("val", 0, number, 40)
        flat = filmed(motion, (96, 128), np.random.default_rng(number))[..., :2]
        inside = ((flat > -0.5) & (flat < torch.tensor([127.5, 95.5]))).all(-1)
        assert inside.float().mean() > 0.9


def test_a_span_lasts_as_long_as_it_is_said_to():
    stream = np.random.default_rng(0)
    going = spans(stream, (4000, 2), 0.01, lambda n: np.full(n, 5))
    begins = going & ~np.concatenate([np.zeros((1, 2), bool), going[:-1]])
    assert begins.sum() > 40
    for t, k in zip(*np.nonzero(begins), strict=True):
        assert going[t : t + 5, k].all()
    assert not spans(stream, (50, 2), 0.0, lambda n: np.full(n, 5)).any()


# Cleaning


@pytest.mark.parametrize("frames", [1, 10, 24, 25, 60, 97])
def test_what_corrects_nothing_leaves_every_frame_where_it_was(frames):
    pose = track(frames)
    answer = clean(pose, copier())
    assert (len(answer), answer.size, answer.skeleton) == (frames, pose.size, H36M_17)
    named = pose.convert(H36M_17)
    assert answer.visible.all() and answer.score is None
    told = named.visible[0]
    assert torch.allclose(answer.xy[:, told], named.xy[:, told], atol=1e-3)


def test_frames_without_anybody_are_bridged_and_joints_that_no_frame_shows_stay_missing():
    wrist = COCO_17.index("left_wrist")
    pose = hidden(hidden(track(40), slice(10, 20)), slice(None), wrist)
    answer = clean(pose, copier())
    missing = [joint for joint, seen in zip(H36M_17.joints, answer.visible[15], strict=True) if not seen]
    assert missing == ["left_wrist"] and torch.equal(answer.visible, answer.visible[:1].expand(40, -1))
    assert answer.xy[answer.visible].isfinite().all()
    exact, told = track(40).convert(H36M_17), answer.visible[0].clone()
    told[H36M_17.index("head_top")] = False
    assert torch.allclose(answer.xy[:, told], exact.xy[:, told], atol=1e-3)


def test_cleaning_moves_with_the_picture_where_coordinates_are_the_persons():
    network = TINY.build().eval()
    pose = track(50)
    there = replace(pose, xy=pose.xy * 2 + 30, size=(400, 500))
    assert torch.allclose(clean(there, network).xy, clean(pose, network).xy * 2 + 30, atol=0.02)


def test_the_published_network_cleans_by_the_pictures_width():
    network = MotionConfig(width=16, hidden=8, gain=1.0).build().eval()
    pose = track(24)
    numbers = torch.cat([pose.xy[..., 1], pose.xy[..., 0]], 1) + 0.5
    numbers = window(numbers / 160 * 2 - 1, -CONTEXT, 24 + 2 * CONTEXT)
    y, x = network(numbers.T[None])[0].T.chunk(2, 1)
    expected = (torch.stack([x, y], -1) + 1) / 2 * 160 - 0.5
    assert torch.allclose(clean(pose, network).xy, expected.detach(), atol=1e-3)


@pytest.mark.parametrize("skeleton", [OPENPOSE_18, COCO_17, BLAZEPOSE_33])
def test_the_face_stays_the_tracks_own_and_the_body_is_the_cleaned_one(skeleton):
    network = TINY.build().eval()
    torch.nn.init.constant_(network.last.bias, 0.3)  # a correction that cannot be overlooked
    eye = skeleton.index("left_eye")
    pose = hidden(track(30, skeleton), slice(3, 9), eye)
    answer, body = clean(pose, network, skeleton=skeleton), clean(pose, network)
    assert answer.skeleton == skeleton
    for joint in ("nose", "left_eye", "right_ear"):
        k = skeleton.index(joint)
        assert torch.equal(answer.visible[:, k], pose.visible[:, k])
        seen = pose.visible[:, k]
        assert torch.equal(answer.xy[seen, k], pose.xy[seen, k])
    for joint in ("left_wrist", "right_hip"):
        k = skeleton.index(joint)
        assert torch.equal(answer.xy[:, k], body.xy[:, H36M_17.index(joint)])
        assert (answer.xy[:, k] - pose.xy[:, k]).norm(dim=-1).min() > 1


def test_joints_that_neither_skeleton_tells_stay_missing():
    answer = clean(track(5, OPENPOSE_18), copier(), skeleton=BLAZEPOSE_33)
    assert not answer.visible[:, BLAZEPOSE_33.index("left_heel")].any()
    assert answer.visible[:, BLAZEPOSE_33.index("left_ankle")].all()


def test_a_track_without_cocos_joints_or_without_anybody_is_refused():
    with pytest.raises(BadInput, match=r"h36m17 lacks left_eye, right_eye, left_ear, right_ear\. Give"):
        clean(track(5, H36M_17), copier())
    with pytest.raises(BadInput, match="face68 lacks nose"):
        clean(track(5, FACE_68), copier())
    with pytest.raises(BadInput, match="No frame of this track of 5"):
        clean(hidden(track(5), slice(None)), copier())


def test_a_trained_network_is_read_from_its_file_and_cleans_the_same(tmp_path):
    recipe = motion_mini().tiny()
    trained = train(recipe, tmp_path, progress=False).generator.eval()
    loaded = load_motion(tmp_path / "generator.safetensors")
    assert loaded.config == recipe.model
    pose = track(30)
    assert torch.equal(clean(pose, loaded).xy, clean(pose, trained).xy)


def test_another_file_is_no_motion_network(tmp_path):
    write_safetensors(tmp_path / "x.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises(BadInput, match="not a motion network"):
        load_motion(tmp_path / "x.safetensors")


def test_model_and_data_have_to_agree():
    recipe = motion_mini()
    with pytest.raises(BadInput, match="windows of 48 frames placed by the person"):
        replace(recipe, data=replace(recipe.data, frames=24))


def test_bridging_alone_is_measured_as_what_corrects_nothing():
    data = SyntheticTracks((64, 64), "test", TINY.frames, "person", num_motions=2)
    table = measure(copier(), data)
    assert table["motion network"].mean == pytest.approx(table["as found"].mean, rel=1e-3)
    assert table["two-sided"].tremble < table["as found"].tremble
