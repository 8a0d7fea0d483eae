"""Convolutions of three classifiers whose features LPIPS and DISTS compare, under torchvision's names.

AlexNet in its one-GPU form (Krizhevsky 2014, arXiv:1404.5997), VGG-16 (Simonyan and Zisserman 2015), SqueezeNet 1.1
(Iandola et al. 2016, arXiv:1602.07360).
"""

from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .features import IMAGENET_MEAN, IMAGENET_STD, VGG16_BLOCKS
from .published import load_published
from .weights import find_weights

Backbone = Literal["alex", "vgg", "squeeze"]
FILES: dict[Backbone, str] = {
    "alex": "alexnet-owt-7be5be79.pth",
    "vgg": "vgg16-397923af.pth",
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
}


class Classifier(nn.Module):
    """Convolutions of a classifier.

    features: its modules, as torchvision numbers them. taps: the modules whose outputs are returned.
    widths: channels of those outputs. smallest: the least side of a picture, in pixels.
    """

    def __init__(
        self, features: list[nn.Module], taps: tuple[int, ...], widths: tuple[int, ...], smallest: int
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(*features)
        self.taps = taps
        self.widths = widths
        self.smallest = smallest

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B C h w"]]:
        """The taps' maps of a picture in [-1, 1], which is standardised first."""
        x, maps = standardised(picture), []
        for number, module in enumerate(self.features):
            x = module(x)
            if number in self.taps:
                maps.append(x)
        return maps


def standardised(picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    """A picture in [-1, 1] standardised by the mean and deviation of ImageNet."""
    mean, deviation = (picture.new_tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    return ((picture + 1) / 2 - mean) / deviation


class Fire(nn.Module):
    """SqueezeNet's block: squeezed to few channels, expanded by 1x1 and 3x3 convolutions side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


def _alex() -> Classifier:
    features: list[nn.Module] = [
        *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    ]
    return Classifier(features, taps=(1, 4, 7, 9, 11), widths=(64, 192, 384, 256, 256), smallest=31)


def _vgg() -> Classifier:
    features: list[nn.Module] = []
    taps: list[int] = []
    inputs = 3
    for block, (depth, width) in enumerate(VGG16_BLOCKS):
        if block:
            features.append(nn.MaxPool2d(2))
        for _ in range(depth):
            features += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            inputs = width
        taps.append(len(features) - 1)
    return Classifier(features, tuple(taps), widths=tuple(width for _, width in VGG16_BLOCKS), smallest=16)


def _squeeze() -> Classifier:
    def pooling() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    features: list[nn.Module] = [
        *(nn.Conv2d(3, 64, 3, stride=2), nn.ReLU()),
        *(pooling(), Fire(64, 16, 64), Fire(128, 16, 64)),
        *(pooling(), Fire(128, 32, 128), Fire(256, 32, 128)),
        *(pooling(), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)),
    ]
    widths = (64, 128, 256, 384, 384, 512, 512)
    return Classifier(features, taps=(1, 4, 7, 9, 10, 11, 12), widths=widths, smallest=17)


def classifier(backbone: Backbone) -> Classifier:
    """The network, untrained."""
    return {"alex": _alex, "vgg": _vgg, "squeeze": _squeeze}[backbone]()


def open_classifier(backbone: Backbone, weights: Path | None) -> tuple[Classifier, str]:
    """The network with torchvision's ImageNet weights, frozen; and its file and checksum.

    weights: the file or its folder; None = the usual places.
    """
    filename = FILES[backbone]
    path = find_weights(filename, path=weights, source=f"https://download.pytorch.org/models/{filename}")
    network = classifier(backbone)
    return network, load_published(network, path, without=("classifier.",))
