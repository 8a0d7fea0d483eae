"""R3D-18: a residual network over space and time (Tran et al. 2018, arXiv:1711.11248), under torchvision's names."""

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from reposer.core.images import from_uint8

from .published import load_published
from .weights import find_weights, unfilled

FILE = "r3d_18-b3b3357e.pth"
SOURCE = f"https://download.pytorch.org/models/{FILE}"
OWN_FILE = "r3d_18.safetensors"
SIDE = 112
"""Frames are squashed to SIDE x SIDE pixels."""
KINETICS_MEAN, KINETICS_STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)  # of RGB in [0, 1]
WIDTH = 64


class Block(nn.Module):
    """Two 3x3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*_convolution(inputs, width, stride), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(*_convolution(width, width, 1))
        self.downsample = (
            nn.Sequential(nn.Conv3d(inputs, width, 1, stride, bias=False), nn.BatchNorm3d(width))
            if stride != 1 or inputs != width
            else nn.Identity()
        )

    def forward(self, x: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B D t h w"]:
        return F.relu(self.conv2(self.conv1(x)) + self.downsample(x))


def _convolution(inputs: int, width: int, stride: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv3d(inputs, width, 3, stride, padding=1, bias=False), nn.BatchNorm3d(width)


class R3D18(nn.Module):
    """Clips of T frames to 8 width features: 512, with published weights. The classifier is omitted.

    width: channels of the first convolution; the published weights have 64.
    """

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.features = 8 * width
        self.stem = nn.Sequential(
            nn.Conv3d(3, width, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
        )
        self.layer1 = nn.Sequential(Block(width, width, 1), Block(width, width, 1))
        self.layer2 = nn.Sequential(Block(width, 2 * width, 2), Block(2 * width, 2 * width, 1))
        self.layer3 = nn.Sequential(Block(2 * width, 4 * width, 2), Block(4 * width, 4 * width, 1))
        self.layer4 = nn.Sequential(Block(4 * width, 8 * width, 2), Block(8 * width, 8 * width, 1))

    @torch.no_grad()
    def forward(self, clips: UInt8[Tensor, "B T H W 3"]) -> Float[Tensor, "B D"]:
        """The last map, averaged over space and time."""
        batch, frames = clips.shape[:2]
        device = next(self.parameters()).device
        pictures = (from_uint8(clips.flatten(0, 1).to(device)) + 1) / 2
        pictures = F.interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)
        mean, std = (pictures.new_tensor(v)[:, None, None] for v in (KINETICS_MEAN, KINETICS_STD))
        x = ((pictures - mean) / std).view(batch, frames, 3, SIDE, SIDE).movedim(2, 1)
        for layer in (self.stem, self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return x.mean((2, 3, 4))


def load_r3d18(weights: Path | None) -> tuple[R3D18, str]:
    """The network, frozen, and its description: name, file and checksum. weights: see `r3d18_file`."""
    network = unfilled(R3D18)
    return network, f"R3D-18, {load_published(network, r3d18_file(weights), without=('fc.',))}"


def r3d18_file(weights: Path | None) -> Path:
    """The file of weights.

    weights: a `.safetensors` under the same names, whatever its checksum; a folder, which is searched for OWN_FILE,
    then for torchvision's FILE; None = torchvision's file in the usual places.
    Refuses with `BadInput`. A network that is stored with its code (a pickle, TorchScript) is never opened.
    """
    own = weights / OWN_FILE if weights is not None and weights.is_dir() else weights
    if own is not None and own.suffix == ".safetensors" and own.is_file():
        return own
    return find_weights(FILE, path=weights, source=SOURCE)
