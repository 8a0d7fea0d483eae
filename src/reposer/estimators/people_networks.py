"""The networks behind the shipped estimators: one for whole people, one for heads.

Plain residual networks (He et al. 2016, arXiv:1603.05027) with group norm, small enough to come with the package;
`probes/readers` trains them on synthetic people.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import Framing
from reposer.core.skeleton import OPENPOSE_18, Skeleton
from reposer.nn.residual import Block, halved, trunk

FACE_5 = Skeleton("face5", ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth"), ())


@dataclass(frozen=True)
class BodyConfig:
    """The network for whole people."""

    family: ClassVar[str] = "people-body"
    words: tuple[int, ...] = (2,)
    """Number of answers to each question about a person's looks."""
    size: tuple[int, int] = (128, 96)
    """(height, width) of the frame into which pictures are laid, in pixels."""
    widths: tuple[int, int, int, int] = (24, 48, 80, 112)
    """Channels at stride 2, 4, 8 and 16."""
    regions: int = 6
    """Number of attended regions for identity and attributes."""
    embedding: int = 96
    """Length of the identity vector."""

    def build(self) -> "PeopleBody":
        return PeopleBody(self)

    def tiny(self) -> "BodyConfig":
        return replace(self, size=(64, 48), widths=(8, 8, 16, 16), regions=2, embedding=8)


@dataclass(frozen=True)
class BodyReading:
    """The outputs for B pictures in the network's frame."""

    maps: Float[Tensor, "B K h w"]
    """Logits of each joint's position, at stride 4."""
    found: Float[Tensor, "B K"]
    """Logits: would a pose estimator report the joint?"""
    person: Float[Tensor, "B"]
    """Logits: is there a person?"""
    answers: tuple[Float[Tensor, "B _"], ...]
    """Logits of each question's answers."""
    identity: Float[Tensor, "B D"]
    """Identity vectors of length 1."""


class PeopleBody(nn.Module):
    """Joints, the presence of joints and person, attributes and identity, from one trunk: 1.2 M parameters."""

    def __init__(self, config: BodyConfig) -> None:
        super().__init__()
        self.config, self.skeleton = config, OPENPOSE_18
        self.framing = Framing(config.size, fit="pad")
        joints, (_, w4, w8, w16) = len(self.skeleton), config.widths
        self.stem, self.down8, self.down16 = trunk(config.widths).values()
        self.to8, self.up8 = nn.Conv2d(w16, w8, 1), Block(w8)
        self.to4, self.up4 = nn.Conv2d(w8, w4, 1), Block(w4)
        self.maps = nn.Conv2d(w4, joints, 1)
        self.found_there = nn.Parameter(torch.randn(joints, w4) / w4**0.5)
        self.found_at_all = nn.Linear(w16, joints)
        self.person = nn.Linear(2 * w16, 1)
        self.look = nn.Conv2d(w8, config.regions, 1)
        seen = config.regions * (w8 + w4 + 3)
        self.identity = nn.Linear(seen, config.embedding)
        self.answers = nn.Sequential(nn.Linear(seen, 72), nn.ReLU(), nn.Linear(72, sum(config.words)))

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> BodyReading:
        x4 = self.stem(picture)
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        x8 = self.up8(x8 + F.interpolate(self.to8(x16), scale_factor=2, mode="nearest"))
        x4 = self.up4(x4 + F.interpolate(self.to4(x8), scale_factor=2, mode="nearest"))
        maps = self.maps(F.relu(x4))
        whole = torch.cat([F.relu(x16).mean((2, 3)), F.relu(x16).amax((2, 3))], 1)
        there = torch.einsum("bkhw,bchw->bkc", spread(maps), F.relu(x4).float())
        found = (there * self.found_there).sum(2) + self.found_at_all(whole[:, : whole.shape[1] // 2])
        seen = torch.cat([x8, F.avg_pool2d(x4, 2), F.avg_pool2d(picture, 8).to(x8.dtype)], 1)
        regions = torch.einsum("brhw,bchw->brc", spread(self.look(F.relu(x8))), seen.float()).flatten(1)
        answers = self.answers(regions).split(self.config.words, 1)
        identity = F.normalize(self.identity(regions).float(), dim=1)
        return BodyReading(maps, found, self.person(whole)[:, 0], answers, identity)


@dataclass(frozen=True)
class FaceConfig:
    """The network for heads."""

    family: ClassVar[str] = "people-face"
    side: int = 48
    """Side of the square crops, in pixels."""
    widths: tuple[int, int, int] = (24, 48, 80)
    """Channels at stride 2, 4 and 8."""
    embedding: int = 64
    """Length of the face vector."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the crops, in pixels."""
        return (self.side, self.side)

    def build(self) -> "PeopleFace":
        return PeopleFace(self)

    def tiny(self) -> "FaceConfig":
        return replace(self, widths=(8, 8, 16), embedding=8)


@dataclass(frozen=True)
class FaceReading:
    """The outputs for crops around a head."""

    maps: Float[Tensor, "B 5 h w"]
    """Logits of the position of each joint of FACE_5, at stride 2."""
    shown: Float[Tensor, "B"]
    """Logits: is the face visible?"""
    box: Float[Tensor, "B 4"]
    """(left, top, right, bottom) of the face, in sides of the crop, from its top left corner."""


class PeopleFace(nn.Module):
    """A face's position on a crop around a head, and its identity on an aligned crop: 0.3 M parameters."""

    def __init__(self, config: FaceConfig) -> None:
        super().__init__()
        self.config, self.skeleton = config, OPENPOSE_18
        self.framing = Framing((config.side, config.side), fit="pad")
        w2, w4, w8 = config.widths
        self.down2 = nn.Sequential(halved(3, w2), Block(w2))
        self.down4 = nn.Sequential(halved(w2, w4), Block(w4))
        self.down8 = nn.Sequential(halved(w4, w8), Block(w8))
        self.to4, self.to2 = nn.Conv2d(w8, w4, 1), nn.Conv2d(w4, w2, 1)
        self.up4, self.up2 = Block(w4), Block(w2)
        self.maps = nn.Conv2d(w2, len(FACE_5), 1)
        places = (config.side // 8) ** 2
        self.whole = nn.Sequential(nn.Conv2d(w8, 16, 1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * places, 1 + 4))
        self.identity = nn.Sequential(
            nn.Conv2d(w8, 16, 1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * places, config.embedding)
        )

    def forward(self, heads: Float[Tensor, "B 3 S S"]) -> FaceReading:
        x2 = self.down2(heads)
        x4 = self.down4(x2)
        x8 = self.down8(x4)
        x4 = self.up4(x4 + F.interpolate(self.to4(F.relu(x8)), scale_factor=2, mode="nearest"))
        x2 = self.up2(x2 + F.interpolate(self.to2(F.relu(x4)), scale_factor=2, mode="nearest"))
        whole = self.whole(F.relu(x8)).float()
        # a centred box half as wide as the crop, shifted and scaled by the network's outputs
        box = whole[:, 1:] * 0.1 + whole.new_tensor([0.25, 0.25, 0.75, 0.75])
        return FaceReading(self.maps(F.relu(x2)), whole[:, 0], box)

    def embed(self, faces: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B D"]:
        """Vectors of length 1 for aligned crops."""
        x8 = self.down8(self.down4(self.down2(faces)))
        return F.normalize(self.identity(F.relu(x8)).float(), dim=1)


def spread(logits: Float[Tensor, "B K h w"]) -> Float[Tensor, "B K h w"]:
    """Softmax over the positions of each map: weights whose sum is 1."""
    return logits.float().flatten(2).softmax(2).view(logits.shape)
