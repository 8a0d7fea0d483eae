"""Numbers in pose files that mean something else than pixels from the first column, scores or frames from 0."""

import json

import numpy as np
import pytest
import torch

from reposer.cli import main
from reposer.core import BadInput
from reposer.core.skeleton import COCO_17
from reposer.data.lists import fashion_frame, write_annotation
from reposer.data.poses import choose_pose, choose_track, convert, patn, read_pose, read_recording

from .folders import some_pose
from .pose_writers import alphapose, openpose, person, write

SIZE = (256, 176)


def fashion_list(path, frame, count=30):
    """A list of people who reach from side to side, which proves the frame, or of too few to prove any."""
    poses = {f"{n}.jpg": some_pose(SIZE, n) for n in range(count)}
    for pose in poses.values():
        pose.xy[:9, 0] = 4.0 + torch.arange(9)
        pose.xy[9:, 0] = 160.0 + torch.arange(9)
    write_annotation(path, poses, frame=frame)
    return poses["0.jpg"].xy.round()


def read(path, size=SIZE, form=None):
    return choose_pose(read_recording(path, form), size, frame=0).pose.xy


@pytest.mark.parametrize("frame", ["padded256", "crop176"])
def test_a_fashion_list_as_a_pose_file_is_read_in_the_frame_that_its_joints_prove(frame, tmp_path):
    places = fashion_list(tmp_path / "fasion-annotation-test.csv", frame)
    assert torch.equal(read(tmp_path / "fasion-annotation-test.csv"), places)
    assert main(["pose", "convert", *(str(tmp_path / n) for n in ("fasion-annotation-test.csv", "one.json")),
                 "--frame", "0", "--size", "256", "176", "--format", "openpose18"]) == 0  # fmt: skip
    assert torch.equal(read_pose(tmp_path / "one.json").xy, places)


def test_a_list_is_not_converted_to_pixels_of_pictures_of_unknown_size(tmp_path):
    path, one = tmp_path / "fasion-annotation-test.csv", tmp_path / "one.json"
    places = fashion_list(path, "padded256")
    for form in (None, "patn-padded256"):
        with pytest.raises(BadInput, match=r"nor where x begins in them\. Say it: --size HEIGHT WIDTH"):
            convert(path, one, "openpose18", form=form, frame=0)
    assert not one.exists()
    convert(path, one, "openpose18", form="patn-padded256", frame=0, size=SIZE)
    assert torch.equal(read_pose(one).xy, places)
    convert(path, tmp_path / "again.csv", form="patn-padded256")  # another list counts as this one does
    assert torch.equal(read(tmp_path / "again.csv"), places)


def test_a_list_is_read_once_however_many_pictures_it_has(monkeypatch, tmp_path):
    path = tmp_path / "fasion-annotation-test.csv"
    fashion_list(path, "padded256")
    asked = []
    monkeypatch.setattr(patn, "fashion_frame", lambda *of: asked.append(of) or fashion_frame(*of))
    convert(path, tmp_path / "all.json", "openpose18", size=SIZE)
    assert len(asked) == 1


def test_a_list_that_proves_no_frame_is_refused_unless_it_is_declared(tmp_path):
    path = tmp_path / "one.csv"
    places = fashion_list(path, "padded256", count=1)
    with pytest.raises(BadInput, match="--pose-format patn-crop176 or --pose-format patn-padded256"):
        read(path)
    assert torch.equal(read(path, form="patn-padded256"), places)
    with pytest.raises(BadInput, match="which is of pictures of 256x176"):
        read(path, (256, 256), "patn-padded256")
    assert torch.equal(read(path, (256, 256)), places + torch.tensor([40.0, 0.0]))  # the padded picture itself


def lifted(values):
    joints = np.zeros((3, 17, 3))
    joints[..., 0], joints[..., 1], joints[..., 2] = 100 + np.arange(17), 200 + np.arange(17), values
    return joints


def test_a_third_number_that_is_no_score_is_refused(tmp_path):
    for name, save in {
        "a.npy": lambda path: np.save(path, lifted(4900.0)),
        "b.json": lambda path: path.write_text(json.dumps(lifted(-3.0).tolist())),
    }.items():
        save(tmp_path / name)
        with pytest.raises(BadInput, match="scores from 0 to 1 were expected"):
            read_recording(tmp_path / name, "h36m")
    np.save(tmp_path / "c.npy", lifted(0.7))
    assert read_recording(tmp_path / "c.npy", "h36m").pictures[0].usable[0][1].rows[0].tolist() == [100, 200, 0.7]
    np.savez(tmp_path / "d.npz", reconstruction=lifted(0.5)[None])
    with pytest.raises(BadInput, match=r"1 x 3 x 17 x 3; \(people, frames, 17, 2\) was expected"):
        read_recording(tmp_path / "d.npz")


def test_landmarks_in_pixels_are_refused(tmp_path):
    def landmarks(x):
        return {"landmarks": [[{"x": x, "y": 0.5, "z": 0, "visibility": 0.9}] * 33]}

    write(tmp_path / "a.json", landmarks(2.9))  # a guess outside of the picture
    assert len(read_recording(tmp_path / "a.json").pictures[0].usable) == 1
    write(tmp_path / "a.json", landmarks(540.0))
    with pytest.raises(BadInput, match="has a landmark at 540; MediaPipe's landmarks count from 0 to 1"):
        read_recording(tmp_path / "a.json")


def test_convert_refuses_people_outside_of_the_declared_picture(tmp_path):
    write(tmp_path / "a.json", openpose(person(shift=(500, 500))))
    for target in ("own.json", "open.json"):
        form = "openpose18" if target == "open.json" else None
        with pytest.raises(BadInput, match="all joints lie outside of the picture of 100x80"):
            convert(tmp_path / "a.json", tmp_path / target, form, size=(100, 80))
        assert not (tmp_path / target).exists()


def results(path, *numbers):
    rows = person(COCO_17)
    write(path, [alphapose(f"{n:06d}.jpg", rows + np.array([n, 0, 0])) for n in numbers])
    return path


def test_results_that_do_not_begin_with_picture_0_are_refused_unless_the_clip_s_length_proves_the_first(tmp_path):
    path = results(tmp_path / "a.json", 1, 2, 3)
    with pytest.raises(BadInput, match=r"begins with picture number 1: .* Number them from 0"):
        choose_track(read_recording(path), (100, 80), 4)
    chosen = choose_track(read_recording(path), (100, 80), 3)
    assert chosen.pose.xy[:, 0, 0].tolist() == [21, 22, 23] and "numbers its pictures from 1 to 3" in chosen.notes[0]
    path = results(tmp_path / "b.json", 0, 2)
    assert choose_track(read_recording(path), (100, 80), 4).pose.visible.any(-1).tolist() == [True, False, True, False]
    nobody = alphapose("0.jpg", np.zeros((17, 3)))
    path.write_text(json.dumps([nobody, *json.loads(results(tmp_path / "c.json", 1, 2).read_text())]))
    assert choose_track(read_recording(path), (100, 80), 4).pose.visible.any(-1).tolist() == [False, True, True, False]
