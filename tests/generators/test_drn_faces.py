"""What a pose of person88 tells DRN of a face: its box as a detector found it, and its landmarks."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.cli.train import parse
from reposer.core import SKELETONS, BadInput, Framing, Pose
from reposer.data.clip_dataset import WholeClip
from reposer.data.poses import read_pose, write_pose_json, write_track
from reposer.evaluation import evaluate
from reposer.evaluation.driving import limbs_of
from reposer.generators import RECIPES, save
from reposer.generators.drn import DRNConfig
from reposer.generators.drn.face import FACE_JOINTS, LANDMARKS, Faces, face_boxes, face_maps, landmarks_seen
from reposer.generators.drn.objective import flipped
from reposer.nn.maps import PoseMaps
from reposer.recipes import DataConfig
from reposer.synthetic.people import SyntheticPeople
from tests.data.video_clips import moving_square, write_clip

from .test_drn import inputs, lively, picture, poses

PERSON = SKELETONS["person88"]
SIZE = (256, 176)


def person(size=SIZE, rows=2, box=None, landmarks=False, seed=1, hidden=()):
    """People of test_drn with, on request, a face's box (left, top, right, bottom) and landmarks around the nose."""
    pose = poses(size, rows, seed).convert(PERSON)
    xy, visible = pose.xy.clone(), pose.visible.clone()
    if box is not None:
        corners = torch.tensor([box[:2], box[2:]], dtype=xy.dtype)
        xy[:, -2:], visible[:, -2:] = corners, True
    if landmarks:
        first = PERSON.index(LANDMARKS[0])
        random = torch.Generator().manual_seed(seed)
        offsets = torch.rand(rows, 68, 2, generator=random, dtype=xy.dtype) * 20 - 10
        xy[:, first : first + 68] = xy[:, :1] + offsets * size[0] / 256
        visible[:, first : first + 68] = True
    for joint in hidden:
        visible[:, PERSON.index(joint)] = False
    return Pose(xy, visible, size, PERSON)


def test_person88_is_openposes_18_joints_then_the_68_landmarks_then_two_corners():
    names = PERSON.joints
    assert names[:18] == SKELETONS["openpose18"].joints and names[18:86] == SKELETONS["face68"].joints
    assert names[86:] == ("face_box_1", "face_box_2")
    below = {names[k] for k in PERSON.body_indices}  # nothing of the face counts as the body below the head
    assert below == {names[k] for k in SKELETONS["openpose18"].body_indices}


def test_a_given_box_takes_the_place_of_the_one_that_joints_speak_for():
    faces = face_boxes(person(box=(60.0, 20.0, 100.0, 50.0)))
    assert torch.equal(faces.centre, torch.tensor([[80.0, 35.0]] * 2).double())
    assert torch.equal(faces.side, torch.tensor([40.0, 40.0]).double())  # the square of its longer side
    assert faces.valid.all()


def test_a_given_box_says_that_there_is_a_face_though_joints_do_not():
    hidden = ("right_eye", "left_eye", "right_ear", "left_ear")
    assert not face_boxes(person(hidden=hidden)).valid.any()
    assert face_boxes(person(hidden=hidden, box=(60.0, 20.0, 100.0, 50.0))).valid.all()


def test_a_box_of_one_row_says_nothing_of_another():
    pose = person(box=(60.0, 20.0, 100.0, 50.0))
    visible = pose.visible.clone()
    visible[1, -1] = False  # one corner is not a box
    faces, by_joints = face_boxes(replace(pose, visible=visible)), face_boxes(person())
    assert faces.side[0] == 40 and torch.equal(faces.side[1], by_joints.side[1])
    assert torch.equal(faces.centre[1], by_joints.centre[1])


def test_without_a_box_and_landmarks_a_person88_has_the_box_of_its_joints():
    with_names, plain = face_boxes(person()), face_boxes(poses(SIZE, 2, 1))
    assert all(torch.equal(a, b) for a, b in zip(with_names, plain, strict=True))


def test_without_a_box_it_lies_around_the_landmarks_that_are_seen():
    pose = person(landmarks=True)
    low, high = pose.xy[:, 18:86].amin(1), pose.xy[:, 18:86].amax(1)
    faces = face_boxes(pose)
    assert torch.allclose(faces.centre, (low + high) / 2)
    assert torch.allclose(faces.side, 1.5 * (high - low).amax(1))
    few = person(landmarks=True, hidden=LANDMARKS[:40])  # too few of them
    assert not landmarks_seen(few).any()
    assert torch.equal(face_boxes(few).side, face_boxes(person()).side)


def test_a_box_moves_with_its_picture():
    pose = person(box=(60.0, 20.0, 100.0, 60.0))
    mirrored = face_boxes(pose.flip())
    assert torch.allclose(mirrored.centre, torch.tensor([[175.0 - 80.0, 40.0]] * 2).double())
    assert torch.allclose(mirrored.side, face_boxes(pose).side)
    half = face_boxes(pose.resize((128, 88)))
    assert torch.allclose(half.side, face_boxes(pose).side / 2)
    placed = face_boxes(Framing((256, 256), fit="pad").place(pose))
    assert torch.allclose(placed.centre - face_boxes(pose).centre, torch.tensor([40.0, 0.0]).double())


def test_the_landmarks_are_68_maps_where_they_lie_in_the_box():
    pose = person(landmarks=True)
    faces = Faces(pose.xy[:, 0], torch.full((2,), 64.0).double(), torch.ones(2, dtype=torch.bool))
    maps = face_maps(pose, faces, 64, 3.0, LANDMARKS)
    assert maps.shape == (2, 68, 64, 64)
    highest = maps[0, 7].flatten().argmax()
    place = (pose.xy[0, 18 + 7] - faces.centre[0]) / faces.side[0] * 64 + 31.5
    assert torch.allclose(torch.stack([highest % 64, highest // 64]).double(), place, atol=0.51)
    assert face_maps(pose, faces, 64, 3.0).shape[1] == len(FACE_JOINTS)


def test_the_pose_branch_sees_the_body_alone():
    generator = lively(DRNConfig.drn_landmarks_mini().tiny())
    assert generator.pose_maps(person((64, 32)), picture((64, 32))).shape[1] == 18
    source, pose = picture((64, 32)), person((64, 32))
    with_face = person((64, 32), landmarks=True, box=(8.0, 8.0, 24.0, 24.0))
    assert torch.equal(generator.coarse(source, pose, with_face).picture, generator.coarse(source, pose, pose).picture)


@pytest.mark.slow
def test_a_face_is_painted_after_landmarks_and_not_after_joints_where_landmarks_are_asked_for():
    generator = lively(DRNConfig.drn_landmarks_mini().tiny()).eval()
    source, pose = picture((64, 32)), person((64, 32), landmarks=True)
    moved = replace(pose, xy=pose.xy.clone())
    moved.xy[:, 18 + 30] += 2
    output, other = (generator(source, pose, target) for target in (pose, moved))
    assert output.mask.amax() == 1 and not torch.equal(output.face, other.face)
    unmarked = generator(source, pose, person((64, 32)))
    assert not unmarked.mask.any()  # nothing to paint after: coarse picture and residual have to do
    assert torch.equal(unmarked.picture, unmarked.coarse + unmarked.residual)


def test_a_given_box_is_where_the_face_is_painted():
    config = replace(DRNConfig.drn_mini().tiny(), maps=PoseMaps(skeleton="person88", sigma=2.0))
    generator = lively(config).eval()
    source, pose = picture((64, 32)), person((64, 32))
    target = person((64, 32), box=(6.0, 30.0, 22.0, 46.0), seed=3)
    rows = generator(source, pose, target).mask[0, 0].nonzero()
    assert rows.double().mean(0).tolist() == pytest.approx([38, 14], abs=0.6)


def test_the_source_faces_style_is_cut_out_of_the_given_box():
    generator = lively(replace(DRNConfig.drn_mini().tiny(), maps=PoseMaps(skeleton="person88", sigma=2.0))).eval()
    source, target = picture((64, 32)), person((64, 32), seed=3)
    faces = [generator(source, person((64, 32), box=box), target).face for box in ((4.0, 4.0, 16.0, 16.0), None)]
    assert not torch.allclose(*faces)


@pytest.mark.slow
def test_a_network_of_openpose18_is_what_it_was():
    generator = lively(DRNConfig.drn_mini().tiny()).eval()
    with_names = lively(replace(DRNConfig.drn_mini().tiny(), maps=PoseMaps(skeleton="person88", sigma=2.0))).eval()
    source, source_pose, target_pose = inputs()
    expected = generator(source, source_pose, target_pose).picture
    poses_of_88 = (pose.convert(PERSON) for pose in (source_pose, target_pose))
    assert torch.equal(with_names(source, *poses_of_88).picture, expected)


def test_a_flip_of_training_keeps_landmarks_and_box_with_their_face():
    recipe = RECIPES["drn-landmarks-mini"]().tiny()
    generator = recipe.build()
    dataset = recipe.data.open(generator.framing)
    batch = dataset.collate([dataset[0], dataset[1]], torch.arange(2))
    turned = flipped(batch, torch.arange(2), 1.0)
    assert torch.allclose(turned.target_pose.xy, batch.target_pose.flip().xy)
    assert torch.equal(turned.target_pose.visible, batch.target_pose.flip().visible)


@pytest.mark.slow
def test_synthetic_people_bring_their_landmarks_where_these_are_seen():
    plain = SyntheticPeople((128, 88), num_pairs=6)
    marked = SyntheticPeople((128, 88), num_pairs=6, skeleton=PERSON)
    shown = 0
    for i in range(6):
        one, other = plain[i], marked[i]
        assert torch.equal(one.source, other.source)
        assert torch.equal(one.source_pose.xy, other.source_pose.xy[:18])
        assert torch.equal(one.source_pose.visible, other.source_pose.visible[:18])
        assert not other.source_pose.visible[86:].any()
        shown += int(landmarks_seen(Pose.stack([other.source_pose]))[0])
    assert 0 < shown < 6  # some turn their back


def test_a_pose_file_brings_landmarks_and_a_box(tmp_path):
    pose = person(box=(60.0, 20.0, 100.0, 50.0), landmarks=True)[0]
    write_pose_json(tmp_path / "p.json", pose)
    read = read_pose(tmp_path / "p.json")
    assert read.skeleton == PERSON and torch.equal(read.visible, pose.visible)
    assert torch.allclose(read.xy[pose.visible].double(), pose.xy[pose.visible], atol=1e-3)
    content = {"skeleton": "person88", "size": [256, 176], "joints": {"nose": [88, 40]}}
    (tmp_path / "few.json").write_text(json.dumps(content))
    assert read_pose(tmp_path / "few.json").visible.sum() == 1  # what is not listed is missing


def folder(root, pose):
    root.mkdir()
    for view in (1, 2, 3):
        Image.new("RGB", (176, 256), (200, 100 + view, 100)).save(root / f"anna_{view}.png")
        write_pose_json(root / f"anna_{view}.json", pose)
    return root


def test_photos_with_landmarks_are_trained_on_and_photos_without_are_refused(tmp_path):
    recipe = RECIPES["drn-landmarks-mini"]()
    framing = recipe.model.build().framing
    marked = folder(tmp_path / "marked", person(landmarks=True)[0])
    pairs = [DataConfig(root=str(marked), split=split, skeleton="person88") for split in ("train", "val", "test")]
    opened = next(config.open(framing) for config in pairs if _opens(config, framing))
    assert landmarks_seen(Pose.stack([opened[0].target_pose])).all()
    plain = folder(tmp_path / "plain", poses(SIZE, 1)[0])
    config = DataConfig(root=str(plain), split=opened.split, skeleton="person88")
    with pytest.raises(BadInput, match=r"no picture of its split .* shows a joint that openpose18 does not have"):
        config.open(framing)


def split_of(photos):
    """The only split that a folder of one person has."""
    framing = Framing(SIZE)
    return next(s for s in ("train", "val", "test") if _opens(DataConfig(str(photos), s), framing))


def _opens(config, framing):
    try:
        config.open(framing)
    except BadInput:
        return False
    return True


def test_a_network_and_data_of_different_skeletons_are_refused_before_training():
    recipe = RECIPES["drn-mini"]()
    flags = ["--model.maps.skeleton", "person88", "--model.face-input", "landmarks"]
    with pytest.raises(BadInput, match="takes poses of the skeleton person88, and the data are read as openpose18"):
        parse(recipe, flags)
    _, changed = parse(recipe, [*flags, "--data.skeleton", "person88"])
    assert changed.model.face_input == "landmarks" and changed.data.skeleton == "person88"


@pytest.mark.parametrize(
    "fields", [{}, {"maps": PoseMaps(skeleton="person88"), "face": False}, {"maps": PoseMaps(skeleton="face68")}]
)
def test_landmarks_need_a_skeleton_that_has_them_and_a_face_module(fields):
    with pytest.raises(BadInput, match="DRN"):
        DRNConfig(face_input="landmarks", **fields)


def test_the_landmark_forms_tiny_is_small():
    config = DRNConfig.drn_landmarks_mini()
    assert sum(p.numel() for p in config.tiny().build().parameters()) <= 100_000


LEFT_UNDONE = "No face is painted: this network paints it after a face's 68 landmarks"


def a_network_of_landmarks(path, seed=0):
    torch.manual_seed(seed)
    save(RECIPES["drn-landmarks-mini"]().tiny().model.build().eval(), path)
    return path


def test_a_pose_that_shows_a_face_without_its_landmarks_is_told_of_and_no_other():
    generator = DRNConfig.drn_landmarks_mini().tiny().build()
    marked, plain = person((64, 32), landmarks=True)[0], person((64, 32))[0]
    behind = person((64, 32), hidden=("nose",))[0]
    assert generator.left_undone(plain, marked) == ""  # the source's face is cut out by its joints
    assert generator.left_undone(marked, plain).startswith(LEFT_UNDONE)
    assert generator.left_undone(marked, behind) == ""  # there is no face to paint
    of_joints = replace(DRNConfig.drn_mini().tiny(), maps=PoseMaps(skeleton="person88", sigma=2.0)).build()
    assert of_joints.left_undone(marked, plain) == ""
    assert RECIPES["gfla-mini"]().tiny().model.build().left_undone(marked, plain) == ""


@pytest.mark.slow
def test_transfer_says_that_no_face_is_painted_where_the_pose_has_no_landmarks(tmp_path, capsys):
    model = a_network_of_landmarks(tmp_path / "model.safetensors")
    Image.new("RGB", (176, 256), (200, 100, 100)).save(tmp_path / "photo.png")
    write_pose_json(tmp_path / "plain.json", poses(SIZE, 1)[0])
    write_pose_json(tmp_path / "marked.json", person(landmarks=True)[0])
    said = {}
    for name in ("plain", "marked"):
        arguments = ["transfer", str(tmp_path / "photo.png"), "--source-pose", str(tmp_path / "plain.json")]
        arguments += ["--pose", str(tmp_path / f"{name}.json"), "--model", str(model)]
        assert main([*arguments, "--out", str(tmp_path / "out.png")]) == 0
        said[name] = " ".join(capsys.readouterr().err.split())
    assert LEFT_UNDONE in said["plain"] and "Give poses of person88 with landmarks." in said["plain"]
    assert "No face is painted" not in said["marked"]


@pytest.mark.slow
def test_animate_counts_the_frames_in_which_no_face_is_painted(tmp_path, capsys):
    model = a_network_of_landmarks(tmp_path / "model.safetensors")
    Image.new("RGB", (176, 256), (200, 100, 100)).save(tmp_path / "photo.png")
    write_pose_json(tmp_path / "photo.json", person(landmarks=True)[0])
    write_track(
        tmp_path / "track.json", Pose.stack([person(landmarks=True)[0], person()[0], person(landmarks=True)[0]]), 12
    )
    arguments = ["animate", str(tmp_path / "photo.png"), "--source-pose", str(tmp_path / "photo.json")]
    arguments += ["--driving", str(tmp_path / "track.json"), "--model", str(model)]
    assert main([*arguments, "--out", str(tmp_path / "out.mp4")]) == 0
    assert f"In 1 of 3 frames: {LEFT_UNDONE}" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["reposer-v1-reconstruction", "reposer-v1"])
def test_evaluate_counts_the_pairs_in_which_no_face_is_painted(tmp_path, capsys, protocol):
    model = a_network_of_landmarks(tmp_path / "model.safetensors")
    photos = folder(tmp_path / "photos", person(landmarks=True)[0])
    for photo in photos.glob("*_3.json"):
        write_pose_json(photo, poses(SIZE, 1)[0])
    split = split_of(photos)
    arguments = ["evaluate", str(model), "--data", str(photos), "--split", split, "--protocol", protocol]
    main([*arguments, "--out", str(tmp_path / "out"), "--device", "cpu"])
    assert f"In 2 of 6 pairs: {LEFT_UNDONE}" in " ".join(capsys.readouterr().out.split())
    report = json.loads((tmp_path / f"out/report-{protocol}.json").read_text())
    assert report["about"]["left_undone"].startswith(f"2 pairs: {LEFT_UNDONE}")


def test_masks_of_a_network_of_landmarks_are_those_of_every_other_network(tmp_path):
    photos = folder(tmp_path / "photos", person(landmarks=True)[0])
    split = split_of(photos)
    recipes = {name: RECIPES[name]().tiny() for name in ("drn-landmarks-mini", "drn-mini")}
    masks = []
    for recipe in recipes.values():
        generator = recipe.model.build()
        data = DataConfig(str(photos), split, skeleton=generator.skeleton.name).open(generator.framing)
        masks.append(evaluate(generator.generate, "reposer-v1-reconstruction", data).mask_hashes)
    assert masks[0] and masks[0] == masks[1]


@pytest.mark.slow
def test_evaluate_counts_the_frames_of_clips_in_which_no_face_is_painted(tmp_path, capsys):
    model = a_network_of_landmarks(tmp_path / "model.safetensors")
    clips = tmp_path / "clips"
    clips.mkdir()
    write_clip(clips / "a.mp4", moving_square(4, SIZE), Fraction(12))
    rows = [person(landmarks=t != 2)[0] for t in range(4)]
    write_track(clips / "a.json", Pose.stack(rows), 12)
    arguments = ["evaluate", str(model), "--data", str(clips), "--split", "all", "--without-networks"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    assert f"In 1 of 4 frames: {LEFT_UNDONE}" in " ".join(capsys.readouterr().out.split())
    report = json.loads((tmp_path / "out/report-reposer-clips-v1.json").read_text())
    assert report["generated"]["about"]["left_undone"].startswith(f"1 frames: {LEFT_UNDONE}")


def test_limbs_of_clips_are_those_of_the_body_whatever_the_network_wants():
    pose = person((64, 32), rows=1, landmarks=True)
    clips = [
        WholeClip(
            name="a",
            source=picture((64, 32))[0],
            source_pose=poses_of_it[0],
            poses=poses_of_it,
            fps=12.0,
            size=(64, 32),
            trusted=torch.ones(1, dtype=torch.bool),
            open_frames=lambda: iter([]),
        )
        for poses_of_it in (pose, pose.convert(SKELETONS["openpose18"]))
    ]
    with_face, plain = (next(iter(limbs_of(clip, (0, 0, 32, 64)))) for clip in clips)
    assert with_face.any() and torch.equal(with_face, plain)


@pytest.mark.slow
def test_the_demo_gives_a_network_of_landmarks_its_landmarks(tmp_path):
    model = a_network_of_landmarks(tmp_path / "model.safetensors")
    assert main(["demo", "--model", str(model), "--out", str(tmp_path / "demo")]) == 0
    assert (tmp_path / "demo" / "demo.png").exists()
