"""Picture files: what goes out comes back, and what cannot be used is refused in one sentence."""

import io
import logging
import random
import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile, ImageOps, features

from reposer.core import BadInput
from reposer.core.images import from_uint8
from reposer.data import decoding, large_png, pictures
from reposer.data.picture_kinds import PICTURE_SUFFIXES
from reposer.data.pictures import decode_picture, picture_header, read_picture, write_picture

from .colour_profiles import PRIMARIES, grey_profile, profile, srgb_of
from .folders import some_picture

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


def saved(path, picture, kind=None, **options):
    Image.fromarray(np.asarray(picture)).save(path, kind, **options)
    return path


# What comes back


@pytest.mark.parametrize("as_numbers", [False, True])
def test_a_png_comes_back_byte_for_byte(tmp_path, as_numbers):
    picture = some_picture((9, 7))
    write_picture(tmp_path / "a.png", from_uint8(picture) if as_numbers else picture)
    assert torch.equal(read_picture(tmp_path / "a.png"), picture)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("channels", [3, 4])
def test_a_large_png_comes_back_byte_for_byte_with_its_metadata(tmp_path, monkeypatch, channels):
    monkeypatch.setattr(pictures, "LARGE", 100)
    monkeypatch.setattr(large_png, "BAND", 200)  # several bands, the last of them shorter
    noise = torch.randint(0, 256, (37, 23, channels), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    noise[5:30, 4:20] = 7
    write_picture(tmp_path / "a.png", noise, xmp="<x:xmpmeta>a note, größer</x:xmpmeta>")
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), noise.numpy()) and image.mode == {3: "RGB", 4: "RGBA"}[channels]
        assert image.info["xmp"] == "<x:xmpmeta>a note, größer</x:xmpmeta>".encode()


def test_a_large_png_is_one_whole_stream_of_zlib_the_same_for_any_number_of_threads(monkeypatch):
    picture = some_picture((64, 48)).numpy()
    monkeypatch.setattr(large_png, "BAND", 1000)
    files = []
    for cores in (1, 2, 7):
        monkeypatch.setattr(torch, "get_num_threads", lambda cores=cores: cores)
        files.append(large_png.png_bytes(picture))
    assert files[0] == files[1] == files[2]
    file, stream, at = files[0], b"", 8
    while at < len(file):
        (length,) = struct.unpack(">I", file[at : at + 4])
        kind, content = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        assert struct.unpack(">I", file[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        stream += content if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(stream), np.uint8).reshape(64, -1)  # checks the checksum, too
    assert (rows[:, 0] == 2).all()
    assert np.array_equal(rows[:, 1:].cumsum(0, dtype=np.uint8), picture.reshape(64, -1))


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


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_come_upright_and_the_header_says_so_too(tmp_path, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", some_picture((6, 4)), kind, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(read_picture(path).numpy(), expected)
    assert picture_header(path) == expected.shape[:2]


def test_a_large_picture_is_the_same_as_its_strips(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.png", some_picture((30, 20)), exif=exif)
    whole = read_picture(path)
    monkeypatch.setattr(decoding, "_STRIP", 50)
    assert torch.equal(read_picture(path), whole)


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_every_suffix_that_data_sets_look_for_can_be_read(tmp_path, suffix):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    smooth = np.linspace(40, 200, 64).round().astype(np.uint8)[:, None, None].repeat(48, 1).repeat(3, 2)
    kind = "JPEG" if suffix == ".jfif" else None
    path = saved(tmp_path / f"a{suffix}", smooth, kind)
    assert np.abs(read_picture(path).numpy().astype(int) - smooth).max() <= 4
    assert picture_header(path) == (64, 48)


def test_sixteen_bits_a_colour_lose_their_lower_half(tmp_path):
    deep = (some_picture((5, 4)).numpy().astype(np.uint16) << 8) + 77
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    (tmp_path / "a.png").write_bytes(png(4, 5, rows, depth=16))
    assert np.array_equal(read_picture(tmp_path / "a.png").numpy(), deep >> 8)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_sixteen_bits_a_colour_is_read_and_not_black(tmp_path, order):
    deep = (some_picture((5, 4)).numpy().astype(np.uint16) << 8) + 77
    (tmp_path / "a.tif").write_bytes(tiff(deep.astype(f"{order}u2"), order, sample_format=1))
    assert np.array_equal(read_picture(tmp_path / "a.tif").numpy(), deep >> 8)
    (tmp_path / "g.tif").write_bytes(tiff(deep[..., :1].astype(f"{order}u2"), order, sample_format=1))
    assert np.array_equal(read_picture(tmp_path / "g.tif").numpy(), (deep >> 8)[..., [0, 0, 0]])


@pytest.mark.parametrize(("kind", "words"), [(np.float32, "floating-point numbers"), (np.int32, "integers of 32 bits")])
def test_a_tiff_whose_white_nobody_says_is_refused_and_never_black(tmp_path, kind, words):
    path = saved(tmp_path / "a.tif", np.linspace(0, 1, 12).reshape(3, 4).astype(kind))
    with pytest.raises(BadInput, match=words):
        read_picture(path)
    with pytest.raises(BadInput, match=words):
        picture_header(path)


def test_a_tiff_of_floating_point_colours_is_refused(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(np.ones((3, 4, 3), "<f4"), "<", sample_format=3))
    with pytest.raises(BadInput, match=r"a\.tif"):
        read_picture(tmp_path / "a.tif")


# Colours


@pytest.mark.parametrize("name", PRIMARIES)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_colours_of_an_embedded_profile_become_those_of_srgb(tmp_path, name, kind):
    steps = np.linspace(10, 245, 6).round()
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 1, 3)
    inside = np.abs(srgb_of(name, colours) - 127.5).max((-1, -2)) < 127
    colours = colours[inside].astype(np.uint8)
    expected = srgb_of(name, colours.astype(float))
    blocks = colours.repeat(8, 0).repeat(8, 1)  # of one colour each, so that JPEG keeps them
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    path = saved(tmp_path / "a", blocks, kind, icc_profile=profile(name), **options)
    difference = np.abs(read_picture(path).numpy()[4::8, 4:5] - expected)
    assert difference.max() <= (8 if kind == "JPEG" else 2)  # a dark grey level of theirs is several of sRGB's
    assert difference.mean() <= 1


def test_a_profile_of_srgb_changes_no_pixel(tmp_path):
    picture = some_picture((40, 30))
    path = saved(tmp_path / "a.png", picture, icc_profile=profile("sRGB"))
    assert torch.equal(read_picture(path), picture)


def test_transparency_and_a_profile_go_together(tmp_path):
    colours = np.full((4, 4, 4), (90, 140, 60, 255), np.uint8)
    colours[:2, :, 3] = 0
    read = read_picture(saved(tmp_path / "a.png", colours, icc_profile=profile("Display P3"))).numpy()
    assert (read[:2] == 255).all()
    assert np.abs(read[2:] - srgb_of("Display P3", colours[2:, :, :3].astype(float))).max() <= 2


def test_grey_with_a_profile_of_grey_is_converted(tmp_path):
    grey = np.arange(20, 256, 5, dtype=np.uint8)[None]
    linear = (grey / 255.0) ** 1.8
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    read = read_picture(saved(tmp_path / "a.png", grey, icc_profile=grey_profile(1.8))).numpy()
    assert np.abs(read - expected[..., None]).max() <= 1.5


def test_grey_with_a_profile_of_colours_is_converted_by_it(tmp_path):
    grey = np.arange(20, 256, 5, dtype=np.uint8)[None]
    expected = srgb_of("ProPhoto RGB", grey[..., None].repeat(3, -1).astype(float))
    read = read_picture(saved(tmp_path / "a.png", grey, icc_profile=profile("ProPhoto RGB"))).numpy()
    assert np.abs(read - expected).max() <= 2


@pytest.mark.parametrize("broken", [b"no profile", profile("Adobe RGB")[:300], grey_profile(1.8)])
def test_a_profile_that_cannot_be_used_is_ignored_with_a_note(tmp_path, caplog, broken):
    picture = some_picture((4, 4))
    path = saved(tmp_path / "a.png", picture, icc_profile=broken)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(read_picture(path), picture)
    assert "a.png: its colour profile is ignored" in caplog.text


def test_inks_are_read_as_paper_with_so_much_less_of_each_colour(tmp_path):
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[8:, :, 0] = 255  # cyan below, bare paper above
    path = tmp_path / "a.jpg"
    Image.fromarray(inks, "CMYK").save(path, quality=100)
    read = read_picture(path).numpy().astype(int)
    assert np.abs(read[4, 4] - [255, 255, 255]).max() <= 3
    assert np.abs(read[12, 4] - [0, 255, 255]).max() <= 3
    plain = path.read_bytes()
    start = plain.index(b"\xff\xee")  # Adobe's mark: its inks are inverted; without the mark they are not
    (tmp_path / "b.jpg").write_bytes(plain[:start] + plain[start + 16 :])
    assert np.array_equal(read_picture(tmp_path / "b.jpg").numpy()[12, 4], 255 - read[4, 4])


# What is refused


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "eps"])
def test_a_postscript_program_never_runs_whatever_its_name_says(tmp_path, suffix):
    mark = tmp_path / "it ran"
    program = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n({mark}) (w) file closefile\nshowpage\n"
    path = tmp_path / f"a.{suffix}"
    for start in (b"", b"\n\n"):
        path.write_bytes(start + program.encode())
        for read in (read_picture, picture_header):
            with pytest.raises(BadInput, match=r"PostScript program, which is never run|is not a picture"):
                read(path)
    assert not mark.exists()


def test_only_the_listed_readers_of_pillow_are_tried(tmp_path, monkeypatch):
    """Each of the other formats that Pillow writes, under the name of a PNG. (Saving a SPIDER file takes .png over.)"""
    Image.init()
    tried = []
    for kind in sorted(set(Image.SAVE) & set(Image.OPEN) - set(decoding.FORMATS) - {"MPO", "DIB", "SPIDER"}):
        monkeypatch.setitem(Image.OPEN, kind, (lambda *_, k=kind: tried.append(k), lambda *_, k=kind: tried.append(k)))
        path = tmp_path / f"{kind}.png"
        try:
            Image.new("RGB", (16, 16)).convert("1" if kind in ("MSP", "XBM") else "RGB").save(path, kind)
        except (OSError, KeyError, ValueError):
            continue
        with pytest.raises(BadInput):
            read_picture(path)
    assert tried == []


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC picture.* Save it as JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "is a HEIC picture"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "is a video"),
        (b"GIF89a" + bytes(20), "is a GIF"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "is a JPEG XL picture"),
        (b"<!DOCTYPE html><html>", "is a web page, not a picture: the download went wrong"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
    ],
)
def test_what_is_not_read_is_named_with_the_way_out(tmp_path, start, words):
    (tmp_path / "a.jpg").write_bytes(start + bytes(100))
    with pytest.raises(BadInput, match=words):
        read_picture(tmp_path / "a.jpg")


def test_a_cameras_raw_file_is_not_read_as_its_thumbnail(tmp_path):
    path = saved(tmp_path / "a.nef", some_picture((12, 16)), "TIFF")
    with pytest.raises(BadInput, match="raw file, which has to be developed first"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", pytest.param("AVIF", marks=needs_avif)])
def test_an_animation_is_told_from_a_picture(tmp_path, kind):
    frames = [Image.fromarray(some_picture((32, 32), seed).numpy()) for seed in range(3)]
    frames[0].save(tmp_path / "a.png", kind, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(BadInput, match=r"is an animation of 3 frames \((WebP|APNG|AVIF)\)"):
        read_picture(tmp_path / "a.png")


def test_a_tiff_of_several_pictures_is_refused_and_a_photo_with_a_preview_is_not(tmp_path):
    frames = [Image.fromarray(some_picture((32, 32), seed).numpy()) for seed in range(2)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(BadInput, match="TIFF file of several pictures"):
        read_picture(tmp_path / "a.tif")
    frames[0].save(tmp_path / "b.jpg", "MPO", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "b.jpg").shape == (32, 32, 3)


def test_a_picture_is_measured_before_it_is_decoded(tmp_path):
    """Few bytes that say that they are many pixels; WebP's decoder needs more memory a pixel than the others."""

    def webp(side):
        lossless = b"\x2f" + struct.pack("<I", (side - 1) | (side - 1) << 14) + bytes(41)
        body = b"WEBPVP8L" + struct.pack("<I", len(lossless)) + lossless
        return b"RIFF" + struct.pack("<I", len(body)) + body

    cases = {"a.png": (png(30_000, 30_000, b""), 100), "a.webp": (webp(16_383), 100), "b.webp": (webp(8_100), 64)}
    for name, (content, most) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=f"megapixels; at most {most} are read"):
            read_picture(tmp_path / name)


def test_a_file_that_is_far_too_long_is_not_read_into_memory(tmp_path):
    with (tmp_path / "a.webp").open("wb") as file:
        file.write(b"RIFF\xff\xff\xff\x7fWEBPVP8L")
        file.truncate(2_000_000_000)  # of holes
    with pytest.raises(BadInput, match="has 2000 megabytes; at most 400 are read"):
        read_picture(tmp_path / "a.webp")


def test_a_text_that_unpacks_without_end_is_refused(tmp_path):
    bomb = zlib.compress(bytes(50_000_000))
    rows = b"".join(b"\0" + bytes(12) for _ in range(4))
    (tmp_path / "a.png").write_bytes(png(4, 4, rows, [(b"zTXt", b"a\0\0" + bomb)]))
    with pytest.raises(BadInput, match=r"a\.png"):
        read_picture(tmp_path / "a.png")


def test_metadata_of_a_wrong_type_is_ignored(tmp_path):
    picture = some_picture((4, 4))
    texts = [struct.pack(">HHI4s", 0x0112, kind, 1, bytes(4)) for kind in (2, 5, 7, 12, 99)]
    for number, entry in enumerate(texts):
        exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + bytes(4)
        for content in (exif, exif[: 20 + number], b"Exif\0\0" + bytes(9)):
            saved(tmp_path / "a.png", picture, exif=content)
            assert torch.equal(read_picture(tmp_path / "a.png"), picture)
            assert picture_header(tmp_path / "a.png") == (4, 4)
            saved(tmp_path / "a.jpg", picture, exif=content)
            assert read_picture(tmp_path / "a.jpg").shape == (4, 4, 3)


def test_a_truncated_picture_is_refused_also_where_pillow_is_told_to_fill_it_up(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    write_picture(path, some_picture((64, 64)))
    path.write_bytes(path.read_bytes()[:-900])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(BadInput, match="is damaged"):
        read_picture(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.slow
def test_pillows_warnings_are_neither_shown_nor_raised_and_its_settings_stay(tmp_path):
    path = saved(tmp_path / "a.png", np.zeros((10_000, 9_500), bool))  # more than Pillow's own limit
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert picture_header(path) == (10_000, 9_500)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))


def test_a_picture_in_memory_is_read_as_one_in_a_file(tmp_path):
    picture = some_picture((6, 5))
    path = saved(tmp_path / "a.png", picture)
    assert torch.equal(decode_picture(path.read_bytes(), "shard: a.png"), picture)
    with pytest.raises(BadInput, match=r"shard: a\.png is not a picture"):
        decode_picture(b"hello", "shard: a.png")


def valid_pictures():
    """One of every format and mode that Pillow writes, with orientation and profile."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 15, 4), dtype=np.uint8), "RGBA")
    for kind in decoding.FORMATS:
        for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "CMYK"):
            file = io.BytesIO()
            metadata = {} if kind == "BMP" else {"exif": exif, "icc_profile": profile("Display P3")}
            try:
                picture.convert("RGB" if mode == "CMYK" else "RGBA").convert(mode).save(file, kind, **metadata)
            except (OSError, KeyError, ValueError):
                continue  # not every format has every mode
            yield f"{kind}-{mode}", file.getvalue()


@pytest.mark.parametrize("seed", range(4))
def test_changed_bytes_of_any_format_are_read_or_refused_and_nothing_else(seed):
    numbers = random.Random(seed)
    valid = list(valid_pictures())
    outcomes = {True: 0, False: 0}
    for _ in range(150):
        name, content = numbers.choice(valid)
        changed = bytearray(content)
        for _ in range(numbers.choice((1, 1, 2, 8))):
            place = numbers.randrange(min(len(changed), numbers.choice((64, 300, len(changed)))))
            if numbers.random() < 0.8:
                changed[place] = numbers.choice((0, 1, 127, 128, 255, numbers.randrange(256)))
            else:
                del changed[place : place + numbers.choice((1, 4, len(changed) // 2))]
        try:
            outcomes[decode_picture(bytes(changed), name).shape[-1] == 3] += 1
        except BadInput as error:
            assert str(error).startswith(name)
            outcomes[False] += 1
    assert outcomes[True] > 20 and outcomes[False] > 20


def png(width, height, rows, chunks=(), depth=8):
    """An RGB file of these rows, each behind its filter byte."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    middle = b"".join(chunk(*c) for c in chunks)
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + data + chunk(b"IEND", b"")


def tiff(values, order, sample_format):
    """An uncompressed file of these values (height, width, colours)."""
    height, width, colours = values.shape
    bits = 8 * values.dtype.itemsize
    start = 8 + 2 + 12 * 10 + 4
    more = struct.pack(f"{order}3H", *[bits] * 3) + struct.pack(f"{order}3H", *[sample_format] * 3)

    def entry(tag, kind, count, value):
        form = "HH" if kind == 3 and count == 1 else "I"
        numbers = (value, 0) if form == "HH" else (value,)
        return struct.pack(f"{order}HHI{form}", tag, kind, count, *numbers)

    several = colours > 1
    entries = [
        entry(256, 3, 1, width),
        entry(257, 3, 1, height),
        entry(258, 3, colours, start if several else bits),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, 2 if several else 1),
        entry(273, 4, 1, start + len(more)),
        entry(277, 3, 1, colours),
        entry(278, 3, 1, height),
        entry(279, 4, 1, values.nbytes),
        entry(339, 3, colours, start + 6 if several else sample_format),
    ]
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(f"{order}HIH", 42, 8, len(entries))
    return head + b"".join(entries) + bytes(4) + more + values.tobytes()


def test_no_other_module_opens_pictures_with_pillow():
    """Shards, HDF5 and studies go through `decoding.py`, too: its formats, its limits, its sentences."""
    package = Path(pictures.__file__).parents[1]
    opening = [path for path in package.rglob("*.py") if re.search(r"\bImage\.open\(\w+,", path.read_text())]
    assert opening == [Path(decoding.__file__)]
