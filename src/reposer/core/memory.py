"""Memory: what a process has had at most, what the machine has, sizes in words, and what a command will need."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import BadInput, quoted

_UNITS = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]I?)B?", re.IGNORECASE)


class NotCounted(Exception):
    """What something needs cannot be told before it is done; the message says why."""


@dataclass(frozen=True)
class Need:
    """What a command will need.

    parts: bytes of memory at its peak, over all of its processes, by what takes them. disk: bytes of what it writes;
    None = not told. changed: what was chosen so that a ceiling is kept. beside: what is not counted.
    """

    parts: Mapping[str, float]
    disk: float | None = None
    changed: tuple[str, ...] = ()
    beside: str = ""

    @property
    def memory(self) -> float:
        """Bytes in all."""
        return sum(self.parts.values())

    def in_words(self) -> str:
        """The need as a part of a sentence: memory, disk, and what was chosen to fit."""
        line = f"needs about {size_in_words(self.memory)} of memory"
        if self.disk is not None:
            line += f", {size_in_words(self.disk)} of disk"
        if self.beside:
            line += f", {self.beside}"
        if self.changed:
            line += f"; chosen for --max-memory: {', '.join(self.changed)}"
        there = memory_of_machine()
        return line if self.memory <= there else f"{line}; this machine has {size_in_words(there)} of memory"


def size_in_words(size: float) -> str:
    """Bytes in MB or GB (powers of ten)."""
    return f"{size / 1e9:.1f} GB" if size >= 0.95e9 else f"{max(1, round(size / 1e6))} MB"


def size_in_bytes(option: str, text: str) -> float:
    """Bytes of a size like 4G, 800M or 1.5GiB."""
    found = _SIZE.fullmatch(text.strip())
    size = float(found[1]) * _UNITS[found[2].upper()] if found else 0.0
    if not found or not 1e6 <= size < 1e18:
        raise BadInput(
            f"{option} is {quoted(text)}; a size of at least 1M and below a million T is expected, for example 800M, "
            "4G or 1.5GiB."
        )
    return size


def own_peak() -> int:
    """The most memory that this process has had, in bytes. Linux's `ru_maxrss` remembers its parent's, too."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():  # some containers' kernels leave this line out
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil  # accelerate needs it, too

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def memory_of_machine() -> int:
    """Bytes of memory that this machine has."""
    import psutil

    return int(psutil.virtual_memory().total)
