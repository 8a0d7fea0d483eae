"""`reposer transfer`: which pose of which file moves whom, and what is refused before anything is generated."""

import pytest
import torch

from reposer.cli import main
from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.pictures import read_picture, write_picture
from reposer.data.poses import write_pose_json
from reposer.generators import GENERATORS, save
from tests.data.pose_writers import openpose, write
from tests.test_pipeline import smooth_photo, standing

SIZE = (96, 72)


@pytest.fixture
def world(tmp_path):
    torch.manual_seed(0)
    write_picture(tmp_path / "photo.png", smooth_photo(SIZE))
    write_pose_json(tmp_path / "photo.json", standing(60.0, (35.0, 50.0), SIZE))
    save(GENERATORS["gfla"]().tiny().build().eval(), tmp_path / "tiny.safetensors")
    return tmp_path


@pytest.fixture
def transfer(world, capsys):
    """Runs the command; returns the exit code and what it said."""

    def run(pose="wanted.json", *more, source="photo.json"):
        files = {"--source-pose": source, "--pose": pose, "--model": "tiny.safetensors", "--out": "out.png"}
        options = [word for option, name in files.items() for word in (option, str(world / name))]
        code = main(["transfer", str(world / "photo.png"), *options, *map(str, more)])
        said = capsys.readouterr().err
        assert (world / "out.png").exists() == (code == 0) and "Traceback" not in said
        return code, said

    return run


def rows(pose):
    return torch.cat([pose.xy, torch.where(pose.visible, 0.9, 0.0)[:, None]], -1).numpy()


def wanted(shift=0.0):
    return standing(50.0, (30.0 + shift, 45.0), SIZE, True)


def test_a_pose_on_a_canvas_gives_the_picture_of_the_same_pose_in_the_photo(world, transfer):
    write(world / "wanted.json", openpose(rows(wanted())))
    assert transfer("wanted.json", "--pose-size", *SIZE)[0] == 0
    expected = read_picture(world / "out.png")
    (world / "out.png").unlink()
    large = wanted().resize((192, 144))
    write(world / "wanted.json", openpose(rows(large), canvas=(192, 144)))
    assert transfer("wanted.json", "--pose-size", *SIZE)[0] == 0
    assert (read_picture(world / "out.png").int() - expected.int()).abs().max() <= 1
    source = standing(60.0, (35.0, 50.0), SIZE).resize((192, 144))
    write(world / "source.json", openpose(rows(source), canvas=(192, 144)))
    (world / "out.png").unlink()
    assert transfer("wanted.json", "--pose-size", *SIZE, source="source.json")[0] == 0
    assert (read_picture(world / "out.png").int() - expected.int()).abs().max() <= 1


def test_a_source_pose_on_a_canvas_of_another_aspect_is_refused(world, transfer):
    write_pose_json(world / "wanted.json", wanted())
    write(world / "source.json", openpose(rows(wanted()), canvas=(96, 96)))
    code, said = transfer(source="source.json")
    assert code == 2 and "another ratio than the picture's 96x72" in said


def test_a_pose_without_a_size_is_said_to_be_taken_in_the_photos(world, transfer):
    write(world / "wanted.json", openpose(rows(wanted())))
    code, said = transfer()
    assert code == 0 and "does not say how large its picture is; 96x72 (height x width) is taken." in said


@pytest.mark.parametrize("which", ["wanted.json", "source.json"])
def test_a_nose_alone_is_refused(world, transfer, which):
    write_pose_json(world / "wanted.json", wanted())
    pose = wanted()
    write(world / which, openpose([*rows(pose)[0].tolist(), *[0.0] * 51]))
    code, said = transfer(source="source.json" if which == "source.json" else "photo.json")
    assert code == 2 and "too little of a person: nothing below the head" in said


def test_a_head_without_a_body_and_one_joint_of_a_body_are_refused(world, transfer):
    for joints, words in (
        (("nose", "left_eye", "right_eye", "left_ear", "right_ear"), "nothing below the head"),
        (("nose", "left_shoulder"), "left_shoulder below the head"),
    ):
        pose = wanted()
        seen = torch.tensor([joint in joints for joint in OPENPOSE_18.joints])
        write_pose_json(world / "wanted.json", Pose(pose.xy, seen, pose.size))
        code, said = transfer()
        assert code == 2 and words in said


def test_a_pose_all_of_whose_joints_lie_outside_of_the_photo_is_refused(world, transfer):
    for far in (wanted(shift=900.0), wanted(shift=-900.0)):
        write(world / "wanted.json", openpose(rows(far)))
        code, said = transfer()
        assert code == 2 and "all joints lie outside of the picture of 96x72" in said
        write(world / "source.json", openpose(rows(far)))
        write_pose_json(world / "wanted.json", wanted())
        code, said = transfer(source="source.json")
        assert code == 2 and "all joints lie outside of the picture of 96x72" in said


def test_frames_and_people_of_files_are_chosen_by_options(world, transfer):
    frames = [openpose(rows(wanted(shift)), rows(wanted(shift + 20))) for shift in (0.0, 5.0)]
    write(world / "wanted.json", frames)
    code, said = transfer()
    assert code == 2 and "with 2 frames, and one pose is needed" in said and "--pose-frame K" in said
    code, said = transfer("wanted.json", "--pose-frame", 1)
    assert code == 0 and "shows 2 people; the surest is taken, person 0" in said and "--pose-person" in said
    (world / "out.png").unlink()
    assert transfer("wanted.json", "--pose-frame", 1, "--pose-person", 1)[0] == 0
    (world / "out.png").unlink()
    code, said = transfer("wanted.json", "--pose-frame", 1, "--pose-person", 2)
    assert code == 2 and "has 2 people; there is no person 2" in said
    write(world / "source.json", frames)
    write_pose_json(world / "wanted.json", wanted())
    assert transfer("wanted.json", source="source.json")[0] == 2
    options = ("--source-frame", 0, "--source-person", 1)
    assert transfer("wanted.json", *options, source="source.json")[0] == 0


@pytest.mark.parametrize("size", [(0, 5), (-3, 5), (10**9, 5)])
def test_a_pose_size_that_no_picture_has_is_refused(world, transfer, size):
    write(world / "wanted.json", openpose(rows(wanted())))
    code, said = transfer("wanted.json", "--pose-size", *size)
    assert code == 2 and "from 1 to 1,000,000 pixels" in said


def test_a_pose_size_beside_a_file_that_says_another_one_is_refused(world, transfer):
    write_pose_json(world / "wanted.json", wanted())
    code, said = transfer("wanted.json", "--pose-size", 200, 100)
    assert code == 2 and "says itself that it belongs to a picture of 96x72" in said
