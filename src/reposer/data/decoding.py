"""Decodes picture files, for `pictures`: with numpy alone, so that a command can begin before torch is there."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile, features

from reposer.core import BadInput

from .colours import (
    as_srgb,
    fit_transparent_colour,
    is_adobe_rgb,
    is_white_zero,
    refuse_unknown_depth,
    tell_of_oblong_pixels,
)
from .picture_kinds import FORMATS, READ, animation, unread_kind

MAX_PIXELS = 100_000_000
MAX_WEBP_PIXELS = 64_000_000
"""WebP's decoder has five pictures of four bytes per pixel in memory at once."""
MAX_BYTES = 400_000_000
"""Bytes of a file, at most: 100 megapixels of three bytes, and some metadata."""
_ORIENTATION = 0x0112
_STRIP = 1 << 20  # pixels whose colours are converted at a time
_Bytes = io.BufferedReader | io.BytesIO
_lock = threading.RLock()


def decoded_file(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """See `pictures.read_picture`."""
    with _file(path) as file:
        return decoded(file, str(path))


def pixels_of(image: Image.Image, name: str) -> UInt8[np.ndarray, "H W 3"]:
    """See `pictures.picture_of`."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadInput(_too_many_pixels(name, f"{width} x {height} = {width * height / 1e6:.0f}"))
    refuse_unknown_depth(image, name)
    return _pixels(image, name)


def size_in_header(path: Path) -> tuple[int, int]:
    """See `pictures.picture_header`."""
    with _file(path) as file, _opened(file, str(path)) as image:
        # Pillow returns a TIFF's size already rotated
        width, height = (image.tag_v2[256], image.tag_v2[257]) if image.format == "TIFF" else image.size  # type: ignore[attr-defined]
        return (width, height) if _orientation(image) >= 5 else (height, width)


@contextmanager
def _file(path: Path) -> Iterator[_Bytes]:
    if not path.is_file():
        raise BadInput(f"There is no picture {path}. Give the path of a picture file.")
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInput(f"{path} cannot be opened ({error.strerror}). Give a picture file that you may read.") from None
    with file:
        yield file


def decoded(file: _Bytes, name: str) -> UInt8[np.ndarray, "H W 3"]:
    """See `pictures.decode_picture`."""
    with _opened(file, name) as image:
        try:
            with _whole():
                image.load()
        except Exception as error:  # Pillow's readers raise errors of any type on damaged files
            raise BadInput(
                f"{name} is damaged ({_reason(error)}); a whole picture was expected. Fetch or save it again."
            ) from None
        return _pixels(image, name)


@contextmanager
def _opened(file: _Bytes, name: str) -> Iterator[Image.Image]:
    """The picture after reading its header, if its format is supported. Its pixels are not decoded yet."""
    start = file.read(64)
    num_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    unread = unread_kind(name, start)
    if unread is not None:
        raise BadInput(f"{name} is {unread}.")
    if num_bytes > MAX_BYTES:
        raise BadInput(
            f"{name} has {num_bytes / 1e6:.0f} megabytes; at most {MAX_BYTES // 1_000_000} are read. Make the picture "
            f"smaller first."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's warnings about odd metadata, and about sizes, which are limited here
        try:
            image = Image.open(file, formats=FORMATS)
        except Image.DecompressionBombError:
            raise BadInput(_too_many_pixels(name, "more than 178")) from None
        except Exception:  # as in decoded
            raise BadInput(_not_read(name, start)) from None
        with image:
            width, height = image.size
            most = MAX_WEBP_PIXELS if image.format == "WEBP" else MAX_PIXELS
            if width * height > most:
                what = f"{width} x {height} = {width * height / 1e6:.0f}"
                raise BadInput(_too_many_pixels(name, what, most))
            if getattr(image, "is_animated", False) and image.format in FORMATS:  # an MPO is one photo
                count = 0 if image.format == "TIFF" else image.n_frames  # type: ignore[attr-defined]
                raise BadInput(f"{name} is {animation(count, str(image.format))}.")
            refuse_unknown_depth(image, name)
            if image.format == "PNG" and start[12:16] == b"IHDR":
                fit_transparent_colour(image, start[24], name)
            yield image


@contextmanager
def _whole() -> Iterator[None]:
    """Refuse truncated pictures, even in programs that tell Pillow to fill them with grey."""
    if not ImageFile.LOAD_TRUNCATED_IMAGES:
        yield
        return
    with _lock:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = True


def _pixels(image: Image.Image, name: str) -> UInt8[np.ndarray, "H W 3"]:
    """The decoded picture, upright, in sRGB; strip by strip, so that at most two copies of it are in memory."""
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) and profile else None
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        image = Image.eval(image, lambda ink: 255 - ink)  # Pillow assumes Adobe files, whose inks are inverted
    tell_of_oblong_pixels(image, name)
    adobe, inverted = profile is None and is_adobe_rgb(image), is_white_zero(image)
    orientation = _orientation(image)
    width, height = image.size
    upright = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    as_stored = _as_stored(upright, orientation)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        as_stored[top : top + rows] = np.asarray(as_srgb(strip, profile, name, adobe=adobe, inverted=inverted))
    return upright


def _as_stored(upright: UInt8[np.ndarray, "H W 3"], orientation: int) -> UInt8[np.ndarray, "h w 3"]:
    """A view of the upright picture with rows and columns as in the file."""
    turned = upright.swapaxes(0, 1) if orientation >= 5 else upright
    down, across = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (-1, 1), 7: (-1, -1), 8: (1, -1)}.get(orientation, (1, 1))
    return turned[::down, ::across]


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation of the stored picture, 1 to 8; 1 (upright) if the file has no usable one."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # metadata may have any type, and is only a hint
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _not_read(name: str, start: bytes) -> str:
    if start[4:8] == b"ftyp" and not features.check("avif"):
        return (
            f"{name} is an AVIF picture, which the installed Pillow does not read: "
            f"pip install --upgrade pillow, or save it as a JPEG or PNG file."
        )
    return f"{name} is not a picture that can be read. Give a whole {READ} file."


def _too_many_pixels(name: str, what: str, most: int = MAX_PIXELS) -> str:
    return f"{name} has {what} megapixels; at most {most // 1_000_000} are read. Make the picture smaller first."


def _reason(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
