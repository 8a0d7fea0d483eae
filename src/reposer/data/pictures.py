"""Picture files: read as RGB bytes, measured, checked and written."""

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps
from torch import Tensor

from reposer.core import BadInput
from reposer.core.disk import whole_file
from reposer.core.images import to_uint8

MAX_PIXELS = 100_000_000
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


def read_picture(path: Path | str) -> UInt8[Tensor, "H W 3"]:
    """The picture as RGB bytes, turned as its EXIF orientation says; what is transparent is white."""
    path = Path(path)
    with _opened(path) as image:
        _refuse_huge(path, image.size)
        try:
            image.load()
            rgb = _rgb(ImageOps.exif_transpose(image))
        except _DAMAGED as error:
            raise BadInput(
                f"{path} is damaged ({_reason(error)}); a whole picture was expected. Fetch or save it again."
            ) from None
    return torch.from_numpy(np.array(rgb))


def picture_header(path: Path | str) -> tuple[int, int]:
    """(height, width) in pixels after turning by EXIF orientation; no pixel is decoded."""
    path = Path(path)
    with _opened(path) as image:
        _refuse_huge(path, image.size)
        width, height = image.size
        try:
            turned = image.getexif().get(0x0112, 1) >= 5
        except _DAMAGED:
            turned = False
    return (width, height) if turned else (height, width)


def picture_is_cut_off(path: Path | str) -> bool:
    """Whether a JPEG or PNG file lacks its end mark: a download that broke off. No pixel is decoded."""
    path = Path(path)
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(max(0, path.stat().st_size - 1024))
        end = file.read()
    if start.startswith(b"\xff\xd8"):
        return b"\xff\xd9" not in end
    return start.startswith(b"\x89PNG") and b"IEND" not in end


def write_picture(
    path: Path | str, picture: Float[Tensor, "3 H W"] | UInt8[Tensor, "H W 3"] | UInt8[np.ndarray, "H W 3"]
) -> None:
    """A picture in [-1, 1] or in bytes as a PNG or JPEG, by the suffix; it appears whole or not at all."""
    path = Path(path)
    kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
    if path.suffix.lower() not in kinds:
        raise BadInput(f"{path} should end in .png, .jpg or .jpeg; that decides how the picture is written.")
    values = torch.as_tensor(picture).detach().cpu()
    pixels = values if values.dtype == torch.uint8 else to_uint8(values)
    assert pixels.dim() == 3 and pixels.shape[-1] == 3, pixels.shape
    image = Image.fromarray(pixels.contiguous().numpy())
    options: dict[str, Any] = (
        {"quality": 95, "subsampling": 0} if kinds[path.suffix.lower()] == "JPEG" else {}
    )
    with whole_file(path) as file:
        image.save(file, kinds[path.suffix.lower()], **options)


def _opened(path: Path) -> Image.Image:
    if not path.is_file():
        raise BadInput(f"There is no picture {path}. Give the path of a picture file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path)
    except Image.DecompressionBombError:
        raise BadInput(_too_many_pixels(path, "more than 178")) from None
    except _DAMAGED:
        raise BadInput(
            f"{path} is not a picture that can be read. Give a whole JPEG, PNG, WebP or BMP file."
        ) from None


def _refuse_huge(path: Path, size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise BadInput(_too_many_pixels(path, f"{size[0]} x {size[1]} = {size[0] * size[1] / 1e6:.0f}"))


def _too_many_pixels(path: Path, what: str) -> str:
    return f"{path} has {what} megapixels; at most {MAX_PIXELS // 1_000_000} are read. Make the picture smaller first."


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = np.asarray(image).astype(np.int64).clip(0, 65535) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, layer).convert("RGB")
    return image.convert("RGB")


def _reason(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
