"""LPIPS: distance of deep features, weighted to match human judgements (Zhang et al. 2018, arXiv:1801.03924),
version 0.1.
"""

from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from reposer.core import BadInput
from reposer.core.images import from_uint8
from reposer.nn.classifiers import Backbone, Classifier, open_classifier
from reposer.nn.published import load_published

from .learned_weights import find_packaged
from .metric import METRICS, PairMetric

SOURCE = "https://github.com/richzhang/PerceptualSimilarity (lpips/weights/v0.1)"
CHECKSUMS: dict[Backbone, str] = {
    "alex": "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    "vgg": "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    "squeeze": "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
}
EPSILON = 1e-10


class Heads(nn.Module):
    """The learned weight of each channel, under the names of the published files (`lin0.model.1.weight`, ...)."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        for k, width in enumerate(widths):
            # module 0 is the published networks' dropout
            head = nn.Sequential(nn.Identity(), nn.Conv2d(width, 1, 1, bias=False))
            self.add_module(f"lin{k}", nn.ModuleDict({"model": head}))

    def weights(self) -> list[Float[Tensor, "C"]]:
        """One vector for each map, from shallow to deep."""
        return [parameter.flatten() for parameter in self.parameters()]


class LPIPS(PairMetric):
    """Each pair's distance: 0 is identical."""

    looks_through_a_network = True
    higher_is_better = False
    best = 0.0
    backbone: ClassVar[Backbone]

    def __init__(self, network: Classifier, heads: Heads, description: str, device: str = "cpu") -> None:
        super().__init__()
        self.classifier = network.to(device)
        self.heads = heads.to(device)
        self.description = description
        self.device = device

    @classmethod
    def open(cls, weights: Path | None = None, device: torch.device | str = "cpu") -> "LPIPS":
        """weights: the backbone's file, or a folder with it and, where they are not torchmetrics', with the heads."""
        heads_file = find_packaged(
            f"functional/image/lpips_models/{cls.backbone}.pth", CHECKSUMS[cls.backbone], folder=weights, source=SOURCE
        )
        network, about = open_classifier(cls.backbone, weights)
        heads = Heads(network.widths)
        about_heads = load_published(heads, heads_file)
        return cls(network, heads, f"LPIPS 0.1: {about}; {about_heads}", str(device))

    @property
    def network(self) -> str:
        return self.description

    def prepare(self, picture: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B 3 H W"]:
        """The picture as the network's input."""
        return from_uint8(picture)

    @torch.no_grad()
    def score(
        self, generated: UInt8[Tensor, "H W 3"], target: UInt8[Tensor, "H W 3"], mask: Bool[Tensor, "H W"] | None
    ) -> float:
        smallest = self.classifier.smallest
        if min(target.shape[:2]) < smallest:
            raise BadInput(
                f"A picture of {target.shape[0]}x{target.shape[1]} pixels is too small for {self.name}, which needs "
                f"{smallest} on each side; score larger pictures or leave this metric out."
            )
        pair = self.prepare(torch.stack([generated, target]).to(self.device))
        distance = 0.0
        for features, weights in zip(self.classifier(pair), self.heads.weights(), strict=True):
            x, y = features / (features.square().sum(1, keepdim=True).sqrt() + EPSILON)
            distance += ((x - y).square().double().mean((1, 2)) * weights).sum().item()
        return distance


@METRICS.register("lpips-alex")
class LPIPSAlex(LPIPS):
    """AlexNet: what this field prints as LPIPS."""

    name = "lpips-alex"
    backbone = "alex"


@METRICS.register("lpips-vgg")
class LPIPSVGG(LPIPS):
    """VGG-16."""

    name = "lpips-vgg"
    backbone = "vgg"


@METRICS.register("lpips-squeeze")
class LPIPSSqueeze(LPIPS):
    """SqueezeNet 1.1: Leffa's."""

    name = "lpips-squeeze"
    backbone = "squeeze"


@METRICS.register("lpips-alex-range01")
class LPIPSAlexRange01(LPIPSAlex):
    """PCDMs': pictures in [0, 1] where [-1, 1] is expected: half the contrast, and so smaller distances."""

    name = "lpips-alex-range01"

    def prepare(self, picture: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B 3 H W"]:
        return (from_uint8(picture) + 1) / 2
