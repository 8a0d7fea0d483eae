"""The encoder with the heads that train it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import Framing
from reposer.core.skeleton import OPENPOSE_18
from reposer.nn.features import ENCODER_BLOCKS, PeopleEncoder
from reposer.synthetic.people import ATTRIBUTES, PARTS

PARTS_STRIDE, JOINTS_STRIDE = 2, 4
BANDS = 4  # horizontal bands of the picture, over which attribute features are averaged
RECONSTRUCTED = (1, 2, 4, 8)  # strides; the picture is reconstructed from the features of each alone


@dataclass(frozen=True)
class Reading:
    """The outputs of the heads."""

    parts: Float[Tensor, "B P h w"]
    """Logits of the parts, at stride 2."""
    joints: Float[Tensor, "B K g v"]
    """Logits of each joint's position, at stride 4."""
    pictures: Mapping[int, Float[Tensor, "B 3 H W"]]
    """Reconstructions by stride, each from the features of that stride alone."""
    attributes: tuple[Float[Tensor, "B _"], ...]
    """Logits of the words, one tensor per question of ATTRIBUTES."""


@dataclass(frozen=True)
class PeopleReaderConfig:
    """The encoder with its heads."""

    family: ClassVar[str] = "people-reader"
    size: tuple[int, int] = (128, 96)
    """(height, width) of the pictures, in pixels."""
    width: int = 64
    """Channels shared by the heads."""

    def build(self) -> "PeopleReader":
        return PeopleReader(self)

    def tiny(self) -> "PeopleReaderConfig":
        return replace(self, size=(64, 48), width=16)


class PeopleReader(nn.Module):
    """The encoder and light heads on all its strides; the heads are used in training only."""

    def __init__(self, config: PeopleReaderConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.framing, self.skeleton = Framing(config.size, fit="pad"), OPENPOSE_18
        self.encoder = PeopleEncoder()
        self.strides = [stride for stride, _ in ENCODER_BLOCKS if stride > 1]
        widths = dict(ENCODER_BLOCKS)
        self.inward = nn.ModuleDict({str(s): nn.Conv2d(widths[s], width, 1) for s in self.strides})
        self.joints = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, len(OPENPOSE_18.joints), 1)
        )
        self.parts = nn.Conv2d(width, len(PARTS), 1)
        # attributes are predicted from the encoder's features, averaged over bands of the picture
        self.words = [len(words) for words in ATTRIBUTES.values()]
        self.attributes = nn.Linear(BANDS * (widths[8] + widths[16]), sum(self.words))
        self.redrawn = nn.ModuleDict({str(s): nn.Conv2d(widths[s], 3 * s * s, 1) for s in RECONSTRUCTED})

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> Reading:
        features = self.encoder(picture, tuple(f"stride{s}_2" for s, _ in ENCODER_BLOCKS))
        x, at = None, {}
        for s in reversed(self.strides):
            own = self.inward[str(s)](features[f"stride{s}_2"])
            x = own if x is None else own + F.interpolate(x, scale_factor=2, mode="nearest")
            at[s] = x
        pictures = {s: F.pixel_shuffle(self.redrawn[str(s)](features[f"stride{s}_2"]), s) for s in RECONSTRUCTED}
        bands = [F.adaptive_avg_pool2d(features[f"stride{s}_2"], (BANDS, 1)).flatten(1) for s in (8, 16)]
        words = self.attributes(torch.cat(bands, 1)).split(self.words, 1)
        return Reading(self.parts(F.relu(at[PARTS_STRIDE])), self.joints(F.relu(at[JOINTS_STRIDE])), pictures, words)
