"""A photo's background where its person stood, copied from around."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from reposer.core.images import HALF_RANGE
from reposer.core.pose import Edges

from .filling import filled
from .patch_fill import patched, widened
from .photo_look import Look, part_at_size, read_pixels
from .splines import LINEAR, spline_weights
from .tiles import NOTHING, around_any, within

GAP = 320
"""Longer side at which it is decided what the photo's background is filled from, in pixels."""
AROUND = 0.25
"""How far around its part a photo is searched for that, in shares of the part's sides."""
SHOWN, PERSON = 0.1, 0.06
"""From these values on of the hole and of the person's matte a pixel of the background is filled."""
RIM = 2
"""Pixels, of GAP, by which what is filled exceeds that, and again by which what is copied keeps away from it."""

CLOSED = 4
"""Pixels of GAP: slits in what is filled that are at most twice as wide are filled, too, such as between both legs."""


class Backdrop:
    """The photo's background where its person stood: copied from around, in pieces that are shifted as they are."""

    def __init__(self, photo: UInt8[Tensor, "H W 3"], edges: Edges, look: Look, hole: Float[Tensor, "h w"]) -> None:
        self.edges, self.size, self.table = edges, look.size, look.table
        self.region = _around(edges, look.size)
        left, top, right, bottom = self.region
        scale = min(1.0, GAP / max(right - left, bottom - top))
        self.cells = (max(1, round(scale * (bottom - top))), max(1, round(scale * (right - left))))
        small = part_at_size(photo, self.region, self.cells)[0]
        hidden = self._hole(small, look, hole)
        gap = ~widened(~widened(hidden, RIM + CLOSED), CLOSED)
        self.gap = gap.float()
        found = patched(small, gap, ~widened(gap, RIM)) if bool(hidden.any()) else None
        h, w = self.cells
        self.known = found is not None
        self.fits, self.tone, offset = torch.zeros(h, w), torch.zeros(3, h, w), torch.zeros(2, h, w)
        if found is not None:
            self.fits, self.tone, offset = found.fits.float(), found.tone, found.offset.float()
            y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
            shown = small[:, y + found.offset[1], x + found.offset[0]] + found.tone
            filled_too = torch.maximum(self.fits, 1 - self.gap)
            # where no offset leads to background: what is around, smoothly
            self.tone = torch.where(self.fits > 0.5, self.tone, filled(shown[None], filled_too[None, None])[0])
        self.shift = torch.stack([offset[1] * ((bottom - top) / h), offset[0] * ((right - left) / w)]).round().int()
        self.maps = self.gap * torch.cat([torch.ones(1, h, w), self.fits[None], self.tone])
        self.one, self.several = _shifts_between(self.shift, self.maps[1] > 0)

    def _hole(self, small: Float[Tensor, "3 a b"], look: Look, hole: Float[Tensor, "h w"]) -> Bool[Tensor, "a b"]:
        """Where the photo's person hides the background. hole: of the part, as the network finds it."""
        h, w = self.cells
        left, top, right, bottom = self.region
        x = left - 0.5 + (torch.arange(w) + 0.5) * (right - left) / w
        y = top - 0.5 + (torch.arange(h) + 0.5) * (bottom - top) / h
        place = torch.stack([x.expand(h, w), y[:, None].expand(h, w)])
        inner = (x - self.edges[0] + 0.5) / (self.edges[2] - self.edges[0])
        outer = (y - self.edges[1] + 0.5) / (self.edges[3] - self.edges[1])
        grid = 2 * torch.stack([inner.expand(h, w), outer[:, None].expand(h, w)], -1) - 1
        likely = F.grid_sample(hole[None, None], grid[None], padding_mode="zeros", align_corners=False)[0, 0]
        return (likely > SHOWN) & (look.person(small, place) > PERSON)

    def behind(
        self, needed: Float[Tensor, "t u"], down: slice, across: slice
    ) -> tuple[Float[Tensor, "3 t u"] | None, Float[Tensor, "t u"]]:
        """The colours of a tile's background where they are copied (None: nowhere), and how much of it is filled.

        needed: 0 where the result shows no background.
        """
        left, top, right, bottom = self.region
        h, w = self.cells
        down = slice(down.start + self.edges[1] - top, down.stop + self.edges[1] - top)
        across = slice(across.start + self.edges[0] - left, across.stop + self.edges[0] - left)
        (near_y, (by_row,)), (near_x, (by_column,)) = (
            spline_weights(h, bottom - top, down, LINEAR),
            spline_weights(w, right - left, across, LINEAR),
        )
        if not bool(self.gap[near_y, near_x].any()):
            return None, torch.zeros(len(by_row), len(by_column))
        share, fits, *tone = by_row @ self.maps[:, near_y, near_x] @ by_column.mT
        box = around_any(share * needed)
        if not self.known or box[0].stop == 0:
            return None, share
        behind = torch.zeros(3, *share.shape)
        down, across, needed, fits = within(down, box[0]), within(across, box[1]), needed[box], fits[box]
        tone, inner = [t[box] for t in tone], share[box]
        rows, columns = _sides(down, h, bottom - top), _sides(across, w, right - left)
        y = (torch.arange(down.start, down.stop) + top).int()
        x = (torch.arange(across.start, across.stop) + left).int()
        between = rows.before + 1, columns.before + 1
        shift = self.one[:, between[0]][:, :, between[1]]
        colours = self._shown(y[:, None] + shift[0], x + shift[1])
        found = torch.stack([t.addcmul(colour, fits) for t, colour in zip(tone, colours, strict=True)])
        mixed = self.several[between[0]][:, between[1]] & (needed > 0)
        at_y, at_x = mixed.nonzero().unbind(1)
        if len(at_y):  # pieces from different places meet
            sums = torch.stack([t[at_y, at_x] for t in tone])
            for row, row_weight in rows.both():
                for column, column_weight in columns.both():
                    cell = row[at_y] * w + column[at_x]
                    weight = row_weight[at_y] * column_weight[at_x] * self.maps[1].flatten()[cell]
                    shift = self.shift.flatten(1)[:, cell]
                    for total, colour in zip(sums, self._shown(y[at_y] + shift[0], x[at_x] + shift[1]), strict=True):
                        total.addcmul_(colour, weight)
            found[:, at_y, at_x] = sums
        behind[:, *box] = (found / inner.clamp(min=NOTHING)).clamp(-1, 1)
        return behind, share

    def _shown(self, y: Int[Tensor, "*N"], x: Int[Tensor, "*N"]) -> list[Float[Tensor, "*N"]]:
        """The photo's pixels, or those of its border, a colour at a time."""
        height, width = self.size
        at = y.clamp(0, height - 1) * width + x.clamp(0, width - 1)
        return [values / HALF_RANGE - 1 for values in read_pixels(self.table, at)]


def _shifts_between(
    shift: Int[Tensor, "2 h w"], counts: Bool[Tensor, "h w"]
) -> tuple[Int[Tensor, "2 h1 w1"], Bool[Tensor, "h1 w1"]]:
    """Between any four cells, and beyond the border: the shift of one that counts, and whether others have others."""
    code = F.pad((shift[0].double() * 2**24 + shift[1])[None], (1, 1, 1, 1), mode="replicate")[0]
    there = F.pad(counts[None].double(), (1, 1, 1, 1), mode="replicate")[0] > 0
    most = F.max_pool2d(code.masked_fill(~there, -torch.inf)[None], 2, 1)[0]
    least = -F.max_pool2d((-code).masked_fill(~there, -torch.inf)[None], 2, 1)[0]
    one = most.masked_fill(most.isinf(), 0)
    y = (one / 2**24).round()
    return torch.stack([y, one - y * 2**24]).int(), most > least


def _around(edges: Edges, size: tuple[int, int]) -> Edges:
    """The part of a photo of this (height, width) with AROUND on all sides, inside the photo."""
    left, top, right, bottom = edges
    across, down = round(AROUND * (right - left)), round(AROUND * (bottom - top))
    height, width = size
    return max(0, left - across), max(0, top - down), min(width, right + across), min(height, bottom + down)


class _Sides(NamedTuple):
    """The cells before and after each place; before: -1 where it lies before the first cell's middle."""

    before: Int[Tensor, "N"]
    way: Float[Tensor, "N"]
    cells: int

    def both(self) -> list[tuple[Int[Tensor, "N"], Float[Tensor, "N"]]]:
        """Each side's cell, at the border the first or last, and its weight."""
        first, last = self.before.clamp(min=0), (self.before + 1).clamp(max=self.cells - 1)
        return [(first, 1 - self.way), (last, self.way)]


def _sides(part: slice, cells: int, pixels: int) -> _Sides:
    """Of the pixels `part` of `pixels`, between `cells`."""
    place = (torch.arange(part.start, part.stop, dtype=torch.float64) + 0.5) * cells / pixels - 0.5
    before = place.floor()
    return _Sides(before.long(), (place - before).float(), cells)
