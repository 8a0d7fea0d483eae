"""Networks with weights from a seed in place of the published ones, so that every metric opens without files."""

import pytest
import torch
from torch import nn

from reposer.metrics import METRICS, Metric
from reposer.metrics.dists import DISTS, Importance
from reposer.metrics.lpips import LPIPS, Heads
from reposer.metrics.people_features import PeopleBodyDistance
from reposer.metrics.picture_sets import InceptionMetric
from reposer.nn.classifiers import Classifier
from reposer.nn.inception import Inception
from reposer.nn.picture_reader import PictureReader

WIDTH, CLASSES = 12, 1008


class SmallInception(Inception):
    """Some features of a picture of any size, and logits of as many classes as the true one has."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.conv = nn.Conv2d(3, WIDTH, 5, stride=2)
        self.fc = nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        return self.conv(x).relu().mean((2, 3))


def seeded(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with weights that keep features alive through many layers."""
    random = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            fan = parameter[0].numel()
            nn.init.normal_(parameter, std=(2 / fan) ** 0.5, generator=random)
        elif name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1, generator=random)
    return module.requires_grad_(False).eval()


def small_reader() -> PictureReader:
    def prepare(pictures):
        return pictures.movedim(-1, 1).float() / 64

    return PictureReader(seeded(SmallInception()), prepare, "a small network")


def small_classifier() -> Classifier:
    """Two taps before and behind a pooling."""
    features = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3), nn.ReLU()]
    return seeded(Classifier(features, taps=(1, 4), widths=(6, 4), smallest=6))


def positive(module: nn.Module) -> nn.Module:
    """Learned importances are positive."""
    random = torch.Generator().manual_seed(1)
    for parameter in module.requires_grad_(False).parameters():
        parameter.copy_(torch.rand(parameter.shape, generator=random))
    return module


def opened(name: str) -> Metric:
    """The metric as `open` gives it, where a network is published with one from a seed."""
    kind = METRICS[name]
    if issubclass(kind, InceptionMetric):
        return kind(small_reader())
    if issubclass(kind, LPIPS):
        return kind(small_classifier(), positive(Heads((6, 4))), "a small network")
    if issubclass(kind, DISTS):
        return kind(small_classifier(), positive(Importance(3 + 6 + 4)), "a small network")
    if issubclass(kind, PeopleBodyDistance):
        return kind.open()  # its network ships with the package
    if kind.looks_through_a_network:
        pytest.fail(f"{name} looks through a network that tests/metrics/seeded_networks.py does not make")
    return kind.open()
