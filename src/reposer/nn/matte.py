"""Mattes: a coarse mask made to follow a picture's own edges, at any size (guided filter; He, Sun and Tang 2010)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

SMOOTH = 4e-3
"""Variance of colours, in [-1, 1], below which an edge is none."""


def matte_weights(
    picture: Float[Tensor, "B 3 h w"], mask: Float[Tensor, "B 1 h w"], radius: int
) -> Float[Tensor, "B 4 h w"]:
    """Per pixel the weights a (3) and b of the matte `a . colour + b` that is nearest to the mask around it. They are
    smooth: enlarged, they give the matte of the same picture at a larger size.

    radius: of the windows in which mask and colours are compared, in pixels.
    """

    def mean(values: Tensor) -> Tensor:
        for side, edge in (((2 * radius + 1, 1), (radius, 0)), ((1, 2 * radius + 1), (0, radius))):
            values = F.avg_pool2d(values, side, 1, edge, count_include_pad=False)
        return values

    colour, level = mean(picture), mean(mask)
    products = mean((picture[:, :, None] * picture[:, None]).flatten(1, 2)).unflatten(1, (3, 3))
    covariance = (products - colour[:, :, None] * colour[:, None]).permute(0, 3, 4, 1, 2)
    covariance = covariance + SMOOTH * torch.eye(3, device=picture.device)
    shared = (mean(picture * mask) - colour * level).permute(0, 2, 3, 1)
    a = torch.linalg.solve(covariance, shared).permute(0, 3, 1, 2)
    b = level - (a * colour).sum(1, keepdim=True)
    return mean(torch.cat([a, b], 1))
