"""Convolutions of side 3 by Winograd's F(4x4, 3x3) (Lavin and Gray 2016, arXiv:1509.09308), for training on the CPU.

A tile of 4x4 results takes 36 products in the place of 144. Around them stand three fixed linear maps: B^T of the 6x6
places that the tile reads, G of the weights, A^T of the products. All gradients are the transposed maps.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Padding = Literal["reflect", "zeros"]
SIDE = 4  # of a tile of results
READ = SIDE + 2  # side of what it reads
CACHED = 1_000_000  # bytes of the numbers of tiles at a time
WORTH = 20  # harmonic mean of the numbers of channels, halved, from which on the products saved outweigh the maps

B_T = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
G = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
A_T = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def pays_off(x: Float[Tensor, "B C H W"], weight: Float[Tensor, "O C k l"]) -> bool:
    """Whether `convolved` and its gradients take less time than torch's on the CPU, with channels last."""
    channels, outputs = x.shape[1], weight.shape[0]
    return (
        weight.shape[2:] == (3, 3)
        and weight.shape[1] == channels
        and channels * outputs >= WORTH * (channels + outputs)
        and x.shape[2] % SIDE == x.shape[3] % SIDE == 0
    )


def convolved(
    x: Float[Tensor, "B C H W"], weight: Float[Tensor, "O C 3 3"], bias: Float[Tensor, " O"] | None, padding: Padding
) -> Float[Tensor, "B O H W"]:
    """The convolution with one pixel of padding around a picture whose sides are multiples of 4."""
    apply: Callable[[Tensor, Tensor, Padding], Tensor] = _Winograd.apply
    y = apply(x, weight, padding)
    return y if bias is None else y + bias[:, None, None]


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, padding: Padding) -> Tensor:
        (batch, _, height, width), outputs = x.shape, len(weight)
        around, of_weights = padded(x, padding), _of_weights(weight)
        y = x.new_empty(batch, height, width, outputs).permute(0, 3, 1, 2)
        for rows, first, last in _parts(x, weight):
            products = torch.bmm(_of_places(_read(around[rows], first, last)), of_weights)
            tiles = _in_tiles(y[rows], first, last)
            tiles.copy_(torch.mm(_twice("A_T", x), products.flatten(1)).view(tiles.shape))
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        for_x, for_weight = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():  # for the gradient of this gradient
            x, weight = x.view_as(x), weight.view_as(weight)  # not by way of earlier layers that share the weight
            inputs = [t for t, needed in ((x, for_x), (weight, for_weight)) if needed]
            plain = F.conv2d(padded(x, ctx.padding), weight)
            found = iter(torch.autograd.grad(plain, inputs, gradients[0], create_graph=True))
            return next(found) if for_x else None, next(found) if for_weight else None, None
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        outputs, channels = weight.shape[:2]
        around, of_weights = padded(x, ctx.padding) if for_weight else x, _of_weights(weight).mT
        back = _Back(x) if for_x else None
        sums = x.new_zeros(READ**2, channels, outputs)
        for rows, first, last in _parts(x, weight):
            of_products = _of_gradients(_in_tiles(gradient[rows], first, last))
            if for_weight:
                sums.baddbmm_(_of_places(_read(around[rows], first, last)).mT, of_products)
            if back is not None:
                back.add(torch.bmm(of_products, of_weights), rows, first, last)
        of_x = None if back is None else back.without(ctx.padding)
        if not for_weight:
            return of_x, None, None
        taps = torch.mm(_twice("G", x).mT, sums.flatten(1)).view(3, 3, channels, outputs)
        return of_x, taps.permute(3, 2, 0, 1), None


def _parts(x: Tensor, weight: Tensor) -> Iterator[tuple[slice, int, int]]:
    """(pictures, first and last row of tiles) of as much at a time as a processor's cache has room for; from the bottom
    of a picture to its top."""
    down, across = x.shape[2] // SIDE, x.shape[3] // SIDE
    a_row = READ**2 * across * max(weight.shape[:2]) * x.element_size()
    pictures, rows = max(1, CACHED // (a_row * down)), min(down, max(1, CACHED // a_row))
    for n in range(0, len(x), pictures):
        for last in range(down, 0, -rows):
            yield slice(n, min(n + pictures, len(x))), max(0, last - rows), last


def padded(x: Float[Tensor, "B C H W"], padding: Padding) -> Float[Tensor, "B C H+2 W+2"]:
    return F.pad(x, (1, 1, 1, 1), mode="reflect" if padding == "reflect" else "constant")


def _read(around: Float[Tensor, "B C _ _"], first: int, last: int) -> Tensor:
    """The places that these rows of tiles read."""
    return around[:, :, SIDE * first : SIDE * last + READ - SIDE]


def _of_places(around: Float[Tensor, "B C _ _"]) -> Float[Tensor, "36 T C"]:
    """B^T d B of the 6x6 places d of each of T tiles."""
    batch, channels, height, width = around.shape
    places = around.permute(0, 2, 3, 1)
    row, down, across, last = places.stride()
    tiles = places.as_strided(
        (READ, READ, batch, height // SIDE, width // SIDE, channels),
        (down, across, row, SIDE * down, SIDE * across, last),
        places.storage_offset(),
    )
    return torch.mm(_twice("B_T", around), tiles.reshape(READ**2, -1)).view(READ**2, -1, channels)


def _of_weights(weight: Tensor) -> Float[Tensor, "36 C O"]:
    """G w G^T."""
    outputs, channels = weight.shape[:2]
    taps = weight.permute(2, 3, 1, 0).reshape(9, -1)
    return torch.mm(_twice("G", weight), taps).view(READ**2, channels, outputs)


def _of_gradients(tiles: Float[Tensor, "4 4 B h w O"]) -> Float[Tensor, "36 T O"]:
    """A g A^T of the gradient g of each tile."""
    return torch.mm(_twice("A_T", tiles).mT, tiles.reshape(SIDE**2, -1)).view(READ**2, -1, tiles.shape[-1])


class _Back:
    """The transpose of `_of_places`: what a place adds to each tile that reads it comes back to it."""

    def __init__(self, x: Float[Tensor, "B C H W"]) -> None:
        self.batch, self.channels, self.height, self.width = x.shape
        self.across = self.width // SIDE
        self.found = x.new_zeros(self.batch, self.height // SIDE + 1, SIDE, self.across + 1, SIDE, self.channels)

    def add(self, of_tiles: Float[Tensor, "36 T C"], pictures: slice, first: int, last: int) -> None:
        """Of these rows of tiles, after those below them: the first two rows below are added to."""
        read = torch.mm(_twice("B_T", of_tiles).mT, of_tiles.flatten(1))
        read = read.view(READ, READ, -1, last - first, self.across, self.channels).permute(2, 3, 0, 4, 1, 5)
        found = self.found[pictures, first : last + 1]
        found[:, :-1, :, :-1] = read[:, :, :SIDE, :, :SIDE]  # a tile's own places, and the two rows and columns
        found[:, 1:, :2, :-1] += read[:, :, SIDE:, :, :SIDE]  # that it shares with the tiles after it
        found[:, :-1, :, 1:, :2] += read[:, :, :SIDE, :, SIDE:]
        found[:, 1:, :2, 1:, :2] += read[:, :, SIDE:, :, SIDE:]

    def without(self, padding: Padding) -> Float[Tensor, "B C H W"]:
        """The gradient of the picture without its padding."""
        height, width = self.height, self.width
        found = self.found.view(self.batch, height + SIDE, width + SIDE, self.channels)
        if padding == "reflect":
            found[:, 2] += found[:, 0]
            found[:, height - 1] += found[:, height + 1]
            found[:, :, 2] += found[:, :, 0]
            found[:, :, width - 1] += found[:, :, width + 1]
        return found[:, 1 : height + 1, 1 : width + 1].permute(0, 3, 1, 2)


def _in_tiles(x: Tensor, first: int, last: int) -> Float[Tensor, "4 4 B h w C"]:
    """A view of the places of each tile of these rows of tiles; `x` lies with channels last."""
    rows = x.permute(0, 2, 3, 1)[:, SIDE * first : SIDE * last]
    tiles = rows.unflatten(2, (-1, SIDE)).unflatten(1, (-1, SIDE))
    in_order: Tensor = tiles.permute(2, 4, 0, 1, 3, 5)
    return in_order


def _twice(name: str, like: Tensor) -> Tensor:
    """The map along both axes at once, as one matrix."""
    return _product(name, like.dtype, like.device)


@lru_cache
def _product(name: str, dtype: torch.dtype, device: torch.device) -> Tensor:
    matrix = torch.tensor({"B_T": B_T, "G": G, "A_T": A_T}[name], dtype=torch.float64)
    return torch.kron(matrix, matrix).to(device, dtype)
