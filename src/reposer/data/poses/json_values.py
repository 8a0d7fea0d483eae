"""JSON files, and the values that poses and tracks in them are made of."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from reposer.core import BadInput, Pose, Skeleton

from ..files import read_text


def read_json(path: Path) -> Any:
    try:
        return json.loads(read_text(path, "a JSON file"))
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{path} is not JSON (line {error.lineno}, column {error.colno}: {error.msg})."
        ) from None


def size_in(path: Path, size: Any) -> tuple[int, int]:
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(s, int) and s > 0 for s in size)):
        raise BadInput(f"{path} has the size {size}; [height, width] in whole pixels was expected.")
    return size[0], size[1]


def pose_of_rows(
    rows: Float[np.ndarray, "*T K 3"],
    visible: Bool[np.ndarray, "*T K"],
    size: tuple[int, int],
    skeleton: Skeleton,
    scored: bool,
) -> Pose:
    score = torch.from_numpy(rows[..., 2].clip(0, 1).copy()) if scored else None
    return Pose(torch.from_numpy(rows[..., :2].copy()), torch.from_numpy(visible), size, skeleton, score)


def finite(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and math.isfinite(v) for v in values)
