"""Features compared by their mean and covariance: the squared 2-Wasserstein distance of two Gaussians."""

import torch
from jaxtyping import Float
from torch import Tensor

from reposer.nn.layout import without_autocast

NOISE = 8  # eigenvalues within this many roundings of the largest count as 0,
FLOOR = 1e-8  # and in any precision those below this share of it: their roots' slope would turn noise into a gradient
TINY = 1e-30  # instead of 0, where a root has no slope


def gaussian_distance(generated: Float[Tensor, "B C h w"], target: Float[Tensor, "B C _ _"]) -> Float[Tensor, ""]:
    """Mean over rows of W2^2 between the Gaussians fitted to a row's features: |m - n|^2 + tr(S + T - 2 (R S R)^1/2).

    m, S: mean and covariance of the generated features (`generated`) over their places; n, T: the target's, R = T^1/2.
    Only `generated` receives a gradient. In float32 at least; distances below 0 by rounding count as 0.
    """
    dtype = torch.promote_types(generated.dtype, torch.float32)
    with without_autocast(generated):
        m, s = _moments(generated.to(dtype))
        with torch.no_grad():
            n, t = _moments(target.to(dtype))
            values, vectors = torch.linalg.eigh(t)
            root = (vectors * values.clamp(min=0).sqrt()[:, None, :]) @ vectors.mT
        product = root @ s @ root
        values = torch.linalg.eigvalsh((product + product.mT) / 2)
        share = max(NOISE * torch.finfo(dtype).eps, FLOOR)
        floor = share * values.detach().amax(1, keepdim=True).clamp(min=TINY)
        overlap = torch.where(values > floor, values, 0.0).clamp(min=TINY).sqrt().sum(1)
        trace = (s + t).diagonal(dim1=1, dim2=2).sum(1)
        return ((m - n).square().sum(1) + trace - 2 * overlap).clamp(min=0).mean()


def _moments(features: Float[Tensor, "B C h w"]) -> tuple[Float[Tensor, "B C"], Float[Tensor, "B C C"]]:
    """Mean and covariance over the places of each row."""
    places = features.flatten(2)
    mean = places.mean(2)
    centred = places - mean[:, :, None]
    return mean, centred @ centred.mT / places.shape[2]
