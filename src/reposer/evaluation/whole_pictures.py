"""Runs generators with different frames on the same pictures."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from reposer.core import Generator, Pose
from reposer.core.framing import cut, frame_picture, size_of
from reposer.core.images import resize
from reposer.core.samples import Condition

from .geometry import FileGeometry, Size


class OnWholePictures:
    """A generator that takes whole pictures of any size and returns pictures of that size.

    Pictures are laid into its frame, generated, cut out of it and scaled back, so two generators with different frames
    can be scored against the same truth. Where a picture fills its part of the frame as it is, nothing is resampled.
    """

    def __init__(self, generator: Generator) -> None:
        self.generator, self.framing = generator, generator.framing

    def made(self, size: Size) -> FileGeometry:
        """How a picture of this size lies in the part of the generator's frame that shows it: squashed or plain."""
        return FileGeometry("squashed", size).of(size_of(self.framing.content_box(size)))

    def __call__(
        self,
        source: Float[Tensor, "B 3 h w"],
        source_pose: Condition,
        target_pose: Condition,
        *,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B 3 h w"]:
        size, framing = (source.shape[-2], source.shape[-1]), self.framing
        framed = torch.stack([frame_picture(picture, framing) for picture in source])
        poses = [framing.place(p) if isinstance(p, Pose) else p for p in (source_pose, target_pose)]
        generated = self.generator.generate(framed, *poses, seeds=seeds)
        return resize(cut(generated, framing.content_box(size)).float(), size)
