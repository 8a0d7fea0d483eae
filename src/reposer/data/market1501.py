"""Market-1501 in the form of PATN and GFLA."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import BadInput, Framing, Pose, Sample
from reposer.core.pose import rotation_about
from reposer.core.rng import numpy_stream

from .dataset import DATASETS
from .files import read_annotation, read_pairs
from .listed import ListedPairs, find_list

SIZE = (128, 64)
ANGLE, SHIFT, SCALE = 5.0, 5.0, 0.05  # degrees, pixels, share: how far a source picture is moved at most
TARGET_ANGLE, TARGET_SHIFT = 0.2, 0.5  # a target is moved by these shares of it, and never scaled


@DATASETS.register("market1501")
class Market1501(ListedPairs):
    """Market-1501 (128x64): `{train,test}/`, market-annotation-SPLIT.csv, market-pairs-SPLIT.csv.

    augment: training draws move each picture by a small affine map of its own (spec 2.3), mid-grey outside.
    """

    augments: ClassVar[bool] = True

    def __init__(self, root: Path, split: str, framing: Framing | None = None, *, augment: bool = False) -> None:
        annotation = find_list(root, "annotation", split, ("market",))
        pairs = find_list(root, "pairs", split, ("market",))
        if annotation is None or pairs is None:
            kind = "annotation" if annotation is None else "pairs"
            raise BadInput(f"{root} has no market-{kind}-{split}.csv.")
        super().__init__(root, split, framing, read_pairs(pairs), read_annotation(annotation, SIZE), SIZE, pairs)
        self.augment = augment

    def draw(self, i: int, seed: int) -> Sample:
        sample = self[i]
        if not self.augment or not isinstance(sample.source_pose, Pose) or not isinstance(sample.target_pose, Pose):
            return sample
        stream = numpy_stream(seed)
        source_move = _move(stream, sample.source_pose.size, 1.0, 1.0, SCALE)
        target_move = _move(stream, sample.target_pose.size, TARGET_ANGLE, TARGET_SHIFT, 0.0)
        return replace(
            sample,
            source=move_picture(sample.source, source_move),
            target=move_picture(sample.target, target_move),
            source_pose=sample.source_pose.affine(source_move, sample.source_pose.size),
            target_pose=sample.target_pose.affine(target_move, sample.target_pose.size),
        )


def _move(stream, size: tuple[int, int], angle: float, shift: float, scale: float) -> Float[Tensor, "2 3"]:  # type: ignore[no-untyped-def]
    """A random rotation and scale about the picture's centre, then a shift."""
    centre = ((size[1] - 1) / 2, (size[0] - 1) / 2)
    turn = angle * stream.uniform(-ANGLE, ANGLE)
    x, y = shift * stream.uniform(-SHIFT, SHIFT, 2)
    return rotation_about(centre, float(turn), float(stream.uniform(1 - scale, 1 + scale)), (float(x), float(y)))


def move_picture(picture: Float[Tensor, "3 H W"], matrix: Float[Tensor, "2 3"]) -> Float[Tensor, "3 H W"]:
    """The picture moved by `matrix` (source pixel to drawn pixel): nearest pixel, mid-grey where there is none."""
    height, width = picture.shape[1:]
    inverse = torch.linalg.inv(torch.cat([matrix.double(), torch.tensor([[0.0, 0.0, 1.0]])]))
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)], -1).double() @ inverse.T
    column, row = places[..., 0].round().long(), places[..., 1].round().long()
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    drawn = picture[:, row.clamp(0, height - 1), column.clamp(0, width - 1)]
    return torch.where(inside, drawn, 1 / 255)  # the byte 128
