"""Edges of pictures: Canny's detector (1986), and the edges around a face (GFLA's face animation)."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import Pose

from .face_maps import face_mask
from .layout import at_least_float32

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright red, green and blue are
TRUNCATE = 4.0  # the Gaussian's window ends this many sigmas from its middle
ROUNDS = 8  # hysteresis rounds between two checks for growth


@torch.no_grad()
def canny(
    picture: Float[Tensor, "B 3 H W"], sigma: float = 1.0, low: float = 0.1, high: float = 0.2
) -> Float[Tensor, "B 1 H W"]:
    """1 on edges, one pixel thin, 0 elsewhere; the border's pixels are never edges.

    sigma: of the Gaussian that smooths first, in pixels.
    low, high: an edge is steeper than `low` throughout and than `high` somewhere. Steepness is the length of
        the Sobel filters' answer on brightness in [0, 1]: 4 at a sharp step from black to white.
    """
    assert 0 <= low <= high, (low, high)
    luma = at_least_float32(picture).new_tensor(LUMA)[:, None, None]
    brightness = (at_least_float32(picture) * luma).sum(1, keepdim=True) / 2 + 0.5
    right, down = _sobel(_smooth(brightness, sigma))
    steepness = (right.square() + down.square()).sqrt()
    ridge = _ridge(right, down, steepness) & (steepness >= low) & (steepness > 0)
    return _grown(ridge & (steepness >= high), ridge).to(picture.dtype)


@torch.no_grad()
def frame_edges(
    picture: Float[Tensor, "B 3 H W"],
    face: Pose,
    *,
    margin: int = 3,
    sigma: float = 1.0,
    low: float = 0.1,
    high: float = 0.2,
) -> Float[Tensor, "B 1 H W"]:
    """Canny edges of a frame, except in the closed contour of its face and within `margin` pixels around that.

    face: landmarks of FACE_68. Where a landmark of the jaw is missing, all edges stay.
    """
    assert face.size == tuple(picture.shape[-2:]), (face.size, tuple(picture.shape))
    inside = F.max_pool2d(face_mask(face), 2 * margin + 1, stride=1, padding=margin)
    return canny(picture, sigma, low, high) * (1 - inside).to(picture.dtype)


def _smooth(brightness: Float[Tensor, "B 1 H W"], sigma: float) -> Float[Tensor, "B 1 H W"]:
    """Gaussian means over the picture's pixels: at its border the window is cut, not padded."""
    if sigma == 0:
        return brightness
    reach = int(TRUNCATE * sigma + 0.5)
    steps = torch.arange(-reach, reach + 1, device=brightness.device, dtype=brightness.dtype)
    window = torch.exp(-steps.square() / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))

    def blurred(x: Tensor) -> Tensor:
        across = F.conv2d(x, window.view(1, 1, 1, -1), padding=(0, reach))
        return F.conv2d(across, window.view(1, 1, -1, 1), padding=(reach, 0))

    return blurred(brightness) / blurred(torch.ones_like(brightness[:1]))


def _sobel(x: Float[Tensor, "B 1 H W"]) -> tuple[Float[Tensor, "B 1 H W"], Float[Tensor, "B 1 H W"]]:
    """Brightness gradient to the right and down, times 8 pixels; beyond the border the edge pixels repeat."""
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    right, down = x[..., 2:] - x[..., :-2], x[..., 2:, :] - x[..., :-2, :]
    return (
        right[..., :-2, :] + 2 * right[..., 1:-1, :] + right[..., 2:, :],
        down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:],
    )


def _ridge(
    right: Float[Tensor, "B 1 H W"], down: Float[Tensor, "B 1 H W"], steepness: Float[Tensor, "B 1 H W"]
) -> Bool[Tensor, "B 1 H W"]:
    """True where no place one pixel up or down the slope is steeper (between pixels: a mean of two).

    Never True at the border, which has no neighbours.
    """
    height, width = steepness.shape[-2:]
    padded = F.pad(steepness, (1, 1, 1, 1))

    def neighbour(y: int, x: int) -> Tensor:
        return padded[..., 1 + y : 1 + y + height, 1 + x : 1 + x + width]

    lying = right.abs() >= down.abs()  # the slope leads sideways rather than up or down
    falling = right * down >= 0  # to the lower right or to the upper left
    longer, shorter = torch.maximum(right.abs(), down.abs()), torch.minimum(right.abs(), down.abs())
    share = shorter / longer.clamp(min=torch.finfo(longer.dtype).tiny)  # of the diagonal neighbour
    ridge = torch.ones_like(lying)
    for way in (1, -1):
        straight = torch.where(lying, neighbour(0, way), neighbour(way, 0))
        rising = torch.where(lying, neighbour(-way, way), neighbour(way, -way))
        diagonal = torch.where(falling, neighbour(way, way), rising)
        ridge &= steepness >= torch.lerp(straight, diagonal, share)
    ridge[..., [0, -1], :] = False
    ridge[..., [0, -1]] = False
    return ridge


def _grown(seeds: Bool[Tensor, "B 1 H W"], ground: Bool[Tensor, "B 1 H W"]) -> Bool[Tensor, "B 1 H W"]:
    """All pixels of `ground` that touching pixels of it (8 neighbours) connect with a seed."""
    grown, field = seeds.float(), ground.float()
    while True:
        before = grown
        for _ in range(ROUNDS):
            grown = F.max_pool2d(grown, 3, stride=1, padding=1) * field
        if torch.equal(grown, before):
            return grown > 0
