"""OpenPose's JSON, of OpenPose and of the editors that write its form: what frame the joints count in, and who is
there."""

import json

import numpy as np
import pytest
import torch

from reposer.core import BadInput
from reposer.core.skeleton import OPENPOSE_25
from reposer.data.poses import choose_pose, read_pose, read_recording

from .pose_writers import SIZE, openpose, person, write


@pytest.fixture
def file(tmp_path):
    return lambda content: write(tmp_path / "a.json", content)


# The frame of the coordinates


def test_joints_of_a_canvas_are_scaled_into_the_photo(file):
    path = file(openpose(person(), canvas=(200, 160)))
    pose = read_pose(path, SIZE)
    assert pose.size == SIZE
    torch.testing.assert_close(pose.xy[0], (torch.tensor([20.0, 30.0]) + 0.5) / 2 - 0.5)
    assert read_pose(file(openpose(person(), canvas=SIZE)), SIZE).xy[0].tolist() == [20.0, 30.0]


def test_a_canvas_whose_sides_were_rounded_is_a_copy_of_the_photo(file):
    pose = read_pose(file(openpose(person(), canvas=(341, 512))), (667, 1000))
    assert pose.size == (667, 1000)
    assert pose.xy[0, 0] == pytest.approx(20.5 * 1000 / 512 - 0.5)


def test_a_canvas_of_another_aspect_is_refused(file):
    with pytest.raises(BadInput, match=r"canvas of 512x512, .* another ratio than the picture's 100x80"):
        read_pose(file(openpose(person(), canvas=(512, 512))), SIZE)


def test_without_a_known_picture_the_canvas_is_its_size(file):
    path = file(openpose(person(), canvas=(300, 200)))
    assert read_pose(path).size == (300, 200)
    assert choose_pose(read_recording(path), otherwise=SIZE).pose.size == (300, 200)


@pytest.mark.parametrize("side", [0, -5, 2.5, "512", True, None, 10**12])
def test_a_canvas_that_is_no_size_is_refused(file, side):
    content = openpose(person(), canvas=(100, 80)) | {"canvas_width": side}
    with pytest.raises(BadInput, match="whole pixels were expected"):
        read_pose(file(content), SIZE)


def test_coordinates_from_0_to_1_are_scaled_from_edge_to_edge(file):
    rows = person()
    rows[:, :2] = (rows[:, :2] + 0.5) / np.array([80, 100])
    known = choose_pose(read_recording(file(openpose(rows))), SIZE)
    assert torch.allclose(known.pose.xy, torch.from_numpy(person()[:, :2]).float(), atol=0.02)
    assert any("counts from 0 to 1" in note for note in known.notes)
    of_canvas = read_pose(file(openpose(rows, canvas=(200, 160))), SIZE)
    assert torch.allclose(of_canvas.xy, known.pose.xy, atol=1e-4)


def test_missing_joints_and_a_second_person_do_not_hide_that_coordinates_count_from_0_to_1(file):
    rows = person()
    rows[:, :2] /= 200
    rows[4] = (-1, -1, 0)
    other = rows + np.array([0.3, 0.2, 0])
    other[2] = 0
    assert read_pose(file(openpose(rows, other)), SIZE, person=0).xy[0, 0] == pytest.approx(0.1 * 80 - 0.5)


def test_coordinates_between_minus_1_and_1_are_refused_with_the_option_that_writes_pixels(file):
    rows = person()
    rows[:, :2] = rows[:, :2] / 50 - 0.8
    with pytest.raises(BadInput, match=r"lie between -0.\d+ and 0.\d+, .*--keypoint_scale 0"):
        read_pose(file(openpose(rows)), SIZE)


def test_a_person_in_the_corner_that_is_larger_than_two_pixels_is_in_pixels(file):
    rows = person()
    rows[:, :2] = (rows[:, :2] - 20) / 8
    pose = choose_pose(read_recording(file(openpose(rows))), SIZE)
    assert pose.pose.xy[8].tolist() == [1.0, 4.25] and not pose.notes


def test_a_picture_size_that_nobody_says_is_told(file):
    chosen = choose_pose(read_recording(file(openpose(person(shift=(0, 40))))), otherwise=SIZE)
    assert any(
        "does not say how large its picture is; 100x80 (height x width) is taken." in note
        and "joints lie outside" in note
        for note in chosen.notes
    )
    with pytest.raises(BadInput, match="does not say how large"):
        read_pose(file(openpose(person())))
    with pytest.raises(BadInput, match="from 1 to 1,000,000 pixels, not 0 and 5"):
        read_pose(file(openpose(person())), (0, 5))


# Joints that are missing


@pytest.mark.parametrize("place", [(0, 0), (-1, -1), (5, 5), (40, -3)])
def test_a_joint_with_score_0_is_missing_wherever_it_is(file, place):
    rows = person()
    rows[3] = (*place, 0)
    pose = read_pose(file(openpose(rows)), SIZE)
    assert not pose.visible[3] and pose.visible.sum() == 17
    assert pose.xy[3].tolist() == [0.0, 0.0], "what is missing has no place"


@pytest.mark.parametrize("place", [(0, 0), (-1, -1)])
def test_the_words_for_missing_are_no_places_even_with_a_score(file, place):
    rows = person()
    rows[3] = (*place, 1)
    assert not read_pose(file(openpose(rows)), SIZE).visible[3]


def test_a_joint_left_of_the_picture_that_has_a_score_was_found_there(file):
    rows = person()
    rows[3, :2] = (-12, 40)
    pose = read_pose(file(openpose(rows)), SIZE)
    assert pose.visible[3] and pose.xy[3].tolist() == [-12.0, 40.0]


def test_scores_above_one_count_as_one(file):
    assert read_pose(file(openpose(person(score=3.0))), SIZE).score.max() == 1


# People


def test_a_person_all_of_whose_joints_lie_outside_of_the_picture_is_refused(file):
    far = person(shift=(500, 0))
    with pytest.raises(BadInput, match=r"outside of the picture of 100x80 .* say that size"):
        read_pose(file(openpose(far)), SIZE)
    with pytest.raises(BadInput, match="outside of the picture of 100x80"):
        read_pose(file(openpose(far, canvas=SIZE)), SIZE)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], "has no body"),
        (None, "has no body"),
        ([0.0] * 54, "none of them was found"),
        ([1.0] * 51, "has 51 numbers"),
        (["x"] * 54, "has 'x' among its numbers"),
        ([True] * 54, "has True among its numbers"),
        ([10**39] * 54, "has <integer of 40 digits>|has 1000.*among its numbers"),
        ("none", "a list of numbers was expected"),
    ],
)
def test_a_person_without_a_body_beside_a_good_one_is_left_out_and_said(file, body, why):
    path = file(openpose(body, person(OPENPOSE_25)))
    chosen = choose_pose(read_recording(path), SIZE)
    assert chosen.pose.visible.sum() == 25
    assert [note for note in chosen.notes if "person 0 " in note and "left out" in note]
    assert read_pose(path, SIZE, person=1).skeleton == OPENPOSE_25
    with pytest.raises(BadInput, match=f"person 0 .*({why})"):
        read_pose(path, SIZE, person=0)
    with pytest.raises(BadInput, match=f"no person that can be used: person 0 .*({why})"):
        read_pose(file(openpose(body)), SIZE)


def test_entries_that_are_no_people_are_left_out_and_no_people_are_nobody(file):
    content = openpose(person())
    content["people"] = [None, 7, *content["people"]]
    assert len(choose_pose(read_recording(file(content)), SIZE).notes) == 2
    for nobody in ([], None):
        with pytest.raises(BadInput, match="nobody was found"):
            read_pose(file({"people": nobody}), SIZE)
    with pytest.raises(BadInput, match="a list was expected"):
        read_pose(file({"people": {"a": 1}}), SIZE)


def test_of_several_people_the_surest_is_taken_and_said(file):
    chosen = choose_pose(read_recording(file(openpose(person(score=0.3), person(shift=(9, 0), score=0.8)))), SIZE)
    assert chosen.pose.xy[0].tolist() == [29.0, 30.0]
    assert "shows 2 people; the surest is taken, person 1 (from 0)" in chosen.notes[0]


# Several frames


def test_a_list_of_frames_needs_the_number_of_one(file):
    frames = [openpose(person(shift=(t, 0)), canvas=SIZE) for t in range(3)]
    path = file(frames)
    with pytest.raises(BadInput, match=r"list of OpenPose frames with 3 frames, .*0 to 2: --pose-frame K"):
        read_pose(path, SIZE)
    assert read_pose(path, SIZE, frame=2).xy[0].tolist() == [22.0, 30.0]
    for wrong in (3, -1):
        with pytest.raises(BadInput, match=f"has 3 frames; there is no frame {wrong}"):
            read_pose(path, SIZE, frame=wrong)
    assert read_pose(file(frames[:1]), SIZE).visible.all(), "one frame needs no choice"


def test_an_object_of_frames_by_their_pictures_names_is_a_list_of_frames(file):
    path = file({f"{t}.jpg": openpose(person(shift=(t, 0))) for t in range(2)})
    assert read_pose(path, SIZE, frame=1).xy[0].tolist() == [21.0, 30.0]


def test_text_of_a_file_is_never_shown_raw(file):
    path = file({"\x1b[31m.jpg": openpose(), "b": openpose()})
    with pytest.raises(BadInput) as caught:
        read_pose(path, SIZE, frame=0)
    assert str(caught.value).isprintable() and r"\x1b[31m" in str(caught.value)
    with pytest.raises(BadInput) as caught:
        read_pose(file({"\x1b]0;a\x07": json.dumps("\x1b")}), SIZE)
    assert str(caught.value).isprintable()
