"""ResNet-50 as the literature's attribute reader and retrieval network, with the user's files.

`resnet50-attributes`: Intrinsic Flow's reader (Li et al. 2019), trained by the user on real training pictures.
`resnet50-inshop`: an embedding in the manner of mmfashion's in-shop retrieval, trained by the user.
`resnet50-imagenet`: torchvision's file without its classifier; nothing has to be trained.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.core.images import from_uint8
from reposer.core.json_files import parse_json
from reposer.nn.call import call
from reposer.nn.features import IMAGENET_MEAN, IMAGENET_STD
from reposer.nn.resnet import ResNet50
from reposer.nn.weights import fill, find_weights, read_checkpoint, read_safetensors, sha256, unfilled

from .estimator import ATTRIBUTE_READERS, EMBEDDERS, AttributeReader, Embedder, Face

IMAGENET_FILE = "resnet50-0676ba61.pth"
IMAGENET_SOURCE = f"https://download.pytorch.org/models/{IMAGENET_FILE}"
INSHOP_FILE = "resnet50-inshop.safetensors"
ATTRIBUTES_FILE = "resnet50-attributes.safetensors"
TRAINED = "your own training of reposer.nn.resnet.ResNet50 (reposer.nn.weights.write_safetensors its state_dict())"
SHORTER_SIDE, INPUT_SIDE = 256, 224


class ResNet50Attributes(AttributeReader):
    """One sigmoid per attribute. Pictures: shorter side to 256, the middle 224x224, in [-1, 1].

    The header of its `.safetensors` has the entry `questions`: a JSON list of texts, one for each row of `fc`.
    """

    name = "resnet50-attributes"
    licence = "the user's own file"

    def __init__(self, path: Path) -> None:
        tensors, header = read_safetensors(path)
        try:
            questions = parse_json(header.get("questions", "null"), f"the header of {path}")
        except BadInput:
            questions = None
        if not isinstance(questions, list) or not questions or not all(isinstance(q, str) for q in questions):
            raise BadInput(
                f"{path} does not say what its outputs mean: its header needs the entry 'questions', a JSON list "
                f'of texts such as "sleeves: long", one for each row of fc.'
            )
        self.questions = tuple(questions)
        self._network = _network(tensors, len(questions), path)
        self._path = path

    @property
    def description(self) -> str:
        return f"{self.name}, {self._path.name}, SHA-256 {sha256(self._path)[:16]}"

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B A"]:
        return _run(self._network, _middle(from_uint8(pictures))).sigmoid()


class ResNet50Embedder(Embedder):
    """Vectors of whole pictures, squashed to 224x224, with ImageNet's mean and deviation."""

    subject = "person"

    def __init__(self, tensors: Mapping[str, Tensor], outputs: int | None, path: Path) -> None:
        self._network = _network(tensors, outputs, path)
        self._path = path

    @property
    def description(self) -> str:
        return f"{self.name}, {self._path.name}, SHA-256 {sha256(self._path)[:16]}"

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"], faces: Sequence[Face] | None = None) -> Float[Tensor, "B D"]:
        squashed = _resize(from_uint8(pictures), (INPUT_SIDE, INPUT_SIDE))
        mean, std = (squashed.new_tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
        return F.normalize(_run(self._network, ((squashed + 1) / 2 - mean) / std))


class ResNet50ImageNet(ResNet50Embedder):
    """The 2048 pooled features of torchvision's ImageNet weights, version 1."""

    name = "resnet50-imagenet"
    licence = "BSD-3-Clause (torchvision); trained on ImageNet, whose pictures are for non-commercial research"


class ResNet50InShop(ResNet50Embedder):
    """Vectors with as many numbers as `fc` has rows (mmfashion: 256)."""

    name = "resnet50-inshop"
    licence = "the user's own file"


@EMBEDDERS.register("resnet50-imagenet")
def resnet50_imagenet(weights: Path | None) -> ResNet50ImageNet:
    path = find_weights(IMAGENET_FILE, path=weights, source=IMAGENET_SOURCE)
    tensors = {n: t for n, t in read_checkpoint(path).items() if not n.startswith("fc.")}
    return ResNet50ImageNet(tensors, None, path)


@EMBEDDERS.register("resnet50-inshop")
def resnet50_inshop(weights: Path | None) -> ResNet50InShop:
    path = find_weights(INSHOP_FILE, path=weights, source=TRAINED, checksum="")
    tensors = read_checkpoint(path)
    return ResNet50InShop(tensors, len(tensors.get("fc.weight", ())), path)


@ATTRIBUTE_READERS.register("resnet50-attributes")
def resnet50_attributes(weights: Path | None) -> ResNet50Attributes:
    return ResNet50Attributes(find_weights(ATTRIBUTES_FILE, path=weights, source=TRAINED, checksum=""))


def _network(tensors: Mapping[str, Tensor], outputs: int | None, path: Path) -> ResNet50:
    """Loaded strictly from the file; batch counters, which older files lack, are ignored."""
    network = unfilled(lambda: ResNet50(outputs))
    counts = {n: torch.zeros_like(t) for n, t in network.state_dict().items() if n.endswith("num_batches_tracked")}
    fill(network, counts | {n: t for n, t in tensors.items() if n not in counts}, path)
    network.requires_grad_(False).eval()
    return network


@torch.no_grad()
def _run(network: ResNet50, pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B F"]:
    """Run the network on the pictures' device."""
    return call(network.to(pictures.device), pictures)


def _middle(pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 h w"]:
    height, width = pictures.shape[-2:]
    scale = SHORTER_SIDE / min(height, width)
    height, width = (max(SHORTER_SIDE, round(side * scale)) for side in (height, width))
    top, left = (height - INPUT_SIDE) // 2, (width - INPUT_SIDE) // 2
    return _resize(pictures, (height, width))[..., top : top + INPUT_SIDE, left : left + INPUT_SIDE]


def _resize(pictures: Float[Tensor, "B 3 H W"], size: tuple[int, int]) -> Float[Tensor, "B 3 h w"]:
    """Antialiased bilinear resizing, as in the published trainings."""
    return F.interpolate(pictures, size=size, mode="bilinear", antialias=True, align_corners=False)
