"""Reads a `.npz`, the file that numpy's savez writes: the form in which other frameworks' weights come."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reposer.core import BadInput, quoted

MOST_BYTES = 8 * 2**30  # the largest published network that is read this way has half a GB


def read_arrays(path: Path) -> dict[str, Tensor]:
    """The arrays of numbers in a `.npz`, by name. Python objects are refused unread."""
    if not path.is_file():
        raise BadInput(f"There is no file {path}; a .npz of weights was expected.")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MOST_BYTES:
            raise BadInput(
                f"{path} would fill {size / 2**30:.0f} GB; weights of at most {MOST_BYTES // 2**30} GB are read."
            )
        with np.load(path, allow_pickle=False) as arrays:
            return {name: _tensor(arrays[name], name, path) for name in arrays.files}
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, KeyError, MemoryError) as error:
        raise BadInput(
            f"{path} cannot be read as a .npz of numbers ({' '.join(str(error).split())[:200]}); it may be cut short "
            f"or another kind of file. Write it again with numpy.savez."
        ) from error


def _tensor(array: object, name: str, path: Path) -> Tensor:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise BadInput(f"{path} holds {quoted(name)}, which is no array of numbers; take it out.")
    return torch.from_numpy(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))))
