"""Picture files: reading as RGB bytes, measuring, checking and writing.

Every external picture is decoded here, whether it is in a file, a shard or a study: with one list of formats, one
limit of pixels and one treatment of colours. Whatever its name, no other Pillow reader is ever tried.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, PngImagePlugin
from torch import Tensor

from reposer.core import BadInput
from reposer.core.disk import whole_file
from reposer.core.images import to_uint8

from .decoding import MAX_PIXELS, decoded, decoded_file, pixels_of, size_in_header
from .large_png import png_bytes

__all__ = [
    "MAX_PIXELS",
    "decode_picture",
    "picture_header",
    "picture_is_cut_off",
    "picture_of",
    "read_picture",
    "write_picture",
]

LARGE = 1_000_000
"""Pixels from which a PNG is packed by `large_png`: for a photo in a quarter of the time, and a tenth smaller."""


def read_picture(path: Path | str) -> UInt8[Tensor, "H W 3"]:
    """The picture as sRGB bytes, rotated by its EXIF orientation; transparent pixels become white.

    Refused: files that are not still pictures of one of FORMATS, are damaged, or have more than MAX_PIXELS.
    """
    return torch.from_numpy(decoded_file(Path(path)))


def decode_picture(content: bytes, name: str) -> UInt8[Tensor, "H W 3"]:
    """`read_picture` of a picture file's content. name: for messages."""
    return torch.from_numpy(decoded(io.BytesIO(content), name))


def picture_of(image: Image.Image, name: str = "the picture") -> UInt8[Tensor, "H W 3"]:
    """A Pillow image as `read_picture` would give its file."""
    return torch.from_numpy(pixels_of(image, name))


def picture_header(path: Path | str) -> tuple[int, int]:
    """(height, width) in pixels after EXIF rotation, without decoding any pixel."""
    return size_in_header(Path(path))


def picture_is_cut_off(path: Path | str) -> bool:
    """Whether a JPEG or PNG file lacks its end marker, as after an aborted download. No pixel is decoded."""
    path = Path(path)
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(max(0, path.stat().st_size - 1024))
        end = file.read()
    if start.startswith(b"\xff\xd8"):
        return b"\xff\xd9" not in end
    return start.startswith(b"\x89PNG") and b"IEND" not in end


def write_picture(
    path: Path | str,
    picture: Float[Tensor, "3 H W"] | UInt8[Tensor, "H W C"] | UInt8[np.ndarray, "H W C"],
    *,
    xmp: str | None = None,
) -> None:
    """Write a picture in [-1, 1], or bytes with or without alpha, as PNG or JPEG (no alpha), by the suffix; the file
    appears whole or not at all.

    xmp: a packet of metadata to write into it.
    """
    path = Path(path)
    kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
    if path.suffix.lower() not in kinds:
        raise BadInput(f"{path} should end in .png, .jpg or .jpeg; that decides how the picture is written.")
    values = torch.as_tensor(picture).detach().cpu()
    pixels = values if values.dtype == torch.uint8 else to_uint8(values)
    kind = kinds[path.suffix.lower()]
    assert pixels.dim() == 3 and pixels.shape[-1] in (3, 4 if kind == "PNG" else 3), pixels.shape
    if kind == "PNG" and pixels.shape[0] * pixels.shape[1] > LARGE:
        content = png_bytes(pixels.numpy(), xmp)
        with whole_file(path) as file:
            file.write(content)
        return
    image = Image.fromarray(pixels.contiguous().numpy())
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    if xmp is not None and kind == "JPEG":
        options["xmp"] = xmp.encode()
    elif xmp is not None:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp)
    encoded = io.BytesIO()  # encode in memory first: Pillow's encoders would hide the system's error about a full disk
    image.save(encoded, kind, **options)
    with whole_file(path) as file:
        file.write(encoded.getbuffer())
