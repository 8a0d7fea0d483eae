"""Losses on a flow: GFLA's sampling correctness and affine regularity (Ren et al. 2020, section 3.1), which need no
truth, and the distance from a true one (ours)."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core.errors import BadInput
from reposer.nn.layout import at_least_float32, without_autocast
from reposer.nn.warp import gaussian_sample

EPSILON = 1e-8


def sampling_correctness(
    source: Float[Tensor, "B C h w"],
    target: Float[Tensor, "B C h w"],
    flow: Float[Tensor, "B 2 h w"],
    mask: Float[Tensor, "B 1 h w"] | None = None,
    *,
    chunk: int = 1024,
) -> Float[Tensor, ""]:
    """How far the flowed source features fall short of the best match anywhere in the source.

    Per place, exp(-s / M) - 1/e with s the cosine between the sampled source and the target, and M the largest cosine
    over all source places. Only the flow receives a gradient. M compares N x N places, `chunk` of them at a time. A
    mask weighs the places of its row; rows weigh alike, one whose mask is empty counts as 0.
    """
    dtype = torch.promote_types(flow.dtype, torch.float32)
    source, target = source.detach().to(dtype), target.detach().to(dtype)
    cosine = (_unit(gaussian_sample(source, flow.to(dtype))) * _unit(target)).sum(1)
    loss = torch.exp(-cosine / (best_cosine(source, target, chunk) + EPSILON)) - math.exp(-1)
    if mask is None:
        return loss.mean()
    weight = mask[:, 0].to(dtype)
    return ((loss * weight).sum((1, 2)) / (weight.sum((1, 2)) + EPSILON)).mean()


@torch.no_grad()
def best_cosine(
    source: Float[Tensor, "B C H W"], target: Float[Tensor, "B C h w"], chunk: int
) -> Float[Tensor, "B h w"]:
    """For every target place, the largest cosine with any source place. Memory: chunk x H W numbers a row."""
    every_source = _unit(source).flatten(2).mT
    places = _unit(target).flatten(2)
    with without_autocast(source):
        best = [torch.bmm(every_source, part).amax(1) for part in places.split(chunk, dim=2)]
    return torch.cat(best, 1).view(target.shape[0], *target.shape[-2:])


def _unit(features: Tensor) -> Tensor:
    unit: Tensor = features / (features.norm(dim=1, keepdim=True) + EPSILON)
    return unit


def distance_from_truth(
    flow: Float[Tensor, "B 2 h w"], place: Float[Tensor, "B 2 H W"], visible: Bool[Tensor, "B H W"]
) -> Float[Tensor, ""]:
    """How far the flow ends from the true places, in pixels of the maps of truth: the mean over each row's places that
    the source shows, 0 for a row without any.

    flow: in pixels of its level, whose sides divide those of the truth. place: (x, y) in the source, in pixels of twice
    the truth's size (see `core.truth.Truth`). A place of the level counts as far as its cells are visible.
    """
    flow, place, seen = at_least_float32(flow), at_least_float32(place), visible[:, None].to(place)
    (h, w), (height, width) = flow.shape[-2:], visible.shape[-2:]
    if height % h or width % w or height // h != width // w:
        raise BadInput(f"A flow of {h}x{w} cannot be compared with a truth of {height}x{width}.")
    y, x = torch.meshgrid(*(torch.arange(n).to(place) for n in (height, width)), indexing="ij")
    true = (place - 0.5) / 2 - torch.stack([x, y])
    step = height // h
    share = F.avg_pool2d(seen, step)
    mean = F.avg_pool2d(true.where(seen > 0, 0.0), step) / share.clamp(min=EPSILON)
    distance = (flow * step - mean).square().sum(1, keepdim=True).add(EPSILON).sqrt()
    return ((distance * share).sum((1, 2, 3)) / share.sum((1, 2, 3)).clamp(min=EPSILON)).mean()


def affine_regularity(flow: Float[Tensor, "B 2 h w"], kernel_size: int) -> Float[Tensor, ""]:
    """How much the flow departs from an affine map within each k x k window, in square pixels summed over its taps.

    The residual of the least-squares fit is (I - P) flow, P projecting onto the affine maps of the window; I - P is
    a projection and kills the pixel grid, so the flow itself may stand for the flowed positions. Mean over windows.
    """
    flow = flow.to(torch.promote_types(flow.dtype, torch.float32))
    filters = _affine_residual_filters(kernel_size).to(flow)
    with without_autocast(flow):  # a residual is small beside the flow
        residual = F.conv2d(flow.flatten(0, 1)[:, None], filters)
    return residual.square().sum(1).mean() * 2  # the mean runs over x and y, which are to be added


@lru_cache
def _affine_residual_filters(kernel_size: int) -> Float[Tensor, "K 1 k k"]:
    """I - A (A^T A)^-1 A^T as K = k^2 filters, A = [row, column, 1]."""
    k = kernel_size
    row, column = torch.meshgrid(torch.arange(k), torch.arange(k), indexing="ij")
    basis = torch.stack([row.flatten(), column.flatten(), torch.ones(k * k)], 1).double()
    projection = basis @ torch.linalg.pinv(basis)
    residual: Tensor = (torch.eye(k * k, dtype=torch.float64) - projection).view(k * k, 1, k, k)
    return residual
