"""Views with their truth, for training on true flow: written once, read through memory maps.

A folder holds files `people-NNNNNN.safetensors` of CHUNK people each; a person is seen in VIEWS views, and the true flow between
any two of them is there. A file appears whole or not at all, so several processes may write one folder, and reading may begin
before writing ends.
"""

import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from reposer.core.skeleton import OPENPOSE_18

from .drawing import Drawing
from .people import FIRST_NUMBER, SyntheticPeople

CHUNK = 16
VIEWS = 4
SIZE = (256, 192)
"""(height, width) of the pictures; parts and flow are kept at half of it."""


def render_views(people: SyntheticPeople, number: int) -> dict[str, Tensor]:
    """What is true of person `number` in VIEWS views. V views, h x w half of the pictures' size.

    person (V, H, W, 4): RGB times coverage, and coverage, uint8. backdrop (H, W, 3): behind view 0, uint8.
    parts (V, h, w): indices into PARTS, uint8. surface (V, 3, h, w): places on the body at rest, float16, 0 without a person.
    xy (V, K, 2), seen (V, K), found (V, K): OPENPOSE_18 joints, truly in sight, and found by a detector.
    flow (V, V, 2, h, w): float16, from [source] to [target] in pixels of the full size, 0 where the target shows nobody;
    visible (V, V, h, w): whether the source shows that point.
    """
    drawing = people.drawn([(number, view) for view in range(VIEWS)])
    exact = drawing.poses[OPENPOSE_18.name]
    flow, visible = _flows(drawing)
    return {
        "person": drawing.person,
        "backdrop": drawing.backdrop[0],
        "parts": _half(drawing.parts),
        "surface": _half(drawing.surface).nan_to_num(0.0).half(),
        "xy": exact.xy.float(),
        "seen": exact.visible,
        "found": drawing.detected.visible,
        "flow": flow,
        "visible": visible,
    }


def _half(a: Tensor) -> Tensor:
    """Every second pixel: maps show a pixel's bottom-right quarter, which is a quarter of a pixel from the coarse centre."""
    return a[..., ::2, ::2].contiguous()


def _flows(drawing: Drawing) -> tuple[Tensor, Tensor]:
    h, w = drawing.parts.shape[1] // 2, drawing.parts.shape[2] // 2
    flows = torch.zeros(len(drawing), len(drawing), 2, h, w, dtype=torch.float16)
    visible = torch.zeros(len(drawing), len(drawing), h, w, dtype=torch.bool)
    for source in range(len(drawing)):
        for target in range(len(drawing)):
            if source == target:
                visible[source, target] = _half(drawing.parts[target]) > 0
                continue
            flow, shown = drawing.flow(source, target)
            flows[source, target] = _half(flow).nan_to_num(0.0).clamp(-1000, 1000).half()
            visible[source, target] = _half(shown)
    return flows, visible


def write_chunk(folder: Path, chunk: int, *, seed: int = 0, split: str = "train") -> Path:
    """People CHUNK * chunk and the following ones of a split as one file."""
    people = SyntheticPeople(SIZE, split, seed=seed)
    first = FIRST_NUMBER[people._split] + chunk * CHUNK
    rows = [render_views(people, first + i) for i in range(CHUNK)]
    path = folder / f"people-{chunk:06d}.safetensors"
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    save_file({name: torch.stack([row[name] for row in rows]) for name in rows[0]}, unfinished)
    unfinished.replace(path)
    return path
