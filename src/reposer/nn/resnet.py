"""ResNet-50 (He et al. 2016, arXiv:1512.03385), under torchvision's names."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .call import call

RESNET50_BLOCKS = ((64, 3), (128, 4), (256, 6), (512, 3))  # (width, blocks) of each layer
EXPANSION = 4
FEATURES = 512 * EXPANSION


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, and a shortcut. The 3x3 has the stride, as in torchvision (He's own has it in the first 1x1)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * EXPANSION
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = (
            nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
            if stride != 1 or channels != out
            else nn.Identity()
        )

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B F h w"]:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        return F.relu(self.bn3(self.conv3(out)) + self.downsample(x))


class ResNet50(nn.Module):
    """From normalised pictures of any size to `outputs` numbers, or to the 2048 pooled features if that is None."""

    def __init__(self, outputs: int | None = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for number, (width, depth) in enumerate(RESNET50_BLOCKS, 1):
            blocks = []
            for i in range(depth):
                blocks.append(Bottleneck(channels, width, 2 if number > 1 and i == 0 else 1))
                channels = width * EXPANSION
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Identity() if outputs is None else nn.Linear(FEATURES, outputs)

    def forward(self, x: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B F"]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        for number in range(1, len(RESNET50_BLOCKS) + 1):
            x = getattr(self, f"layer{number}")(x)
        return call(self.fc, x.mean((-2, -1)))
