"""Picture files: what goes out comes back, and what cannot be used is refused in one sentence."""

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.core import BadInput
from reposer.core.images import from_uint8
from reposer.data.pictures import picture_header, read_picture, write_picture

from .folders import some_picture


@pytest.mark.parametrize("as_numbers", [False, True])
def test_a_png_comes_back_byte_for_byte(tmp_path, as_numbers):
    picture = some_picture((9, 7))
    write_picture(tmp_path / "a.png", from_uint8(picture) if as_numbers else picture)
    assert torch.equal(read_picture(tmp_path / "a.png"), picture)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_photo_is_turned_as_its_camera_says(tmp_path):
    picture = some_picture((6, 4)).numpy()
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right brings it upright
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png").numpy(), np.rot90(picture, -1))
    assert picture_header(tmp_path / "a.png") == (4, 6)


def test_grey_sixteen_bit_palette_and_transparent_pictures_become_rgb(tmp_path):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    clear = np.zeros((3, 4, 4), np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    expected = torch.from_numpy(grey)[..., None].expand(3, 4, 3)
    for name in ("grey", "deep", "palette"):
        assert torch.equal(read_picture(tmp_path / f"{name}.png"), expected), name
    assert (read_picture(tmp_path / "clear.png") == 255).all()


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_picture_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_picture(path, some_picture((64, 64)))
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(BadInput, match=r"is damaged .*\. Fetch or save it again\."):
        read_picture(path)


def test_what_is_no_picture_or_not_there_or_huge_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(BadInput, match="is not a picture"):
        read_picture(tmp_path / "a.jpg")
    with pytest.raises(BadInput, match="There is no picture"):
        read_picture(tmp_path / "b.jpg")
    Image.new("1", (10_100, 10_000)).save(tmp_path / "huge.png")
    with pytest.raises(BadInput, match="10100 x 10000 = 101 megapixels; at most 100 are read"):
        read_picture(tmp_path / "huge.png")


def test_a_picture_of_an_unknown_suffix_is_not_written(tmp_path):
    with pytest.raises(BadInput, match=r"should end in .png, .jpg or .jpeg"):
        write_picture(tmp_path / "a.tiff", some_picture((4, 4)))
    assert not list(tmp_path.iterdir())


def test_a_picture_that_fails_to_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    old = some_picture((4, 4), 1)
    write_picture(tmp_path / "a.png", old)

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_picture(tmp_path / "a.png", some_picture((4, 4), 2))
    monkeypatch.undo()
    assert torch.equal(read_picture(tmp_path / "a.png"), old)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
