"""The check of a data set finds what is wrong with it, and nothing else."""

import io
import itertools
import shutil

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from reposer.core import BadInput
from reposer.data.check import check_dataset
from reposer.data.findings import findings_table
from reposer.data.lists import read_annotation, read_pairs, write_annotation, write_pairs
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.synthetic.people import write_people

from .folders import some_picture, some_pose, write_fashion
from .pose_writers import SIZE, openpose, person, write
from .test_datasets import write_folder

PEOPLE = {"train": ("ann", "bob"), "test": ("eve",)}


@pytest.fixture
def root(tmp_path):
    return write_fashion(tmp_path, PEOPLE)


def found(root, severity=None):
    findings = check_dataset(root, progress=False)
    return {f.kind: f for f in findings if severity in (None, f.severity)}


def test_a_good_data_set_has_no_findings(root):
    assert check_dataset(root, progress=False) == []
    assert check_dataset(write_folder(root / "own", *(f"train/ann_{k}.png" for k in "123")), progress=False) == []


def test_a_missing_picture_is_an_error_in_a_pair_and_else_a_warning(root):
    (root / "train" / "ann_0.png").unlink()
    assert found(root, "error")["missing pictures"].examples == ("ann_0.png",)
    write_pairs(root / "fasion-resize-pairs-train.csv", [("bob_0.png", "bob_1.png")])
    assert set(found(root, "error")) == set()
    assert {"missing pictures", "in no pair"} == set(found(root, "warning"))


def test_pairs_across_identities_and_pairs_without_joints_are_errors(root):
    path = root / "fasion-resize-pairs-train.csv"
    write_pairs(path, [*read_pairs(path), ("ann_0.png", "bob_0.png"), ("ann_0.png", "zoe_0.png")])
    errors = found(root, "error")
    assert set(errors) == {"crossed pairs", "no joints", "missing pictures"}
    assert errors["crossed pairs"].count == 2


def test_the_same_name_and_the_same_bytes_in_two_splits_are_errors_the_same_person_a_warning(root):
    write_fashion(root, {"test": ("eve", "ann")}, seed=90)
    assert found(root, "error")["leak"].message == "the same picture in train and test"
    assert found(root, "warning")["same person"].examples == ("ann",)
    write_fashion(root, {"test": ("eve",)}, seed=90)
    (root / "test" / "eve_1.png").write_bytes((root / "train" / "bob_1.png").read_bytes())
    assert found(root, "error")["leak"].examples == ("eve_1.png = bob_1.png",)


def test_a_person_in_both_splits_in_other_pictures_is_only_a_warning(root):
    poses = {f"ann_{k}.png": some_pose(seed=k) for k in (7, 8)}
    for k, name in enumerate(poses):
        write_picture(root / "test" / name, some_picture(seed=50 + k))
    write_annotation(root / "fasion-resize-annotation-test.csv", poses, frame="crop176")
    write_pairs(root / "fasion-resize-pairs-test.csv", list(itertools.permutations(poses, 2)))
    assert set(found(root)) == {"same person"} == set(found(root, "warning"))


def test_copies_within_a_split_and_repeated_rows_are_warnings(root):
    (root / "train" / "ann_1.png").write_bytes((root / "train" / "ann_0.png").read_bytes())
    for kind in ("annotation", "pairs"):
        path = root / f"fasion-resize-{kind}-train.csv"
        path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    assert set(found(root)) == {"copies", "repeated rows", "repeated pairs"} == set(found(root, "warning"))


def test_a_list_in_the_wrong_frame_is_an_error(root):
    path = root / "fasion-resize-annotation-train.csv"
    write_annotation(path, dict(read_annotation(path, frame="crop176")), frame="padded256")
    assert "in padded256 0 do. Say padded256" in found(root, "error")["wrong frame"].message


def test_a_few_joints_outside_are_a_warning_and_many_an_error(root):
    path = root / "fasion-resize-annotation-train.csv"
    poses = dict(read_annotation(path, frame="crop176"))
    poses["ann_0.png"].xy[0, 0] = 177.0
    write_annotation(path, poses, frame="crop176")
    assert "1 of 72 joints (1.39%)" in found(root, "warning")["joints outside"].message
    for pose in poses.values():
        pose.xy[:9, 1] = 300.0
    write_annotation(path, poses, frame="crop176")
    assert "wrong frame" in found(root, "error")


def test_damaged_pictures_and_pictures_of_another_shape_are_errors(root):
    for name, cut in (("ann_0.png", 200), ("ann_1.png", None)):
        path = root / "train" / name
        path.write_bytes(path.read_bytes()[:-cut] if cut else b"not a picture")
    Image.fromarray(np.zeros((100, 200, 3), np.uint8)).save(root / "train" / "bob_0.png")
    findings = found(root, "error")
    assert findings["unreadable pictures"].count == 2
    assert findings["unknown geometry"].examples == ("bob_0.png",)


def test_a_list_with_seventeen_joints_is_an_error_not_a_crash(root):
    path = root / "fasion-resize-annotation-train.csv"
    path.write_text(path.read_text().splitlines()[0] + f"\nann_0.png: {[1] * 17}: {[1] * 17}\n")
    assert "17 y and 17 x" in found(root, "error")["list of joints"].message


def test_a_folder_tells_photos_without_pose_and_people_with_one_photo(tmp_path):
    write_folder(tmp_path, "train/ann_1.png", "train/ann_2.png", "train/bob_1.png")
    (tmp_path / "train" / "ann_2.json").unlink()
    findings = found(tmp_path)
    assert "ann_2.png has no pose" in findings["pose"].message
    assert findings["alone"].examples == ("bob_1.png",)


def test_a_folder_tells_joints_outside_of_their_photo_and_photos_that_show_nobody(tmp_path):
    write_folder(tmp_path, *(f"train/ann_{k}.png" for k in range(3)), size=(40, 30))
    pose = some_pose((40, 30))
    pose.xy[0, 0], pose.xy[1, 1], pose.xy[2, 0] = 29.6, -0.6, 29.4  # edges of the pixels: -0.5 and 29.5
    pose.xy[3], pose.visible[3] = 500.0, False  # missing: its xy means nothing
    write_pose_json(tmp_path / "train" / "ann_1.json", pose)
    write_pose_json(tmp_path / "train" / "ann_2.json", some_pose((40, 30), missing=range(18)))
    findings = found(tmp_path)
    assert set(findings) == {"joints outside", "no joints"} == set(found(tmp_path, "warning"))
    assert "2 of 35 joints" in findings["joints outside"].message
    assert findings["joints outside"].examples == ("ann_1.png: 2",)
    assert findings["no joints"].examples == ("ann_2.png",)


def test_a_folder_tells_which_of_several_people_it_reads_and_who_is_left_out(tmp_path):
    write_folder(tmp_path, *(f"train/ann_{k}.png" for k in range(2)), size=SIZE)
    write(tmp_path / "train" / "ann_1.json", openpose([], person(score=0.2), person()))
    notes = found(tmp_path, "warning")["chosen poses"].examples
    assert any("person 0 has no body" in note for note in notes)
    assert any("the surest is taken, person 2" in note for note in notes)


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(BadInput, match="holds no data set that Reposer knows"):
        check_dataset(tmp_path)


def test_the_table_shows_every_finding_and_names_with_brackets(root):
    (root / "train" / "ann_0.png").unlink()
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(findings_table(check_dataset(root, progress=False), "data [old]"))
    text = console.export_text()
    assert "data [old]: 1 kinds of errors" in text and "ann_0.png" in text


def test_shards_are_checked_by_reading_every_picture(tmp_path):
    root = write_people(
        tmp_path / "people", size=(64, 48), num_train=2, num_test=1, views=2, form="shards", progress=False
    )
    assert [f for f in check_dataset(root, progress=False) if f.severity == "error"] == []
    shutil.copy(root / "train-000000.tar", root / "test-000000.tar")
    kinds = {f.kind for f in check_dataset(root, progress=False) if f.severity == "error"}
    assert kinds == {"leak"}
    whole = (root / "train-000000.tar").read_bytes()
    at = whole.index(b"IDAT") + 40
    (root / "train-000000.tar").write_bytes(whole[:at] + b"\0" * 400 + whole[at + 400 :])
    kinds = {f.kind for f in check_dataset(root, progress=False) if f.severity == "error"}
    assert kinds == {"leak", "unreadable pictures"}
