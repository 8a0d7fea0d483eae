"""Poses by name (`--pose arms-up`): the synthetic people's, from a file, since data knows no renderer
(`scripts/presets.py` writes it)."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from reposer.core import SKELETONS, BadInput, Pose

OF_ARMS = frozenset(
    {
        *("arms-up", "arms-wide", "arms-crossed", "hands-on-hips", "hand-on-hip", "waving"),
        *("on-the-phone", "thinking", "reaching"),
    }
)
"""Presets that are about the arms: whoever takes one need not stand otherwise for it."""
_FILE = Path(__file__).parent / "presets.json"


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return content


def preset_names() -> Sequence[str]:
    """The names of all presets."""
    return list(_content()["poses"])


def preset(name: str) -> Pose:
    """The joints of the named pose, of an average body; joints of the face that are turned away are missing."""
    content = _content()
    if name not in content["poses"]:
        raise BadInput(f"There is no pose of the name '{name}'; there are {', '.join(content['poses'])}.")
    places = content["poses"][name]
    height, width = content["size"]
    return Pose(
        torch.tensor([place or (0.0, 0.0) for place in places]),
        torch.tensor([place is not None for place in places]),
        (height, width),
        SKELETONS[content["skeleton"]],
    )
