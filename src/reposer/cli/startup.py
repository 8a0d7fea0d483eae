"""Loads a large library sooner: without the garbage collector, and torch on two cores, without what is seldom used;
and ends a process that has it sooner.

While modules load, they make hundreds of thousands of objects that stay. Python's collector looks through them again
and again, and once more when the process ends.
"""

import atexit
import ctypes
import gc
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader, find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn


class WithoutCollector(MetaPathFinder):
    """Put first into `sys.meta_path`: the first import of `library` is done without the collector, and what it made is
    left out of all later collections (`gc.freeze`). Other imports, and whether the collector is on, do not change."""

    def __init__(self, library: str) -> None:
        self._library = library

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._library or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        loader: Any = spec.loader
        load = loader.exec_module

        def load_without_collector(module: ModuleType) -> None:
            was_on = gc.isenabled()
            gc.disable()
            try:
                load(module)
            finally:
                gc.freeze()
                if was_on:
                    gc.enable()

        loader.exec_module = load_without_collector
        return spec


class OnFirstUse(MetaPathFinder):
    """Put first into `sys.meta_path`: a module of this name is loaded when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = LazyLoader(spec.loader)
        return spec


@cache
def environment() -> dict[str, str]:
    """The variables that this process began with, if it is asked before something changes them."""
    return dict(os.environ)


def spin_little() -> None:
    """Threads of torch, which is not imported yet, that wait for work soon give their core to others: on a busy machine
    spinning takes most of the time (docs/speed.md). Who has set either variable is left alone."""
    environment()
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")


SELDOM = "torch._native"
"""A part of torch's import: kernels that other packages bring for GPUs."""
LIBRARY = "libtorch_cpu.so"
FOR_GPUS = "*torch_cuda*", "*torch_hip*", "*torch_xpu*"
"""Names of torch's libraries on Linux: the largest, and those of GPUs."""


def leave_for_first_use() -> None:
    """Lets torch, which is not imported yet, load SELDOM only if something asks for it; not if it has, or may have,
    kernels for GPUs, where results could differ."""
    folder = _library_folder()
    if "torch" in sys.modules or folder is None or not (folder / LIBRARY).exists():
        return
    if not any(found for name in FOR_GPUS for found in folder.glob(name)):
        sys.meta_path.insert(0, OnFirstUse(SELDOM))


def torch_library() -> ctypes.CDLL | None:
    """torch's largest library, loaded in this thread while others run; None where it has another name.

    Python would load it later, and let no other thread run meanwhile.
    """
    with _LOADING:
        return _torch_library()


_LOADING = threading.Lock()


@cache
def _torch_library() -> ctypes.CDLL | None:
    folder = _library_folder()
    if "torch" in sys.modules or folder is None:
        return None
    try:
        return ctypes.CDLL(str(folder / LIBRARY))
    except OSError:  # torch's own import says what is wrong
        return None


def torch_threads() -> int | None:
    """How many threads torch will compute with; None if its library does not tell."""
    library = torch_library()
    threads = getattr(library, "_ZN2at15get_num_threadsEv", None)  # C++'s name of at::get_num_threads()
    return None if threads is None else int(threads())


def _library_folder() -> Path | None:
    spec = PathFinder.find_spec("torch")  # what waits in `sys.meta_path` for torch's import goes on waiting
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "lib"


def finish() -> None:
    """What Python does when it ends: threads, exit handlers and output. What others left open is not written out."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()


def leave(code: int) -> NoReturn:
    """Ends the process as `sys.exit` does, but without taking apart every module and object, which after torch takes
    half a second of processor time."""
    finish()
    os._exit(code)
