"""Composes a generated picture at a photo's own size: the photo's pixels are copied, only what is invented is
enlarged."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from reposer.core.composition import COPIED, FILLED, INVENTED, KEPT, MIRRORED, Composition, Provenance, SourcePerson
from reposer.core.framing import cut, size_of
from reposer.core.images import HALF_RANGE, from_uint8, resize, to_uint8
from reposer.core.pose import Edges
from reposer.core.processes import closing_soon

from .filling import filled
from .matte import matte_weights
from .patch_fill import patched, widened
from .windows import widest

TILE = 256
"""Sides of the parts that are composed at a time, in pixels: they fit a processor's cache."""
NONE, SURE = 0.15, 0.75
"""Shares of copying up to which nothing is copied, and from which nothing is invented."""
NOTHING = 1 / 512
"""A share that changes no byte."""
NO_PHOTO = 255
MATTE = 6
"""Radius in which the person's mask is compared with the photo's colours, in half pixels of the frame."""
SURE_INSIDE = 4
"""Half pixels of the frame by which the network's mask is shrunk to what is the person whatever its colour: clothes and
skin can look like what is behind them."""
COVERED = 0.75, 0.99
"""Shares of a photo's pixel that its person covers up to which it is not copied, and from which it is as a whole: at a
rim the background shines through."""
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


class PhotoPart(NamedTuple):
    """A photo, and the part of it that a frame shows, in whole pixels; the part may exceed the photo."""

    pixels: UInt8[Tensor, "H W 3"]
    edges: Edges


class Fade(NamedTuple):
    """The weight of the result along the height and the width of the first photo's part."""

    down: Float[Tensor, "H"]
    across: Float[Tensor, "W"]


class Composed(NamedTuple):
    """A photo with what was generated in it.

    alpha: how much of a pixel is the person, in bytes, if asked for. provenance: where each pixel comes from, if asked
    for.
    """

    picture: UInt8[Tensor, "H W 3"]
    alpha: UInt8[Tensor, "H W"] | None
    provenance: Provenance | None


def composed(
    sources: Sequence[PhotoPart],
    content: Edges,
    composition: Composition,
    fade: Fade,
    *,
    provenance: bool = False,
    alpha: bool = False,
    known: "Known | None" = None,
) -> Composed:
    """The first photo with what was generated in its part.

    sources: the photos that are copied from. content: the part of the frame that shows a photo's part.
    composition: of one picture. alpha: then a pixel's colour is the person's alone wherever there is some of it.
    known: of the sources, for the frames of a clip; None = `known_of` this composition.
    Only pixels that change are computed, tile by tile: beside the result, memory does not grow with the photo.
    """
    photo, edges = sources[0]
    left, top, _, _ = edges
    size = (photo.shape[0], photo.shape[1])
    answer, origin = photo.clone(), Provenance.untouched(size) if provenance else None
    cover = torch.zeros(size, dtype=torch.uint8) if alpha else None
    maps = _Maps(composition, content, size_of(edges))
    looks, backdrop = known or known_of(sources, content, composition, backdrop=not alpha)
    inference = torch.is_inference_mode_enabled()

    def compose(place: tuple[slice, slice]) -> None:
        with torch.inference_mode(inference), torch.no_grad():  # a mode belongs to a thread
            compose_at(*place)

    def compose_at(rows: slice, columns: slice) -> None:
        down, across = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
        if not maps.anything(down, across, still=alpha):
            return
        tile = _composed_tile(looks, maps, fade, backdrop, photo[rows, columns], down, across)
        if cover is None:
            answer[rows, columns] = to_uint8(tile.picture)
        else:
            level, colour = tile.person()
            cover[rows, columns] = (255 * level).round().to(torch.uint8)
            answer[rows, columns] = to_uint8(colour)
        if origin is not None:
            _note(origin, rows, columns, tile, maps)

    with _single_threads(torch.get_num_threads()) as pool:  # a tile is too small for several, but there are many
        for _ in pool.map(compose, _tiles(edges, size)):
            pass
    return Composed(answer, cover, origin)


class Known(NamedTuple):
    """What depends on the photos and on their person alone, and serves all frames of a clip."""

    looks: Sequence["_Look"]
    backdrop: "_Backdrop | None"


def known_of(
    sources: Sequence[PhotoPart], content: Edges, person: SourcePerson | Composition, *, backdrop: bool = True
) -> Known:
    """What the photos show, and the first one's background where its person stood. backdrop: False = without that.

    person: of the sources, alone or in a composition.
    """
    inference = torch.is_inference_mode_enabled()

    def found() -> Known:
        with torch.inference_mode(inference), torch.no_grad():
            looks = [_Look(source, person.source_person[0, s], content) for s, source in enumerate(sources)]
            photo, edges = sources[0]
            if not backdrop:
                return Known(looks, None)
            hole = cut(person.hole[0].float().cpu(), content)[0]
            return Known(looks, _Backdrop(photo, edges, looks[0], hole))

    with _single_threads(1) as pool:  # its many steps are small: with two threads each waits longer than it computes
        return pool.submit(found).result()


@contextmanager
def _single_threads(count: int) -> Iterator[Executor]:
    """Threads in which torch uses no further ones."""
    with _SINGLE:
        _BEFORE.append(_BEFORE[0] if _BEFORE else torch.get_num_threads())
    try:
        with closing_soon(ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))) as pool:
            yield pool
    finally:
        with _SINGLE:
            threads = _BEFORE.pop()
            if not _BEFORE:
                torch.set_num_threads(threads)  # threads that begin later have as many, too


_SINGLE = threading.Lock()
_BEFORE: list[int] = []
"""How many threads torch had before the first of those who are in `_single_threads` came, once for each of them."""


class _Tile(NamedTuple):
    """A part of the result, and the shares that make it: together 1, or at most 1 - `stays` without the photo's own.

    copies: those that may show here.
    """

    copies: Sequence[int]
    own: Float[Tensor, "3 t u"]
    own_person: Float[Tensor, "t u"]
    colours: Float[Tensor, "M 3 t u"]
    places: Float[Tensor, "M 2 t u"]
    made: Float[Tensor, "3 t u"]
    background: Float[Tensor, "3 t u"]
    copied: Float[Tensor, "M t u"]
    invented: Float[Tensor, "t u"]
    filled: Float[Tensor, "t u"]
    stays: Float[Tensor, "t u"]

    @property
    def picture(self) -> Float[Tensor, "3 t u"]:
        moved = self.invented * self.made + self.filled * self.background
        for share, colour in zip(self.copied, self.colours, strict=True):
            moved.addcmul_(share.expand_as(colour), colour)
        return moved.addcmul_(self.own, (1 - self.copied.sum(0) - self.invented - self.filled).expand_as(self.own))

    def person(self) -> tuple[Float[Tensor, "t u"], Float[Tensor, "3 t u"]]:
        """How much of each pixel is the person, and its colour; white where there is none."""
        own = self.stays * _ramp(self.own_person, 0.1, 0.9)
        level = own + self.copied.sum(0) + self.invented
        colour = own * self.own + self.invented * self.made + (self.copied[:, None] * self.colours).sum(0)
        return level.clamp(0, 1), torch.where(level > NOTHING, colour / level.clamp(min=NOTHING), 1.0)


def _composed_tile(
    looks: Sequence["_Look"],
    maps: "_Maps",
    fade: Fade,
    backdrop: "_Backdrop | None",
    photo: UInt8[Tensor, "t u 3"],
    down: slice,
    across: slice,
) -> _Tile:
    """backdrop: None if only the person is asked for."""
    fine, own = maps.of(down, across), from_uint8(photo).contiguous()
    sources, direct = [maps.sources[c] for c in fine.copies], sum(c < maps.direct for c in fine.copies)
    moved = (1 - fine.still) * fade.down[down, None] * fade.across[across]
    own_person = torch.ones_like(moved)
    if backdrop is None:
        own_person = looks[0].person(own, looks[0].place(torch.zeros_like(fine.flow[0]), maps, down, across))
    person, copied = _ramp(fine.person, 0.25, 0.75), torch.zeros_like(fine.copied)
    places, colours = torch.zeros_like(fine.flow), torch.zeros(len(sources), 3, *person.shape)
    if float((moved * fine.person).amax()) >= NOTHING:
        for c, source in enumerate(sources):
            if float(fine.copied[c].amax()) < NOTHING:
                continue
            rows, columns = box = _around_any(fine.copied[c] * moved)
            at = _within(down, rows), _within(across, columns)
            place = looks[source].place(fine.flow[c][:, *box], maps, *at)
            shown = looks[source].colours(place)
            places[c][:, *box], colours[c][:, *box] = place, shown
            copied[c][box] = fine.copied[c][box] * _ramp(looks[source].person(shown, place), *COVERED)
        whole, directly = fine.copied.sum(0), fine.copied[:direct].sum(0)
        sure = _ramp(whole, NONE, SURE)
        copied *= sure / whole.clamp(min=NONE)
        # the person's edge is the network's, but where that edge is copied it is the photo's
        inside, around = _ramp(fine.person, 0.5, 0.9), _ramp(fine.person, 0.1, 0.5)
        own_edge = _ramp(directly, NONE, SURE)
        shown = copied[:direct].sum(0) / (sure * directly / whole.clamp(min=NONE)).clamp(min=NONE)
        person = torch.lerp(person, torch.maximum(inside, around * shown.clamp(max=1)), own_edge)
    ahead = moved * person
    copied *= ahead
    filled, behind = moved * (1 - person), None
    if backdrop is not None:
        behind, share = backdrop.behind(filled, down, across)
        filled = filled * share
    else:  # for the provenance alone
        filled = filled * fine.hole * _ramp(own_person, 0.0, 0.12)
    made, *background = maps.colours(down, across, 6 if behind is None else 3).split(3)
    seen = made, background[0] if behind is None else behind
    shares = copied, ahead - copied.sum(0), filled, 1 - moved
    return _Tile(fine.copies, own, own_person, colours, places, *seen, *shares)


def _around_any(share: Float[Tensor, "t u"]) -> tuple[slice, slice]:
    """The rows and columns between which some of it is."""
    found = []
    for axis in (1, 0):
        some = share.amax(axis).nonzero()[:, 0]
        found.append(slice(int(some[0]), int(some[-1]) + 1) if len(some) else slice(0, 0))
    return found[0], found[1]


def _within(part: slice, inner: slice) -> slice:
    return slice(part.start + inner.start, part.start + inner.stop)


def enter_invented(origin: Provenance, edges: Edges, fade: Fade) -> None:
    """Enters that this part of the photo was generated as a whole, where its weight is above half."""
    left, top, right, bottom = edges
    height, width = origin.kind.shape
    rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    weight = (
        fade.down[rows.start - top : rows.stop - top, None] * fade.across[columns.start - left : columns.stop - left]
    )
    generated = weight > 0.5
    origin.kind[rows, columns] = torch.where(generated, INVENTED, origin.kind[rows, columns]).to(torch.uint8)
    origin.photo[rows, columns] = torch.where(generated, NO_PHOTO, origin.photo[rows, columns]).to(torch.uint8)
    origin.place[rows, columns] = origin.place[rows, columns].masked_fill(generated[..., None], torch.nan)


def enter_copied_as_invented(origin: Provenance) -> None:
    """What was copied came from a generator's own picture."""
    copied = (origin.kind == COPIED) | (origin.kind == MIRRORED)
    origin.kind[copied], origin.photo[copied], origin.place[copied] = INVENTED, NO_PHOTO, torch.nan


def in_photo(origin: Provenance, growth: tuple[int, int, int, int]) -> Provenance:
    """The provenance on a canvas that grew (left, top, right, bottom), with places in pixels of the photo before."""
    left, top, right, bottom = growth
    height, width = origin.kind.shape
    beyond = torch.ones(height, width, dtype=torch.bool)
    beyond[top : height - bottom, left : width - right] = False
    beyond &= origin.kind == KEPT
    own = (origin.photo == 0)[..., None]
    place = torch.where(own, origin.place - torch.tensor([left, top]), origin.place)
    kind, photo = origin.kind.masked_fill(beyond, FILLED), origin.photo.masked_fill(beyond, NO_PHOTO)
    return Provenance(kind, place.masked_fill(beyond[..., None], torch.nan), photo)


def _note(origin: Provenance, rows: slice, columns: slice, tile: _Tile, maps: "_Maps") -> None:
    """Enters where a tile's pixels come from."""
    sources, direct = [maps.sources[c] for c in tile.copies], sum(c < maps.direct for c in tile.copies)
    copied, mirrored = tile.copied[:direct].sum(0), tile.copied[direct:].sum(0)
    kept = 1 - copied - mirrored - tile.invented - tile.filled
    kind = torch.stack([kept, copied, tile.filled, tile.invented, mirrored]).argmax(0)
    shares = tile.copied.clone()
    shares[:direct] *= kind != MIRRORED
    shares[direct:] *= kind == MIRRORED
    best = shares.argmax(0)
    place = tile.places.gather(0, best[None, None].expand(1, 2, -1, -1))[0].movedim(0, -1)
    moved = (kind == COPIED) | (kind == MIRRORED)
    place = torch.where(moved[..., None], place, origin.place[rows, columns])
    nowhere = (kind == FILLED) | (kind == INVENTED)
    origin.kind[rows, columns] = kind.to(torch.uint8)
    origin.place[rows, columns] = place.masked_fill(nowhere[..., None], torch.nan)
    photo = torch.where(moved, torch.tensor(sources)[best], 0).masked_fill(nowhere, NO_PHOTO)
    origin.photo[rows, columns] = photo.to(torch.uint8)


def _tiles(edges: Edges, size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """The rows and columns of the photo's part inside the photo, TILE at a time."""
    left, top, right, bottom = edges
    for row in range(max(top, 0), min(bottom, size[0]), TILE):
        for column in range(max(left, 0), min(right, size[1]), TILE):
            yield slice(row, min(row + TILE, bottom, size[0])), slice(column, min(column + TILE, right, size[1]))


class _Fine(NamedTuple):
    """A composition's maps at the photo's size, of one tile.

    copies: the first, and the others of which something may show here. flow: of each, in pixels of the frame.
    """

    copies: Sequence[int]
    flow: Float[Tensor, "C 2 t u"]
    copied: Float[Tensor, "C t u"]
    person: Float[Tensor, "t u"]
    hole: Float[Tensor, "t u"]
    still: Float[Tensor, "t u"]


class _Maps:
    """A composition's maps, enlarged to a part of this (height, width), any tile of it at a time."""

    def __init__(self, composition: Composition, content: Edges, size: tuple[int, int]) -> None:
        c = composition
        assert len(c.place) == 1, "one picture at a time"
        h, w = c.place.shape[-2:]
        y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in (h, w)), indexing="ij")
        flow = c.place[0].float().cpu() - torch.stack([x, y])
        maps = [flow.flatten(0, 1), c.copied[0, :, 0], c.person[0], c.hole[0], c.still[0]]
        self.maps = cut(torch.cat([part.float().cpu() for part in maps]), content).contiguous()
        self._colours = cut(torch.cat([c.invented[0], c.background[0]]).float().cpu(), content).contiguous()
        self.frame, self.size = size_of(content), size
        self.sources, self.direct = c.sources, c.direct
        self._person = cut(torch.maximum(c.person[0], c.source_person[0, 0]).float().cpu(), content)[0]

    def anything(self, down: slice, across: slice, *, still: bool) -> bool:
        """Whether a tile has a pixel that changes; still: or one of a person."""
        (rows, _), (columns, _) = self._needed(down, across)
        person, hole, moves = (
            self.maps[-3, rows, columns],
            self.maps[-2, rows, columns],
            1 - self.maps[-1, rows, columns],
        )
        changed = float((moves * torch.maximum(person, hole)).amax())
        return changed >= NOTHING or (still and float(self._person[rows, columns].amax()) >= NOTHING)

    def _needed(self, down: slice, across: slice) -> "tuple[_Weights, _Weights]":
        """Which rows and columns of the frame this part needs; their weights in a smooth and in a sharp enlargement."""
        (h, w), (height, width) = self.frame, self.size
        return _weights(h, height, down, SMOOTH, SHARP), _weights(w, width, across, SMOOTH, SHARP)

    def of(self, down: slice, across: slice) -> _Fine:
        (rows, (smooth_y, _)), (columns, (smooth_x, _)) = self._needed(down, across)
        count = len(self.sources)
        shares = self.maps[2 * count : 3 * count, rows, columns].amax((1, 2)).tolist()
        copies = [c for c, share in enumerate(shares) if c == 0 or share > 0]
        channels = [2 * c + axis for c in copies for axis in (0, 1)] + [2 * count + c for c in copies]
        channels += [3 * count, 3 * count + 1, 3 * count + 2]
        maps = smooth_y @ self.maps[channels, rows, columns] @ smooth_x.mT
        flow, copied, single = maps.split([2 * len(copies), len(copies), 3])
        person, hole, still = single.unbind(0)
        return _Fine(copies, flow.unflatten(0, (len(copies), 2)), copied, person, hole, still)

    def colours(self, down: slice, across: slice, count: int) -> Float[Tensor, "count t u"]:
        """What is invented of the person, and, of 6, the background behind it."""
        (rows, (_, sharp_y)), (columns, (_, sharp_x)) = self._needed(down, across)
        return sharp_y @ self._colours[:count, rows, columns] @ sharp_x.mT


_Spline = tuple[tuple[int, ...], ...]
SMOOTH: _Spline = (1, 4, 1, 0), (-3, 0, 3, 0), (3, -6, 3, 0), (-1, 3, -3, 1)
SHARP: _Spline = (0, 2, 0, 0), (-1, 0, 1, 0), (2, -5, 4, -1), (-1, 3, -3, 1)
LINEAR: _Spline = (0, 1, 0, 0), (0, -1, 1, 0), (0, 0, 0, 0), (0, 0, 0, 0)
"""A B-spline, Catmull and Rom's spline, and straight lines: the weights of four pixels by powers of the place between
the inner two; together they have to make 1."""
_Weights = tuple[slice, tuple[Float[Tensor, "n k"], ...]]


def _weights(small: int, large: int, part: slice, *splines: _Spline) -> _Weights:
    """For the pixels `part` of `large`: which of the `small` pixels they need, and their weights in these splines; at
    the border the edge pixel repeats."""
    return _weights_of(small, large, part.start, part.stop, splines)


@lru_cache(maxsize=256)  # all tiles of a row, and all frames of a clip, need the same
def _weights_of(small: int, large: int, start: int, stop: int, splines: tuple[_Spline, ...]) -> _Weights:
    place = (torch.arange(start, stop, dtype=torch.float64) + 0.5) * small / large - 0.5
    first = place.floor()
    t = (place - first)[:, None]
    powers = torch.cat([torch.ones_like(t), t, t * t, t**3], 1)
    taps = (first[:, None] + torch.arange(-1, 3)).clamp(0, small - 1).long()
    low, high = int(taps.min()), int(taps.max()) + 1
    found = []
    for spline in splines:
        basis = torch.tensor(spline, dtype=torch.float64) / sum(spline[0])
        weights = torch.zeros(len(place), high - low, dtype=torch.float64)
        found.append(weights.scatter_add_(1, taps - low, powers @ basis).float())
    return slice(low, high), tuple(found)


class _Look:
    """What a photo shows: its colours between pixels, and how much of them is its person, along the photo's own
    edges."""

    def __init__(self, source: PhotoPart, person: Float[Tensor, "1 h w"], content: Edges) -> None:
        photo, self.edges = source
        self.size = (photo.shape[0], photo.shape[1])
        self.table = _table(photo)
        h, w = size_of(content)
        size = (2 * h, 2 * w)
        mask = cut(person.float().cpu(), content)[None]
        mask = F.interpolate(mask, size, mode="bilinear", align_corners=False)
        inside = _ramp(1 - widest(1 - mask, SURE_INSIDE), 0.5, 0.9)
        self.weights = torch.cat([matte_weights(_small(photo, self.edges, size), mask, MATTE), inside], 1)

    def place(self, flow: Float[Tensor, "2 t u"], maps: _Maps, down: slice, across: slice) -> Float[Tensor, "2 t u"]:
        """The places (x, y) in this photo that a tile shows; beyond its border, those at the border. flow: in pixels of
        the frame."""
        left, top, right, bottom = self.edges
        x = torch.arange(across.start, across.stop, dtype=torch.float32) + 0.5
        y = torch.arange(down.start, down.stop, dtype=torch.float32)[:, None] + 0.5
        x = x * ((right - left) / maps.size[1]) + flow[0] * ((right - left) / maps.frame[1])
        y = y * ((bottom - top) / maps.size[0]) + flow[1] * ((bottom - top) / maps.frame[0])
        height, width = self.size
        return torch.stack([(x + (left - 0.5)).clamp(0, width - 1), (y + (top - 0.5)).clamp(0, height - 1)])

    def colours(self, place: Float[Tensor, "2 t u"]) -> Float[Tensor, "3 t u"]:
        """The photo at places (x, y) in it, linear in between."""
        height, width = self.size
        whole = place.floor()
        (a, b), (left, top) = place - whole, whole.int()
        rows = top * width
        right, below = (left + 1).clamp(max=width - 1), (rows + width).clamp(max=(height - 1) * width)
        weights = ((1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b)
        sums = torch.zeros(3, *a.shape)
        for weight, at in zip(weights, (rows + left, rows + right, below + left, below + right), strict=True):
            for colour, values in zip(sums, _read(self.table, at), strict=True):
                colour.addcmul_(values, weight)
        return sums / HALF_RANGE - 1

    def person(self, colours: Float[Tensor, "3 t u"], place: Float[Tensor, "2 t u"]) -> Float[Tensor, "t u"]:
        """How much the person covers of pixels of these colours, at places (x, y) in the photo."""
        left, top, right, bottom = self.edges
        x, y = (place[0] - left + 0.5) / (right - left), (place[1] - top + 0.5) / (bottom - top)
        grid = 2 * torch.stack([x, y], -1)[None] - 1
        a = F.grid_sample(self.weights, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
        return torch.maximum((a[:3] * colours).sum(0) + a[3], a[4]).clamp(0, 1)


class _Backdrop:
    """The photo's background where its person stood: copied from around, in pieces that are shifted as they are."""

    def __init__(self, photo: UInt8[Tensor, "H W 3"], edges: Edges, look: _Look, hole: Float[Tensor, "h w"]) -> None:
        self.edges, self.size, self.table = edges, look.size, look.table
        self.region = _around(edges, look.size)
        left, top, right, bottom = self.region
        scale = min(1.0, GAP / max(right - left, bottom - top))
        self.cells = (max(1, round(scale * (bottom - top))), max(1, round(scale * (right - left))))
        small = _small(photo, self.region, self.cells)[0]
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

    def _hole(self, small: Float[Tensor, "3 a b"], look: _Look, hole: Float[Tensor, "h w"]) -> Bool[Tensor, "a b"]:
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
            _weights(h, bottom - top, down, LINEAR),
            _weights(w, right - left, across, LINEAR),
        )
        if not bool(self.gap[near_y, near_x].any()):
            return None, torch.zeros(len(by_row), len(by_column))
        share, fits, *tone = by_row @ self.maps[:, near_y, near_x] @ by_column.mT
        box = _around_any(share * needed)
        if not self.known or box[0].stop == 0:
            return None, share
        behind = torch.zeros(3, *share.shape)
        down, across, needed, fits = _within(down, box[0]), _within(across, box[1]), needed[box], fits[box]
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
        return [values / HALF_RANGE - 1 for values in _read(self.table, at)]


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


def _table(photo: UInt8[Tensor, "H W 3"]) -> Int[Tensor, "P"]:
    """One number a pixel, so that its bytes are read at once; the fourth byte means nothing."""
    photo_bytes = photo.contiguous().numpy().reshape(-1)
    count = len(photo_bytes) // 3
    table = np.zeros(count, np.int32)
    table[:-1] = np.ndarray(count - 1, np.int32, photo_bytes, strides=3)  # each number begins three bytes further on
    table[-1:].view(np.uint8)[:3] = photo_bytes[-3:]
    return torch.from_numpy(table)


def _read(table: Int[Tensor, "P"], at: Int[Tensor, "*N"]) -> list[Float[Tensor, "*N"]]:
    """The red, green and blue of these pixels, one colour at a time, which is several times faster."""
    found = table.index_select(0, at.flatten()).view(torch.uint8).view(*at.shape, 4)
    return [found[..., colour].float() for colour in range(3)]


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


def _small(photo: UInt8[Tensor, "H W 3"], edges: Edges, size: tuple[int, int]) -> Float[Tensor, "1 3 h w"]:
    """The photo's part at about this size: of a large photo every n-th pixel is read, which is enough for its edges."""
    left, top, right, bottom = edges
    picked = []
    for low, high, end, wanted in ((top, bottom, photo.shape[0], size[0]), (left, right, photo.shape[1], size[1])):
        step = max(1, (high - low) // (2 * wanted))
        picked.append(torch.arange(low + step // 2, high, step).clamp(0, end - 1))
    small = photo[picked[0]][:, picked[1]]
    return resize(from_uint8(small)[None], size)


def _ramp(values: Tensor, low: float, high: float) -> Tensor:
    """0 up to `low`, 1 from `high`."""
    return ((values - low) / (high - low)).clamp(0, 1)
