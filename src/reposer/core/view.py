"""The direction of a camera around an object."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

AZIMUTH_STEP = 20
AZIMUTHS = tuple(range(0, 360, AZIMUTH_STEP))
"""Azimuths of the published sets of views, in degrees; networks with one-hot views support only these."""
ELEVATIONS = (0, 10, 20)
"""Elevations of the published sets of views, in degrees."""
HELD_OUT = "held-out"
"""The split of the training objects' views from azimuths that training never sees."""
EVERY_THIRD = 3
"""Our recipes exclude every third azimuth from training."""


@dataclass(frozen=True)
class View:
    """A camera's direction, in degrees.

    azimuth: around the object, counter-clockwise seen from above; 0 is the data set's own front.
    elevation: above the horizon.
    """

    azimuth: Float[Tensor, "*B"]
    elevation: Float[Tensor, "*B"]

    def to(self, device: torch.device | str) -> "View":
        return replace(self, azimuth=self.azimuth.to(device), elevation=self.elevation.to(device))

    def __getitem__(self, row: int | slice | Tensor) -> "View":
        return replace(self, azimuth=self.azimuth[row], elevation=self.elevation[row])

    def __len__(self) -> int:
        assert self.azimuth.dim() > 0, "a single view has no rows"
        return self.azimuth.shape[0]

    def __iter__(self) -> "Iterator[View]":
        """The rows of a batch, one view at a time."""
        return (self[row] for row in range(len(self)))

    @staticmethod
    def stack(views: "Sequence[View]") -> "View":
        return View(torch.stack([v.azimuth for v in views]), torch.stack([v.elevation for v in views]))
