"""Which files are opened as clips, and advice for those that are not."""

from pathlib import Path
from shlex import quote

from reposer.core import BadInput

FORMATS = (
    *("mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "m4v", "flv", "asf", "ogg"),
    *("mxf", "nut", "dv"),
    *("gif", "apng", "h264", "hevc", "ivf", "obu", "yuv4mpegpipe", "wtv", "rm"),
)  # fmt: skip
"""The only FFmpeg demuxers ever tried: no playlists, which read other files, and no still pictures."""
SAFE_OPENING = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
_STILLS = (b"\xff\xd8\xff", b"BM", b"II*\x00", b"MM\x00*")
_LISTS = (b"#EXTM3U", b"ffconcat")


def refuse_what_is_no_clip(path: Path) -> None:
    """Refuse pictures, animations that FFmpeg does not decode, and lists of other files."""
    with path.open("rb") as file:
        start = file.read(256)
    brands = {start[8:12], *(start[k : k + 4] for k in range(16, 64, 4))} if start[4:8] == b"ftyp" else set()
    webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    if webp or b"avis" in brands:
        kind = "a WebP file" if webp else "an AVIF animation"
        names = f"{quote(path.name)} {quote(path.stem + '.png')}"
        raise BadInput(
            f"{path} is {kind}, which is not read as a clip. If it is an animation, write it anew as one that is: "
            "python -c "
            f'"import sys; from PIL import Image; Image.open(sys.argv[1]).save(sys.argv[2], save_all=True)" {names}'
        )
    still_png = start.startswith(b"\x89PNG") and b"acTL" not in start
    if still_png or start.startswith(_STILLS) or brands & {b"avif", b"heic", b"heix", b"mif1"}:
        raise BadInput(f"{path} is a picture, not a clip. Give a video file, or a track of joints in JSON.")
    if start.lstrip(b"\xef\xbb\xbf \r\n").startswith(_LISTS):
        raise BadInput(f"{path} is a list of other files, not a clip. Give a video file.")
