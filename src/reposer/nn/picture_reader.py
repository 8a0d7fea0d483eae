"""8-bit pictures as Inception's input: each published preprocessing, one picture at a time, with features cached."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core.images import from_uint8

from .features import IMAGENET_MEAN, IMAGENET_STD
from .inception import SIDE, Edition, Inception, inception, inception_file

Form = Literal["graph", "pytorch-fid", "gfla"]
Prepare = Callable[[UInt8[Tensor, "B H W 3"]], Float[Tensor, "B 3 299 299"]]
REMEMBERED = 1024  # pictures: more than a batch of generated ones and targets, 8 MB


def graph_input(pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B 3 299 299"]:
    """As in the graph of 2015 and torch-fidelity: (byte - 128) / 128, TensorFlow 1's bilinear resize.

    That resize aligns only the top left corners' centres: pixel i is read at i * (old side / new side).
    """
    x = (pictures.movedim(-1, 1).float() - 128) / 128
    for axis in (2, 3):
        length = x.shape[axis]
        places = torch.arange(SIDE, device=x.device, dtype=torch.float32) * (length / SIDE)
        before = places.long()
        after = (before + 1).clamp(max=length - 1)
        share = (places - before).view(-1, *[1] * (3 - axis))
        x = torch.lerp(x.index_select(axis, before), x.index_select(axis, after), share)
    return x


def pytorch_fid_input(pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B 3 299 299"]:
    """As in pytorch-fid: bytes to [-1, 1], bilinear without antialias, pixel corners aligned."""
    return F.interpolate(from_uint8(pictures), (SIDE, SIDE), mode="bilinear", align_corners=False)


def gfla_input(pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B 3 299 299"]:
    """As in GFLA's script and its copies: a normalisation meant for a standardised picture, which this is not.

    byte / 255 times 0.229 / 0.5 plus (0.485 - 0.5) / 0.5, and so for each channel: about [-0.03, 0.43].
    """
    x = pictures.movedim(-1, 1).float() / 255
    mean, deviation = (x.new_tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    x = x * (deviation / 0.5) + (mean - 0.5) / 0.5
    return F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False)


FORMS: dict[Form, tuple[Edition, Prepare]] = {
    "graph": ("2015", graph_input),
    "pytorch-fid": ("2015", pytorch_fid_input),
    "gfla": ("torchvision", gfla_input),
}


class PictureReader:
    """Features of pictures, one at a time: in a batch the last digits would depend on the other pictures.

    Recent features are cached by content, so that FID, KID and the Inception Score of one batch share one pass.
    """

    def __init__(self, network: Inception, prepare: Prepare, description: str, device: str = "cpu") -> None:
        self.network = network.to(device)
        self.width = network.fc.in_features
        self.prepare = prepare
        self.description = description
        self.device = device
        self._remembered: OrderedDict[bytes, Tensor] = OrderedDict()

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B D"]:
        """The features, on the CPU."""
        return torch.stack([self._features(picture) for picture in pictures])

    @torch.no_grad()
    def logits(self, features: Float[Tensor, "B D"]) -> Float[Tensor, "B N"]:
        """Logits of the network's classes, without their biases, on the CPU."""
        rows = [self.network.logits(row[None].to(self.device)).cpu() for row in features]
        return torch.cat(rows)

    @torch.no_grad()
    def _features(self, picture: UInt8[Tensor, "H W 3"]) -> Float[Tensor, "D"]:
        key = digest(picture)
        features = self._remembered.get(key)
        if features is None:
            features = self.network(self.prepare(picture[None].to(self.device)))[0].float().cpu()
            self._remembered[key] = features
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return features


def digest(picture: UInt8[Tensor, "H W 3"]) -> bytes:
    """SHA-256 of a picture's size and bytes."""
    pixels = picture.cpu().contiguous().numpy()
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


def open_reader(form: Form, weights: Path | None, device: torch.device | str = "cpu") -> PictureReader:
    """The reader of this form, shared by all callers with the same file and device."""
    return _opened(form, inception_file(FORMS[form][0], weights), str(device))


@lru_cache(maxsize=len(FORMS))
def _opened(form: Form, path: Path, device: str) -> PictureReader:
    edition, prepare = FORMS[form]
    network, description = inception(edition, path)
    return PictureReader(network, prepare, f"{description}, {form} input", device)
