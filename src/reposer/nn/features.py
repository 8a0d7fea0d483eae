"""Frozen networks whose features are compared: VGG-19 and our own small encoder of people."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import Registry
from reposer.core.shipped import SHIPPED

from .weights import fill, find_weights, read_checkpoint, sha256

Features = dict[str, Tensor]


class FeatureNetwork(nn.Module, ABC):
    """A network with named layers. Those that `feature_network` opens are frozen and stay in eval mode.

    content_layers, style_layers: the layers that the perceptual losses compare.
    description: name, file and checksum, for receipts and reports.
    """

    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    description: str = "untrained"

    @abstractmethod
    def correspondence_layer(self, level: int) -> str:
        """The layer for matching places on a map of size H / 2^level."""

    @abstractmethod
    def stages(self, picture: Float[Tensor, "B 3 H W"]) -> Iterator[tuple[str, Tensor]]:
        """The named layers' features from shallow to deep, each computed on demand."""

    @property
    @abstractmethod
    def layers(self) -> tuple[str, ...]:
        """All layer names, from shallow to deep."""

    def forward(self, picture: Float[Tensor, "B 3 H W"], layers: tuple[str, ...]) -> Features:
        """The features of a picture in [-1, 1] in `layers`; nothing deeper than the deepest of them is computed."""
        unknown = set(layers) - set(self.layers)
        assert not unknown, f"{type(self).__name__} has no layers {sorted(unknown)}, it has {self.layers}"
        found: Features = {}
        for name, features in self.stages(picture) if layers else ():
            if name in layers:
                found[name] = features
                if len(found) == len(set(layers)):
                    break
        return found

    @torch.no_grad()
    def of_constants(self, *pictures: Float[Tensor, "B 3 H W"], layers: tuple[str, ...]) -> tuple[Features, ...]:
        """The features of several pictures in one pass, without gradients: one mapping per picture."""
        together = self(torch.cat(pictures), layers)
        parts = {name: f.split([len(p) for p in pictures]) for name, f in together.items()}
        return tuple({name: part[i] for name, part in parts.items()} for i in range(len(pictures)))

    def freeze(self) -> None:
        """Parameters collect no gradients from now on; gradients still pass through to the picture."""
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "FeatureNetwork":
        frozen = not any(p.requires_grad for p in self.parameters())
        return super().train(mode and not frozen)


_SHAPES_ALONE: ContextVar[bool] = ContextVar("shapes_alone", default=False)


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Inside, published networks are built without their files: their sizes are right, their numbers are not."""
    token = _SHAPES_ALONE.set(True)
    try:
        yield
    finally:
        _SHAPES_ALONE.reset(token)


FEATURE_NETWORKS: Registry[Callable[[Path | None], FeatureNetwork]] = Registry("feature network")


def feature_network(name: str, *, weights: Path | str | None = None) -> FeatureNetwork:
    """The network registered as `name`, frozen. weights: its file; None = its usual place. Never downloads."""
    network = FEATURE_NETWORKS[name](None if weights is None else Path(weights))
    network.freeze()
    return network


# VGG (Simonyan and Zisserman 2015), configurations E and D: (convolutions, width) of each block before its pooling.
VGG19_BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))
VGG16_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
VGG19_FILE = "vgg19-dcbb9e9d.pth"
VGG19_SOURCE = f"https://download.pytorch.org/models/{VGG19_FILE}"
VGG16BN_FILE = "vgg16_bn-6c64b313.pth"
VGG16BN_SOURCE = f"https://download.pytorch.org/models/{VGG16BN_FILE}"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of RGB in [0, 1]


def _relu_names(blocks: tuple[tuple[int, int], ...]) -> tuple[str, ...]:
    return tuple(f"relu{b}_{i}" for b, (depth, _) in enumerate(blocks, 1) for i in range(1, depth + 1))


class VGG(FeatureNetwork):
    """The convolutions of a VGG, under torchvision's names; layers relu1_1, relu1_2, relu2_1, ...

    blocks: (convolutions, width) of each block. batch_norm: whether one stands between convolution and ReLU.
    normalize_input: False feeds pictures in [-1, 1] as they are, as GFLA's losses were weighted for; True standardises
        them by the mean and deviation of the network's own training.
    """

    blocks: tuple[tuple[int, int], ...]
    batch_norm = False

    def __init__(self, *, normalize_input: bool = False) -> None:
        super().__init__()
        self.normalize_input = normalize_input
        modules: list[nn.Module] = []
        channels = 3
        for depth, width in self.blocks:
            for _ in range(depth):
                modules.append(nn.Conv2d(channels, width, 3, padding=1))
                if self.batch_norm:
                    modules.append(nn.BatchNorm2d(width))
                modules.append(nn.ReLU(inplace=True))
                channels = width
            modules.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*modules)

    def correspondence_layer(self, level: int) -> str:
        return f"relu{level + 1}_1"

    def stages(self, picture: Float[Tensor, "B 3 H W"]) -> Iterator[tuple[str, Tensor]]:
        x, names = picture, iter(self.layers)
        if self.normalize_input:
            mean, std = (x.new_tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
            x = ((x + 1) / 2 - mean) / std
        for module in self.features:
            x = module(x)
            if isinstance(module, nn.ReLU):
                yield next(names), x


class VGG19(VGG):
    """VGG-19: layers relu1_1 to relu5_4."""

    blocks = VGG19_BLOCKS
    layers = _relu_names(blocks)
    content_layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    style_layers = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")


class VGG16BN(VGG):
    """VGG-16 with batch norm: layers relu1_1 to relu5_3. Losses compare those before the last three poolings."""

    blocks = VGG16_BLOCKS
    layers = _relu_names(blocks)
    batch_norm = True
    content_layers = ("relu3_3", "relu4_3", "relu5_3")
    style_layers = ("relu2_2", "relu3_2", "relu4_2", "relu5_2")


@FEATURE_NETWORKS.register("vgg19")
def vgg19(weights: Path | None) -> VGG19:
    """VGG-19 with torchvision's ImageNet weights, on pictures in [-1, 1] as they are."""
    return _load_vgg19(VGG19(), weights)


@FEATURE_NETWORKS.register("vgg19-normalized")
def vgg19_normalized(weights: Path | None) -> VGG19:
    """VGG-19 with torchvision's ImageNet weights, on pictures normalised as in its training."""
    return _load_vgg19(VGG19(normalize_input=True), weights)


@FEATURE_NETWORKS.register("vgg16-bn")
def vgg16_bn(weights: Path | None) -> VGG16BN:
    """VGG-16 with batch norm and torchvision's ImageNet weights, on pictures normalised as in its training."""
    network = VGG16BN(normalize_input=True)
    _load_vgg(network, VGG16BN_FILE, weights, VGG16BN_SOURCE)
    return network


def _load_vgg19(network: VGG19, weights: Path | None) -> VGG19:
    _load_vgg(network, VGG19_FILE, weights, VGG19_SOURCE)
    return network


def _load_vgg(network: VGG, filename: str, weights: Path | None, source: str) -> None:
    """Loads torchvision's file, which also has the classifier, and has counts of batches only in newer versions."""
    if _SHAPES_ALONE.get():
        return
    path = find_weights(filename, path=weights, source=source)
    counts = {n: t for n, t in network.state_dict().items() if n.endswith("num_batches_tracked")}
    tensors = {n: t for n, t in read_checkpoint(path).items() if not n.startswith("classifier.")}
    _load(network, counts | tensors, path)


# (stride, width) of each pair of convolutions
ENCODER_BLOCKS = ((1, 16), (2, 32), (4, 64), (8, 96), (16, 128))
ENCODER_FILE = SHIPPED / "people-encoder.safetensors"


class PeopleEncoder(FeatureNetwork):
    """Our small encoder: 0.16 GMACs for a 128x96 picture, 0.47 M parameters.

    Layers `stride1_1`, `stride1_2`, ... `stride16_2`: the first convolution of each pair halves the map. It is
    trained by `probes/encoder` on synthetic people; `balance` gives each of its layers mean square 1 there.
    """

    content_layers = tuple(f"stride{stride}_1" for stride, _ in ENCODER_BLOCKS)
    style_layers = tuple(f"stride{stride}_2" for stride, _ in ENCODER_BLOCKS[1:])
    layers = tuple(f"stride{stride}_{i}" for stride, _ in ENCODER_BLOCKS for i in (1, 2))

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleDict()
        channels = 3
        for stride, width in ENCODER_BLOCKS:
            step = 1 if stride == 1 else 2
            self.convs[f"stride{stride}_1"] = nn.Conv2d(channels, width, 3, step, padding=1)
            self.convs[f"stride{stride}_2"] = nn.Conv2d(width, width, 3, padding=1)
            channels = width
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                nn.init.zeros_(parameter)

    def correspondence_layer(self, level: int) -> str:
        return f"stride{2**level}_2"

    def stages(self, picture: Float[Tensor, "B 3 H W"]) -> Iterator[tuple[str, Tensor]]:
        x = picture
        for name, conv in self.convs.items():
            x = F.relu(conv(x), inplace=True)
            yield name, x

    @torch.no_grad()
    def balance(self, root_mean_squares: Mapping[str, float]) -> None:
        """Divides every layer by its given size, in place; the next layer compensates, so that only scales change.

        relu(a x) = a relu(x) for a > 0: the scales move into the weights and no layer is added.
        """
        before = 1.0
        for name, conv in self.convs.items():
            assert isinstance(conv, nn.Conv2d) and conv.bias is not None
            conv.weight.mul_(before / root_mean_squares[name])
            conv.bias.div_(root_mean_squares[name])
            before = root_mean_squares[name]


@FEATURE_NETWORKS.register("people-encoder")
def people_encoder(weights: Path | None) -> PeopleEncoder:
    """Our small encoder with the weights that come with the package."""
    network = PeopleEncoder()
    path = weights or ENCODER_FILE
    _load(network, read_checkpoint(path), path)
    return network


def _load(network: FeatureNetwork, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Loads every tensor of the network from the file, with none left over."""
    fill(network, tensors, path)
    network.description = f"{type(network).__name__}, {path.name}, SHA-256 {sha256(path)[:16]}"
