"""The kind of a picture file by its first bytes, and advice for kinds that Reposer does not read."""

from pathlib import Path

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")
"""The only Pillow readers ever tried. MPO, the JPEG of some cameras, is opened by the JPEG reader."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif")
READ = "JPEG, PNG, WebP, BMP, TIFF or AVIF"
UNREAD_SUFFIXES = (
    *(".heic", ".heif", ".hif", ".gif", ".jxl", ".jp2", ".j2k", ".psd", ".exr", ".svg", ".eps", ".pdf", ".ppm", ".pgm"),
    *(".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".raf", ".rw2", ".pef", ".srw"),
)  # fmt: skip
"""Suffixes of picture files that are not read, so that a folder with some of them can be reported."""
RAW_SUFFIXES = UNREAD_SUFFIXES[UNREAD_SUFFIXES.index(".dng") :]

_SAVE = "Save it as a JPEG or PNG file"
_HEIC = (
    "a HEIC picture, which is not read (its decoders are under licences that this package does not take in). Save it "
    "as JPEG: on a Mac with `sips -s format jpeg FILE --out photo.jpg`, elsewhere with `magick FILE photo.jpg`; an "
    "iPhone takes JPEG under Settings, Camera, Formats, Most Compatible"
)
_ANIMATION = "Save the one picture that is meant as a PNG file; to move a photo by it, make it a video file (MP4)"
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", f"a GIF, which is not read: it has 256 colours and may be an animation. {_ANIMATION}"),
    (b"%!PS", f"a PostScript program, which is never run. {_SAVE}"),
    (b"\xc5\xd0\xd3\xc6", f"a PostScript program, which is never run. {_SAVE}"),
    (b"%PDF", f"a PDF document. {_SAVE}"),
    (b"\x00\x00\x00\x0cjP  ", f"a JPEG 2000 picture, which is not read. {_SAVE}"),
    (b"\xff\x4f\xff\x51", f"a JPEG 2000 picture, which is not read. {_SAVE}"),
    (b"\x00\x00\x00\x0cJXL ", f"a JPEG XL picture, which is not read. {_SAVE}"),
    (b"\xff\x0a", f"a JPEG XL picture, which is not read. {_SAVE}"),
    (b"8BPS", f"a Photoshop document. {_SAVE}"),
    (b"v/1\x01", f"an OpenEXR picture, which is not read. {_SAVE} with its tones mapped"),
    (b"SIMPLE  =", f"a FITS file. {_SAVE}"),
    (b"\x89HDF", f"an HDF5 file. {_SAVE}"),
    (b"II*\x00\x10\x00\x00\x00CR", f"a camera's raw file, which has to be developed first. {_SAVE}"),
    (b"FUJIFILMCCD-RAW", f"a camera's raw file, which has to be developed first. {_SAVE}"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself. Fetch it with `git lfs pull`"),
)  # fmt: skip
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def unread_kind(name: str, start: bytes) -> str | None:
    """The kind of a file with these first bytes, and advice, as the end of a sentence that starts with "NAME is".

    None if the kind is supported or unknown.
    """
    if start[4:8] == b"ftyp":
        brands = {start[8:12], *(start[k : k + 4] for k in range(16, len(start) - 3, 4))}
        if brands & {b"avif", b"avis"}:
            return None
        if brands & {b"crx "}:
            return f"a camera's raw file, which has to be developed first. {_SAVE}"
        return _HEIC if brands & set(_HEIF_BRANDS) else "a video. A still picture was expected; save one frame"
    found = next((words for prefix, words in _STARTS if start.startswith(prefix)), None)
    if found is not None:
        return found
    if Path(name).suffix.lower() in RAW_SUFFIXES:
        return f"a camera's raw file, which has to be developed first. {_SAVE}"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page, not a picture: the download went wrong. Fetch the picture itself"
    if text.startswith((b"<svg", b"<?xml")):
        return f"a drawing in XML (SVG). {_SAVE}"
    return None


def animation(count: int, kind: str) -> str:
    """Description of a file with several pictures, as the end of a sentence that starts with "NAME is"."""
    if kind == "TIFF":
        return "a TIFF file of several pictures. Save the one that is meant as a file of its own"
    word = {"PNG": "APNG", "WEBP": "WebP"}.get(kind, kind)
    return f"an animation of {count} frames ({word}). {_ANIMATION}"
