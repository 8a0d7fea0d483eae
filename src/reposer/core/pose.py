"""The positions of a person's joints in a picture, and how they move when the picture is transformed."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .skeleton import DERIVED_JOINTS, OPENPOSE_18, Skeleton

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixel edges."""
Edges = tuple[int, int, int, int]
"""(left, top, right, bottom) in whole pixels: the first ones inside, and the first ones outside."""


@dataclass(frozen=True)
class Pose:
    """Joint positions in pixels of a picture of `size`.

    xy: x to the right, y down; (0, 0) is the centre of the top-left pixel.
    visible: False where the joint was not found; its xy is then meaningless. True also for joints outside the frame.
    score: the detector's confidence in [0, 1], if known.
    size: (height, width) of the picture, in pixels.
    """

    xy: Float[Tensor, "*B K 2"]
    visible: Bool[Tensor, "*B K"]
    size: tuple[int, int]
    skeleton: Skeleton = OPENPOSE_18
    score: Float[Tensor, "*B K"] | None = None

    def __post_init__(self) -> None:
        assert self.xy.shape[:-1] == self.visible.shape, (self.xy.shape, self.visible.shape)
        assert self.xy.shape[-2] == len(self.skeleton), (self.xy.shape, self.skeleton.name)

    def to(self, device: torch.device | str) -> "Pose":
        score = None if self.score is None else self.score.to(device)
        return replace(self, xy=self.xy.to(device), visible=self.visible.to(device), score=score)

    def __getitem__(self, row: "int | slice | Tensor | tuple[slice | int, ...]") -> "Pose":
        """Rows of a batch of poses (for clips: `poses[:, t]`), with all joints."""
        assert self.xy.dim() > 2, "a single pose has no rows"
        score = None if self.score is None else self.score[row]
        return replace(self, xy=self.xy[row], visible=self.visible[row], score=score)

    def __len__(self) -> int:
        assert self.xy.dim() > 2, "a single pose has no rows"
        return self.xy.shape[0]

    def __iter__(self) -> "Iterator[Pose]":
        """The rows of a batch, one pose at a time."""
        return (self[row] for row in range(len(self)))

    @staticmethod
    def stack(poses: "Sequence[Pose]") -> "Pose":
        """A batch of poses of one size and skeleton. Scores are kept if every pose has them."""
        first = poses[0]
        assert all(p.size == first.size and p.skeleton == first.skeleton for p in poses)
        scores = [p.score for p in poses if p.score is not None]
        return replace(
            first,
            xy=torch.stack([p.xy for p in poses]),
            visible=torch.stack([p.visible for p in poses]),
            score=torch.stack(scores) if len(scores) == len(poses) else None,
        )

    def affine(self, matrix: Float[Tensor, "2 3"], size: tuple[int, int]) -> "Pose":
        """Every joint p becomes `matrix @ (x, y, 1)`, in a picture of the new `size`."""
        matrix = matrix.to(self.xy)
        return replace(self, xy=self.xy @ matrix[:, :2].T + matrix[:, 2], size=size)

    def resize(self, size: tuple[int, int]) -> "Pose":
        """The pose in the picture resized to `size`."""
        scale = self.xy.new_tensor([size[1] / self.size[1], size[0] / self.size[0]])
        return replace(self, xy=(self.xy + 0.5) * scale - 0.5, size=size)  # pixel corners stay aligned, not centres

    def crop(self, box: Box) -> "Pose":
        """The pose in the picture cut to `box` = (left, top, right, bottom) in pixel edges; it may exceed the frame."""
        left, top, right, bottom = box
        shift = self.xy.new_tensor([left + 0.5, top + 0.5])
        return replace(self, xy=self.xy - shift, size=(round(bottom - top), round(right - left)))

    def cut(self, edges: Edges) -> "Pose":
        """The pose in the part of the picture inside these edges, which may exceed it."""
        left, top, right, bottom = edges
        return self.crop((left - 0.5, top - 0.5, right - 0.5, bottom - 0.5))

    def flip(self) -> "Pose":
        """The pose in the mirrored picture: x is mirrored, and left joints become right ones."""
        mirror = torch.tensor(self.skeleton.mirror, device=self.xy.device)
        x = (self.size[1] - 1) - self.xy[..., 0]
        xy = torch.stack([x, self.xy[..., 1]], -1).index_select(-2, mirror)
        score = None if self.score is None else self.score.index_select(-1, mirror)
        return replace(self, xy=xy, visible=self.visible.index_select(-1, mirror), score=score)

    def convert(self, skeleton: Skeleton) -> "Pose":
        """The same person in another skeleton, joint by joint by name.

        A joint that this skeleton lacks is the mean of those that define it (neck: both shoulders) if all of them are
        visible, and not visible otherwise. Its score is the lowest of theirs.
        """
        if skeleton == self.skeleton:
            return self
        xy = self.xy.new_zeros(*self.xy.shape[:-2], len(skeleton), 2)
        visible = self.visible.new_zeros(*self.visible.shape[:-1], len(skeleton))
        score = None if self.score is None else torch.zeros_like(xy[..., 0])
        for k, joint in enumerate(skeleton.joints):
            names = (joint,) if joint in self.skeleton else DERIVED_JOINTS.get(joint, ())
            if not names or any(name not in self.skeleton for name in names):
                continue
            parts = [self.skeleton.index(name) for name in names]
            visible[..., k] = self.visible[..., parts].all(-1)
            xy[..., k, :] = self.xy[..., parts, :].mean(-2)
            if score is not None and self.score is not None:
                score[..., k] = self.score[..., parts].amin(-1)
        return Pose(xy, visible, self.size, skeleton, score)

    def box(self) -> Box:
        """The tight box (left, top, right, bottom) around the visible joints of a single pose, in pixel edges."""
        assert self.xy.dim() == 2, "a box belongs to one pose"
        seen = self.xy[self.visible]
        assert len(seen) > 0, "a pose without visible joints has no box"
        (left, top), (right, bottom) = seen.amin(0).tolist(), seen.amax(0).tolist()
        return (left - 0.5, top - 0.5, right + 0.5, bottom + 0.5)


def rotation_about(
    centre: tuple[float, float], degrees: float, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)
) -> Float[Tensor, "2 3"]:
    """The matrix that turns by `degrees` (clockwise as seen, y being down) and scales about `centre`, then shifts."""
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    x, y = centre
    return torch.tensor([[c, -s, x - c * x + s * y + shift[0]], [s, c, y - s * x - c * y + shift[1]]])
