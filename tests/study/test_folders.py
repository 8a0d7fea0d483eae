"""Folders of one study hold the same names and sizes; what is shown is pixels alone."""

import io

import numpy as np
import pytest
from PIL import Image

from reposer.core import BadInput
from reposer.study import open_folders
from reposer.study.design import REAL, SCRAMBLED
from reposer.study.folders import scrambled
from tests.study.folders import SIZE, write_folder


@pytest.fixture
def real(tmp_path):
    return write_folder(tmp_path / "real", 5, 0)


def test_endings_may_differ_names_may_not(real, tmp_path):
    ours = write_folder(tmp_path / "ours", 5, 1, ".jpg")
    assert open_folders(real, {"ours": ours}).names == tuple(f"pair{k:02}" for k in range(5))
    (ours / "pair00.jpg").rename(ours / "other.jpg")
    with pytest.raises(BadInput, match=r"lacks 1 \(pair00\) and has 1 \(other\) besides"):
        open_folders(real, {"ours": ours})


def test_a_missing_an_empty_and_a_doubled_folder_are_refused(real, tmp_path):
    with pytest.raises(BadInput, match="no folder"):
        open_folders(real, {"ours": tmp_path / "nowhere"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no pictures"):
        open_folders(real, {"ours": tmp_path / "empty"})
    ours = write_folder(tmp_path / "ours", 5, 1)
    (ours / "pair00.jpg").write_bytes((ours / "pair00.png").read_bytes())
    with pytest.raises(BadInput, match=r"both pair00.jpg and pair00.png"):
        open_folders(real, {"ours": ours})


def test_people_cannot_tell_by_the_size(real, tmp_path):
    wide = write_folder(tmp_path / "wide", 5, 1, size=(24, 24))
    with pytest.raises(BadInput, match="24x24, the real picture 24x16"):
        open_folders(real, {"ours": wide})


def with_white_sides(folder, target):
    target.mkdir()
    for path in sorted(folder.iterdir()):
        square = Image.new("RGB", (64, 64), "white")
        square.paste(Image.open(path), (10, 0))
        square.save(target / path.name)
    return target


def test_people_cannot_tell_by_white_sides(tmp_path):
    plain = write_folder(tmp_path / "plain", 3, 0, size=(64, 64))
    padded = with_white_sides(write_folder(tmp_path / "narrow", 3, 0, size=(64, 44)), tmp_path / "padded")
    for real, generated in ((plain, padded), (padded, plain)):
        with pytest.raises(BadInput, match=f"{padded.name} have white sides, those of .*{plain.name} have none"):
            open_folders(real, {"ours": generated})
    assert open_folders(padded, {"ours": padded}).names == open_folders(plain, {"ours": plain}).names


def test_a_broken_off_picture_is_refused_by_name(real, tmp_path):
    ours = write_folder(tmp_path / "ours", 5, 1)
    whole = (ours / "pair03.png").read_bytes()
    (ours / "pair03.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"pair03.png"):
        open_folders(real, {"ours": ours})


def test_what_is_shown_is_pixels_without_the_file(real, tmp_path):
    ours = write_folder(tmp_path / "ours", 5, 1, ".jpg")
    folders = open_folders(real, {"ours": ours})
    sent = Image.open(io.BytesIO(folders.png("ours", "pair02")))
    assert sent.format == "PNG" and not sent.info
    assert np.array_equal(np.array(sent), np.array(Image.open(ours / "pair02.jpg")))


def test_a_scrambled_picture_is_the_same_pixels_in_other_places(real):
    folders = open_folders(real, {})
    picture = np.array(Image.open(io.BytesIO(folders.png(REAL, "pair01"))))
    pieces = np.array(Image.open(io.BytesIO(folders.png(SCRAMBLED, "pair01"))))
    assert pieces.shape == (*SIZE, 3) and np.array_equal(pieces, scrambled(picture))
    assert not np.array_equal(pieces, picture)
    assert sorted(map(tuple, pieces.reshape(-1, 3))) == sorted(map(tuple, picture.reshape(-1, 3)))
    assert folders.checksum(SCRAMBLED, "pair01") == folders.checksum(REAL, "pair01")
