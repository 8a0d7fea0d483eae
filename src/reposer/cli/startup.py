"""Loads a large library without the garbage collector, which takes a third of that time.

While modules load, they make hundreds of thousands of objects that stay. Python's collector looks through them again
and again, and once more when the process ends.
"""

import gc
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


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
