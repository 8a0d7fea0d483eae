"""The frame of a fashion list is declared, named by the file or proved by many joints, and never guessed from a few."""

import numpy as np
import pytest

from reposer.core import BadInput
from reposer.data.lists import WrongFrame, fashion_frame, read_annotation

HEADER = "name:keypoints_y:keypoints_x\n"
PLAIN, RESIZED = "fasion-annotation-train.csv", "fasion-resize-annotation-train.csv"


def write_list(path, x, y=None):
    """A list of the joints x (N, 18)."""
    x = np.asarray(x)
    y = np.full_like(x, 90) if y is None else np.asarray(y)
    rows = [f"a_{n}.jpg: {y[n].tolist()}: {x[n].tolist()}\n" for n in range(len(x))]
    path.write_text(HEADER + "".join(rows))
    return path


def people(count, seed=0):
    """x of people in the 256x176 picture, some of whose hands are near its sides, as in the published lists."""
    x = np.random.default_rng(seed).integers(60, 115, (count, 18))
    x[::2, 4], x[1::2, 7] = 20, 155  # a wrist of each
    return x


def test_one_joint_at_176_never_makes_the_choice(tmp_path):
    x = np.full((50, 18), 100)
    x[7, 4] = 180
    with pytest.raises(
        WrongFrame, match=r"crop176, .*1 of 900 .*padded256, .*0 of 900.*--frame crop176 or --frame padded256"
    ):
        fashion_frame(write_list(tmp_path / PLAIN, x))


def test_a_crop176_list_under_the_plain_name_with_a_few_joints_outside_stays_crop176(tmp_path):
    x = people(400)
    x[3, 2], x[200, 1] = 180, 177  # as PATN's own resizing has them
    path = write_list(tmp_path / PLAIN, x)
    assert fashion_frame(path) == "crop176"
    assert read_annotation(path, frame=fashion_frame(path))["a_3.jpg"].xy[2].tolist() == [180.0, 90.0]


def test_a_padded_list_is_proved_by_joints_on_both_sides(tmp_path):
    assert fashion_frame(write_list(tmp_path / PLAIN, people(400) + 40)) == "padded256"


def test_few_pictures_never_prove_a_frame(tmp_path):
    for x in (people(4), people(4) + 40):
        with pytest.raises(WrongFrame, match="do not prove it"):
            fashion_frame(write_list(tmp_path / PLAIN, x))


def test_what_is_declared_counts_for_a_list_that_proves_nothing(tmp_path):
    path = write_list(tmp_path / PLAIN, np.full((50, 18), 100))
    assert fashion_frame(path, "crop176") == "crop176"
    assert fashion_frame(path, "padded256") == "padded256"


def test_joints_refute_a_frame_that_was_named_or_declared(tmp_path):
    with pytest.raises(
        WrongFrame, match=r"said to be in crop176.*padded256 0 do.*rename it to fasion-annotation-train.csv"
    ):
        fashion_frame(write_list(tmp_path / RESIZED, people(40) + 40))
    with pytest.raises(WrongFrame, match=r"said to be in padded256.*in crop176 0 do"):
        fashion_frame(write_list(tmp_path / PLAIN, people(40)), "padded256")


def test_two_joints_outside_refute_nothing(tmp_path):
    x = np.full((3, 18), 100)
    x[0, :2] = 180
    assert fashion_frame(write_list(tmp_path / RESIZED, x)) == "crop176"


def test_a_list_of_larger_pictures_is_in_neither_frame(tmp_path):
    large = people(400) * 4
    for name in (PLAIN, RESIZED):
        with pytest.raises(WrongFrame):
            fashion_frame(write_list(tmp_path / name, large, np.full_like(large, 700)))
    with pytest.raises(WrongFrame, match="made of pictures of another size"):
        fashion_frame(write_list(tmp_path / PLAIN, large, np.full_like(large, 700)), "padded256")


def test_a_list_that_writes_missing_joints_as_zero_is_refused(tmp_path):
    x = people(40)
    y = np.full_like(x, 90)
    x[:, 16:], y[:, 16:] = 0, 0
    with pytest.raises(BadInput, match=r"80 of 720 joints at 0, 0.*a missing joint is -1"):
        read_annotation(write_list(tmp_path / RESIZED, x, y), frame="crop176")


def test_a_list_in_shares_of_the_picture_is_refused(tmp_path):
    x = people(40) / 176
    with pytest.raises(BadInput, match=r"between 0 and 1.*in pixels"):
        read_annotation(write_list(tmp_path / RESIZED, x, x), frame="crop176")


def test_a_list_in_which_nobody_has_a_joint_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no joint in any of its 3 rows"):
        read_annotation(write_list(tmp_path / RESIZED, np.full((3, 18), -1), np.full((3, 18), -1)), frame="crop176")
