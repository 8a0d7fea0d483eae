"""Market-1501 in the layout of PATN and GFLA."""

from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Framing, Pose, Sample, Skeleton
from reposer.core.framing import in_frame
from reposer.core.images import from_uint8
from reposer.core.rng import numpy_stream
from reposer.core.skeleton import OPENPOSE_18

from .dataset import CACHE_BYTES, DATASETS, Asked, FilePairs, PairRow, PictureMemory, SplitFiles, check_pairs, sole_file
from .lists import first_existing, read_annotation, read_pairs, refuse_outside
from .moves import move_pictures, random_move
from .pairs import market_identity

SPLITS = ("train", "val", "test")
SIZE = (128, 64)
ASPECT_TOLERANCE = 0.02
# Largest random move of a source picture: degrees, pixels, scale.
ANGLE, SHIFT, SCALE = 5.0, 5.0, 0.05
# Shares of it for a target, which is never scaled.
TARGET_ANGLE, TARGET_SHIFT = 0.2, 0.5
GREY = float(from_uint8(torch.full((1, 1, 3), 128, dtype=torch.uint8))[0, 0, 0])


def has_market_shape(size: tuple[int, int]) -> bool:
    """Whether (height, width) has the shape of a 128x64 picture."""
    return abs(size[1] / size[0] * SIZE[0] / SIZE[1] - 1) <= ASPECT_TOLERANCE


@DATASETS.register("market1501")
class Market1501(FilePairs):
    """Market-1501, 128x64: pictures by split, market-annotation-SPLIT.csv, market-pairs-SPLIT.csv.

    Pictures are in `ROOT/{train,test}/` or in the original's `bounding_box_{train,test}/`.

    augment: `sample` moves each of the two pictures by its own small affine map and fills with grey.
    """

    looks_for = "market-annotation-{train,test}.csv beside folders train and test"
    picture_size = SIZE

    def __init__(
        self,
        root: Path | str,
        split: str,
        framing: Framing | None = None,
        augment: bool = False,
        *,
        skeleton: Skeleton = OPENPOSE_18,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.root, self.split, self.framing, self.augment = Path(root), split, framing, augment
        self.memory = PictureMemory(cache_bytes)
        files = self.files(self.root, split)
        annotation = sole_file(files.annotations, self.root, f"market-annotation-{split}.csv", self.looks_for)
        pairs_path = sole_file(files.pairs, self.root, f"market-pairs-{split}.csv", self.looks_for)
        poses = read_annotation(annotation, frame=SIZE)
        refuse_outside(annotation, poses)
        self.poses = poses.convert(skeleton)
        pairs = read_pairs(pairs_path)
        self.pictures = files.pictures or self.root / split
        check_pairs(pairs_path, pairs, self.poses, self.pictures)
        self.rows = [PairRow(source, target, self.identity_of(source) or source) for source, target in pairs]

    @staticmethod
    def identity_of(name: str) -> str | None:
        return market_identity(name)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        return any(cls.files(root, split).annotations for split in SPLITS)

    @classmethod
    def open(cls, root: Path, split: str, framing: Framing | None, asked: Asked) -> "Market1501":
        return cls(root, split, framing, asked.augment, skeleton=asked.skeleton)

    @staticmethod
    def files(root: Path, split: str) -> SplitFiles:
        """The existing files of a split."""
        lists = [
            (path,) if (path := root / f"market-{kind}-{split}.csv").is_file() else ()
            for kind in ("annotation", "pairs")
        ]
        return SplitFiles(lists[0], lists[1], first_existing(root, [split, f"bounding_box_{split}"]))

    def picture_path(self, name: str) -> Path:
        return self.pictures / name

    def picture(self, name: str) -> UInt8[Tensor, "h w 3"]:
        picture = super().picture(name)
        if not has_market_shape((picture.shape[0], picture.shape[1])):
            raise BadInput(
                f"{self.picture_path(name)} is {picture.shape[0]}x{picture.shape[1]} pixels (height x width); the "
                f"pictures of Market-1501 are {SIZE[0]}x{SIZE[1]}, and where the joints lie in one of another shape is "
                "not known."
            )
        return picture

    def sample(self, i: int, seed: int) -> Sample:
        sample = self[i]
        if not self.augment:
            return sample
        assert isinstance(sample.source_pose, Pose) and isinstance(sample.target_pose, Pose)
        stream = numpy_stream(seed)
        shift, target_shift = (SHIFT, SHIFT), (TARGET_SHIFT * SHIFT, TARGET_SHIFT * SHIFT)
        source_move = random_move(stream, SIZE, ANGLE, shift, SCALE)
        target_move = random_move(stream, SIZE, TARGET_ANGLE * ANGLE, target_shift, 0.0)
        source_move, target_move = (in_frame(m, self.framing, SIZE) for m in (source_move, target_move))
        return replace(
            sample,
            source=move_pictures(sample.source, source_move, GREY),
            target=move_pictures(sample.target, target_move, GREY),
            source_pose=sample.source_pose.affine(source_move, sample.source_pose.size),
            target_pose=sample.target_pose.affine(target_move, sample.target_pose.size),
        )
