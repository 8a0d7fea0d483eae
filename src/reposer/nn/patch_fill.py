"""Fills a hole in a picture with texture that is copied from around it, without learned weights and without randomness.

Each pixel of the hole copies from one of a few offsets that are frequent among similar patches around the hole (He and
Sun 2012); which one is decided so that pieces of different offsets meet where they look alike (belief propagation), and
what difference remains there is smoothed away (Poisson's equation; Perez, Gangnet and Blake 2003).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .windows import widest

RADIUS = 3
"""Of the patches that are compared, in pixels."""
FEATURES = 24
"""Numbers by which they are compared: their largest principal components."""
COARSE = 96
"""Longer side, in pixels, at which the offsets are found and chosen."""
LABELS = 36
"""How many offsets there are to choose from."""
LAST_RESORTS = 8
"""How many of them serve what the others lead nowhere from, however seldom they repeat anything."""
RING = 10
"""Pixels around the hole whose most similar patches say which offsets are useful."""
LEAST = 1 / 12
"""Offsets are at least so long, in shares of the longer side: shorter ones find every patch beside itself."""
SWEEPS = 4
"""Of belief propagation, in each of the four directions."""
WRONG = 1e3
"""Cost of an offset that leads out of what may be copied."""
SLANT = 0.1
"""Cost of an offset as long as the picture is high, straight up or down: what lies above or below is often another
thing."""
SEARCH = 3
"""Pixels of the picture in which an offset is corrected after it was found at the coarse size."""
ROUNDS = 8
"""Of moving the seams at the picture's size."""
MOST = 8_000_000
"""Numbers of one intermediate result."""


class Patched(NamedTuple):
    """Where each pixel of a hole is copied from, and what is added to its colour.

    offset: (x, y) from a pixel to the one it shows, 0 outside of the hole. tone: joins pieces from different places.
    fits: where a pixel of the hole has an offset that leads to what may be copied.
    """

    offset: Int[Tensor, "2 h w"]
    tone: Float[Tensor, "3 h w"]
    fits: Bool[Tensor, "h w"]


def patched(picture: Float[Tensor, "3 h w"], hole: Bool[Tensor, "h w"], keep: Bool[Tensor, "h w"]) -> Patched | None:
    """How to fill the hole; None where there is nothing to copy.

    keep: what may be copied; nothing of the hole is.
    """
    keep = keep & ~hole
    h, w = hole.shape
    scale = min(1.0, COARSE / max(h, w))
    size = (max(1, round(scale * h)), max(1, round(scale * w)))
    if not hole.any() or not _sources(keep).any():
        return None
    small, small_hole, small_keep = _reduced(picture, hole, keep, size)
    found = _offsets(small, small_hole, small_keep)
    if found is None:
        return None
    ratio = torch.tensor([w / size[1], h / size[0]])
    offsets = _corrected((found * ratio).round().long(), picture, hole, keep)
    coarse = (offsets / ratio).round().long()
    label = _chosen(coarse, small, small_hole, small_keep)
    rows = ((torch.arange(h) + 0.5) * size[0] / h).long()
    columns = ((torch.arange(w) + 0.5) * size[1] / w).long()
    label = _moved_seams(label[rows][:, columns], offsets, picture, hole, keep)
    offset = torch.where(hole, offsets[label].movedim(-1, 0), 0)
    fits = hole & _at(keep, offset)
    offset = offset * fits
    return Patched(offset, _tone(picture, fits, hole & ~fits, offset), fits)


def widened(mask: Bool[Tensor, "h w"], radius: int) -> Bool[Tensor, "h w"]:
    """Where a square of this radius around a pixel meets the mask."""
    return widest(mask.float(), radius) > 0.5


def _reduced(
    picture: Tensor, hole: Tensor, keep: Tensor, size: tuple[int, int]
) -> tuple[Float[Tensor, "3 h w"], Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """All at a smaller size: colours are means of what is outside of the hole; a pixel with any of the hole is hole."""
    weight = (~hole)[None, None].float()
    mean, share = (F.adaptive_avg_pool2d(a, size) for a in (picture[None] * weight, weight))
    whole = F.adaptive_avg_pool2d(keep[None, None].float(), size)[0, 0]
    return (mean / share.clamp(min=1e-3))[0], share[0, 0] < 0.999, whole > 0.999


def _sources(keep: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The middles of patches that may be copied as a whole, inside the picture."""
    near = widened(F.pad(~keep, (RADIUS,) * 4, value=True), RADIUS)
    return ~near[RADIUS:-RADIUS, RADIUS:-RADIUS]


def _features(picture: Float[Tensor, "3 h w"], sources: Bool[Tensor, "h w"]) -> Float[Tensor, "N F"]:
    """Of each pixel's patch, row by row: its principal components among the sources."""
    side = 2 * RADIUS + 1
    padded = F.pad(picture[None], (RADIUS,) * 4, mode="replicate")
    patches = F.unfold(padded, side)[0].T
    some = patches[sources.flatten()]
    some = some[:: max(1, len(some) // 3000)]
    centred = some - some.mean(0)
    _, basis = torch.linalg.eigh((centred.T @ centred).double())
    found: Tensor = patches @ basis[:, -FEATURES:].float()
    return found


def _offsets(picture: Tensor, hole: Tensor, keep: Tensor) -> Int[Tensor, "K 2"] | None:
    """The (x, y) by which patches around the hole most often repeat; for each part of the hole some that lead to what
    may be copied."""
    h, w = hole.shape
    sources = _sources(keep)
    near = widened(hole, RING + RADIUS)
    asking = (sources & near).flatten().nonzero()[:, 0]
    places = sources.flatten().nonzero()[:, 0]
    if not len(places):
        return None
    votes = torch.zeros(2 * h - 1, 2 * w - 1)
    if len(asking):
        features = _features(picture, sources)
        theirs, (x, y) = features[places], (places % w, places // w)
        length = theirs.square().sum(1)
        place = torch.stack([x, y], 1).float()  # squares of whole numbers: exact
        far = place.square().sum(1)
        for part in asking.split(max(1, MOST // len(places))):
            distance = length - 2 * features[part] @ theirs.T
            own = torch.stack([part % w, part // w], 1).float()
            apart = torch.addmm(far, own, place.T, alpha=-2)
            distance.masked_fill_(apart < (LEAST * max(h, w)) ** 2 - own.square().sum(1, keepdim=True), torch.inf)
            best = distance.argmin(1)
            at = (y[best] - part // w + h - 1) * (2 * w - 1) + x[best] - part % w + w - 1
            votes.view(-1).index_add_(0, at, torch.ones(len(part)))
    votes = F.avg_pool2d(votes[None, None], 3, 1, 1)[0, 0] + 1e-6 * _straight(h, w)
    return _picked(votes, hole, keep)


def _straight(h: int, w: int) -> Float[Tensor, "y x"]:
    """A preference among offsets that nobody asked for: along the row, and not far."""
    y, x = torch.meshgrid(torch.arange(1 - h, h) / h, torch.arange(1 - w, w) / w, indexing="ij")
    return 1 / (1 + 4 * y.abs() + x.abs())


def _picked(votes: Float[Tensor, "y x"], hole: Tensor, keep: Tensor) -> Int[Tensor, "K 2"]:
    """The offsets with most votes, none beside another; a vote counts less the more offsets its part of the hole
    has."""
    h, w = hole.shape
    places = hole.flatten().nonzero()[:, 0]
    y, x = places // w, places % w
    served = torch.zeros(len(places))
    picked: list[Tensor] = []
    left = votes.clone()
    top = left.flatten().topk(min(400, left.numel())).indices
    pool = torch.stack([top % (2 * w - 1) - (w - 1), top // (2 * w - 1) - (h - 1)], 1)
    grid_y, grid_x = torch.meshgrid(
        torch.arange(-h + 1, h, max(1, h // 8)), torch.arange(-w + 1, w, max(1, w // 16)), indexing="ij"
    )
    pool = torch.cat([pool, torch.stack([grid_x.flatten(), grid_y.flatten()], 1)])
    pool = pool[pool.square().sum(1) >= (LEAST * max(h, w)) ** 2]
    level = votes[pool[:, 1] + h - 1, pool[:, 0] + w - 1]
    some = slice(None, None, max(1, len(places) // 500))
    y, x, served = y[some], x[some], served[some]
    to_y, to_x = y[:, None] + pool[:, 1], x[:, None] + pool[:, 0]
    inside = (to_y >= 0) & (to_y < h) & (to_x >= 0) & (to_x < w)
    leads = (inside & keep[to_y.clamp(0, h - 1), to_x.clamp(0, w - 1)]).float()
    straight = _straight(h, w)[pool[:, 1] + h - 1, pool[:, 0] + w - 1]
    while len(picked) < LABELS:
        if len(picked) < LABELS - LAST_RESORTS:
            gain = level * (leads / (1 + served)[:, None]).sum(0)
        else:
            gain = straight * leads[served == 0].sum(0)  # for what none so far serves
        best = int(gain.argmax())
        if float(gain[best]) <= 0:
            break
        picked.append(pool[best])
        served += leads[:, best]
        level = level.masked_fill((pool - pool[best]).abs().amax(1) <= 1, 0)
    return torch.stack(picked) if picked else pool[:1]


def _at(keep: Bool[Tensor, "h w"], offset: Int[Tensor, "2 h w"]) -> Bool[Tensor, "h w"]:
    """Whether each pixel's offset leads to what may be copied."""
    h, w = keep.shape
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    to_x, to_y = x + offset[0], y + offset[1]
    inside = (to_x >= 0) & (to_x < w) & (to_y >= 0) & (to_y < h)
    return inside & keep[to_y.clamp(0, h - 1), to_x.clamp(0, w - 1)]


def _corrected(offsets: Int[Tensor, "K 2"], picture: Tensor, hole: Tensor, keep: Tensor) -> Int[Tensor, "K 2"]:
    """Each offset, up to SEARCH pixels from where it was, as it best repeats what lies around the hole."""
    h, w = hole.shape
    near = widened(hole, RING)
    places = (near & keep).flatten().nonzero()[:, 0]
    if not len(places):
        return offsets
    places = places[:: max(1, len(places) // 1500)]
    colours, allowed = picture.flatten(1), keep.flatten()
    own_x, own_y, own = (places % w).int()[:, None], (places // w).int()[:, None], colours[:, places, None]
    reach = torch.arange(-SEARCH, SEARCH + 1)
    steps = torch.stack(torch.meshgrid(reach, reach, indexing="xy"), -1).flatten(0, 1)
    answer = []
    for offset in offsets:
        x, y = own_x + (offset[0] + reach).int(), own_y + (offset[1] + reach).int()
        inside = (((y >= 0) & (y < h))[:, :, None] & ((x >= 0) & (x < w))[:, None]).flatten(1)  # as the steps: by rows
        to = (y.clamp(0, h - 1)[:, :, None] * w + x.clamp(0, w - 1)[:, None]).flatten()
        error = torch.zeros(inside.shape)
        for there, here in zip(colours, own, strict=True):
            error += (there.index_select(0, to).view(inside.shape) - here).square()
        error.clamp_(max=0.1)
        error.masked_fill_(~(inside & allowed.index_select(0, to).view(inside.shape)), 0.1)
        cost = error.mean(0) + 1e-5 * steps.square().sum(1)
        answer.append(offset + steps[int(cost.argmin())])
    return torch.stack(answer)


def _looks(picture: Float[Tensor, "3 h w"]) -> Float[Tensor, "N F"]:
    """By what pixels are compared where two pieces meet: colour and its differences to the next pixels."""
    across = F.pad(picture[:, :, 1:] - picture[:, :, :-1], (0, 1))
    down = F.pad(picture[:, 1:] - picture[:, :-1], (0, 0, 0, 1))
    return torch.cat([picture, across, down]).flatten(1).T.contiguous()


def _choices(
    offsets: Int[Tensor, "K 2"], picture: Tensor, hole: Tensor, keep: Tensor
) -> tuple[Float[Tensor, "N K"], Float[Tensor, "N K F"]]:
    """For pixels of the hole and those beside it, row by row: what each offset costs there alone, and what it shows."""
    h, w = hole.shape
    looks, allowed = _looks(picture), keep.flatten()
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    to_x, to_y = x.flatten()[:, None] + offsets[:, 0], y.flatten()[:, None] + offsets[:, 1]
    inside = (to_x >= 0) & (to_x < w) & (to_y >= 0) & (to_y < h)
    to = to_y.clamp(0, h - 1) * w + to_x.clamp(0, w - 1)
    cost = torch.where(inside & allowed[to], SLANT * (offsets[:, 1] / h).abs(), WRONG)
    beside = widened(hole, 1).flatten()
    shown = looks.new_zeros(h * w, len(offsets), looks.shape[1])
    shown[beside] = _rows(looks, to[beside])
    # where a known pixel is beside, the offset should show there what is known
    known = (beside & ~hole.flatten()).nonzero()[:, 0]
    step = torch.zeros(h * w, len(offsets))
    step[known] = (shown[known][..., :3] - looks[known][:, None, :3]).square().sum(-1)
    around = step.view(h, w, -1)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        cost += torch.roll(around, (dy, dx), (0, 1)).flatten(0, 1)
    return cost, shown


def _rows(table: Float[Tensor, "N F"], at: Int[Tensor, "*M"]) -> Float[Tensor, "*M F"]:
    """`table[at]`, in less time."""
    return table.index_select(0, at.flatten()).view(*at.shape, -1)


def _chosen(offsets: Int[Tensor, "K 2"], picture: Tensor, hole: Tensor, keep: Tensor) -> Int[Tensor, "h w"]:
    """Which offset each pixel takes, so that neighbours show the same or what looks alike: min-sum belief propagation,
    in sweeps across the picture."""
    h, w = hole.shape
    k = len(offsets)
    cost, shown = _choices(offsets, picture, hole, keep)
    flat = hole.flatten()
    places = flat.nonzero()[:, 0]
    row = torch.full((h * w,), -1)
    row[places] = torch.arange(len(places))
    cost = cost[places].clamp(max=WRONG)
    apart = torch.cdist(shown[places], shown[places]).square()  # (n, k, k)
    x, y = places % w, places // w
    message = torch.zeros(4, len(places), k)  # what comes in, by the side that it comes from
    ways = []
    for d, (line, next_to) in enumerate(((x, 1), (y, w))):
        follows = row.roll(-next_to)[places]
        linked = (follows >= 0) & ((x < w - 1) if next_to == 1 else (y < h - 1))
        pairs = []  # of neighbours, a line of the picture at a time, and how far apart their choices look
        for value in line.unique().tolist():
            one = ((line == value) & linked).nonzero()[:, 0]
            if len(one):
                to = follows[one]
                both = apart.index_select(0, one).add_(apart.index_select(0, to))
                pairs.append((one, to, both.mT.contiguous()))  # what is compared lies side by side
        ways.append((2 * d, pairs))
        ways.append((2 * d + 1, [(other, one, both) for one, other, both in reversed(pairs)]))
    for _ in range(SWEEPS):
        for d, pairs in ways:  # every pixel tells its neighbour at side d
            for line, to, both in pairs:
                came = message.index_select(1, line)
                belief = cost.index_select(0, line) + came.sum(0) - came[d]
                new = (belief[:, None] + both).amin(2)
                message[d ^ 1].index_copy_(0, to, new - new.amin(1, keepdim=True))
    answer = torch.zeros(h * w, dtype=torch.long)
    answer[places] = (cost + message.sum(0)).argmin(1)
    return _spread(answer.view(h, w), hole)


def _spread(label: Int[Tensor, "h w"], hole: Bool[Tensor, "h w"]) -> Int[Tensor, "h w"]:
    """Labels also just outside of the hole, where an enlarged one may ask."""
    known = hole.clone()
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        near, has = torch.roll(label, (dy, dx), (0, 1)), torch.roll(known, (dy, dx), (0, 1))
        label = torch.where(~known & has, near, label)
        known = known | has
    return label


def _moved_seams(label: Tensor, offsets: Tensor, picture: Tensor, hole: Tensor, keep: Tensor) -> Int[Tensor, "h w"]:
    """Each pixel takes over a neighbour's offset where that makes all it meets more alike, some rounds."""
    h, w = hole.shape
    looks, allowed = _looks(picture), keep.flatten()
    shift = offsets[:, 1] * w + offsets[:, 0]
    places = hole.flatten().nonzero()[:, 0]
    x, y = places % w, places // w
    label = label.flatten().clone()
    flat = hole.flatten()
    steps = ((1, 0), (-1, 0), (0, 1), (0, -1))
    odd = (x + y) % 2 == 1
    halves = []
    for half in (~odd, odd):
        now, a, b = places[half], x[half], y[half]
        near = []
        for dx, dy in steps:
            inside = (a + dx >= 0) & (a + dx < w) & (b + dy >= 0) & (b + dy < h)
            n = torch.where(inside, now + dy * w + dx, now)
            near.append((n, inside, flat[n]))
        halves.append((now, near))
    stale = flat.clone()  # what may change: a neighbour has changed since it was looked at
    for turn in range(2 * ROUNDS):
        now, near = halves[turn % 2]
        asked = stale[now].nonzero()[:, 0]
        now, near = now[asked], [(n[asked], inside[asked], within[asked]) for n, inside, within in near]
        stale[now] = False
        options = torch.stack([label[now]] + [torch.where(within, label[n], label[now]) for n, _, within in near], 1)
        edge = (options != options[:, :1]).any(1)
        wrong = ~_leads(now, options[:, 0], offsets, allowed, h, w)
        pick = edge | wrong
        if not pick.any():
            continue
        now, options = now[pick], options[pick]
        cost = WRONG * (~_leads(now[:, None], options, offsets, allowed, h, w)).float()
        own = _rows(looks, (now[:, None] + shift[options]).clamp(0, h * w - 1))
        for n, inside, within in near:
            n, inside, within = n[pick], inside[pick], within[pick]
            theirs = shift[label[n]] * within
            here = _rows(looks, (now + theirs).clamp(0, h * w - 1))[:, None]
            there = (
                _rows(looks, (n[:, None] + shift[options]).clamp(0, h * w - 1))
                - _rows(looks, (n + theirs).clamp(0, h * w - 1))[:, None]
            )
            first = torch.where(
                within[:, None], (own - here).square().sum(-1), 0.0
            )  # what a known pixel hides is not compared
            cost += inside[:, None] * (first + there.square().sum(-1))
        best = options.gather(1, cost.argmin(1, keepdim=True))[:, 0]
        changed = best != options[:, 0]
        label[now] = best
        for n, inside, _ in near:
            stale[n[pick][changed & inside[pick]]] = True
    return label.view(h, w)


def _leads(place: Tensor, label: Tensor, offsets: Tensor, allowed: Tensor, h: int, w: int) -> Tensor:
    """Whether these labels lead from these places to what may be copied."""
    x, y = place % w + offsets[label, 0], place // w + offsets[label, 1]
    inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    return inside & allowed[y.clamp(0, h - 1) * w + x.clamp(0, w - 1)]


STEPS = 150
"""At most so many of the conjugate gradients."""
SEAM, EDGE = 0.15, 0.45
"""Differences in [-1, 1] where pieces meet, up to which they are smoothed away, and from which they stay as an edge."""
RIGID = 2e-3
"""How much the pieces' own colours count against smooth seams."""


def _tone(picture: Tensor, hole: Tensor, unknown: Tensor, offset: Tensor) -> Float[Tensor, "3 h w"]:
    """What to add to the copied colours so that differences of neighbours are those of the places they come from, and
    the hole's border fits, except where pieces differ so much that something ends there. unknown: what is neither
    filled nor known, so that nothing has to fit it."""
    h, w = hole.shape
    flat = hole.flatten()
    places = flat.nonzero()[:, 0]
    if not len(places):
        return picture.new_zeros(3, h, w)
    x, y = places % w, places // w
    shift = (offset[1] * w + offset[0]).flatten()
    table = picture.flatten(1).T.contiguous()
    copied = table[places + shift[places]]
    right, degree, links = torch.zeros(len(places), 3), torch.full((len(places), 1), RIGID), []
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        inside = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
        near = torch.where(inside, places + dy * w + dx, places)
        inside = inside & ~unknown.flatten()[near]
        shown = table[near + shift[near]]
        step = table[(near + shift[places]).clamp(0, h * w - 1)] - copied
        theirs = shown - table[(places + shift[near]).clamp(0, h * w - 1)]
        step = torch.where(
            flat[near][:, None], (step + theirs) / 2, step
        )  # a known pixel's neighbour in the hole is not known
        gap = shown - copied - step
        weight = ((EDGE - gap.abs().amax(1, keepdim=True)) / (EDGE - SEAM)).clamp(0, 1) * inside[:, None]
        right += weight * gap
        degree += weight
        links.append(weight * (flat[near] & inside)[:, None])
    answer = _solved(right, degree, links, places, (h, w))
    return answer


def _solved(
    right: Float[Tensor, "N 3"],
    degree: Float[Tensor, "N 1"],
    links: Sequence[Float[Tensor, "N 1"]],
    places: Int[Tensor, "N"],
    size: tuple[int, int],
) -> Float[Tensor, "3 h w"]:
    """The colours v of these places, 0 elsewhere, with degree * v - (sum of the links' neighbours) = right, by
    conjugate gradients.

    links: to the pixel at the right, at the left, below and above; 0 where that is none of the places.
    """

    def laid(values: Float[Tensor, "N c"]) -> Float[Tensor, "c h w"]:
        grid = torch.zeros(size[0] * size[1], values.shape[1])
        grid[places] = values
        return grid.T.reshape(-1, *size)[:, top:bottom, before:after].contiguous()

    y, x = places // size[1], places % size[1]
    top, bottom, before, after = int(y.amin()), int(y.amax()) + 1, int(x.amin()), int(x.amax()) + 1
    rest, own, (to_right, to_left, to_below, to_above) = laid(right), laid(degree), map(laid, links)
    answer, way, size_of_rest = torch.zeros_like(rest), rest.clone(), rest.square().sum((1, 2), keepdim=True)
    start = size_of_rest
    for _ in range(STEPS):
        if bool((size_of_rest <= 1e-5 * start + 1e-12).all()):
            break
        turned = own * way
        turned[..., :-1].addcmul_(to_right[..., :-1], way[..., 1:], value=-1)
        turned[..., 1:].addcmul_(to_left[..., 1:], way[..., :-1], value=-1)
        turned[:, :-1].addcmul_(to_below[:, :-1], way[:, 1:], value=-1)
        turned[:, 1:].addcmul_(to_above[:, 1:], way[:, :-1], value=-1)
        a = size_of_rest / (way * turned).sum((1, 2), keepdim=True).clamp(min=1e-12)
        answer.addcmul_(way, a)
        rest.addcmul_(turned, a, value=-1)
        new = rest.square().sum((1, 2), keepdim=True)
        way, size_of_rest = torch.addcmul(rest, way, new / size_of_rest.clamp(min=1e-12)), new
    found = torch.zeros(3, *size)
    found[:, top:bottom, before:after] = answer
    return found
