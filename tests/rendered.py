"""People rendered once for all tests of a process: most of the time of short runs and small data sets goes into them.

The tests of the renderer itself (`tests/synthetic`, `tests/gpu`) render anew.
"""

import functools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reposer.core import Pose
from reposer.synthetic.people import SyntheticClips, SyntheticFaceClips, SyntheticPeople

_OPENED: dict[str, Any] = {}
_ANEW = ("synthetic", "gpu")
_anew = False


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


def keep_renderings() -> None:
    """From now on equal people in equal views are rendered once."""
    _keep(SyntheticPeople, "_person", 24, lambda data, number: (data.seed, data.size, number), lambda person: person)
    _keep(SyntheticPeople, "rendered", 64, _views, _copied)
    for kind in (SyntheticClips, SyntheticFaceClips):
        _keep(kind, "rendered", 200, _frames, lambda frames: [tuple(t.clone() for t in frame) for frame in frames])


def render_anew(folders: tuple[str, ...]) -> None:
    """Whether the test that comes, in these folders of `tests`, is one of the renderer."""
    global _anew
    _anew = any(folder in folders for folder in _ANEW)


def _views(data: Any, views: Any, device: Any = "cpu") -> Any:
    return data.seed, data.size, data.misses, tuple(views), str(device)


def _frames(clips: Any, i: int, frames: Any) -> Any:
    people = clips.people
    return type(clips), people.seed, people.misses, clips.size, clips.rate, clips.number(i), tuple(frames)


def _copied(rendering: Any) -> Any:
    """What tests change of it is their own."""
    poses = {name: _own(pose) for name, pose in rendering.poses.items()}
    return replace(rendering, picture=rendering.picture.clone(), detected=_own(rendering.detected), poses=poses)


def _own(pose: Pose) -> Pose:
    return replace(pose, xy=pose.xy.clone(), visible=pose.visible.clone())


def _keep(kind: type, name: str, limit: int, key: Callable[..., Any], copied: Callable[[Any], Any]) -> None:
    plain = getattr(kind, name)
    kept: OrderedDict[Any, Any] = OrderedDict()

    @functools.wraps(plain)
    def once(*arguments: Any, **options: Any) -> Any:
        if _anew:
            return plain(*arguments, **options)
        address = key(*arguments, **options)
        if address not in kept:
            kept[address] = plain(*arguments, **options)
        kept.move_to_end(address)
        if len(kept) > limit:
            kept.popitem(last=False)
        return copied(kept[address])

    setattr(kind, name, once)
