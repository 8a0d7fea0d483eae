"""Inception v3 (Szegedy et al. 2016, arXiv:1512.00567), in the two editions used to compare sets of pictures.

"2015": the graph of December 2015 behind the published FID, KID and Inception Score, as pytorch-fid ported it: 1008
classes, poolings that count no padding, a maximum in the last block. "torchvision": torchvision's ImageNet network.
Names of tensors are those of the files.
"""

from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .published import load_published
from .weights import find_weights

Edition = Literal["2015", "torchvision"]
Pooling = Literal["average", "average-inside", "max", "max-halving"]
Kernel = int | tuple[int, int]
Step = tuple[str, int, Kernel] | tuple[str, int, Kernel, int]
"""(name, width, kernel) or (name, width, kernel, stride)."""
Chain = tuple[Step | tuple[Step, Step], ...]
"""Steps in sequence; two steps in one place are parallel branches on the same map."""

WIDTH = 2048
SIDE = 299
SOURCES: dict[Edition, str] = {
    "2015": "https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights",
    "torchvision": "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
}
FILES: dict[Edition, str] = {
    "2015": "pt_inception-2015-12-05-6726825d.pth",
    "torchvision": "inception_v3_google-0cc3c7bd.pth",
}


class Convolution(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, inputs: int, width: int, kernel: Kernel, stride: int = 1, *, padded: bool = True) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(inputs, width, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Mixed(nn.Module):
    """Chains of convolutions and a pooling, in parallel on one map.

    pooled: width of the convolution after the pooling; 0 = none. A step of stride 2 pads nothing.
    """

    def __init__(self, inputs: int, chains: tuple[Chain, ...], pooling: Pooling, pooled: int) -> None:
        super().__init__()
        self.chains = [[_side_by_side(place) for place in chain] for chain in chains]
        self.pooling = pooling
        self.width = pooled or inputs
        for chain in self.chains:
            width = inputs
            for steps in chain:
                for name, out, kernel, *stride in steps:
                    self.add_module(name, Convolution(width, out, kernel, *stride, padded=not stride))
                width = steps[0][1]
            self.width += sum(step[1] for step in chain[-1])
        self.branch_pool = Convolution(inputs, pooled, 1) if pooled else None

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        outputs = []
        for chain in self.chains:
            maps = [x]
            for steps in chain:
                maps = [self.get_submodule(step[0])(maps[0]) for step in steps]
            outputs += maps
        pooled = _pool(x, self.pooling)
        return torch.cat([*outputs, self.branch_pool(pooled) if self.branch_pool else pooled], 1)


def _side_by_side(place: Step | tuple[Step, Step]) -> tuple[Step, ...]:
    return (place,) if isinstance(place[0], str) else place


def _pool(x: Tensor, pooling: Pooling) -> Tensor:
    if pooling == "max-halving":
        return F.max_pool2d(x, 3, stride=2)
    if pooling == "max":
        return F.max_pool2d(x, 3, stride=1, padding=1)
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=pooling == "average")


def _wide(c: int) -> tuple[Chain, ...]:
    """The chains at 17x17, with 7x7 convolutions factored in two; c: their inner width."""
    across, down = (1, 7), (7, 1)
    single = (("branch7x7_1", c, 1), ("branch7x7_2", c, across), ("branch7x7_3", 192, down))
    double = (
        ("branch7x7dbl_1", c, 1),
        ("branch7x7dbl_2", c, down),
        ("branch7x7dbl_3", c, across),
        ("branch7x7dbl_4", c, down),
        ("branch7x7dbl_5", 192, across),
    )
    return (("branch1x1", 192, 1),), single, double


_AT_35: tuple[Chain, ...] = (
    (("branch1x1", 64, 1),),
    (("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
    (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
)
_TO_17: tuple[Chain, ...] = (
    (("branch3x3", 384, 3, 2),),
    (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3, 2)),
)
_TO_8: tuple[Chain, ...] = (
    (("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3, 2)),
    (
        ("branch7x7x3_1", 192, 1),
        ("branch7x7x3_2", 192, (1, 7)),
        ("branch7x7x3_3", 192, (7, 1)),
        ("branch7x7x3_4", 192, 3, 2),
    ),
)
_AT_8: tuple[Chain, ...] = (
    (("branch1x1", 320, 1),),
    (("branch3x3_1", 384, 1), (("branch3x3_2a", 384, (1, 3)), ("branch3x3_2b", 384, (3, 1)))),
    (
        ("branch3x3dbl_1", 448, 1),
        ("branch3x3dbl_2", 384, 3),
        (("branch3x3dbl_3a", 384, (1, 3)), ("branch3x3dbl_3b", 384, (3, 1))),
    ),
)


class Inception(nn.Module):
    """From pictures of 299x299, scaled as the edition expects them, to 2048 features, and from features to class
    logits."""

    def __init__(self, edition: Edition) -> None:
        super().__init__()
        inside: Pooling = "average-inside" if edition == "2015" else "average"
        last: Pooling = "max" if edition == "2015" else "average"
        self.Conv2d_1a_3x3 = Convolution(3, 32, 3, 2, padded=False)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3, padded=False)
        blocks: tuple[tuple[str, tuple[Chain, ...], Pooling, int], ...] = (
            ("Mixed_5b", _AT_35, inside, 32),
            ("Mixed_5c", _AT_35, inside, 64),
            ("Mixed_5d", _AT_35, inside, 64),
            ("Mixed_6a", _TO_17, "max-halving", 0),
            ("Mixed_6b", _wide(128), inside, 192),
            ("Mixed_6c", _wide(160), inside, 192),
            ("Mixed_6d", _wide(160), inside, 192),
            ("Mixed_6e", _wide(192), inside, 192),
            ("Mixed_7a", _TO_8, "max-halving", 0),
            ("Mixed_7b", _AT_8, inside, 192),
            ("Mixed_7c", _AT_8, last, 192),
        )
        width = 192
        for name, chains, pooling, pooled in blocks:
            block = Mixed(width, chains, pooling, pooled)
            self.add_module(name, block)
            width = block.width
        self.fc = nn.Linear(WIDTH, 1008 if edition == "2015" else 1000)

    def forward(self, x: Float[Tensor, "B 3 299 299"]) -> Float[Tensor, "B 2048"]:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, stride=2)))
        x = F.max_pool2d(x, 3, stride=2)
        for name, module in self.named_children():
            if name.startswith("Mixed_"):
                x = module(x)
        return x.mean((2, 3))

    def logits(self, features: Float[Tensor, "B D"]) -> Float[Tensor, "B N"]:
        """The class logits without biases, as the published Inception Score uses them."""
        return features @ self.fc.weight.to(features.dtype).T


def inception_file(edition: Edition, weights: Path | None) -> Path:
    """The edition's file, verified: at `weights` (a file or folder), or in the usual places."""
    return find_weights(FILES[edition], path=weights, source=SOURCES[edition])


def inception(edition: Edition, path: Path) -> tuple[Inception, str]:
    """The network with the weights of `path`, frozen; and its name, file and checksum."""
    network = Inception(edition)
    about = load_published(network, path, without=("AuxLogits.",))
    return network, f"Inception v3 ({edition}), {about}"
