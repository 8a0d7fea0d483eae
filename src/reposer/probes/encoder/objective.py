"""The losses of the encoder: parts, joint positions, attributes and reconstruction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.core import Pose
from reposer.nn.maps import heatmaps
from reposer.training import Objective, Turn

from .network import PARTS_STRIDE, PeopleReader
from .people import PeopleBatch

JOINT_SIGMA = 1.0  # pixels of the joint map


@dataclass(frozen=True)
class EncoderObjectiveConfig:
    """Builds the encoder's objective, which has no options."""

    def build(self, generator: PeopleReader) -> "EncoderObjective":
        return EncoderObjective(generator)

    def tiny(self) -> "EncoderObjectiveConfig":
        return self


class EncoderObjective(Objective):
    """Cross-entropy for parts, visible joints and attributes, L1 for the reconstructed pictures; one optimised
    network.
    """

    def __init__(self, reader: PeopleReader) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({"generator": reader})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"reader": self.networks["generator"]}

    def steps(self, batch: PeopleBatch) -> Iterator[Turn]:
        reading = self.networks["generator"](batch.picture)
        reconstructed = [(generated.float() - batch.clean).abs().mean() for generated in reading.pictures.values()]
        yield Turn(
            ("reader",),
            {
                "parts": F.cross_entropy(reading.parts.float(), stride_parts(batch.parts)),
                "joints": 0.2 * joint_cross_entropy(reading.joints.float(), batch.pose),
                "picture": torch.stack(reconstructed).sum(),
                "attributes": 0.3 * attribute_cross_entropy(reading.attributes, batch.attributes),
            },
        )


def stride_parts(parts: Int64[Tensor, "B H W"]) -> Int64[Tensor, "B h w"]:
    """The part map at the stride of the head: the bottom-right pixel of each block of 2 x 2."""
    return parts[:, PARTS_STRIDE - 1 :: PARTS_STRIDE, PARTS_STRIDE - 1 :: PARTS_STRIDE]


def attribute_cross_entropy(
    logits: tuple[Float[Tensor, "B _"], ...], wanted: Int64[Tensor, "B A"]
) -> Float[Tensor, ""]:
    """Cross-entropy of the attribute words, averaged over rows and questions."""
    each = [F.cross_entropy(words.float(), answer) for words, answer in zip(logits, wanted.T, strict=True)]
    return torch.stack(each).mean()


def joint_cross_entropy(logits: Float[Tensor, "B K h w"], pose: Pose) -> Float[Tensor, ""]:
    """Cross-entropy of each joint's position against a Gaussian; rows weigh alike, joints not seen weigh nothing."""
    h, w = logits.shape[-2:]
    inside = on_map(pose, (h, w))
    wanted = heatmaps(inside, JOINT_SIGMA).flatten(2)
    mass = wanted.sum(2)
    seen = inside.visible & (mass > 1)  # enough of the Gaussian lies inside the picture
    wanted = wanted / mass.clamp(min=1)[..., None]
    each = -(wanted * logits.flatten(2).log_softmax(2)).sum(2) * seen
    return (each.sum(1) / seen.sum(1).clamp(min=1)).mean()


def on_map(pose: Pose, size: tuple[int, int]) -> Pose:
    """The pose in pixels of a map of `size`, with pixel corners aligned."""
    scale_y, scale_x = size[0] / pose.size[0], size[1] / pose.size[1]
    scale = pose.xy.new_tensor([scale_x, scale_y])
    return replace(pose, xy=(pose.xy + 0.5) * scale - 0.5, size=size)
