"""SyntheticObjects: pairs of views of one synthetic object, rendered on the fly from a seed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import BadInput, Framing, Sample, View
from reposer.core.framing import frame_picture
from reposer.core.images import from_uint8
from reposer.core.rng import numpy_stream
from reposer.core.view import HELD_OUT
from reposer.data.dataset import DATASETS, PairDataset, PairRow, PictureMemory
from reposer.data.view_pairs import Rows, all_views, as_view, read_view_name, rows_of

from .cars import car
from .chairs import chair
from .mesh import Part, join
from .render import WHITE, LitObject, RenderedObject


@dataclass(frozen=True)
class ObjectKind:
    """word: name of one such object; address: of its random streams; make: samples its parts from a stream."""

    word: str
    address: int
    make: Callable[[np.random.Generator], list[Part]]


KINDS = {"chairs": ObjectKind("chair", 1, chair), "cars": ObjectKind("car", 2, car)}
# First and last number of each split (the last is excluded); the ranges are disjoint.
NUMBERS = {"train": (0, 900_000), "val": (900_000, 950_000), "test": (950_000, 1_000_000)}
SPLITS = {**NUMBERS, HELD_OUT: NUMBERS["train"]}  # this split excludes azimuths, not objects
_SHAPE, _BACKDROP = 11, 12
KEPT_OBJECTS = 32  # cached lit objects, per process

Background = Literal["white", "plain"]


@DATASETS.register("synthetic-objects")
class SyntheticObjects(PairDataset):
    """Chairs and cars rendered on the fly from a seed: pairs of views of one object.

    In the split train, pair i shows view i modulo 54 of object i // 54 (18 azimuths times 3 elevations) and the same
    object from a random azimuth; `sample` picks another. In the split held-out each training view is turned to every
    held-out azimuth, at its own elevation. In other splits each object is turned from one azimuth to all 18, at
    elevation 0. An object depends on (seed, kind, number) only; splits share no numbers.

    kind: one of KINDS. size: (height, width) of the rendered pictures, in pixels.
    framing: how they are placed in a generator's frame; None leaves them as rendered.
    background: "white", or "plain": a quiet colour of the object's own.
    hold_out: exclude every n-th azimuth of the training objects from the split train; 0 = none.
    """

    def __init__(
        self,
        kind: str = "chairs",
        size: tuple[int, int] = (256, 256),
        split: str = "train",
        num_objects: int = 500,
        seed: int = 0,
        framing: Framing | None = None,
        *,
        background: Background = "white",
        hold_out: int = 0,
    ) -> None:
        if kind not in KINDS:
            raise BadInput(f"There are no synthetic '{kind}'; there are {', '.join(KINDS)}.")
        if split not in SPLITS:
            raise BadInput(f"There is no split '{split}' of synthetic objects; there are {', '.join(SPLITS)}.")
        first, last = SPLITS[split]
        if not 0 < num_objects <= last - first:
            raise BadInput(
                f"The split '{split}' of synthetic objects holds 1 to {last - first} objects, not {num_objects}."
            )
        self.kind, self.size, self.split, self.num_objects, self.seed = kind, size, split, num_objects, seed
        self.framing, self.picture_size, self.background = framing, size, background
        self.models = [self.model_name(first + k) for k in range(num_objects)]
        self.rows: Rows = rows_of(split, all_views(self.models), self.models, hold_out)
        self.memory = PictureMemory()
        self._lit: dict[int, LitObject] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Sample:
        if not -len(self) <= i < len(self):
            raise IndexError(f"pair {i} of {len(self)}")
        return self._sample(self.rows[i % len(self)])

    def sample(self, i: int, seed: int) -> Sample:
        """Pair i with a target sampled by `seed` (in the split train)."""
        return self._sample(self.rows.sampled(i % len(self), seed))

    def identity(self, i: int) -> str:
        row: PairRow = self.rows[i % len(self)]
        return row.identity

    def model_name(self, number: int) -> str:
        """E.g. chair000007, without '_', which separates the view in published lists."""
        return f"{KINDS[self.kind].word}{number:06d}"

    def lit(self, number: int) -> LitObject:
        """Object `number` of this kind, lit."""
        if number not in self._lit:
            kind = KINDS[self.kind]
            while len(self._lit) >= KEPT_OBJECTS:
                self._lit.pop(next(iter(self._lit)))
            self._lit[number] = LitObject(join(kind.make(numpy_stream(self.seed, _SHAPE, kind.address, number))))
        return self._lit[number]

    def picture(self, number: int, azimuth: float, elevation: float) -> RenderedObject:
        """Object `number` from any azimuth and elevation, in degrees, as rendered (not framed)."""
        colour = WHITE
        if self.background == "plain":
            stream = numpy_stream(self.seed, _BACKDROP, KINDS[self.kind].address, number)
            r, g, b = np.clip(stream.uniform(0.62, 0.94) + stream.normal(0, 0.035, 3), 0, 1)
            colour = (float(r), float(g), float(b))
        return self.lit(number).render(azimuth, elevation, self.size, colour)

    def _sample(self, row: PairRow) -> Sample:
        source, source_view = self._framed(row.source_name)
        target, target_view = self._framed(row.target_name)
        return Sample(source, target, source_view, target_view, f"{row.source_name}_2_{row.target_name}")

    def _framed(self, name: str) -> tuple[Float[Tensor, "3 H W"], View]:
        model, azimuth, elevation = read_view_name(name)
        number = int(model.removeprefix(KINDS[self.kind].word))

        def make() -> Tensor:
            rendered = torch.from_numpy(self.picture(number, azimuth, elevation).picture)
            return frame_picture(from_uint8(rendered), self.framing)

        return self.memory.get(name, make), as_view(azimuth, elevation)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_lit": {}}  # workers build their own
