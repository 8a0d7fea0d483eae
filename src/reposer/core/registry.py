"""A mapping from names to things, filled by decorators and by other packages' entry points."""

import difflib
import importlib
import importlib.util
import pkgutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from .errors import BadInput, quoted

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Names of one kind of thing, in the order of registration.

    noun: what one entry is ("recipe"), for messages.
    entry_point_group: other packages join through entry points of this group ("reposer.generators"): each names a
        module (or object) whose import registers what it has. They are loaded on the first look.
    package: one whose modules register entries; see `fill_from`.
    """

    def __init__(self, noun: str, entry_point_group: str | None = None, *, package: str | None = None) -> None:
        self.noun = noun
        self._group = entry_point_group
        self._entries: dict[str, T] = {}
        self._packages = [] if package is None else [package]
        self._filling, self._lock = False, threading.RLock()

    def fill_from(self, package: str) -> None:
        """Names a package whose modules register entries. All are imported on the first look into the registry; one
        that bears the name of an entry is imported alone if that entry is asked for.
        """
        self._packages.append(package)

    def add(self, name: str, value: T) -> T:
        """Register `value`; a name that is taken is a mistake of the program."""
        assert name not in self._entries, f"the {self.noun} '{name}' is registered twice"
        self._entries[name] = value
        return value

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda value: self.add(name, value)

    def _fill(self) -> None:
        """Imports what is still to be imported; the packages' entries come before those of other modules."""
        if self._group is None and not self._packages:
            return
        with self._lock:
            if self._filling:  # a module that is being imported looks into the registry
                return
            self._filling, others = True, self._entries.copy()
            try:
                for package in self._packages:
                    _import_all(package)
                found = {name: value for name, value in self._entries.items() if name not in others}
                self._entries = found | others
                for entry in entry_points(group=self._group) if self._group is not None else ():
                    entry.load()
                self._packages, self._group = [], None  # what could not be imported is tried again at the next look
            finally:
                self._filling = False

    def _import_named(self, name: str) -> None:
        """Imports the modules that bear this entry's name, which are few of all."""
        module = name.replace("-", "_")
        for package in self._packages if module.isidentifier() else ():
            if importlib.util.find_spec(f"{package}.{module}") is not None:
                importlib.import_module(f"{package}.{module}")

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise BadInput(self._unknown(name))
        return self._entries[name]

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(str(name), self._entries, n=3, cutoff=0.5)
        guess = f" Did you mean {' or '.join(near)}?" if near else ""
        return (
            f"There is no {self.noun} {quoted(name)}.{guess} There are: {', '.join(sorted(self._entries)) or 'none'}."
        )

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str) and name not in self._entries:
            self._import_named(name)
        if name not in self._entries:
            self._fill()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return iter(self._entries)

    def __len__(self) -> int:
        self._fill()
        return len(self._entries)


def import_siblings(package_path: Iterable[str], package_name: str) -> None:
    """Imports every module of a package, so that each registers its entries: adding an entry means adding a file."""
    for module in sorted(pkgutil.iter_modules(package_path), key=lambda m: m.name):
        importlib.import_module(f"{package_name}.{module.name}")


def _import_all(package: str) -> None:
    """Imports every module of a package and of the packages in it, except programs."""
    for module in sorted(pkgutil.iter_modules(importlib.import_module(package).__path__), key=lambda m: m.name):
        name = f"{package}.{module.name}"
        if module.ispkg:
            _import_all(name)
        elif module.name != "__main__":
            importlib.import_module(name)
