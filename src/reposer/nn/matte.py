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
        for axis in (-2, -1):
            values = _window_sums(values, radius, axis) / _window_sums(torch.ones_like(values[:1, :1]), radius, axis)
        return values

    colour, level = mean(picture), mean(mask)
    first, second = [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]  # of a symmetric matrix, row by row
    covariance = mean(picture[:, first] * picture[:, second]) - colour[:, first] * colour[:, second]
    covariance[:, [0, 3, 5]] += SMOOTH
    a = _solved(covariance, mean(picture * mask) - colour * level)
    b = level - (a * colour).sum(1, keepdim=True)
    return mean(torch.cat([a, b], 1))


def _solved(matrix: Float[Tensor, "B 6 h w"], right: Float[Tensor, "B 3 h w"]) -> Float[Tensor, "B 3 h w"]:
    """Of each pixel's equations M a = right, M symmetric and positive (Cholesky: many times faster than one by one)."""
    xx, xy, xz, yy, yz, zz = matrix.unbind(1)
    x = xx.sqrt()
    yx, zx = xy / x, xz / x
    y = (yy - yx * yx).sqrt()
    zy = (yz - zx * yx) / y
    z = (zz - zx * zx - zy * zy).sqrt()
    p, q, r = right.unbind(1)
    p = p / x
    q = (q - yx * p) / y
    r = (r - zx * p - zy * q) / z
    r = r / z
    q = (q - zy * r) / y
    p = (p - yx * q - zx * r) / x
    return torch.stack([p, q, r], 1)


def _window_sums(values: Float[Tensor, "B C h w"], radius: int, axis: int) -> Float[Tensor, "B C h w"]:
    """Sums over 2 radius + 1 values along an axis, beyond the border 0; of sums of 1, 2, 4, ... values."""
    length, rest = values.shape[axis], 2 * radius + 1
    sums = F.pad(values, (radius, radius) if axis == -1 else (0, 0, radius, radius))
    total, size, done = torch.zeros_like(values), 1, 0
    while rest:
        if rest % 2:
            total += sums.narrow(axis, done, length)
            done += size
        rest //= 2
        shorter = sums.shape[axis] - size
        if rest:
            sums = sums.narrow(axis, 0, shorter) + sums.narrow(axis, size, shorter)
        size *= 2
    return total
