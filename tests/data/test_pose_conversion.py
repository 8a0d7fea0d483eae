"""Pose files of every form, as the programs in question write them: read and written again, and converted by name."""

import contextlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.core import BadInput, Pose
from reposer.core.skeleton import BLAZEPOSE_33, COCO_17, H36M_17, OPENPOSE_18, OPENPOSE_25
from reposer.data.pictures import write_picture
from reposer.data.poses import POSE_WRITERS, convert, openpose_picture, read_pose, read_recording, write_pose_json
from reposer.data.poses.by_name import rows_by_name
from reposer.synthetic.people import SyntheticPeople

from .pose_files_of_tools import (
    JSON_FILES,
    PATN,
    SIZE,
    editor,
    lifters,
    mediapipe,
    normalised,
    openpose,
    rows,
    tensorflow,
)
from .pose_writers import write


def written(path):
    return json.loads(path.read_text())


def joints(recording):
    """The rows of every usable person of every picture, by name."""
    return [[rows_by_name(person) for _, person in picture.usable] for picture in recording.pictures]


@pytest.mark.parametrize("name", JSON_FILES)
def test_a_file_written_again_in_its_own_form_holds_the_same_values(name, tmp_path):
    content = JSON_FILES[name]()
    source, target = write(tmp_path / "a.json", content), tmp_path / "b.json"
    notes = convert(source, target, name.split(" ")[0])
    assert written(target) == content
    assert notes == [] or (name == "mmpose of a photo" and "are taken for COCO's" in notes[0] and len(notes) == 1)


def test_a_list_of_frames_between_0_and_1_stays_one(tmp_path):
    content = normalised()
    convert(write(tmp_path / "a.json", content), tmp_path / "b.json", "openpose18")
    for frame, other in zip(content, written(tmp_path / "b.json"), strict=True):
        assert frame["people"][0]["pose_keypoints_2d"] == other["people"][0]["pose_keypoints_2d"]
        assert (other["canvas_height"], other["canvas_width"]) == SIZE


def test_an_editors_file_keeps_its_canvas_and_its_empty_parts(tmp_path):
    convert(write(tmp_path / "a.json", editor()), tmp_path / "b.json", "openpose18")
    again = written(tmp_path / "b.json")
    assert {key: again[key] for key in ("canvas_height", "canvas_width")} == {"canvas_height": 480, "canvas_width": 640}
    person = editor()["people"][0]
    assert {key: again["people"][0][key] for key in person} == person


def test_a_list_in_patns_form_is_written_again_byte_by_byte(tmp_path):
    (tmp_path / "a.csv").write_text(PATN)
    assert convert(tmp_path / "a.csv", tmp_path / "b.csv") == []
    assert (tmp_path / "b.csv").read_text() == PATN


def test_the_arrays_of_lifters_are_written_again_bit_by_bit(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", reconstruction=lifters())
    assert convert(tmp_path / "a.npz", tmp_path / "b.npz") == []
    assert np.array_equal(np.load(tmp_path / "b.npz")["reconstruction"], lifters())


@pytest.mark.parametrize("skeleton", [OPENPOSE_18, COCO_17, H36M_17, BLAZEPOSE_33])
def test_our_own_pose_is_written_again_exactly(skeleton, tmp_path):
    places = torch.from_numpy(rows(skeleton, missing=(2,)))
    visible = places[:, 2] > 0
    write_pose_json(tmp_path / "a.json", Pose(places[:, :2].float(), visible, SIZE, skeleton, places[:, 2].float()))
    assert convert(tmp_path / "a.json", tmp_path / "b.json") == []
    assert written(tmp_path / "b.json") == written(tmp_path / "a.json")


@pytest.mark.parametrize("name", JSON_FILES)
def test_our_own_form_holds_all_joints_of_a_person_with_hands_and_face(name, tmp_path):
    source = write(tmp_path / "a.json", JSON_FILES[name]())
    convert(source, tmp_path / "own.json", size=SIZE, person=0)
    before, after = read_recording(source), read_recording(tmp_path / "own.json")
    for one, other in zip(joints(before), joints(after), strict=True):
        assert one[0].keys() == other[0].keys()
        scale, shift = ((SIZE[1], SIZE[0]), 0.5) if name == "blazepose" else ((1, 1), 0.0)
        for joint, (x, y, score) in one[0].items():
            scored = score if before.pictures[0].usable[0][1].scored else 1.0
            assert other[0][joint] == pytest.approx((x * scale[0] - shift, y * scale[1] - shift, scored), abs=1e-9)


@pytest.mark.parametrize("form", [form for form in POSE_WRITERS if form not in ("patn", "picture")])
def test_joints_that_a_form_has_go_there_and_back_unchanged(form, tmp_path):
    """17 joints that all sets but Human3.6M's have; those of Human3.6M from its own."""
    own = H36M_17 if form == "h36m" else COCO_17
    places = torch.from_numpy(rows(own, 3)).float()
    places[:, 2] = 1.0  # not all forms have scores
    pose = Pose(places[:, :2], places[:, 2] > 0, SIZE, own, places[:, 2])
    write_pose_json(tmp_path / "a.json", pose)
    middle = tmp_path / f"b{POSE_WRITERS[form].ending}"
    convert(tmp_path / "a.json", middle, form)
    again = read_pose(middle, SIZE, frame=0 if form == "h36m" else None).convert(own)
    assert again.visible.all()
    assert torch.allclose(again.xy, pose.xy, atol=1e-3)


def test_a_form_says_what_it_cannot_hold(tmp_path):
    source = write(tmp_path / "a.json", openpose())
    assert convert(source, tmp_path / "b.json", "coco") == [
        "Joints that the form does not have are left out: neck, mid_hip, left_big_toe, left_small_toe and 116 more."
    ]
    told = convert(source, tmp_path / "b.csv", person=0)
    assert any("Positions are up to 0." in note for note in told)
    assert "Scores are left out: the form has none." in told
    told = convert(write(tmp_path / "c.json", editor()), tmp_path / "d.json", "mmpose")
    assert "The size of the picture is left out: the form has none." in told


def test_several_people_become_one_only_where_the_form_has_one_and_it_says_so(tmp_path):
    source = write(tmp_path / "a.json", openpose())
    assert len(read_recording(source).pictures[0].people) == 2
    convert(source, tmp_path / "b.json", "alphapose")
    assert len(written(tmp_path / "b.json")) == 2
    assert any("has one: the surest is written" in note for note in convert(source, tmp_path / "c.json", size=SIZE))


def test_an_array_of_17_joints_is_ambiguous_until_its_form_is_said(tmp_path):
    source = write(tmp_path / "a.json", rows(COCO_17)[:, :2].tolist())
    with pytest.raises(BadInput, match=r"Human3\.6M joints .*h36m\) or as COCO joints .*coco\)\. Say which"):
        read_recording(source)
    assert read_recording(source, "h36m").pictures[0].people[0].skeleton == H36M_17
    assert read_recording(source, "coco").pictures[0].people[0].skeleton == COCO_17


def test_a_file_of_two_forms_at_once_is_refused_with_both_named(tmp_path):
    source = write(tmp_path / "a.json", openpose() | {"landmarks": mediapipe()["landmarks"]})
    with pytest.raises(BadInput, match=r"OpenPose JSON .*openpose.* or as MediaPipe's landmarks .*blazepose"):
        read_recording(source)
    assert read_recording(source, "openpose25").kind == "OpenPose JSON"


def test_a_form_that_is_said_must_be_the_files(tmp_path):
    source = write(tmp_path / "a.json", openpose())
    with pytest.raises(BadInput, match="not of the form 'mmpose'"):
        read_recording(source, "mmpose")
    with pytest.raises(BadInput, match="no form 'openpoes'"):
        read_recording(source, "openpoes")


def test_landmarks_of_mediapipe_lie_where_they_should_also_beyond_the_picture(tmp_path):
    source = write(tmp_path / "a.json", mediapipe())
    first = mediapipe()["landmarks"][0]
    pose = read_pose(source, SIZE)
    for k, landmark in enumerate(first):
        assert bool(pose.visible[k]) == (landmark["visibility"] >= 0.5)
        if pose.visible[k]:
            place = (landmark["x"] * 640 - 0.5, landmark["y"] * 480 - 0.5)
            assert pose.xy[k].tolist() == pytest.approx(place, abs=1e-3)


def test_joints_of_tensorflow_js_are_read_by_their_names(tmp_path):
    pose = read_pose(write(tmp_path / "a.json", tensorflow()), SIZE)
    assert torch.allclose(pose.xy, torch.from_numpy(rows(COCO_17, 12)[:, :2]).float())


def test_a_joint_of_25_is_left_out_of_18_and_the_neck_of_17_is_the_middle_of_the_shoulders(tmp_path):
    source = write(tmp_path / "a.json", openpose(OPENPOSE_25))
    convert(source, tmp_path / "b.json", "openpose18")
    convert(source, tmp_path / "c.json", "coco")
    pose, other = read_pose(tmp_path / "b.json", SIZE, person=0), read_pose(tmp_path / "c.json", SIZE, person=0)
    assert pose.skeleton == OPENPOSE_18
    shoulders = [other.skeleton.index(f"{side}_shoulder") for side in ("left", "right")]
    neck = other.convert(OPENPOSE_18).xy[1]
    assert torch.allclose(neck, other.xy[shoulders].mean(0))


@pytest.mark.slow
# the largest is the longest, and the same reading of wider lines
@pytest.mark.parametrize("height", [256, 512, pytest.param(1024, marks=pytest.mark.nightly)])
def test_a_rendered_skeleton_picture_gives_its_joints_back(height, tmp_path):
    people = SyntheticPeople((64, 44), "test", 8)
    apart, found, all_of_them = [], 0, 0
    for i in range(8):
        pose = people[i].target_pose.resize((height, height * 11 // 16))
        write_picture(tmp_path / "a.png", openpose_picture([pose], pose.size))
        again = read_pose(tmp_path / "a.png")
        assert not (again.visible & ~pose.visible).any()
        both = again.visible & pose.visible
        apart += (again.xy - pose.xy)[both].norm(dim=-1).tolist()
        found, all_of_them = found + int(both.sum()), all_of_them + int(pose.visible.sum())
    assert found >= 0.93 * all_of_them  # a joint under another one cannot be seen
    assert sorted(apart)[len(apart) // 2] < 0.2
    assert sorted(apart)[int(0.95 * len(apart))] < 0.012 * height


def test_two_people_in_a_skeleton_picture_are_told_apart(tmp_path):
    people = SyntheticPeople((64, 44), "test", 8)
    one, other = (people[i].target_pose.resize((400, 275)) for i in (0, 3))
    size = (400, 600)
    wide = [Pose(pose.xy + torch.tensor([shift, 0.0]), pose.visible, size) for pose, shift in ((one, 0), (other, 300))]
    write_picture(tmp_path / "a.png", openpose_picture(wide, size))
    (picture,) = read_recording(tmp_path / "a.png").pictures
    assert len(picture.people) == 2
    middles = sorted(float(person.places[:, 0].mean()) for person in picture.people)
    assert middles[0] < 300 < middles[1]


def test_a_skeleton_picture_in_jpeg_and_made_larger_is_read_as_well(tmp_path):
    pose = SyntheticPeople((64, 44), "test", 4)[2].target_pose.resize((512, 352))
    picture = Image.fromarray(openpose_picture([pose], pose.size).numpy())
    picture.save(tmp_path / "a.jpg", quality=90)
    picture.resize((704, 1024), Image.Resampling.BICUBIC).save(tmp_path / "b.png")
    for name, size in (("a.jpg", (512, 352)), ("b.png", (1024, 704))):
        again, truth = read_pose(tmp_path / name), pose.resize(size)
        both = again.visible & truth.visible
        assert both.sum() >= truth.visible.sum() - 2
        assert (again.xy - truth.xy)[both].norm(dim=-1).median() < 1.0


def test_other_pictures_are_no_skeleton_pictures(tmp_path):
    noise = torch.randint(0, 256, (64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for picture in (torch.zeros(64, 64, 3, dtype=torch.uint8), torch.full((64, 64, 3), 255, dtype=torch.uint8), noise):
        write_picture(tmp_path / "a.png", picture)
        with pytest.raises(BadInput, match="no skeleton in OpenPose's colours"):
            read_recording(tmp_path / "a.png")


@pytest.mark.parametrize("share", [i / 40 for i in range(1, 40)])
def test_arrays_with_changed_bytes_are_refused_or_read_and_nothing_else_happens(tmp_path, share):
    np.savez_compressed(tmp_path / "a.npz", reconstruction=lifters())
    content = bytearray((tmp_path / "a.npz").read_bytes())
    start = int(share * len(content))
    content[start : start + 8] = bytes(range(200, 208))
    (tmp_path / "a.npz").write_bytes(content)
    with contextlib.suppress(BadInput):
        read_recording(tmp_path / "a.npz")
