"""Where a camera stands around an object."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor


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

    def __getitem__(self, row: int | slice) -> "View":
        return replace(self, azimuth=self.azimuth[row], elevation=self.elevation[row])

    @staticmethod
    def stack(views: "list[View]") -> "View":
        return View(torch.stack([v.azimuth for v in views]), torch.stack([v.elevation for v in views]))
