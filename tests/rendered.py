"""People rendered once for all tests of a process: most of the time of short runs and small data sets goes into them.
Likewise MoveNet looks at equal pictures once.

The tests of the renderer itself (`tests/synthetic`, `tests/gpu`) render anew, those of estimators look anew.
"""

import functools
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from reposer.core import Pose
from reposer.core.shipped import SHIPPED
from reposer.estimators import movenet
from reposer.synthetic.people import SyntheticClips, SyntheticFaceClips, SyntheticPeople

_OPENED: dict[str, Any] = {}
_RENDERED_ANEW, _LOOKED_ANEW = ("synthetic", "gpu"), ("estimators",)
_render_anew = _look_anew = False


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


def keep_estimates() -> None:
    """From now on the shipped networks of MoveNet are opened once, and an equal picture is looked at once."""
    opened: dict[Any, _Remembering] = {}
    plain = movenet.open_session

    def once(path: Any, providers: Any, **options: Any) -> Any:
        if path.parent != SHIPPED:
            return plain(path, providers, **options)
        address = path, torch.get_num_threads()
        if address not in opened:
            opened[address] = _Remembering(plain(path, providers, **options))
        return opened[address]

    movenet.open_session = once


class _Remembering:
    """A session of onnxruntime with one input."""

    def __init__(self, session: Any) -> None:
        self.get_inputs, self._run = session.get_inputs, session.run
        self._kept: dict[bytes, list[np.ndarray]] = {}

    def run(self, outputs: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        if _look_anew:
            return self._run(outputs, inputs)
        (picture,) = inputs.values()
        address = hashlib.sha256(picture.tobytes()).digest()
        if address not in self._kept:
            self._kept[address] = self._run(outputs, inputs)
        return [output.copy() for output in self._kept[address]]


def begin_test(folders: tuple[str, ...]) -> None:
    """Whether the test that comes, in these folders of `tests`, is one of the renderer or of an estimator."""
    global _render_anew, _look_anew
    _render_anew = any(folder in folders for folder in _RENDERED_ANEW)
    _look_anew = any(folder in folders for folder in _LOOKED_ANEW)


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
        if _render_anew:
            return plain(*arguments, **options)
        address = key(*arguments, **options)
        if address not in kept:
            kept[address] = plain(*arguments, **options)
        kept.move_to_end(address)
        if len(kept) > limit:
            kept.popitem(last=False)
        return copied(kept[address])

    setattr(kind, name, once)
