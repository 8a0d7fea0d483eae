"""Read pictures from untrusted HDF5 files: only the content of the file itself, no other file of the machine.

Such a file can refer to other files: by links, by pixels stored in them (external storage), and by data sets composed
of them (virtual). None of these is followed.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.core.extras import install

from .pictures import MAX_PIXELS

_DAMAGED = (OSError, KeyError, RuntimeError, ValueError, TypeError)


def hdf5() -> ModuleType:
    """h5py, an optional extra."""
    try:
        import h5py
    except ImportError:
        raise BadInput(
            f"Views of objects lie in HDF5 files, and h5py, which reads them, is not installed: {install('views')}."
        ) from None
    module: ModuleType = h5py
    return module


def opened(path: Path) -> Any:
    """The file, for reading."""
    if not path.is_file():  # opening a pipe would block forever
        raise BadInput(f"{path} is not a file; an HDF5 file was expected there.")
    try:
        return hdf5().File(path, "r")
    except OSError as error:
        raise BadInput(f"{path} is not a whole HDF5 file ({error}). Copy it again.") from error


def image_of(file: Any, path: Path, name: str) -> UInt8[Tensor, "h w 3"]:
    """The data set `image` of the top-level group `name`. Refuses damaged data, and data outside this file."""
    try:
        image = _own(_own(file, path, name), path, "image", of=name)
        _refuse_outside(image, path, name)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise BadInput(
                f"{path}, {name}: the image is {image.dtype} {image.shape}; uint8 (height, width, 3) was expected."
            )
        if image.shape[0] * image.shape[1] > MAX_PIXELS:
            raise BadInput(
                f"{path}, {name}: the image has {image.shape[0]} x {image.shape[1]} pixels; at most "
                f"{MAX_PIXELS // 1_000_000} megapixels are read."
            )
        return torch.from_numpy(image[()])
    except _DAMAGED as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}, {name}: the image is damaged ({error}). Copy the file again.") from None


def _own(group: Any, path: Path, part: str, of: str = "") -> Any:
    """The member `part` of a group, refused if it is outside this file. of: the group's name, for messages."""
    name = f"{of}/{part}" if of else part
    library = hdf5()
    if not isinstance(group, library.Group):
        raise BadInput(f"{path}, {name}: a group with a data set 'image' was expected.")
    kind = _link_type(group, part)
    if kind is None:
        raise BadInput(f"{path} has no view '{name}'. Use the lists that came with the file.")
    if kind != library.h5l.TYPE_HARD:
        raise BadInput(
            f"{path}: '{name}' is a link to another place, maybe in another file; links are not followed. Write the "
            f"pictures into the file itself."
        )
    return group[part]


def _link_type(group: Any, name: str) -> int | None:
    """The type of the link of this name in a group; None if there is none."""
    if not name or "/" in name or name == ".":
        return None
    links = group.id.links
    kind: int | None = links.get_info(name.encode()).type if links.exists(name.encode()) else None
    return kind


def _refuse_outside(image: Any, path: Path, name: str) -> None:
    """Refuse external and virtual data; call it before asking for the size, which would open a virtual set's files."""
    if not isinstance(image, hdf5().Dataset):
        raise BadInput(f"{path}, {name}: 'image' is no data set.")
    if image.is_virtual:
        what = "is put together of other files (a virtual data set)"
    elif image.external:
        what = "lies in other files (external storage)"
    else:
        return
    raise BadInput(f"{path}, {name}: the image {what}, which are not read. Write the pictures into the file itself.")
