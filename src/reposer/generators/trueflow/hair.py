"""Hair from behind, out of a photo from the front: what lies above the forehead is drawn down over the back of the
head, and the locks beside a neck lie behind it.

Nothing is learned here. All of it happens in the coordinates of a head: along its axis, from between the ears (0) to
the neck's joint (1), and beside it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Complex, Float
from torch import Tensor

from reposer.nn.filling import filled
from reposer.nn.windows import widest

from .copying import mean_colour, ramp, torn, unlike
from .geometry import inside, sample
from .head_axis import HeadAxis, all_pixels

ALONG, BESIDE, STEPS = (-1.8, 2.4), 1.1, 128
"""What of a head is looked at, along its axis and beside it, and in how many steps."""
MIXED, SCALP, FRINGE, BROWS = 1.5, 0.03, 0.5, -0.2
"""How far below the top of a head hair surely begins, in pixels and at least, and at most ends in front; it never does
below the brows."""
FADES = 0.08
"""How fast what is further below the top says less about the colour of the hair."""
DISTINCT, ENOUGH = (0.15, 0.3), 0.2
"""How much the colour of hair differs from what is behind, to be told from it; and the share that has to."""
ROUNDS = 5
"""Times that the colour of the hair is estimated from what is more like it than like the face."""
LIKE = 0.7
"""A colour is the hair's if it differs from it by less than this share of how much it differs from the face's."""
SURE = 0.1, 0.35
"""How much more something is like the hair than like the face: up to the first it is none, from the second on it is."""
THIN = 0.04, 0.08
"""How high hair has to be above the forehead to be drawn down: not at all, and surely."""
SMOOTH, KNOWN = 0.06, 0.5
"""Standard deviation by which outlines above the forehead are smoothed, and how much around has to be known."""
SMOOTH_LOCKS = 0.2
"""The same of locks."""
RIM = 0.15
"""What share of the hair above a forehead is left out at either end: mixtures with what is around."""
NAPE = 0.15, 0.4
"""Where short hair ends at the nape."""
LOCKS, LEAST_LOCK = 0.25, 0.08
"""How far beside the axis locks begin at the least, and the least width of one."""
LONG = 0.8
"""Hair whose locks reach so far down on both sides is long."""
FALLS = 0.0, 0.3
"""Where the locks begin to be shown from behind, and from where on alone."""
INSIDE = 0.35, 0.65
"""How surely the network takes it for a head."""
ENDS, EDGE = 0.25, 0.04
"""Over how much of the way the locks end at the bottom, and at the side."""


SEEN = 0.3, 0.6
"""The share of the back of a head that is copied from another photo, up to which hair is taken from this one; from the
second on, none is."""
SHADING = 0.3
"""How much of the generated brightness hair has where it is not copied."""


class Hair(NamedTuple):
    """The source's hair in the target, seen from behind.

    covers: how surely a pixel of the target is hair. falls: how much of that may be beyond the head. colour: of the
    hair. cap, locks: where to copy it from, (x, y) in pixels of the source. cap_shown, locks_shown: how surely that
    shows hair.
    """

    covers: Float[Tensor, "B 1 H W"]
    falls: Float[Tensor, "B 1 H W"]
    colour: Float[Tensor, "B 3 1 1"]
    cap: Float[Tensor, "B 2 H W"]
    cap_shown: Float[Tensor, "B 1 H W"]
    locks: Float[Tensor, "B 2 H W"]
    locks_shown: Float[Tensor, "B 1 H W"]


def unseen(hair: Hair, copied: Float[Tensor, "B 1 H W"]) -> Hair:
    """The hair in rows of whose back of the head little is copied from other photos (copied)."""
    known = (copied * hair.covers).sum((2, 3), True) / hair.covers.sum((2, 3), True).clamp(min=1)
    share = 1 - ramp(known, *SEEN)
    maps = {name: share * getattr(hair, name) for name in ("covers", "falls", "cap_shown", "locks_shown")}
    return hair._replace(**maps)


def hair_coloured(
    painted: Float[Tensor, "B 3 H W"], hairs: Sequence[Hair], missing: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, "B 3 H W"]:
    """What is generated with the colour of hair where that is seen from behind and nothing is copied (missing)."""
    bright = painted.mean(1, True)
    for hair in reversed(hairs):  # the first source's colour lies on top
        mean = (bright * hair.covers).sum((2, 3), True) / hair.covers.sum((2, 3), True).clamp(min=1)
        painted = torch.lerp(painted, hair.colour + SHADING * (bright - mean), hair.covers * missing)
    return painted


def no_hair(source: Float[Tensor, "B 3 H W"]) -> Hair:
    nothing = torch.zeros_like(source[:, :1])
    places = nothing.repeat(1, 2, 1, 1)
    return Hair(nothing, nothing, torch.zeros_like(source[:, :, :1, :1]), places, nothing, places, nothing)


class _Seen(NamedTuple):
    """A photo's head in its own coordinates, mirrored, as it is from behind: rows along the axis, columns beside it.

    colours: softened. behind: those of the background there. face, person: how surely it is one.
    """

    colours: Float[Tensor, "1 3 R C"]
    behind: Float[Tensor, "1 3 R C"]
    face: Float[Tensor, "R C"]
    person: Float[Tensor, "R C"]


class _Grid(NamedTuple):
    """The coordinates of a head that are looked at: of rows, of columns, and both as complex numbers."""

    along: Float[Tensor, " R"]
    beside: Float[Tensor, " C"]
    both: Complex[Tensor, "R C"]

    @property
    def step(self) -> float:
        """Between columns."""
        return float(self.beside[1] - self.beside[0])


def _grid(like: Tensor) -> _Grid:
    along, beside = (torch.linspace(*ends, STEPS, device=like.device) for ends in (ALONG, (-BESIDE, BESIDE)))
    return _Grid(along, beside, torch.complex(along[:, None].expand(STEPS, STEPS), beside.expand(STEPS, STEPS)))


class FrontHair(NamedTuple):
    """The hair of a photo from the front; of one row. Its colours tell nothing where `told_by` is None.

    like: as the photo came. axis: of its head. looks: at the photo's size, what `_Seen` is read from. rim: how far
    below its top a head is mixed with what is behind. skin: the face's colour. told_by: the colour by which hair is
    told from it; colour: that of the hair. thick: how many columns have hair above the forehead. hairs: how surely
    each pixel is hair. locks, end: see `_locks`.
    """

    like: Float[Tensor, "1 3 H W"]
    axis: HeadAxis
    looks: Float[Tensor, "1 8 H W"]
    rim: float
    skin: Float[Tensor, "1 3 1 1"]
    told_by: Float[Tensor, "1 3 1 1"] | None = None
    colour: Float[Tensor, "1 3 1 1"] | None = None
    thick: float = 0.0
    hairs: Float[Tensor, "R C"] | None = None
    locks: "_Ends | None" = None
    end: float = 0.0

    def seen(self, grid: _Grid, narrow: float) -> _Seen:
        """The head, as wide as this share of what it is looked at by."""
        places = _xy(self.axis.places(torch.complex(grid.both.real, -narrow * grid.both.imag)))
        size, found = (self.looks.shape[-2], self.looks.shape[-1]), sample(self.looks, places)
        return _Seen(found[:, :3], found[:, 3:6], found[0, 6], found[0, 7] * inside(places, size)[0, 0])


def front_hair(
    source: Float[Tensor, "1 3 H W"],
    face: Float[Tensor, "1 1 H W"],
    person: Float[Tensor, "1 1 H W"],
    axis: HeadAxis,
    skin: Float[Tensor, "1 3 1 1"],
) -> FrontHair:
    """Of one row. axis: of its head. skin: the face's colour."""
    given = source
    source, face, person, skin = (a.float() for a in (source, face, person, skin))
    soft = F.avg_pool2d(source, 3, 1, 1, count_include_pad=False)
    looks = torch.cat([soft, filled(source, 1 - ramp(widest(person, 2), 0.05, 0.2)), face, person], 1)
    found, grid = FrontHair(given, axis, looks, max(SCALP, MIXED / float(axis.way.abs())), skin), _grid(looks)
    along, beside, _ = grid
    photo = found.seen(grid, 1.0)
    told_by = _hair_colour(photo, along, found.rim, skin)
    if told_by is None:
        return found
    likely = _likely(photo, told_by, skin)
    high = _height(photo, likely, along, beside)
    thick = float((high.end - high.begin > THIN[0]).sum())
    hairs = likely * (photo.person > 0.5)
    upper = (hairs * (along[:, None] < BROWS))[None, None]
    colour = mean_colour(photo.colours, upper) if float(upper.sum()) > 1 else told_by
    locks, end = _locks(hairs, along, beside)
    return found._replace(told_by=told_by, colour=colour, thick=thick, hairs=hairs, locks=locks, end=end)


def hair_from_behind(hair: FrontHair, head: Float[Tensor, "1 1 H W"], now: HeadAxis, away: float) -> Hair:
    """Of one row. head: of the target, `now` its axis. away: how surely the target is turned away."""
    given, was, skin, size = hair.like, hair.axis, hair.skin, (hair.looks.shape[-2], hair.looks.shape[-1])
    head, grid = head.float(), _grid(hair.looks)
    along, beside, both = grid
    target = sample(head, _xy(now.places(both)))[0, 0]
    # of a row, so that a speck far off does not make it wide
    half = float((target > 0.5)[along < NAPE[1]].sum(1).amax()) * grid.step / 2
    if hair.told_by is None or not half:
        return no_hair(given)
    colour, front, locks, end = hair.colour, hair.hairs, hair.locks, hair.end
    assert colour is not None and front is not None and locks is not None
    # what covers a narrower part of the photo's head is spread
    narrow = min(1.0, 0.9 * hair.thick * grid.step / 2 / half) if hair.thick else 1.0
    spread = hair.seen(grid, narrow)
    hairs = _likely(spread, hair.told_by, skin)
    high = _height(spread, hairs, along, beside)
    height = high.end - high.begin
    crown = _smooth(_first(target > 0.5, along), beside)
    down = ((along[:, None] - crown) / (NAPE[1] - crown)).clamp(0, 1)
    begin = torch.maximum(RIM * height, (height / 2).clamp(max=hair.rim))
    cap_along = high.begin + torch.lerp(begin, (1 - RIM) * height, down)
    cap_shown = _looked(hairs, cap_along, beside.expand_as(cap_along)) * ramp(height, *THIN)

    covers, falls = ramp(target, *INSIDE) * (1 - ramp(both.real, *NAPE)), torch.zeros_like(target)
    lock_beside, locks_shown = torch.zeros_like(target), torch.zeros_like(target)
    if end > LONG:
        lower = ramp(both.real, *FALLS)
        falls = ramp(half - both.imag.abs(), -EDGE, EDGE) * (1 - ramp(both.real, end - ENDS, end)) * lower
        covers = torch.maximum(covers, falls)
        width = (locks.end - locks.begin)[:, None]
        lock_beside = locks.begin[:, None] + (RIM + (1 - 2 * RIM) * both.imag.abs() / half) * width
        locks_shown = lower * _looked(front, both.real, torch.copysign(lock_beside, both.imag))
        cap_shown = (1 - lower) * cap_shown
    maps = [covers, falls, covers * cap_shown, covers * locks_shown, cap_along, lock_beside]

    # from the head's coordinates into the picture
    there = now.coordinates(all_pixels(size, hair.looks))
    looked_at = (there.imag.abs() < BESIDE) & (there.real > ALONG[0]) & (there.real < ALONG[1])
    at, stacked = _steps(there.real, there.imag), torch.stack(maps)[None]
    covers, falls, cap_shown, locks_shown = sample(stacked[:, :4].nan_to_num(), at)[0][:, None, None] * (
        looked_at * away
    )
    cap, lock = sample(stacked[:, 4:].nan_to_num(), at)[0]
    # between a known and an unknown place there is none
    known = sample(1 - stacked[:, 4:].isnan().float(), at)[0, :, None, None] > 1 - 1e-3
    cap_place = _xy(was.places(torch.complex(cap, -narrow * there.imag)))
    lock_place = _xy(was.places(torch.complex(there.real, torch.copysign(lock, -there.imag))))
    cap_shown = cap_shown * known[0] * inside(cap_place, size)
    locks_shown = locks_shown * known[1] * inside(lock_place, size) * (1 - torn(lock_place))
    found = Hair(covers, falls, colour, cap_place, cap_shown, lock_place, locks_shown)
    return Hair(*(maps.to(given) for maps in found))


def _hair_colour(photo: _Seen, along: Tensor, rim: float, skin: Tensor) -> Float[Tensor, "1 3 1 1"] | None:
    """None where no head is seen. rim: how far below its top a head is mixed with what is behind."""
    depth = along[:, None] - _top(photo.person > 0.5, along) - rim
    scalp = (depth > 0) & (depth < FRINGE) & (along[:, None] < BROWS)
    weight = (scalp * ramp(photo.person, 0.5, 0.8) * torch.exp(-depth.nan_to_num() / FADES))[None, None]
    apart = weight * ramp(unlike(photo.colours, photo.behind), *DISTINCT)
    weight = apart if float(apart.sum()) > ENOUGH * float(weight.sum()) else weight
    kept, colour = weight, skin
    for _ in range(ROUNDS):
        if not float(kept.sum()) > 0:
            break
        colour = (photo.colours * kept).sum((2, 3), True) / kept.sum()
        kept = weight * (unlike(photo.colours, colour) < LIKE * unlike(photo.colours, skin))
    return colour if float(weight.sum()) > 0 else None


def _likely(photo: _Seen, colour: Tensor, skin: Tensor) -> Float[Tensor, "R C"]:
    """How surely each pixel is hair: of its colour rather than of the face's, or of that behind the person."""
    to_hair, to_skin, to_behind = (unlike(photo.colours, a)[0, 0] for a in (colour, skin, photo.behind))
    others = torch.minimum(to_skin, to_behind)
    return ramp((others - to_hair) / (others + to_hair).clamp(min=1e-3), *SURE)


class _Ends(NamedTuple):
    """Where hair begins and ends, of each column or row; NaN where it is not known."""

    begin: Float[Tensor, " N"]
    end: Float[Tensor, " N"]


def _height(photo: _Seen, hairs: Float[Tensor, "R C"], along: Tensor, beside: Tensor) -> _Ends:
    """Of the hair above the forehead, of each column."""
    top = _top(photo.person > 0.5, along)
    bare = ((hairs < 0.5) | (photo.face > 0.8)) & (along[:, None] > top + 2 * SCALP)
    line = torch.fmin(_first(bare, along), top + 2 * FRINGE)  # hair to the waist has no end
    return _Ends(_smooth(top, beside), _smooth(line, beside))


def _locks(hairs: Float[Tensor, "R C"], along: Tensor, beside: Tensor) -> tuple[_Ends, float]:
    """How far beside the axis they begin and end, of each row, the mean of both sides; and how far down they reach."""
    ends, reach = [], []
    for side in (-1, 1):
        here = (hairs > 0.5) & (side * beside > LOCKS)
        width = here.sum(1) * (beside[1] - beside[0])
        begin = torch.where(here, beside.abs(), torch.inf).amin(1)
        begin = _smooth(torch.where(width > LEAST_LOCK, begin, torch.nan), along, SMOOTH_LOCKS)
        width = _smooth(torch.where(width > LEAST_LOCK, width, torch.nan), along, SMOOTH_LOCKS)
        missing = begin.isnan() & (along > FALLS[1])
        reach.append(float(along[missing].amin()) if bool(missing.any()) else ALONG[1])
        ends.append(torch.stack([begin, begin + width]))
    return _Ends(*torch.stack(ends).mean(0)), min(reach)


def _top(person: Bool[Tensor, "R C"], along: Tensor) -> Float[Tensor, " C"]:
    """Where in each column the head begins; NaN beside it. What else of the person lies above it is another part."""
    brows = int((along < BROWS).sum()) - 1
    beyond = torch.where(person[:brows], ALONG[0], along[:brows, None]).amax(0)
    return torch.where(person[brows], beyond + (along[1] - along[0]), torch.nan)


def _first(shown: Bool[Tensor, "R C"], along: Tensor) -> Float[Tensor, " C"]:
    """Where in each column it begins; NaN where it never does."""
    return torch.where(shown.any(0), along[shown.float().argmax(0)], torch.nan)


def _smooth(values: Float[Tensor, " N"], at: Float[Tensor, " N"], by: float = SMOOTH) -> Float[Tensor, " N"]:
    """Smoothed; NaN where too little around is known."""
    weight = torch.exp(-(at[:, None] - at).square() / (2 * by**2))
    known = weight * ~values.isnan()
    many = known.sum(1)
    return torch.where(many > KNOWN * weight.sum(1), (known * values.nan_to_num()).sum(1) / many, torch.nan)


def _looked(values: Float[Tensor, "R C"], along: Tensor, beside: Tensor) -> Float[Tensor, "R C"]:
    """Values at coordinates of the same grid; 0 where these are unknown."""
    known = ~(along.isnan() | beside.isnan())
    return sample(values[None, None], _steps(along, beside).nan_to_num())[0, 0] * known


def _steps(along: Tensor, beside: Tensor) -> Float[Tensor, "1 2 h w"]:
    """Coordinates as (column, row) of the grid."""
    shares = (beside + BESIDE) / (2 * BESIDE), (along - ALONG[0]) / (ALONG[1] - ALONG[0])
    return torch.stack(shares)[None] * (STEPS - 1)


def _xy(places: Complex[Tensor, "h w"]) -> Float[Tensor, "1 2 h w"]:
    return torch.stack([places.real, places.imag])[None]
