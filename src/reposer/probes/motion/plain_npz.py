"""NumPy files whose arrays hold Python objects, read without running any code in them.

Such an array is a pickle, and a pickle can call anything. Here it may only build arrays, numbers, strings, lists and
dicts.
"""

import math
import pickle
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reposer.core import BadInput


class Refused(pickle.UnpicklingError):
    """The pickle asks for something that is not plain data."""


def read_plain_npz(path: Path) -> dict[str, Any]:
    """The arrays of an `.npz` by name; an array of a single object is returned as that object.

    Objects are arrays, numbers, strings, booleans, None, and lists, tuples and dicts of them; BadInput for all else. An
    array of objects becomes a flat list of them; tuples become lists.
    """
    if not path.is_file():
        raise BadInput(f"There is no file {path}; an .npz of NumPy was expected.")
    try:
        with zipfile.ZipFile(path) as archive:
            found = {}
            for name in archive.namelist():
                with archive.open(name) as file:
                    found[name.removesuffix(".npy")] = _read_array(file)
            return found
    except Refused as error:
        raise BadInput(
            f"{path} asks for {error} when it is opened, and was not opened: arrays, numbers, strings, lists and dicts "
            f"were expected. Fetch the file again from where it was published."
        ) from None
    except (
        zipfile.BadZipFile, zlib.error, pickle.UnpicklingError, ValueError, EOFError, OSError, KeyError, TypeError,
        IndexError, AttributeError, MemoryError, UnicodeDecodeError, NotImplementedError, RuntimeError,
    ) as error:  # fmt: skip
        raise BadInput(
            f"{path} cannot be read as an .npz of NumPy ({type(error).__name__}); it may be cut short or another kind "
            f"of file. Fetch it again."
        ) from error


def _read_array(file: Any) -> Any:
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(
        version
    )
    if read_header is None:
        raise ValueError(f"version {version}")
    shape, columns_first, dtype = read_header(file)
    if dtype.hasobject:
        array = _Plain(file).load()
        if not isinstance(array, _Array) or array.shape != shape:
            raise Refused(f"a {type(array).__name__} where an array of shape {shape} was announced")
        values = _plain(array)
        return values if shape else values[0]
    content = np.frombuffer(file.read(), dtype)
    return content.reshape(shape, order="F" if columns_first else "C").copy()


class _ArrayType:
    """Stands in for numpy.ndarray in a pickle, which may name the type but not call it."""


class _Kind:
    """Stands in for numpy.dtype, which would trust whatever flags a pickle claims."""

    def __init__(self, name: Any, *flags: Any) -> None:
        if not isinstance(name, str) or not re.fullmatch(r"[biufSUO]\d*", name):
            raise Refused(f"the array type {name!r}")
        self.name, self.order = name, "="

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or state[1] not in ("<", ">", "|", "="):
            raise Refused("an array of an unknown byte order")
        self.order = state[1]

    @property
    def dtype(self) -> np.dtype:
        kind = np.dtype(self.name)
        return kind if self.order in "|=" else kind.newbyteorder(self.order)  # type: ignore[arg-type]


class _Array:
    """Stands in for numpy.ndarray: `values` is an array of numbers or strings, or the flat list of its objects."""

    shape: tuple[int, ...] = ()
    values: Any = ()

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, columns_first, content = state
        if not isinstance(kind, _Kind) or not all(isinstance(side, int) and side >= 0 for side in shape):
            raise Refused("an array of an unknown kind")
        self.shape = tuple(shape)
        if kind.name.startswith("O"):
            if not isinstance(content, list) or len(content) != math.prod(shape):
                raise Refused("an array of objects whose number is wrong")
            self.values = content
        else:
            flat = np.frombuffer(_bytes(content, "latin1"), kind.dtype)
            self.values = flat.reshape(self.shape, order="F" if columns_first else "C").copy()


def _empty(kind: Any, shape: Any, code: Any) -> _Array:
    """An array to be filled by the state that follows in the pickle."""
    if kind is not _ArrayType:
        raise Refused("an array of another type")
    return _Array()


def _number(kind: Any, content: Any) -> Any:
    """A NumPy scalar."""
    if not isinstance(kind, _Kind) or kind.name.startswith("O"):
        raise Refused("a number of an unknown type")
    return np.frombuffer(_bytes(content, "latin1"), kind.dtype, 1)[0]


def _bytes(content: Any, encoding: Any) -> bytes:
    """Bytes, which old pickle protocols store as a string."""
    if encoding != "latin1" or not isinstance(content, bytes | str):
        raise Refused(f"the codec {encoding}")
    return content if isinstance(content, bytes) else content.encode("latin1")


_KNOWN: dict[tuple[str, str], Any] = {
    ("multiarray", "_reconstruct"): _empty,
    ("multiarray", "scalar"): _number,
    ("numpy", "ndarray"): _ArrayType,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _bytes,
}


class _Plain(pickle.Unpickler):
    """An unpickler that can rebuild arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        # NumPy 2 writes numpy._core where NumPy 1 wrote numpy.core
        home = "multiarray" if module in ("numpy.core.multiarray", "numpy._core.multiarray") else module
        if (home, name) not in _KNOWN:
            raise Refused(f"{module}.{name}")
        found: Callable[..., Any] = _KNOWN[home, name]
        return found


def _plain(value: Any) -> Any:
    """The value, if it and everything inside it is plain."""
    if isinstance(value, dict):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, _Array):
        return value.values if isinstance(value.values, np.ndarray) else _plain(value.values)
    if value is None or isinstance(value, bool | int | float | str | bytes | np.generic):
        return value
    raise Refused(f"a {type(value).__name__}")
