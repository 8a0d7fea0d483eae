"""Data sets that recipes of one process share: most of the time of short runs goes into rendering people."""

import functools
from typing import Any

import pytest

_OPENED: dict[str, Any] = {}


def opened_once(kind: type, patch: pytest.MonkeyPatch) -> None:
    """Equal data configs of this `kind` open one data set from now on, which renders each sample once."""
    plain: Any = kind.open  # type: ignore[attr-defined]

    def shared(self: Any, framing: Any, split: str | None = None) -> Any:
        key = repr((self, framing, split))
        if key not in _OPENED:
            _OPENED[key] = plain(self, framing, split)
            _OPENED[key].sample = functools.cache(_OPENED[key].sample)
        return _OPENED[key]

    patch.setattr(kind, "open", shared)
