"""The check of a folder of clips finds what training and scoring would stumble over, and nothing else."""

import json
import shutil

import pytest
from PIL import Image

from reposer.core import BadInput
from reposer.data.check import check_dataset
from reposer.data.clip_folder import ClipFolder
from reposer.data.dance_clips import DanceClips, read_joints
from reposer.data.face_clips import FaceClips

from .test_clip_datasets import write_dance, write_faces, write_video


def found(root, severity="error", **options):
    findings = check_dataset(root, progress=False, **options)
    return {f.kind: f for f in findings if f.severity == severity}


def write_exact(root, name, **options):
    """A clip with a track of exactly its name."""
    write_video(root, name, **options)
    (root / f"{name}.coco18.json").rename(root / f"{name}.json")


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_good_folder_of_clips_has_no_findings(tmp_path):
    write_video(tmp_path, "anna")
    write_video(tmp_path, "bob")
    assert check_dataset(tmp_path, progress=False) == []


def test_a_track_of_the_clips_own_name_beats_all_others(tmp_path):
    write_exact(tmp_path, "anna")
    (tmp_path / "anna.info.json").write_text('{"title": "not a track"}')
    (tmp_path / "anna_old.json").write_text("{}")
    assert check_dataset(tmp_path, progress=False) == []
    assert ClipFolder(tmp_path)[0].source_pose.visible.any()


def test_a_track_with_a_word_behind_the_name_counts_where_it_is_the_only_one(tmp_path):
    write_exact(tmp_path, "anna")
    (tmp_path / "anna.json").rename(tmp_path / "anna.coco18.json")
    assert check_dataset(tmp_path, progress=False) == []
    shutil.copy(tmp_path / "anna.coco18.json", tmp_path / "anna_2.json")
    assert found(tmp_path)["several tracks"].examples == ("anna.mp4",)
    with pytest.raises(BadInput, match="needs one track"):
        ClipFolder(tmp_path)


def test_clips_without_track_with_a_wrong_one_and_damaged_ones_are_errors(tmp_path):
    for name in ("anna", "bob", "cut", "dora"):
        write_exact(tmp_path, name)
    (tmp_path / "anna.json").unlink()
    track = json.loads((tmp_path / "bob.json").read_text())
    change(tmp_path / "bob.json", keypoints=track["keypoints"][:-3])
    content = (tmp_path / "cut.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    errors = found(tmp_path)
    assert errors["no track"].examples == ("anna.mp4",)
    assert errors["unreadable clips"].count == 2
    assert any("bob.mp4 has 20 frames" in example for example in errors["unreadable clips"].examples)


def test_a_clip_in_which_nobody_was_found_is_an_error(tmp_path):
    write_exact(tmp_path, "anna")
    change(tmp_path / "anna.json", unreliable_frames=list(range(16)))
    assert found(tmp_path)["no joints"].examples == ("anna.mp4",)


def test_a_clip_that_has_nothing_to_score_is_a_warning(tmp_path):
    write_exact(tmp_path, "anna", unreliable=range(16, 20))
    assert found(tmp_path, "warning")["not scored"].examples == ("anna.mp4",)


def test_folders_of_frames_are_checked_too(tmp_path):
    for split in ("train", "test"):
        write_dance(tmp_path / "dance", split)
        write_faces(tmp_path / "faces", split)
    for root in (tmp_path / "dance", tmp_path / "faces"):
        assert found(root) == {}, root
        frame = sorted(root.rglob("*.png"))[3]
        with Image.open(frame) as image:
            small = image.resize((20, 30))
        small.save(frame)
        assert "unreadable pictures" in found(root), root
    shutil.rmtree(next((tmp_path / "faces").glob("test_keypoint*")))
    assert {"no split"} == set(found(tmp_path / "faces", "warning"))


def test_what_is_declared_of_fashion_lists_is_refused_for_clips(tmp_path):
    write_exact(tmp_path, "anna")
    with pytest.raises(BadInput, match="holds clips; --frame is for lists"):
        check_dataset(tmp_path, progress=False, frame="crop176")


def test_joints_of_another_picture_size_or_in_shares_of_it_are_refused_and_an_error(tmp_path):
    for place, says in ((1000.0, "outside of their frame"), (0.5, "between 0 and 1")):
        root = tmp_path / says.split()[0]
        for split in ("train", "test"):
            write_dance(root, split, clean=False)
        for path in root.rglob("*.json"):
            people = [{"pose_keypoints_2d": [place, place, 0.9] * 18}]
            path.write_text(json.dumps({"people": people}))
        with pytest.raises(BadInput, match=says):
            DanceClips(root, "train")[0]
        assert found(root)["unreadable clips"].count == 2


def test_a_joint_with_score_0_is_missing_where_others_have_a_score(tmp_path):
    path = tmp_path / "a.json"
    for score, visible in ((0.9, 17), (0.0, 18)):
        rows = [30.0, 20.0, score] * 17 + [5.0, 5.0, 0.0]
        path.write_text(json.dumps({"people": [{"pose_keypoints_2d": rows}]}))
        assert int(read_joints(path, (64, 64), "noisy").visible.sum()) == visible


def test_a_frame_of_another_size_than_its_clip_is_refused(tmp_path):
    write_faces(tmp_path)
    frame = sorted(tmp_path.rglob("*.png"))[3]
    with Image.open(frame) as image:
        small = image.resize((20, 30))
    small.save(frame)
    data = FaceClips(tmp_path, "train")
    with pytest.raises(BadInput, match="has 30x20 pixels, another frame of the clip has"):
        data.pictures(0, data.span(0))
