"""What every family of networks offers, and how a person's picture is framed for one."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .errors import BadInput
from .images import Sides
from .pose import Pose
from .samples import Condition, stack_conditions
from .skeleton import OPENPOSE_18, Skeleton


def refuse_not_finite(values: Tensor, of: str) -> None:
    """Refuses what a generator gave if some of it is not a finite number: it would be shown as black.

    of: what it gave them for, as in "frame 3 of walk.mp4".
    """
    if not values.isfinite().all():
        raise BadInput(
            f"The generator gave numbers that are not finite for {of}; its weights are damaged or its training diverged."
        )


@dataclass(frozen=True)
class Framing:
    """How a picture of any size becomes the picture of one size that a generator works on.

    size: (height, width) of the generator's pictures, in pixels.
    margin: room around a photo's pose box, as a share of the box's larger side; used by `transfer`.
    fit: "squash" scales each axis on its own; "pad" keeps the aspect and centres.
    aspect: width over height of the person pictures that the generator was trained on; a photo is cropped to it.
    sides: what "pad" puts beside a picture: its edge pixels repeated, or white.
    """

    size: tuple[int, int]
    margin: float = 0.25
    fit: Literal["squash", "pad"] = "squash"
    aspect: float = 176 / 256
    sides: Sides = "edge"

    def __post_init__(self) -> None:
        if min(self.size) < 1 or not 0 <= self.margin <= 16 or not 1 / 16 <= self.aspect <= 16:
            raise BadInput(
                f"A framing has sides of at least 1 pixel, a margin in [0, 16] and an aspect in [1/16, 16]; this came: "
                f"size {self.size[0]}x{self.size[1]}, margin {self.margin}, aspect {self.aspect}."
            )

    @property
    def person_size(self) -> tuple[int, int]:
        """(height, width) of a person picture that fills the frame's height, before it is laid into the frame."""
        return (self.size[0], round(self.size[0] * self.aspect))

    def matrix(self, picture_size: tuple[int, int]) -> Float[Tensor, "2 3"]:
        """The affine map from pixels (x, y) of a whole picture of `picture_size` to pixels of the frame."""
        (height, width), (h, w) = picture_size, self.size
        scale_x, scale_y = w / width, h / height
        if self.fit == "pad":
            scale_x = scale_y = min(scale_x, scale_y)
        left, top = (w - scale_x * width) / 2, (h - scale_y * height) / 2
        if self.fit == "pad":
            left, top = round(left), round(top)  # whole pixels of padding: cutting it off again is exact
        # (x + 0.5) * scale + left - 0.5: pixel corners stay aligned
        return torch.tensor(
            [[scale_x, 0.0, 0.5 * scale_x + left - 0.5], [0.0, scale_y, 0.5 * scale_y + top - 0.5]],
            dtype=torch.float64,
        )

    def content_box(self, picture_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of the frame's part that shows the picture, in whole pixels: `frame[top:bottom]`."""
        if self.fit == "squash":
            return (0, 0, self.size[1], self.size[0])
        (height, width), (h, w) = picture_size, self.size
        scale = min(w / width, h / height)
        content_w, content_h = min(w, round(scale * width)), min(h, round(scale * height))
        left, top = round((w - scale * width) / 2), round((h - scale * height) / 2)
        return (left, top, min(w, left + content_w), min(h, top + content_h))

    def place(self, pose: Pose) -> Pose:
        """A pose of the whole picture, in the frame."""
        return pose.affine(self.matrix(pose.size), self.size)


LayerKind = Literal["picture", "weight", "flow"]


@dataclass(frozen=True)
class Layer:
    """One named inner picture of a generator.

    kind: "picture" (B, 3, h, w) in [-1, 1]; "weight" (B, 1, h, w) in [0, 1]; "flow" (B, 2, h, w) in pixels of its map.
    """

    kind: LayerKind
    values: Float[Tensor, "B C h w"]


@dataclass(frozen=True)
class Explanation:
    """A generated picture and the layers it was made from, whatever the family has, in the order of the network."""

    picture: Float[Tensor, "B 3 H W"]
    layers: Mapping[str, Layer]


class Generator(nn.Module, ABC):
    """Draws the person of one picture in another pose.

    A family sets `config` (a frozen dataclass with a class variable `family`), `framing` and `skeleton`;
    `condition` is the type that describes source and target. `forward` stays the family's own.
    `unread` names prefixes of parameters that a published form holds but never reads. Sides of pictures divide by
    `divisor`. A family that `remembers` draws a frame of a clip from the frame before, too; its `animate` takes a
    `previous` (picture, condition) to go on after.
    """

    config: Any
    framing: Framing
    skeleton: Skeleton = OPENPOSE_18
    condition: type = Pose
    unread: tuple[str, ...] = ()
    divisor: int = 1
    remembers: bool = False

    @property
    def device(self) -> torch.device:
        """Where its weights are; the CPU if it has none."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @abstractmethod
    def generate(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Condition,
        target_pose: Condition,
        *,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B 3 H W"]:
        """Pictures in [-1, 1], in eval mode, without gradients. Picture b depends on row b and on seeds[b] only."""

    @abstractmethod
    def explain(
        self, source: Float[Tensor, "B 3 H W"], source_pose: Condition, target_pose: Condition
    ) -> Explanation:
        """The picture and its named layers: flow, occlusion, coarse image, whatever this family has."""

    @property
    def source_skeleton(self) -> Skeleton:
        """The skeleton of `source_pose`; a published form may want another one than for the targets."""
        return self.skeleton

    def left_undone(self, source_pose: Condition, target_pose: Condition) -> str:
        """What this network cannot do for one pair because its poses lack something, in a sentence; empty if nothing."""
        return ""

    def animate(
        self,
        source: Float[Tensor, "3 H W"],
        source_pose: Condition,
        target_poses: Iterable[Condition],
        *,
        seed: int = 0,
    ) -> Iterator[Float[Tensor, "3 H W"]]:
        """One frame for each of `target_poses` (single conditions, or the rows of a batch), as soon as that pose comes.

        Frame t depends on the poses up to t only; what is held at a time does not grow with the clip. Here each frame
        is drawn from the source alone. Families with a memory, or with features of the source to keep, override this.
        """
        seeds = torch.tensor([seed])
        for pose in target_poses:
            own = stack_conditions([source_pose]), stack_conditions([pose])
            yield self.generate(source[None], *own, seeds=seeds)[0]

    def checked(
        self, source: Float[Tensor, "B 3 H W"], *conditions: Condition, skeleton: Skeleton | None = None
    ) -> tuple[Pose, ...]:
        """The poses, if they and the picture fit this network and each other. `skeleton`: None = the network's."""
        skeleton = skeleton or self.skeleton
        size, name = (source.shape[-2], source.shape[-1]), type(self).__name__.removesuffix("Generator")
        if any(side % self.divisor for side in size):
            raise BadInput(
                f"{name} needs a picture whose sides divide by {self.divisor}, not {size[0]}x{size[1]}."
            )
        poses = []
        for pose in conditions:
            if not isinstance(pose, Pose) or pose.size != size or pose.skeleton != skeleton:
                came = (
                    f"{pose.skeleton.name} in {pose.size}" if isinstance(pose, Pose) else type(pose).__name__
                )
                raise BadInput(
                    f"{name} needs poses of the skeleton {skeleton.name} in the picture's size {size}; this came: "
                    f"{came}. Pose.convert and generator.framing.place make one from another."
                )
            poses.append(pose)
        return tuple(poses)
