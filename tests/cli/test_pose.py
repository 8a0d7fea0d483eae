"""`reposer pose extract`, and photos without pose files: what is written, what is said, what is left out."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import reposer
from reposer.cli import main
from reposer.core import BadInput, Pose
from reposer.core.skeleton import COCO_17
from reposer.data import open_dataset
from reposer.data.check import check_dataset
from reposer.data.pictures import read_picture, write_picture
from reposer.data.poses import read_pose, read_track, write_pose_json
from reposer.data.video_files import VideoFile
from reposer.extraction import Extraction, person_picture
from reposer.generators import GENERATORS, save
from tests.data.video_clips import write_clip
from tests.estimators.synthetic_photos import errors, side_by_side, somebody

GREY = torch.full((120, 90, 3), 128, dtype=torch.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Photos of one, of two and of no people, and a tiny network."""
    folder = tmp_path_factory.mktemp("files")
    write_picture(folder / "one.png", somebody(0)[0])
    write_picture(folder / "other.png", somebody(1)[0])
    write_picture(folder / "two.png", side_by_side(1.0, 1.6)[0])
    write_picture(folder / "wall.png", GREY)
    torch.manual_seed(0)
    save(GENERATORS["gfla"]().tiny().build().eval(), folder / "tiny.safetensors")
    return folder


@pytest.fixture
def world(files, tmp_path, monkeypatch):
    """A folder of a test's own with these files."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(files, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def run(world, capsys):
    """Runs a command with the tiny network; returns the exit code and what it said."""

    def command(*words):
        code = main([*map(str, words), *(["--model", "tiny.safetensors"] if words[0] == "transfer" else [])])
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return code, said

    return command


@pytest.mark.slow
def test_a_photo_gives_a_pose_file_and_the_skeleton_over_it(world, run):
    code, said = run("pose", "extract", "one.png", "--out", "new/pose.json")
    assert code == 0 and "The pose: new/pose.json (" in said and "of 17 joints found)" in said
    pose = read_pose(world / "new/pose.json")
    assert pose.skeleton == COCO_17 and pose.score is not None
    assert errors(pose, somebody(0)[1]).median() < 0.05
    shown, plain = read_picture(world / "new/pose-skeleton.png"), somebody(0)[0]
    changed = (shown != plain).any(-1).float().mean()
    assert shown.shape == plain.shape and 0.005 < changed < 0.2
    assert run("pose", "extract", "one.png", "--plain")[0] == 0
    assert (world / "one.json").is_file() and not (world / "one-skeleton.png").exists()


@pytest.mark.slow
def test_of_several_people_the_largest_is_written_unless_another_is_chosen(world, run):
    truth = side_by_side(1.0, 1.6)[1]
    code, said = run("pose", "extract", "two.png")
    assert code == 0 and "Note: two.png shows 2 people; the largest is taken. Another: --person 2" in said
    assert errors(read_pose(world / "two.json"), truth[1]).median() < 0.05
    middle = truth[0].xy[truth[0].visible].mean(0)
    for choice in ("2", "left", f"{middle[0]:.0f},{middle[1]:.0f}", "0,150,170,400"):
        code, said = run("pose", "extract", "two.png", "--person", choice, "--plain")
        assert code == 0 and "Note" not in said
        assert errors(read_pose(world / "two.json"), truth[0]).median() < 0.05, choice
    code, said = run("pose", "extract", "two.png", "--person", "7", "--plain")
    assert code == 2 and "shows 2 people; there is no person 7" in said


@pytest.mark.slow
def test_nobody_is_one_sentence_and_nothing_is_written(world, run):
    before = sorted(world.iterdir())
    for command in (
        ("pose", "extract", "wall.png"),
        ("transfer", "wall.png", "--pose", "one.png", "--out", "out.png"),
        ("transfer", "one.png", "--pose", "wall.png", "--out", "out.png"),
        ("animate", "wall.png", "--driving", "track.json"),
    ):
        write_pose_track(world / "track.json")
        code, said = run(*command)
        assert code == 2 and said.count("\n") == 1, said
        assert (
            "wall.png shows no person: none of its 17 joints was found. Take a picture that shows one clearly." in said
        )
        (world / "track.json").unlink()
    assert sorted(world.iterdir()) == before


def write_pose_track(path):
    pose = somebody(0)[1]
    rows = [[list(map(float, place)) for place in pose.xy.tolist()]] * 2
    path.write_text(json.dumps({"skeleton": pose.skeleton.name, "size": list(pose.size), "fps": 5, "keypoints": rows}))


@pytest.mark.slow
def test_a_clip_gives_a_track_of_one_person_and_on_request_a_clip_of_the_skeleton(world, run):
    picture, truth = side_by_side(1.0, 1.6)
    picture = picture[1:, 1:]  # even sides
    write_clip(world / "clip.mp4", [picture.numpy()] * 3)
    code, said = run("pose", "extract", "clip.mp4", "--person", "left", "--show")
    assert code == 0 and "The track: clip.json (the person is found in 3 of 3 frames)" in said
    track = read_track(world / "clip.json")
    assert len(track) == 3 and track.size == (picture.shape[0], picture.shape[1])
    assert all(errors(pose, truth[0]).median() < 0.05 for pose in track)
    assert VideoFile(world / "clip-skeleton.mp4").num_frames == 3
    write_clip(world / "empty.mp4", [GREY.numpy()] * 2)
    code, said = run("pose", "extract", "empty.mp4")
    assert code == 2 and "empty.mp4 shows no person in any of its 2 frames." in said
    assert not (world / "empty.json").exists()


@pytest.fixture
def photos(tmp_path):
    """A folder of two people in sub-folders, with a damaged file and a wall."""
    folder = tmp_path / "photos"
    for person in (0, 1):
        for view in ("front_a", "side"):
            write_picture(folder / "train" / f"person {person}" / f"{view}.png", somebody(person)[0])
    (folder / "broken_1.jpg").write_bytes(b"\xff\xd8\xff no picture")
    write_picture(folder / "wall_1.png", GREY)
    return folder


@pytest.mark.slow
def test_a_folder_gives_a_data_set_and_names_what_it_leaves_out(photos, world, run):
    code, said = run("pose", "extract", photos, "--out", "set", "--show")
    assert code == 1 and "The data set: set (4 of 6 photos)" in said
    assert "Left out:" in said and "broken_1.jpg is not a picture" in said.replace("damaged", "not a picture")
    assert "wall_1.png shows no person" in said and "2 photos are left out: broken_1.jpg, wall_1.png" in said
    names = sorted(path.name for path in (world / "set/train").glob("*.jpg"))
    assert names == [f"person {p}_{v}.jpg" for p in (0, 1) for v in ("front-a", "side")]
    dataset = open_dataset(world / "set", "train", None)
    assert len(dataset) == 4 and dataset.picture_size == (256, 176)
    assert all(bool(dataset[i].source_pose.visible.any()) for i in range(4))
    assert not [finding for finding in check_dataset(world / "set", progress=False) if finding.severity == "error"]
    assert (world / "set/skeletons/train/person 0_side.png").is_file()


@pytest.mark.slow
def test_the_same_command_goes_on_where_it_was(photos, world, run):
    assert run("pose", "extract", photos, "--out", "set")[0] == 1
    kept, gone = world / "set/train/person 0_side.json", world / "set/train/person 1_side.json"
    before = kept.stat().st_mtime_ns
    gone.unlink()
    code, said = run("pose", "extract", photos, "--out", "set")
    assert code == 1 and "(4 of 6 photos, 3 of them before)" in said
    assert kept.stat().st_mtime_ns == before and gone.is_file()
    os.utime(photos / "train/person 0/side.png")  # another time, the same photo
    assert "4 of them before" in run("pose", "extract", photos, "--out", "set")[1]


@pytest.mark.slow
def test_a_photo_that_was_replaced_is_looked_at_again_whatever_its_time(photos, world, run):
    photo, made = photos / "train/person 0/side.png", world / "set/train/person 0_side.json"
    assert run("pose", "extract", photos, "--out", "set")[0] == 1
    before = read_pose(made).xy
    write_picture(photo, somebody(1)[0])
    os.utime(photo, ns=(0, 0))  # older than what was made
    code, said = run("pose", "extract", photos, "--out", "set")
    assert code == 1 and "(4 of 6 photos, 3 of them before)" in said
    assert not torch.equal(read_pose(made).xy, before)


def test_of_a_photo_that_was_replaced_by_one_of_nobody_nothing_stays(world, run):
    write_picture(world / "photos/anna_1.png", somebody(0)[0])
    assert run("pose", "extract", "photos", "--out", "set", "--show")[0] == 0
    made = [world / "set" / name for name in ("anna_1.jpg", "anna_1.json", "skeletons/anna_1.png")]
    assert all(path.is_file() for path in made)
    write_picture(world / "photos/anna_1.png", GREY)
    assert "anna_1.png shows no person" in run("pose", "extract", "photos", "--out", "set")[1]
    assert not any(path.exists() for path in made)


def test_the_contents_whose_last_line_a_kill_cut_are_read_and_added_to(tmp_path):
    contents = tmp_path / "reposer-extract.photos"
    contents.write_text('aa "one.jpg"\nbb "two.jpg"\ncc "thr')
    for _ in range(2):
        extraction = Extraction(tmp_path, tmp_path, estimator=None)
        assert {"one.jpg": "aa", "two.jpg": "bb"}.items() <= extraction._read_contents().items()
        extraction._keep_content("three.jpg", "dd")
    assert contents.read_text() == 'aa "one.jpg"\nbb "two.jpg"\ndd "three.jpg"\ndd "three.jpg"\n'


@pytest.mark.slow
def test_a_data_set_with_other_options_is_not_mixed_in(photos, world, run):
    assert run("pose", "extract", photos, "--out", "set")[0] == 1
    code, said = run("pose", "extract", photos, "--out", "set", "--size", "128", "88")
    assert code == 2 and "was extracted with another size" in said.replace("were", "was").replace("poses that ", "")


def test_a_folder_s_photos_can_stay_whole(photos, world, run):
    assert run("pose", "extract", photos, "--out", "set", "--whole")[0] == 1
    made, photo = world / "set/train/person 0_side.png", photos / "train/person 0/side.png"
    assert made.read_bytes() == photo.read_bytes()
    assert errors(read_pose(made.with_suffix(".json")), somebody(0)[1]).median() < 0.05


def test_two_photos_of_one_name_and_a_folder_without_photos_are_refused(world, run):
    for name in ("a/x.png", "a/x.jpg"):
        write_picture(world / "both" / name, GREY)
    code, said = run("pose", "extract", "both", "--out", "set")
    assert code == 2 and "would both become a_x.jpg in the data set" in said
    (world / "none").mkdir()
    code, said = run("pose", "extract", "none", "--out", "set")
    assert code == 2 and "none holds no photo" in said and not (world / "set").exists()


def test_a_folder_is_never_written_over_its_photos_or_over_files_of_somebody_else(photos, world, run):
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    for out in (photos, photos.parent):
        code, said = run("pose", "extract", photos, "--out", out)
        assert code == 2 and "holds the photos themselves" in said
    (world / "full").mkdir()
    (world / "full/mine.txt").write_text("mine")
    code, said = run("pose", "extract", photos, "--out", "full")
    assert code == 2 and "holds other files" in said and len(list((world / "full").iterdir())) == 1
    code, said = run("pose", "extract", photos, "--out", "new", "--size", "5000", "10")
    assert code == 2 and "--size is 1 to 4,096, not 5000" in said and not (world / "new").exists()
    assert before == {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}


def test_a_cut_person_and_the_pose_stay_together_also_at_the_photo_s_edge():
    picture, pose = somebody(0)
    for shift in (0, 60):
        moved = Pose(pose.xy - torch.tensor([shift, 0.0]), pose.visible, (256, 176 - shift), pose.skeleton)
        cut, placed = person_picture(picture[:, shift:], moved, (128, 88))
        assert cut.shape == (128, 88, 3) and placed.size == (128, 88)
        left, top, right, bottom = moved.box()
        edges = placed.box()
        assert (edges[2] - edges[0]) / (edges[3] - edges[1]) == pytest.approx((right - left) / (bottom - top), rel=0.05)
        for k in torch.nonzero(moved.visible & (moved.xy[:, 0] >= 0)).flatten().tolist():
            x, y = (round(v) for v in placed.xy[k].tolist())
            a, b = (round(v) for v in moved.xy[k].tolist())
            near = picture[:, shift:][max(0, b - 4) : b + 5, max(0, a - 4) : a + 5].float().reshape(-1, 3)
            assert ((near - cut[y, x].float()).abs().mean(-1)).min() < 40, pose.skeleton.joints[k]


@pytest.mark.slow
def test_transfer_needs_nothing_but_two_photos(world, run):
    code, said = run("transfer", "one.png", "--pose", "other.png")
    assert code == 0 and "The picture: one-reposed.png" in said
    assert read_picture(world / "one-reposed.png").shape == somebody(0)[0].shape
    write_pose_json(world / "wanted.json", somebody(1)[1])
    assert run("transfer", "one.png", "--pose", "wanted.json", "--out", "file.png")[0] == 0
    code, said = run(
        "transfer", "two.png", "--pose", "two.png", "--person", "left", "--pose-person", "right", "--out", "o.png"
    )
    assert code == 0 and "Note" not in said
    code, said = run("transfer", "two.png", "--pose", "two.png", "--out", "o.png")
    assert "--person 2" in said and "--pose-person 2" in said


@pytest.mark.slow
def test_the_readme_s_command_reposes_a_photo_with_the_shipped_networks(world, capsys):
    readme = (Path(reposer.__file__).parents[2] / "README.md").read_text()
    words = re.search(r"## Your own photo\n+```\nreposer (transfer .*)\n```", readme).group(1).split()
    (world / "one.png").rename("photo.png")
    (world / "other.png").rename("other_photo.png")
    assert main([word.replace(".jpg", ".png") for word in words]) == 0
    assert read_picture("photo-reposed.png").shape == (256, 176, 3)


def test_options_that_have_no_meaning_are_refused(world, run):
    write_pose_json(world / "one.json", somebody(0)[1])
    for options, words in (
        (("--pose", "other.png", "--pose-size", 9, 9), "--pose-size is for pose files"),
        (("--pose", "other.png", "--pose-frame", 0), "--pose-frame is for pose files"),
        (("--pose", "other.png", "--source-person", 0), "--source-person is for a --source-pose"),
        (("--pose", "other.png", "--source-pose", "one.json", "--person", "left"), "--source-pose names one already"),
        (("--pose", "one.json", "--pose-person", "left"), "--pose-person is the person's number there"),
        (("--pose", "other.png", "--person", "middle"), "--person is largest, left or right"),
        (("--pose", "other.png", "--joints", "movnet"), "Did you mean movenet"),
    ):
        code, said = run("transfer", "one.png", *options)
        assert code == 2 and words in said and said.count("\n") == 1, said


@pytest.mark.slow
def test_one_call_in_python_takes_paths_pictures_arrays_and_poses(world):
    from PIL import Image

    by_path = reposer.repose("one.png", "other.png", model="tiny.safetensors")
    assert by_path.image.size == (176, 256) and by_path.provenance is None and not by_path.notes
    opened = Image.open("one.png")
    for photo, pose in (
        (opened, Image.open("other.png")),
        (np.asarray(opened), read_picture("other.png")),
        (world / "one.png", np.asarray(Image.open("other.png"))),
    ):
        again = reposer.repose(photo, pose, model="tiny.safetensors")
        assert np.array_equal(np.asarray(again.image), np.asarray(by_path.image))
        assert torch.equal(again.pose.xy, by_path.pose.xy)
    wanted = reposer.estimate_pose("other.png")
    reposed = reposer.repose("one.png", wanted, model="tiny.safetensors")
    assert torch.equal(reposed.source_pose.xy, reposer.estimate_pose(opened).xy)
    by_path.save("out/new.png")
    assert np.array_equal(read_picture("out/new.png").numpy(), np.asarray(by_path.image))
    write_pose_json(world / "wanted.json", wanted)
    from_file = reposer.repose("one.png", "wanted.json", source_pose=reposed.source_pose, model="tiny.safetensors")
    assert (from_file.pose.xy - reposed.pose.xy).abs().max() < 0.01
    with pytest.raises(BadInput, match=r"should end in \.png"):
        by_path.save("new.gif")
    with pytest.raises(BadInput, match=r"^the photo shows no person"):
        reposer.estimate_pose(GREY)
    with pytest.raises(BadInput, match=r"^wall\.png shows no person"):
        reposer.repose("one.png", "wall.png", model="tiny.safetensors")


@pytest.mark.slow
def test_a_pose_of_another_photo_of_the_same_size_is_placed_by_the_photo_s_own_person(world):
    one = side_by_side(1.0, 1.6)
    result = reposer.repose(one[0], one[0], person="left", pose_person="right", model="tiny.safetensors")
    left, _, right, _ = result.pose.box()
    own = one[1][0].box()
    assert abs((left + right) - (own[0] + own[2])) / 2 < 40, "he stays where he is, and does not go where she is"
    assert right - left < 1.3 * (own[2] - own[0]) + 40


@pytest.mark.slow
def test_the_track_of_a_clip_of_varying_rate_has_a_pose_for_each_stored_frame(world, run):
    small, large = somebody(0), somebody(1)
    assert small[0].shape == large[0].shape
    pictures = [
        (small, large)[k in (1, 2)][0][: small[0].shape[0] // 2 * 2, : small[0].shape[1] // 2 * 2] for k in range(6)
    ]
    write_clip(world / "clip.mp4", [p.numpy() for p in pictures], times=[0, 40, 80, 93, 107, 120])
    code, said = run("pose", "extract", "clip.mp4", "--plain")
    assert code == 0 and "found in 6 of 6 frames" in said
    track, video = read_track(world / "clip.json"), VideoFile(world / "clip.mp4")
    assert video.variable and len(video.order()) != 6
    for k, pose in enumerate(track):
        assert errors(pose, (small, large)[k in (1, 2)][1]).median() < 0.05
    told = json.loads((world / "clip.json").read_text())["seconds"]
    assert told == pytest.approx([0, 0.04, 0.08, 0.093, 0.107, 0.12], abs=1e-4)
