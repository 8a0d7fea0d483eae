"""Tracks of other programs: folders and lists of frames, and one person among several."""

import numpy as np
import pytest
import torch

from reposer.core import BadInput
from reposer.core.skeleton import OPENPOSE_25
from reposer.data.poses import choose_track, read_pose, read_recording, read_track

from .pose_writers import SIZE, alphapose, openpose, person, write


def x_of_nose(track):
    return [round(x) if seen else None for x, seen in zip(track.xy[:, 0, 0].tolist(), track.visible[:, 0], strict=True)]


@pytest.fixture
def folder(tmp_path):
    def fill(*frames, first=0, step=1, name="dance"):
        for t, frame in enumerate(frames):
            write(tmp_path / f"{name}_{first + t * step:012d}_keypoints.json", frame)
        return tmp_path

    return fill


def test_a_folder_of_openpose_files_is_a_track_in_the_order_of_its_numbers(folder, tmp_path):
    frames = [openpose(person(shift=(t, 0))) for t in range(12)]
    root = folder(*frames, first=5, step=3)
    (tmp_path / "notes.json").write_text("[]")
    assert x_of_nose(read_track(root, SIZE)) == [20 + t for t in range(12)]
    for old in root.glob("dance*"):
        old.rename(root / f"d_{int(old.name[6:18])}_keypoints.json")
    assert x_of_nose(read_track(root, SIZE)) == [20 + t for t in range(12)], "numbers without leading zeros"
    assert read_pose(root, SIZE, frame=4).xy[0].tolist() == [24.0, 30.0]


def test_a_frame_in_which_nobody_was_found_stays_in_the_track(folder):
    root = folder(openpose(person()), openpose(), openpose([]), openpose(person()))
    chosen = choose_track(read_recording(root), SIZE)
    assert x_of_nose(chosen.pose) == [20, None, None, 20]
    assert "1 people are left out; the first, person 0 of frame 2, has no body" in chosen.notes[0]


def test_a_folder_with_a_missing_file_or_two_clips_or_none_is_refused(folder, tmp_path):
    with pytest.raises(BadInput, match="a folder without a pose file"):
        read_track(tmp_path, SIZE)
    root = folder(*[openpose(person())] * 4)
    (root / "dance_000000000002_keypoints.json").unlink()
    with pytest.raises(BadInput, match="after frame 1 comes frame 3"):
        read_track(root, SIZE)
    write(root / "other_0_keypoints.json", openpose(person()))
    with pytest.raises(BadInput, match=r"frames of 2 clips \('dance_#', 'other_#'\)"):
        read_track(root, SIZE)
    write(root / "photo_keypoints.json", openpose(person()))
    with pytest.raises(BadInput, match=r"'photo_keypoints.json' has no frame number"):
        read_track(root, SIZE)


def test_a_file_of_another_form_in_a_folder_of_frames_is_named(folder):
    root = folder(openpose(person()), [alphapose("1.jpg")])
    with pytest.raises(BadInput, match=r"dance_000000000001_keypoints.json is no OpenPose JSON"):
        read_track(root, SIZE)


def test_a_list_of_frames_is_a_track_scaled_from_its_canvas(tmp_path):
    path = write(tmp_path / "a.json", [openpose(person(shift=(t, 0)), canvas=(200, 160)) for t in range(3)])
    track = read_track(path, SIZE)
    assert track.size == SIZE and torch.allclose(track.xy[:, 0, 0], (torch.arange(3) + 20.5) / 2 - 0.5)
    assert read_track(path).size == (200, 160)
    with pytest.raises(BadInput, match="another ratio"):
        read_track(path, (100, 100))


def test_frames_of_two_sizes_or_two_sets_of_joints_are_no_track(tmp_path):
    with pytest.raises(BadInput, match="frames of 100x80 and of no size"):
        read_track(write(tmp_path / "a.json", [openpose(person(), canvas=SIZE), openpose(person())]))
    with pytest.raises(BadInput, match="frames of openpose18 and of openpose25"):
        read_track(write(tmp_path / "a.json", [openpose(person()), openpose(person(OPENPOSE_25))]), SIZE)


def test_the_same_person_is_followed_where_another_is_surer_for_a_while(tmp_path):
    frames = []
    for t in range(6):
        walker, other = (person(shift=(t, 0), score=0.7), person(shift=(400 - t, 0), score=0.9 if t in (2, 3) else 0.1))
        frames.append(openpose(*((walker, other) if t % 2 else (other, walker))))
    frames[4] = openpose(person(shift=(396, 0), score=0.1))
    chosen = choose_track(read_recording(write(tmp_path / "a.json", frames)), (100, 600))
    assert x_of_nose(chosen.pose) == [20, 21, 22, 23, None, 25], "nobody else stands in for who is not seen"
    assert "up to 2 people in a frame" in chosen.notes[0] and "seen in 5 of 6" in chosen.notes[0]


def test_a_trackers_numbers_say_who_is_who(tmp_path):
    entries = []
    for t in range(4):
        one, two = person()[:17], person(shift=(10, 0))[:17]
        entries += [
            alphapose(f"{t}.jpg", one, idx=1 + t % 2),
            alphapose(f"{t}.jpg", two + np.array([0, 0, 0.05]), idx=2 - t % 2),
        ]
    track = read_track(write(tmp_path / "a.json", entries), SIZE)
    assert x_of_nose(track) in ([20, 30, 20, 30], [30, 20, 30, 20])


def test_a_track_none_of_whose_joints_lies_in_the_clip_is_refused(tmp_path):
    path = write(tmp_path / "a.json", [openpose(person(shift=(900, 0)))] * 2)
    with pytest.raises(BadInput, match="all joints lie outside of the picture of 100x80"):
        read_track(path, SIZE)


def test_a_folder_of_frames_is_bounded_in_its_files_and_its_people(folder, monkeypatch):
    root = folder(*[openpose(person(), person())] * 4)
    monkeypatch.setattr("reposer.data.poses.recognise.MOST_PEOPLE", 7)
    with pytest.raises(BadInput, match="more than 7 people in its frames"):
        read_track(root, SIZE)
    monkeypatch.setattr("reposer.data.poses.recognise.LARGEST_FRAME", 100)
    with pytest.raises(BadInput, match=r"dance_000000000000_keypoints\.json is larger than"):
        read_track(root, SIZE)
    monkeypatch.setattr("reposer.data.poses.recognise.MOST_FILES", 3)
    with pytest.raises(BadInput, match="has 4 pose files; at most 3"):
        read_track(root, SIZE)
