"""Content and style losses between a generated picture and its target, in the layers of a frozen network."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from reposer.nn.features import FeatureNetwork
from reposer.nn.layout import without_autocast


def gram(features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C C"]:
    """F F^T / (C H W), F being the features as C rows of H W places; in their own precision under autocast, too."""
    rows = features.flatten(2)
    with without_autocast(rows):
        return rows @ rows.mT / (rows.shape[1] * rows.shape[2])


def content_and_style(
    generated: Mapping[str, Tensor], target: Mapping[str, Tensor], network: FeatureNetwork
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Sums over the network's content layers of mean |difference|, and over its style layers of mean |Gram difference|.

    Both mappings have at least those layers: one pass over each picture serves both terms (Johnson et al. 2016).
    """
    style = [_difference(gram(_full(generated[n])), gram(_full(target[n]))) for n in network.style_layers]
    return content(generated, target, network.content_layers), torch.stack(style).sum()


def content(
    generated: Mapping[str, Tensor], target: Mapping[str, Tensor], layers: tuple[str, ...]
) -> Float[Tensor, ""]:
    """Sum over `layers` of the mean |difference| of the features."""
    return torch.stack([_difference(_full(generated[n]), _full(target[n])) for n in layers]).sum()


def unit_distance(generated: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Float[Tensor, ""]:
    """Sum over the layers of the mean squared distance of features scaled to length 1 at every place (after Zhang et
    al. 2018)."""
    terms = []
    for name, wanted in target.items():
        terms.append((_unit(_full(generated[name])) - _unit(_full(wanted))).square().sum(1).mean())
    return torch.stack(terms).sum()


def _unit(features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Scaled to length 1 at every place, or by 1000 where that is less. Torch's own norm takes three times as long."""
    return features / features.square().sum(1, keepdim=True).clamp(min=1e-6).sqrt()


def _difference(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()


def _full(features: Tensor) -> Tensor:
    return features.to(torch.promote_types(features.dtype, torch.float32))  # sums of bfloat16 lose too much
