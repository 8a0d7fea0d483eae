"""Composes a generated picture at a photo's own size: the photo's pixels are copied, only what is invented is
enlarged."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core.composition import COPIED, FILLED, INVENTED, KEPT, MIRRORED, Composition, Provenance, SourcePerson
from reposer.core.framing import cut, size_of
from reposer.core.images import from_uint8, to_uint8
from reposer.core.pose import Edges
from reposer.core.processes import closing_soon

from .backdrop import Backdrop
from .photo_look import Look, PhotoPart
from .splines import SHARP, SMOOTH, SplineWeights, spline_weights
from .tiles import NOTHING, around_any, ramp, within

TILE = 256
"""Sides of the parts that are composed at a time, in pixels: they fit a processor's cache."""
NONE, SURE = 0.15, 0.75
"""Shares of copying up to which nothing is copied, and from which nothing is invented."""
NO_PHOTO = 255
COVERED = 0.75, 0.99
"""Shares of a photo's pixel that its person covers up to which it is not copied, and from which it is as a whole: at a
rim the background shines through."""


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

    looks: Sequence[Look]
    backdrop: Backdrop | None


def known_of(
    sources: Sequence[PhotoPart], content: Edges, person: SourcePerson | Composition, *, backdrop: bool = True
) -> Known:
    """What the photos show, and the first one's background where its person stood. backdrop: False = without that.

    person: of the sources, alone or in a composition.
    """
    inference = torch.is_inference_mode_enabled()

    def found() -> Known:
        with torch.inference_mode(inference), torch.no_grad():
            looks = [Look(source, person.source_person[0, s], content) for s, source in enumerate(sources)]
            photo, edges = sources[0]
            if not backdrop:
                return Known(looks, None)
            hole = cut(person.hole[0].float().cpu(), content)[0]
            return Known(looks, Backdrop(photo, edges, looks[0], hole))

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
        own = self.stays * ramp(self.own_person, 0.1, 0.9)
        level = own + self.copied.sum(0) + self.invented
        colour = own * self.own + self.invented * self.made + (self.copied[:, None] * self.colours).sum(0)
        return level.clamp(0, 1), torch.where(level > NOTHING, colour / level.clamp(min=NOTHING), 1.0)


def _composed_tile(
    looks: Sequence[Look],
    maps: "_Maps",
    fade: Fade,
    backdrop: Backdrop | None,
    photo: UInt8[Tensor, "t u 3"],
    down: slice,
    across: slice,
) -> _Tile:
    """backdrop: None if only the person is asked for."""
    fine, own = maps.of(down, across), from_uint8(photo).contiguous()
    sources, direct = [maps.sources[c] for c in fine.copies], sum(c < maps.direct for c in fine.copies)
    moved = (1 - fine.still) * fade.down[down, None] * fade.across[across]
    own_person, sizes = torch.ones_like(moved), (maps.size, maps.frame)
    if backdrop is None:
        own_person = looks[0].person(own, looks[0].place(torch.zeros_like(fine.flow[0]), *sizes, down, across))
        # what does not move is the person where the network is sure of it, such as a shoe on grass of its colour
        own_person = torch.maximum(own_person, ramp(fine.still, 0.5, 0.9) * ramp(fine.person, 0.6, 0.95))
    person, copied = ramp(fine.person, 0.25, 0.75), torch.zeros_like(fine.copied)
    places, colours = torch.zeros_like(fine.flow), torch.zeros(len(sources), 3, *person.shape)
    if float((moved * fine.person).amax()) >= NOTHING:
        for c, source in enumerate(sources):
            if float(fine.copied[c].amax()) < NOTHING:
                continue
            rows, columns = box = around_any(fine.copied[c] * moved)
            at = within(down, rows), within(across, columns)
            place = looks[source].place(fine.flow[c][:, *box], *sizes, *at)
            shown = looks[source].colours(place)
            places[c][:, *box], colours[c][:, *box] = place, shown
            copied[c][box] = fine.copied[c][box] * ramp(looks[source].person(shown, place), *COVERED)
        whole, directly = fine.copied.sum(0), fine.copied[:direct].sum(0)
        sure = ramp(whole, NONE, SURE)
        copied *= sure / whole.clamp(min=NONE)
        # the person's edge is the network's, but where that edge is copied it is the photo's
        inside, around = ramp(fine.person, 0.5, 0.9), ramp(fine.person, 0.1, 0.5)
        own_edge = ramp(directly, NONE, SURE)
        shown = copied[:direct].sum(0) / (sure * directly / whole.clamp(min=NONE)).clamp(min=NONE)
        person = torch.lerp(person, torch.maximum(inside, around * shown.clamp(max=1)), own_edge)
    ahead = moved * person
    copied *= ahead
    filled, behind = moved * (1 - person), None
    if backdrop is not None:
        behind, share = backdrop.behind(filled, down, across)
        filled = filled * share
    else:  # for the provenance alone
        filled = filled * fine.hole * ramp(own_person, 0.0, 0.12)
    made, *background = maps.colours(down, across, 6 if behind is None else 3).split(3)
    seen = made, background[0] if behind is None else behind
    shares = copied, ahead - copied.sum(0), filled, 1 - moved
    return _Tile(fine.copies, own, own_person, colours, places, *seen, *shares)


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

    def _needed(self, down: slice, across: slice) -> tuple[SplineWeights, SplineWeights]:
        """Which rows and columns of the frame this part needs; their weights in a smooth and in a sharp enlargement."""
        (h, w), (height, width) = self.frame, self.size
        return spline_weights(h, height, down, SMOOTH, SHARP), spline_weights(w, width, across, SMOOTH, SHARP)

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
