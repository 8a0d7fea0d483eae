"""DISTS: similarity of structure and of texture in VGG-16's features (Ding et al. 2020, arXiv:2004.07728)."""

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from reposer.core.images import from_uint8
from reposer.nn.classifiers import Classifier, open_classifier, standardised
from reposer.nn.published import load_published

from .learned_weights import find_packaged
from .metric import METRICS, PairMetric

SOURCE = "https://github.com/dingkeyan93/DISTS (DISTS_pytorch/weights.pt)"
CHECKSUM = "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"
C1 = C2 = 1e-6


class Importance(nn.Module):
    """The learned weights of each channel, the picture's own three first: alpha of texture, beta of structure."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))


def smooth_pool(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
    """Halves a map without aliasing: the root of the weighted mean square over 3x3 (Hann window)."""
    hann = x.new_tensor([0.25, 0.5, 0.25])
    kernel = torch.outer(hann, hann).expand(x.shape[1], 1, 3, 3)
    return (F.conv2d(x.square(), kernel, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()


@METRICS.register("dists")
class DISTS(PairMetric):
    """1 - the weighted similarity of channels' means (texture) and deviations together (structure); 0 is identical.

    Pictures keep their size; the authors' own script first brings the shorter side to 256.
    """

    name = "dists"
    looks_through_a_network = True
    higher_is_better = False
    best = 0.0

    def __init__(self, network: Classifier, importance: Importance, description: str, device: str = "cpu") -> None:
        super().__init__()
        self.vgg = network.to(device)
        self.importance = importance.to(device)
        self.description = description
        self.device = device

    @classmethod
    def open(cls, weights: Path | None = None, device: torch.device | str = "cpu") -> "DISTS":
        """weights: VGG-16's file, or a folder with it and, where it is not torchmetrics', with `weights.pt`."""
        path = find_packaged("functional/image/dists_models/weights.pt", CHECKSUM, folder=weights, source=SOURCE)
        network, about = open_classifier("vgg", weights)
        importance = Importance(3 + sum(network.widths))
        about_importance = load_published(importance, path)
        return cls(network, importance, f"DISTS: {about}; {about_importance}", str(device))

    @property
    def network(self) -> str:
        return self.description

    def maps(self, picture: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B C h w"]]:
        """For a picture in [-1, 1]: itself in [0, 1], and VGG-16's maps, with smooth poolings in place of its own."""
        x, maps = standardised(picture), [(picture + 1) / 2]
        for number, module in enumerate(self.vgg.features):
            x = smooth_pool(x) if isinstance(module, nn.MaxPool2d) else module(x)
            if number in self.vgg.taps:
                maps.append(x)
        return maps

    @torch.no_grad()
    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        pair = from_uint8(torch.stack([generated, target]).to(self.device))
        textures, structures = [], []
        for both in self.maps(pair):
            x, y = both.double()
            mean_x, mean_y = x.mean((1, 2)), y.mean((1, 2))
            dx, dy = x - mean_x[:, None, None], y - mean_y[:, None, None]
            covariance, variances = (dx * dy).mean((1, 2)), (dx * dx + dy * dy).mean((1, 2))
            textures.append((2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1))
            structures.append((2 * covariance + C2) / (variances + C2))
        alpha, beta = self.importance.alpha.double().flatten(), self.importance.beta.double().flatten()
        likeness = (alpha * torch.cat(textures) + beta * torch.cat(structures)).sum()
        return 1 - (likeness / (alpha.sum() + beta.sum())).item()
