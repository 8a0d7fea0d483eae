"""Ground truth of a pair of pictures, as a renderer knows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

PARTS = (
    "background",
    "hair",
    "face",
    "neck",
    "torso",
    "hips",
    "skirt",
    "right_upper_arm",
    "right_lower_arm",
    "right_hand",
    "left_upper_arm",
    "left_lower_arm",
    "left_hand",
    "right_upper_leg",
    "right_lower_leg",
    "right_shoe",
    "left_upper_leg",
    "left_lower_leg",
    "left_shoe",
    "outer",
)
"""Labels of a rendered person's pixels."""


@dataclass(frozen=True)
class Truth:
    """For B pairs, or without the first axis for one. h x w is half of the pictures' size.

    place: (x, y) in pixels of the source of the point that each pixel of the target shows; visible: whether the source
    shows it.
    Both are meaningful where `target_parts` is above 0. parts: indices into PARTS.
    surface: where on the body at rest a pixel's point lies, in statures.
    target_coverage: of the person, from 0 to 1. background: the scene behind the person in both pictures, in [-1, 1].
    """

    place: Float[Tensor, "*B 2 h w"]
    visible: Bool[Tensor, "*B h w"]
    source_parts: Int64[Tensor, "*B h w"]
    target_parts: Int64[Tensor, "*B h w"]
    source_surface: Float[Tensor, "*B 3 h w"]
    target_surface: Float[Tensor, "*B 3 h w"]
    target_coverage: Float[Tensor, "*B 1 H W"]
    background: Float[Tensor, "*B 3 H W"]

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Truth":
        return Truth(*(change(getattr(self, field.name)) for field in fields(self)))

    def to(self, device: torch.device | str) -> "Truth":
        return self._each(lambda values: values.to(device))

    def __getitem__(self, row: int | slice) -> "Truth":
        return self._each(lambda values: values[row])

    @staticmethod
    def stack(rows: Sequence["Truth"]) -> "Truth":
        return Truth(*(torch.stack([getattr(r, field.name) for r in rows]) for field in fields(Truth)))
