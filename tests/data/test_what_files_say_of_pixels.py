"""Colours, transparency and shapes of pixels that files state outside of the pixels themselves."""

import logging
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin, TiffImagePlugin

from reposer.core import BadInput
from reposer.data.check import check_dataset
from reposer.data.dance_clips import DanceClips
from reposer.data.fashion_pictures import has_picture_shape
from reposer.data.pictures import read_picture
from reposer.data.video_files import VideoFile
from reposer.data.view_pairs import read_view_name

from .test_clip_datasets import write_dance


def png(path, depth, kind, rows, clear):
    """A PNG of this depth and colour type (0 grey, 2 RGB) with a transparent colour."""
    width = {0: 1, 2: 3}[kind] * depth
    height = len(rows)
    across = 8 * len(rows[0]) // width
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        head = b"".join(n.to_bytes(4, "big") for n in (across, height)) + bytes([depth, kind, 0, 0, 0])
        PngImagePlugin.putchunk(file, b"IHDR", head)
        PngImagePlugin.putchunk(file, b"tRNS", b"".join(value.to_bytes(2, "big") for value in clear))
        PngImagePlugin.putchunk(file, b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        PngImagePlugin.putchunk(file, b"IEND", b"")


def test_a_transparent_grey_becomes_white_at_any_depth(tmp_path):
    png(tmp_path / "2.png", 2, 0, [bytes([0b01101101])], [1])  # 1, 2, 3, 1
    assert read_picture(tmp_path / "2.png")[0, :, 0].tolist() == [255, 170, 255, 255]
    values = np.array([[1000, 1001, 65535]], ">u2")
    png(tmp_path / "16.png", 16, 0, [values.tobytes()], [1000])
    assert read_picture(tmp_path / "16.png")[0, :, 0].tolist() == [255, 3, 255]


def test_a_transparent_colour_of_16_bits_is_refused(tmp_path):
    values = np.array([[1000, 1000, 1000]], ">u2")
    png(tmp_path / "a.png", 16, 2, [values.tobytes()], [1000, 1000, 1000])
    with pytest.raises(BadInput, match="names one of its colours of 16 bits as transparent"):
        read_picture(tmp_path / "a.png")


def test_16_bit_grey_in_which_0_is_white_is_no_negative(tmp_path):
    values = np.array([[60000, 0]], np.uint16)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo=tags)
    with Image.open(tmp_path / "a.tif") as image:
        assert image.tag_v2[262] == 0
    assert read_picture(tmp_path / "a.tif")[0, :, 0].tolist() == [255 - 60000 // 256, 255]


def test_a_camera_s_adobe_rgb_is_converted(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA001: 0xFFFF, 0xA005: {1: "R03", 2: b"0100"}})
    grey, red = Image.new("RGB", (16, 16), (128, 128, 128)), Image.new("RGB", (16, 16), (200, 100, 100))
    for name, image in (("grey", grey), ("red", red)):
        image.save(tmp_path / f"{name}.jpg", exif=exif, quality=100)
    assert (read_picture(tmp_path / "grey.jpg")[8, 8].int() - 128).abs().max() <= 1
    # (200/255)^2.2, (100/255)^2.2 by the matrix of Adobe RGB to sRGB, encoded again
    assert (read_picture(tmp_path / "red.jpg")[8, 8].int() - torch.tensor([227, 99, 99])).abs().max() <= 2


def test_pixels_that_are_said_to_be_oblong_are_told(tmp_path, caplog):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", dpi=(36, 72))
    Image.new("RGB", (8, 8)).save(tmp_path / "b.jpg", dpi=(72, 72))
    with caplog.at_level(logging.WARNING):
        read_picture(tmp_path / "b.jpg")
        assert not caplog.records
        assert read_picture(tmp_path / "a.png").shape == (8, 8, 3)
    assert "a.png says that its pixels are 2 times as wide as high" in caplog.text


def test_a_shape_that_is_9_percent_off_is_none_of_256x176():
    assert has_picture_shape((256, 176)) and has_picture_shape((1101, 750))  # In-shop's large pictures
    assert not has_picture_shape((256, 192)) and not has_picture_shape((256, 160))


def test_masks_of_another_size_than_their_frames_are_refused(tmp_path):
    for split in ("train", "test"):
        write_dance(tmp_path, split, clean=False, frames=3, masks=True)
    mask = sorted((tmp_path / "train_256/train_C/ann").glob("*.png"))[1]
    Image.new("L", (30, 12)).save(mask)
    with pytest.raises(BadInput, match=r"has 12x30 pixels, its frame 64x48 .* Make the masks of these frames"):
        DanceClips(tmp_path, "train").masks(0, [1])
    findings = {finding.kind: finding for finding in check_dataset(tmp_path, progress=False)}
    assert findings["unreadable clips"].count == 1


def test_azimuths_in_degrees_are_refused():
    assert read_view_name("m0_35_20") == ("m0", 350, 20)
    for name in ("m0_40_0", "m0_340_0", "m0_-1_0"):
        with pytest.raises(BadInput, match="tens of degrees were expected, from 0 to 35"):
            read_view_name(name)


def coded(path, picture, space, tagged):
    """One frame in this colour space (1 = BT.709, 5 = BT.601), which the file states or not."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "yuv420p"
        if tagged:
            stream.codec_context.colorspace = space
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p", dst_colorspace=space)
        frame.colorspace = space if tagged else 2
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("height", "space", "tagged"), [(720, 1, False), (64, 5, False), (720, 5, True), (64, 1, True)]
)
def test_clips_that_state_no_colours_are_of_bt_709_from_720_lines_on(height, space, tagged, tmp_path):
    picture = np.full((height, 64, 3), (200, 50, 50), np.uint8)
    frame = next(VideoFile(coded(tmp_path / "a.mp4", picture, space, tagged)).frames())
    assert (frame.int() - torch.tensor([200, 50, 50])).abs().max() <= 4


def test_a_clip_of_high_dynamic_range_is_told(tmp_path, caplog):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.color_trc = 16
        for k in range(2):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with caplog.at_level(logging.WARNING):
        list(VideoFile(tmp_path / "a.mp4").frames())
    (record,) = caplog.records
    assert "is of high dynamic range (PQ)" in record.getMessage()


def test_an_animated_png_is_shown_over_white(tmp_path):
    clear, solid = Image.new("RGBA", (16, 16), (200, 0, 0, 0)), Image.new("RGBA", (16, 16), (0, 200, 0, 255))
    clear.save(tmp_path / "a.png", save_all=True, append_images=[solid], duration=100, blend=0)
    colours = [frame[8, 8].tolist() for frame in VideoFile(tmp_path / "a.png").frames()]
    assert colours[0] == [255, 255, 255] and colours[-1] == [0, 200, 0]


def bare(path, codec, options):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(60), options=options)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        for k in range(6):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 * k, np.uint8), format="rgb24")
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_bare_stream_is_of_the_rate_that_it_states_or_refused(tmp_path):
    assert VideoFile(bare(tmp_path / "a.h264", "libx264", {})).fps == 60
    silent = bare(tmp_path / "b.hevc", "libx265", {"x265-params": "vui-timing-info=0:log-level=none"})
    with pytest.raises(BadInput, match=r"does not say how many frames a second has\. .* ffmpeg -r 30 -i b\.hevc"):
        VideoFile(silent)
