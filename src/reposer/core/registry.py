"""A mapping from names to things, filled by decorators and by other packages' entry points."""

import difflib
import importlib
import pkgutil
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
    """

    def __init__(self, noun: str, entry_point_group: str | None = None) -> None:
        self.noun = noun
        self._group = entry_point_group
        self._entries: dict[str, T] = {}

    def add(self, name: str, value: T) -> T:
        """Register `value`; a name that is taken is a mistake of the program."""
        assert name not in self._entries, f"the {self.noun} '{name}' is registered twice"
        self._entries[name] = value
        return value

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda value: self.add(name, value)

    def _load_entry_points(self) -> None:
        if self._group is not None:
            group, self._group = self._group, None
            for entry in entry_points(group=group):
                entry.load()

    def __getitem__(self, name: str) -> T:
        self._load_entry_points()
        if name not in self._entries:
            raise BadInput(self._unknown(name))
        return self._entries[name]

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(str(name), self._entries, n=3, cutoff=0.5)
        guess = f" Did you mean {' or '.join(near)}?" if near else ""
        return (
            f"There is no {self.noun} {quoted(name)}.{guess} There are: {', '.join(sorted(self._entries)) or 'none'}."
        )

    def __contains__(self, name: object) -> bool:
        self._load_entry_points()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._load_entry_points()
        return iter(self._entries)

    def __len__(self) -> int:
        self._load_entry_points()
        return len(self._entries)


def import_siblings(package_path: Iterable[str], package_name: str) -> None:
    """Imports every module of a package, so that each registers its entries: adding an entry means adding a file."""
    for module in sorted(pkgutil.iter_modules(package_path), key=lambda m: m.name):
        importlib.import_module(f"{package_name}.{module.name}")
