"""Views with ground truth, for training on true flow: written once, read through memory maps.

A folder has files `SPLIT-NNNNNN.safetensors` of CHUNK people each, with VIEWS views per person and the true flow
between any two of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from reposer.core import BadInput
from reposer.core.choices import Engine
from reposer.core.skeleton import OPENPOSE_18

from .dataset import SyntheticPeople
from .drafts import Piece, Record, write_in_pieces
from .render.rendering import Rendering

CHUNK = 16
VIEWS = 4
BYTES_A_PIXEL = 46
"""Of a person in `render_views`, for each pixel of a picture: 19 of pictures, 7 of maps and 20 of flows."""
BYTES_A_PIXEL_BEHIND = 7
"""Of a person in `render_first_view`."""


def render_views(people: SyntheticPeople, number: int) -> dict[str, Tensor]:
    """Ground truth of person `number` in VIEWS views. V views, h x w half of the pictures' size.

    Maps are at half of the pictures' size, h x w.

    person (V, H, W, 4): RGB times coverage, and coverage, uint8. backdrop (H, W, 3): behind view 0, uint8.
    parts (V, h, w): indices into PARTS, uint8. surface (V, 3, h, w): positions on the body at rest, float16, 0 without
    a person.
    xy (V, K, 2), seen (V, K), found (V, K): OPENPOSE_18 joints, whether truly visible, whether found by a detector.
    flow (V, V, 2, h, w): float16, from [source] to [target] in pixels of the full size, 0 where the target shows no
    person; visible (V, V, h, w): whether the source shows that point.
    """
    rendering = people.rendered([(number, view) for view in range(VIEWS)])
    exact = rendering.poses[OPENPOSE_18.name]
    flow, visible = _flows(rendering)
    return {
        "person": rendering.person,
        "backdrop": rendering.backdrop[0],
        "parts": _half(rendering.parts),
        "surface": _half(rendering.surface).nan_to_num(0.0).half(),
        "xy": exact.xy.float(),
        "seen": exact.visible,
        "found": rendering.detected.visible,
        "flow": flow,
        "visible": visible,
    }


def render_first_view(people: SyntheticPeople, number: int) -> dict[str, Tensor]:
    """`person`, of one view, and `backdrop` of `render_views`, in a quarter of its time."""
    rendering = people.rendered([(number, 0)])
    return {"person": rendering.person, "backdrop": rendering.backdrop[0]}


def _half(a: Tensor) -> Tensor:
    """Every second pixel: maps sample a pixel's bottom-right quarter, a quarter of a pixel from the coarse centre."""
    return a[..., ::2, ::2].contiguous()


def _flows(rendering: Rendering) -> tuple[Tensor, Tensor]:
    h, w = rendering.parts.shape[1] // 2, rendering.parts.shape[2] // 2
    flows = torch.zeros(len(rendering), len(rendering), 2, h, w, dtype=torch.float16)
    visible = torch.zeros(len(rendering), len(rendering), h, w, dtype=torch.bool)
    for source in range(len(rendering)):
        for target in range(len(rendering)):
            if source == target:
                visible[source, target] = _half(rendering.parts[target]) > 0
                continue
            flow, shown = rendering.flow(source, target)
            flows[source, target] = _half(flow).nan_to_num(0.0).clamp(-1000, 1000).half()
            visible[source, target] = _half(shown)
    return flows, visible


def write_views(
    root: Path | str,
    *,
    size: tuple[int, int] = (256, 192),
    num_train: int = 1600,
    num_val: int = 0,
    num_test: int = 0,
    seed: int = 0,
    workers: int = 2,
    engine: Engine = "local",
    progress: bool = True,
) -> Path:
    """Write the views of each split's first people to `root`, in files of CHUNK people: 2.3 MB per person at 256x192.

    root: a folder that does not exist yet. It appears whole or not at all; the same call resumes where it stopped.
    num_train, num_val, num_test: number of people, rounded up to whole files.
    engine: as in `write_people`.
    """
    if min(size) < 16 or size[0] % 2 or size[1] % 2:
        raise BadInput(f"Views with their truth have even sides of at least 16 pixels, not {size[0]}x{size[1]}.")
    counts = {"train": num_train, "val": num_val, "test": num_test}
    pieces = []
    for split, people in counts.items():
        numbers = SyntheticPeople(size, split, max(1, -(-people // CHUNK) * CHUNK), seed)  # refuses more than there are
        for chunk in range(-(-people // CHUNK)):
            own = tuple(numbers.identity_number(chunk * CHUNK + i) for i in range(CHUNK))
            pieces.append(Piece(chunk_name(split, chunk), own, split, CHUNK * VIEWS))
    if not pieces:
        raise BadInput("No people were asked for: name at least one of a split.")
    about = {"size": f"{size[0]}x{size[1]}", "seed": str(seed)}
    arguments = {"people": counts, **about, "licence": "CC0-1.0"}
    write = _Chunks(size, seed)
    return write_in_pieces(
        root, pieces, write, write.finish, arguments=arguments, workers=workers, engine=engine, progress=progress
    )


@dataclass(frozen=True)
class _Chunks:
    """Writes a file of CHUNK people."""

    size: tuple[int, int]
    seed: int

    def __call__(self, draft: Path, piece: Piece) -> Record:
        people = SyntheticPeople(self.size, piece.split, seed=self.seed)
        rows = [render_views(people, number) for number in piece.people]
        about = {"size": f"{self.size[0]}x{self.size[1]}", "seed": str(self.seed)}
        save_file({name: torch.stack([row[name] for row in rows]) for name in rows[0]}, draft / piece.name, about)
        return {"split": piece.split}

    def finish(self, draft: Path, records: Mapping[str, Record]) -> None:
        """Nothing to do."""


def chunk_name(split: str, chunk: int) -> str:
    return f"{split}-{chunk:06d}.safetensors"


class ViewFiles:
    """People of a folder of `write_views`, read through memory maps: those present when it is opened."""

    def __init__(self, folder: Path, size: tuple[int, int], split: str, seed: int) -> None:
        self.folder, self.split = folder, split
        count = 0
        while (folder / chunk_name(split, count)).is_file():
            count += 1
        if not count:
            raise BadInput(
                f"{folder} has no views of the split '{split}' ({chunk_name(split, 0)} is missing). "
                f"`reposer data views FOLDER --people N` renders them (--val-people, --test-people)."
            )
        self.count = count
        with self._open(0) as file:
            about = file.metadata() or {}
        wanted = {"size": f"{size[0]}x{size[1]}", "seed": str(seed)}
        if about != wanted:
            raise BadInput(f"{folder} holds views of {about}, and {wanted} were expected.")

    def __len__(self) -> int:
        return self.count * CHUNK

    def _open(self, chunk: int) -> Any:
        return safe_open(self.folder / chunk_name(self.split, chunk), "pt")

    def person(self, i: int) -> dict[str, Tensor]:
        """The result of `render_views` for the split's person i."""
        with self._open(i // CHUNK) as file:
            return {name: file.get_slice(name)[i % CHUNK] for name in file.keys()}  # noqa: SIM118 (no mapping)
