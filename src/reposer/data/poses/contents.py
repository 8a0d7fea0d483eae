"""The content of a pose file, by what it is: JSON, a list in PATN's form, arrays of numpy, or a picture."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.core.json_files import read_json

from ..pictures import read_picture

MOST_NUMBERS = 50_000_000
"""Most numbers in all arrays of a file."""
LARGEST_ARRAYS = 256 * 2**20
LIST_HEADER = b"name:keypoints_y:keypoints_x"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"BM", b"GIF8", b"II*\x00", b"MM\x00*")


@dataclass(frozen=True)
class JointList:
    """A list of joints in PATN's form. See `data.lists`."""

    path: Path


@dataclass(frozen=True)
class Arrays:
    """Arrays of numbers, by name; the array of an .npy file has the name ""."""

    arrays: dict[str, np.ndarray]


@dataclass(frozen=True)
class PictureFile:
    """A picture."""

    pixels: UInt8[Tensor, "H W 3"]


def content_of(path: Path, *, most_bytes: int | None = None) -> Any:
    """The values of a JSON file, a `JointList`, `Arrays` or a `PictureFile`."""
    start = _start_of(path)
    if start.startswith(_PICTURES):
        return PictureFile(read_picture(path))
    if start.startswith((b"PK\x03\x04", b"\x93NUMPY")):
        return _arrays(path)
    if start.removeprefix(b"\xef\xbb\xbf").replace(b" ", b"").startswith(LIST_HEADER):
        return JointList(path)
    return read_json(path) if most_bytes is None else read_json(path, most_bytes=most_bytes)


def _start_of(path: Path) -> bytes:
    if not path.is_file():
        return b""  # refused by the reader of JSON
    try:
        with path.open("rb") as file:
            return file.read(256)
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from None


def _arrays(path: Path) -> Arrays:
    """The arrays of an .npy or .npz file without any pickled object."""
    if path.stat().st_size > LARGEST_ARRAYS:
        raise BadInput(f"{path} is larger than {LARGEST_ARRAYS >> 20} MiB; no larger file of arrays is read. Split it.")
    try:
        content = path.read_bytes()
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > 8 * MOST_NUMBERS:
                    raise BadInput(f"{path} unpacks to more than {8 * MOST_NUMBERS >> 20} MiB; no more is read.")
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        arrays = {"": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except BadInput:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        ValueError,
        EOFError,
        KeyError,
        MemoryError,
        RuntimeError,
    ) as error:
        reason = "it holds pickled objects" if "pickle" in str(error) else "it is damaged"
        raise BadInput(
            f"{path} cannot be read as arrays of numbers: {reason}. Save plain arrays with numpy.save or numpy.savez."
        ) from None
    return Arrays({name: array for name, array in arrays.items() if array.dtype.kind in "fiu"})
