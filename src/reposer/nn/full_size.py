"""Composes a generated picture at a photo's own size: the photo's pixels are copied, only what is invented is
enlarged."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core.composition import COPIED, FILLED, INVENTED, KEPT, Composition, Provenance
from reposer.core.framing import cut, size_of
from reposer.core.images import HALF_RANGE, from_uint8, resize, to_uint8
from reposer.core.pose import Edges

from .filling import filled
from .matte import matte_weights
from .patch_fill import patched

TILE = 256
"""Sides of the parts that are composed at a time, in pixels: they fit a processor's cache."""
NONE, SURE = 0.15, 0.75
"""Shares of copying up to which nothing is copied, and from which nothing is invented."""
NOTHING = 1 / 512
"""A share that changes no byte."""
NO_PHOTO = 255
MATTE = 6
"""Radius in which the person's mask is compared with the photo's colours, in half pixels of the frame."""

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
    for rows, columns in _tiles(edges, size):
        down, across = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
        if not maps.anything(down, across, still=alpha):
            continue
        tile = _composed_tile(looks, maps, fade, backdrop, photo[rows, columns], down, across)
        if cover is None:
            answer[rows, columns] = to_uint8(tile.picture)
        else:
            level, colour = tile.person()
            cover[rows, columns] = (255 * level).round().to(torch.uint8)
            answer[rows, columns] = to_uint8(colour)
        if origin is not None:
            _note(origin, rows, columns, tile)
    return Composed(answer, cover, origin)


class Known(NamedTuple):
    """What depends on the photos and on their person alone, and serves all frames of a clip."""

    looks: Sequence["_Look"]
    backdrop: "_Backdrop | None"


def known_of(sources: Sequence[PhotoPart], content: Edges, composition: Composition, *, backdrop: bool = True) -> Known:
    """What the photos show, and the first one's background where its person stood. backdrop: False = without that."""
    looks = [_Look(source, composition.source_person[0, s], content) for s, source in enumerate(sources)]
    photo, edges = sources[0]
    if not backdrop:
        return Known(looks, None)
    return Known(looks, _Backdrop(photo, edges, looks[0], _Maps(composition, content, size_of(edges))))


class Remembered:
    """What was last known of one photo, for further pictures of it: the same while its part and its person are the same."""

    def __init__(self) -> None:
        self._of: tuple[Edges, Edges, Tensor, Tensor] | None = None
        self._known: Known | None = None

    def known(self, source: PhotoPart, content: Edges, composition: Composition) -> Known:
        """As `known_of` of this photo alone."""
        person, hole = composition.source_person, composition.hole
        of = self._of
        same = of is not None and of[:2] == (source.edges, content) and torch.equal(of[2], person)
        if self._known is None or of is None or not same or not torch.equal(of[3], hole):
            self._known = known_of([source], content, composition)
            self._of = source.edges, content, person.clone(), hole.clone()
        return self._known


class _Tile(NamedTuple):
    """A part of the result, and the shares that make it: together 1, or at most 1 - `stays` without the photo's own."""

    own: Float[Tensor, "3 t u"]
    own_person: Float[Tensor, "t u"]
    colours: Float[Tensor, "S 3 t u"]
    places: Float[Tensor, "S 2 t u"]
    made: Float[Tensor, "6 t u"]
    copied: Float[Tensor, "S t u"]
    invented: Float[Tensor, "t u"]
    filled: Float[Tensor, "t u"]
    stays: Float[Tensor, "t u"]

    @property
    def picture(self) -> Float[Tensor, "3 t u"]:
        moved = self.invented * self.made[:3] + self.filled * self.made[3:]
        for share, colour in zip(self.copied, self.colours, strict=True):
            moved.addcmul_(share.expand_as(colour), colour)
        return moved.addcmul_(self.own, (1 - self.copied.sum(0) - self.invented - self.filled).expand_as(self.own))

    def person(self) -> tuple[Float[Tensor, "t u"], Float[Tensor, "3 t u"]]:
        """How much of each pixel is the person, and its colour; white where there is none."""
        own = self.stays * _ramp(self.own_person, 0.1, 0.9)
        level = own + self.copied.sum(0) + self.invented
        colour = own * self.own + self.invented * self.made[:3] + (self.copied[:, None] * self.colours).sum(0)
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
    fine, own = maps.of(down, across), from_uint8(photo)
    moved = (1 - fine.still) * fade.down[down, None] * fade.across[across]
    own_person = torch.ones_like(moved)
    if backdrop is None:
        own_person = looks[0].person(own, looks[0].place(torch.zeros_like(fine.flow[0]), maps, down, across))
    places = torch.stack([look.place(flow, maps, down, across) for look, flow in zip(looks, fine.flow, strict=True)])
    person, copied = _ramp(fine.person, 0.25, 0.75), torch.zeros_like(fine.copied)
    colours = torch.zeros(len(looks), 3, *person.shape)
    if float((moved * fine.person).amax()) >= NOTHING:
        for s, look in enumerate(looks):
            colours[s] = look.colours(places[s])
            copied[s] = fine.copied[s] * _ramp(look.person(colours[s], places[s]), 0.4, 0.9)
        whole = fine.copied.sum(0)
        sure = _ramp(whole, NONE, SURE)
        copied *= sure / whole.clamp(min=NONE)
        # the person's edge is the network's, but where the person is copied it is the photo's
        inside, around = _ramp(fine.person, 0.5, 0.9), _ramp(fine.person, 0.1, 0.5)
        followed = torch.maximum(inside, around * (copied.sum(0) / sure.clamp(min=NONE)).clamp(max=1))
        person = torch.lerp(person, followed, sure)
    ahead = moved * person
    copied *= ahead
    filled, made = moved * (1 - person), fine.colours
    if backdrop is not None:
        made, share = backdrop.behind(made, filled, down, across)
        filled = filled * share
    else:  # for the provenance alone
        filled = filled * fine.hole * _ramp(own_person, 0.0, 0.12)
    return _Tile(own, own_person, colours, places, made, copied, ahead - copied.sum(0), filled, 1 - moved)


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
    copied = origin.kind == COPIED
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


def _note(origin: Provenance, rows: slice, columns: slice, tile: _Tile) -> None:
    """Enters where a tile's pixels come from."""
    copied = tile.copied.sum(0)
    kept = 1 - copied - tile.invented - tile.filled
    kind = torch.stack([kept, copied, tile.filled, tile.invented]).argmax(0)
    best = tile.copied.argmax(0)
    place = tile.places.gather(0, best[None, None].expand(1, 2, -1, -1))[0].movedim(0, -1)
    place = torch.where((kind == COPIED)[..., None], place, origin.place[rows, columns])
    nowhere = (kind == FILLED) | (kind == INVENTED)
    origin.kind[rows, columns] = kind.to(torch.uint8)
    origin.place[rows, columns] = place.masked_fill(nowhere[..., None], torch.nan)
    photo = torch.where(kind == COPIED, best, 0).masked_fill(nowhere, NO_PHOTO)
    origin.photo[rows, columns] = photo.to(torch.uint8)


def _tiles(edges: Edges, size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """The rows and columns of the photo's part inside the photo, TILE at a time."""
    left, top, right, bottom = edges
    for row in range(max(top, 0), min(bottom, size[0]), TILE):
        for column in range(max(left, 0), min(right, size[1]), TILE):
            yield slice(row, min(row + TILE, bottom, size[0])), slice(column, min(column + TILE, right, size[1]))


class _Fine(NamedTuple):
    """A composition's maps at the photo's size, of one tile. flow: in pixels of the frame."""

    flow: Float[Tensor, "S 2 t u"]
    copied: Float[Tensor, "S t u"]
    person: Float[Tensor, "t u"]
    hole: Float[Tensor, "t u"]
    still: Float[Tensor, "t u"]
    colours: Float[Tensor, "6 t u"]


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
        self.colours = cut(torch.cat([c.invented[0], c.background[0]]).float().cpu(), content).contiguous()
        self.hole = self.maps[-2]
        self.frame, self.size, self.num_sources = size_of(content), size, c.place.shape[1]
        self._person = cut(torch.maximum(c.person[0], c.source_person[0, 0]).float().cpu(), content)[0]
        self._known: dict[tuple[int, int, int], tuple[slice, Tensor, Tensor]] = {}

    def anything(self, down: slice, across: slice, *, still: bool) -> bool:
        """Whether a tile has a pixel that changes; still: or one of a person."""
        rows, columns = self._weights(0, down)[0], self._weights(1, across)[0]
        person, hole, moves = (
            self.maps[-3, rows, columns],
            self.maps[-2, rows, columns],
            1 - self.maps[-1, rows, columns],
        )
        changed = float((moves * torch.maximum(person, hole)).amax())
        return changed >= NOTHING or (still and float(self._person[rows, columns].amax()) >= NOTHING)

    def of(self, down: slice, across: slice) -> _Fine:
        rows, smooth_y, sharp_y = self._weights(0, down)
        columns, smooth_x, sharp_x = self._weights(1, across)
        maps = smooth_y @ self.maps[:, rows, columns] @ smooth_x.mT
        flow, copied, single = maps.split([2 * self.num_sources, self.num_sources, 3])
        colours = sharp_y @ self.colours[:, rows, columns] @ sharp_x.mT
        person, hole, still = single.unbind(0)
        return _Fine(flow.unflatten(0, (self.num_sources, 2)), copied, person, hole, still, colours)

    def _weights(self, axis: int, part: slice) -> tuple[slice, Tensor, Tensor]:
        """Which rows (columns) of the frame this part needs; their weights in a smooth and in a sharp enlargement."""
        key = (axis, part.start, part.stop)
        if key not in self._known:
            self._known[key] = _cubic_weights(self.frame[axis], self.size[axis], part)
        return self._known[key]


def _cubic_weights(small: int, large: int, part: slice) -> tuple[slice, Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """For the pixels `part` of `large`: which of the `small` pixels they need, and the weights of a B-spline and of
    Catmull and Rom's spline; at the border the edge pixel repeats.
    """
    place = (torch.arange(part.start, part.stop, dtype=torch.float64) + 0.5) * small / large - 0.5
    first = place.floor()
    t = (place - first)[:, None]
    powers = torch.cat([torch.ones_like(t), t, t * t, t**3], 1)
    smooth = torch.tensor([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]], dtype=torch.float64) / 6
    sharp = torch.tensor([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], dtype=torch.float64) / 2
    taps = (first[:, None] + torch.arange(-1, 3)).clamp(0, small - 1).long()
    low, high = int(taps.min()), int(taps.max()) + 1
    found = []
    for basis in (smooth, sharp):
        weights = torch.zeros(len(place), high - low, dtype=torch.float64)
        found.append(weights.scatter_add_(1, taps - low, powers @ basis).float())
    return slice(low, high), found[0], found[1]


class _Look:
    """What a photo shows: its colours between pixels, and how much of them is its person, along the photo's own
    edges."""

    def __init__(self, source: PhotoPart, person: Float[Tensor, "1 h w"], content: Edges) -> None:
        photo, self.edges = source
        self.size = (photo.shape[0], photo.shape[1])
        self.table = F.pad(photo, (0, 1)).view(torch.int32).flatten()  # one number a pixel: read at once
        h, w = size_of(content)
        size = (2 * h, 2 * w)
        mask = cut(person.float().cpu(), content)[None]
        mask = F.interpolate(mask, size, mode="bilinear", align_corners=False)
        self.weights = matte_weights(_small(photo, self.edges, size), mask, MATTE)

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
        left, top = place.floor()
        a, b = place - place.floor()
        columns, rows = left.long(), top.long() * width
        right, below = (columns + 1).clamp(max=width - 1), (rows + width).clamp(max=(height - 1) * width)
        weights = ((1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b)
        sums = torch.zeros(*a.shape, 4)
        for weight, at in zip(weights, (rows + columns, rows + right, below + columns, below + right), strict=True):
            sums.addcmul_(self.table[at].view(torch.uint8).view(*a.shape, 4), weight[..., None])
        return sums[..., :3].movedim(-1, 0) / HALF_RANGE - 1

    def person(self, colours: Float[Tensor, "3 t u"], place: Float[Tensor, "2 t u"]) -> Float[Tensor, "t u"]:
        """How much the person covers of pixels of these colours, at places (x, y) in the photo."""
        left, top, right, bottom = self.edges
        x, y = (place[0] - left + 0.5) / (right - left), (place[1] - top + 0.5) / (bottom - top)
        grid = 2 * torch.stack([x, y], -1)[None] - 1
        a = F.grid_sample(self.weights, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
        return ((a[:3] * colours).sum(0) + a[3]).clamp(0, 1)


class _Backdrop:
    """The photo's background where its person stood: copied from around, in pieces that are shifted as they are."""

    def __init__(self, photo: UInt8[Tensor, "H W 3"], edges: Edges, look: _Look, maps: _Maps) -> None:
        self.edges, self.size, self.table = edges, look.size, look.table
        self.region = _around(edges, look.size)
        left, top, right, bottom = self.region
        scale = min(1.0, GAP / max(right - left, bottom - top))
        self.cells = (max(1, round(scale * (bottom - top))), max(1, round(scale * (right - left))))
        small = _small(photo, self.region, self.cells)[0]
        hole = self._hole(small, look, maps)[None, None]
        gap = F.max_pool2d(hole, 2 * (RIM + CLOSED) + 1, 1, RIM + CLOSED)
        gap = 1 - F.max_pool2d(1 - gap, 2 * CLOSED + 1, 1, CLOSED)
        avoided = F.max_pool2d(gap, 2 * RIM + 1, 1, RIM)
        self.gap = gap[0, 0]
        found = patched(small, self.gap > 0.5, avoided[0, 0] < 0.5) if bool(hole.any()) else None
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
        self.shift_x = (offset[0] * ((right - left) / w)).round().long()
        self.shift_y = (offset[1] * ((bottom - top) / h)).round().long()

    def _hole(self, small: Float[Tensor, "3 h w"], look: _Look, maps: _Maps) -> Float[Tensor, "h w"]:
        """1 where the photo's person hides the background."""
        h, w = self.cells
        left, top, right, bottom = self.region
        x = left - 0.5 + (torch.arange(w) + 0.5) * (right - left) / w
        y = top - 0.5 + (torch.arange(h) + 0.5) * (bottom - top) / h
        place = torch.stack([x.expand(h, w), y[:, None].expand(h, w)])
        inner = (x - self.edges[0] + 0.5) / (self.edges[2] - self.edges[0])
        outer = (y - self.edges[1] + 0.5) / (self.edges[3] - self.edges[1])
        grid = 2 * torch.stack([inner.expand(h, w), outer[:, None].expand(h, w)], -1) - 1
        hole = F.grid_sample(maps.hole[None, None], grid[None], padding_mode="zeros", align_corners=False)[0, 0]
        return ((hole > SHOWN) & (look.person(small, place) > PERSON)).float()

    def behind(
        self, made: Float[Tensor, "6 t u"], needed: Float[Tensor, "t u"], down: slice, across: slice
    ) -> tuple[Float[Tensor, "6 t u"], Float[Tensor, "t u"]]:
        """The colours of a tile, its background's replaced where they are copied; how much of it is filled at all.

        made: colours of what is invented, and of the background as the generator has it. needed: 0 where the result shows
        no background.
        """
        left, top, right, bottom = self.region
        (h, w), (height, width) = self.cells, self.size
        rows = torch.arange(down.start, down.stop) + self.edges[1]
        columns = torch.arange(across.start, across.stop) + self.edges[0]
        y, x = (rows - top + 0.5) * h / (bottom - top) - 0.5, (columns - left + 0.5) * w / (right - left) - 0.5
        share = torch.zeros(len(rows), len(columns))
        near = slice(max(0, int(y[0])), int(y[-1]) + 2), slice(max(0, int(x[0])), int(x[-1]) + 2)
        if not bool(self.gap[near].any()):
            return made, share
        corners = []
        for row, row_weight in _sides(y, h):
            for column, column_weight in _sides(x, w):
                here = row_weight[:, None] * column_weight * self.gap[row][:, column]
                share += here
                corners.append((row, column, here))
        if not self.known:
            return made, share
        places = (share * needed).flatten().nonzero()[:, 0]  # most of a tile is the photo's own, or the person
        to_rows, to_columns = places // len(columns), places % len(columns)
        sums = torch.zeros(len(places), 3)
        for row, column, here in corners:
            cell = row[to_rows] * w + column[to_columns]
            to_y = (rows[to_rows] + self.shift_y.flatten()[cell]).clamp(0, height - 1)
            to_x = (columns[to_columns] + self.shift_x.flatten()[cell]).clamp(0, width - 1)
            found = self.table[to_y * width + to_x].view(torch.uint8).view(-1, 4)[:, :3]
            copied = (found / HALF_RANGE - 1) * self.fits.flatten()[cell, None]
            sums.addcmul_(here.flatten()[places, None], copied + self.tone.flatten(1).T[cell])
        behind = made.clone()
        colours = (sums / share.flatten()[places, None].clamp(min=NOTHING)).clamp(-1, 1)
        behind[3:].flatten(1)[:, places] = colours.T
        return behind, share


def _around(edges: Edges, size: tuple[int, int]) -> Edges:
    """The part of a photo of this (height, width) with AROUND on all sides, inside the photo."""
    left, top, right, bottom = edges
    across, down = round(AROUND * (right - left)), round(AROUND * (bottom - top))
    height, width = size
    return max(0, left - across), max(0, top - down), min(width, right + across), min(height, bottom + down)


def _sides(place: Float[Tensor, "N"], cells: int) -> list[tuple[Tensor, Float[Tensor, "N"]]]:
    """The cells before and after each place, and their weights. (A list: checks of shapes take generators that run in
    turns for one.)"""
    first = place.floor()
    return [(cell.clamp(0, cells - 1).long(), 1 - (place - cell).abs()) for cell in (first, first + 1)]


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
