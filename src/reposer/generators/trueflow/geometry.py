"""Where on the body every pixel of two pictures lies, and where one shows what the other does: networks, matching."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from reposer.core import Pose, Skeleton
from reposer.core.truth import PARTS
from reposer.nn.call import call
from reposer.nn.layout import at_least_float32, channels_last, joined, without_autocast
from reposer.nn.maps import bumps, limb_maps

SURFACE = 3
"""Numbers that say where on the body a pixel lies."""
GROUPS = 8
"""Of channels that are normalised together."""
MAP = 2
"""Maps of bodies are at 1/2 of the picture, matching is at 1/4."""
REACH = 2
"""The place of a match is the mean over a window of matched cells this far around the best."""
AT_A_TIME = 2_500_000
"""Scores of pairs of cells that are looked at together where none are kept: more take longer to be had from the system
than to be computed."""
RUN = 64
"""Cells whose maximum is found first: which of them it was is asked of one run only."""


def normalised(channels: int) -> nn.Module:
    return nn.GroupNorm(GROUPS, channels)


class Block(nn.Module):
    """x + two 3x3 convolutions, each after normalisation; a code may scale and shift in between."""

    def __init__(self, channels: int, code: int = 0) -> None:
        super().__init__()
        self.first = nn.Sequential(normalised(channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1))
        self.norm = normalised(channels)
        self.second = nn.Sequential(nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1))
        self.code = nn.Linear(code, 2 * channels) if code else None

    def forward(self, x: Tensor, code: Tensor | None = None) -> Tensor:
        y: Tensor = self.norm(self.first(x))
        if self.code is not None:
            scale, shift = self.code(code)[..., None, None].chunk(2, 1)
            y = torch.addcmul(shift, y, 1 + scale)
        return x + call(self.second, y)


class Attention(nn.Module):
    """x + what its cells attend to among themselves, 4 heads."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = normalised(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = cells(self.qkv(self.norm(x))).view(b, h * w, 3, 4, c // 4).permute(2, 0, 3, 1, 4).contiguous()
        y = F.scaled_dot_product_attention(q, k, v)
        return x + call(self.out, maps(y.transpose(1, 2).flatten(2), (h, w)))


def cells(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B N C"]:
    """The rows of a map's cells; the same numbers where the channels are last in memory."""
    return x.flatten(2).mT.contiguous()


def maps(x: Float[Tensor, "B N C"], size: tuple[int, int]) -> Float[Tensor, "B C h w"]:
    """The inverse of `cells`, with the channels last in memory."""
    in_map: Tensor = x.unflatten(1, size)
    return in_map.permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Body:
    """Where on the body every pixel of one picture lies. h x w: 1/2 of the picture; cells: 1/4.

    parts: logits. surface: places on the body at rest, in statures. fine, coarse: features at 1/2 and at 1/4.
    code: what the whole picture says (pooled).
    """

    parts: Float[Tensor, "B P h w"]
    surface: Float[Tensor, "B 3 h w"]
    fine: Float[Tensor, "B C h w"]
    coarse: Float[Tensor, "B D h2 w2"]
    code: Float[Tensor, "B E"]

    @cached_property
    def shares(self) -> Float[Tensor, "B P h w"]:
        """The probability that a pixel shows each part."""
        return at_least_float32(self.parts).softmax(1)

    @cached_property
    def person(self) -> Float[Tensor, "B 1 h w"]:
        """The probability that a pixel shows the person."""
        return 1 - self.shares[:, :1]


class BodyNet(nn.Module):
    """An hourglass from maps at 1/2 of the picture to a Body; `code` steers its coarse levels."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int], code: int) -> None:
        super().__init__()
        a, b, c, d = widths
        self.stem = nn.Conv2d(inputs, a, 3, padding=1)
        self.down1, self.level1 = nn.Conv2d(a, b, 3, stride=2, padding=1), Block(b)
        self.down2, self.level2 = nn.Conv2d(b, c, 3, stride=2, padding=1), Block(c, code)
        self.down3, self.level3 = nn.Conv2d(c, d, 3, stride=2, padding=1), Block(d, code)
        self.attention, self.bottom = Attention(d), Block(d, code)
        self.up2, self.back2 = nn.Conv2d(d, c, 1), Block(c, code)
        self.up1, self.back1 = nn.Conv2d(c, b, 1), Block(b)
        self.up0 = nn.Conv2d(b, a, 1)
        self.back0 = nn.Sequential(normalised(a), nn.SiLU(), nn.Conv2d(a, a, 3, padding=1), nn.SiLU())
        self.head = nn.Conv2d(a, len(PARTS) + SURFACE, 1)

    def forward(self, x: Tensor, code: Tensor) -> Body:
        x0 = self.stem(x)
        x1 = self.level1(self.down1(x0))
        x2 = self.level2(self.down2(x1), code)
        x3 = self.bottom(self.attention(self.level3(self.down3(x2), code)), code)
        x2 = self.back2(x2 + up(self.up2(x3)), code)
        x1 = self.back1(x1 + up(self.up1(x2)))
        fine = self.back0(x0 + up(self.up0(x1)))
        parts, surface = at_least_float32(self.head(fine)).split([len(PARTS), SURFACE], 1)
        return Body(parts, surface, fine, x1, at_least_float32(torch.cat([x3.mean((2, 3)), x3.amax((2, 3))], 1)))


def up(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


BODY_LIMBS = 12
"""How many limbs come first in the skeleton that are arms and legs: maps say the way along these, too."""


def pose_maps(pose: Pose) -> Float[Tensor, "B M h w"]:
    """What a network sees of a pose: a bump per joint, a line per limb and the way along it, at 1/2 of the picture."""
    small = pose.resize((pose.size[0] // MAP, pose.size[1] // MAP))
    (line, way), (down, across) = limb_maps(small, 2.5), bumps(small, 1.5)
    joints = (down.mT[:, :, None] * across.mT[:, None]).permute(0, 3, 1, 2)
    return joined(joints, line, way[:, :BODY_LIMBS])


def pose_numbers(pose: Pose) -> Float[Tensor, "B n"]:
    """The joints as numbers: place about the middle of the visible ones, in shares of the height, and whether
    visible."""
    seen = pose.visible[..., None].to(pose.xy.dtype)
    xy = torch.where(pose.visible[..., None], pose.xy, 0.0)
    middle = xy.sum(1, keepdim=True) / seen.sum(1, keepdim=True).clamp(min=1)
    place = (xy - middle) / pose.size[0] * seen
    size = pose.xy.new_tensor([pose.size[1], pose.size[0]])
    return torch.cat([4 * place.flatten(1), seen.flatten(1), 2 * middle[:, 0] / size - 1], 1)


@dataclass(frozen=True)
class Match:
    """Where the source shows what a target pixel shows.

    place: (x, y) in pixels of the source at full size, for every pixel at 1/2. visible: logits that the source shows
    it.
    cells: logits of every target cell (row) over all source cells (at 1/4), which only training reads: of no source
    cell where no gradients are asked for. none: of none of them.
    """

    place: Float[Tensor, "B 2 h w"]
    visible: Float[Tensor, "B 1 h w"]
    cells: Float[Tensor, "B T S"]
    none: Float[Tensor, "B T 1"]

    @property
    def scores(self) -> Float[Tensor, "B T S1"]:
        """The logits of all source cells, then of none."""
        return torch.cat([self.cells, self.none], 2)


@dataclass(frozen=True)
class Geometry:
    """What the two networks and their matching say about a pair of pictures."""

    source: Body
    target: Body
    match: Match


class GeometryNet(nn.Module):
    """Where every pixel of the target comes from."""

    def __init__(self, skeleton: Skeleton, widths: tuple[int, int, int, int], code: int, features: int) -> None:
        super().__init__()
        maps, numbers = len(skeleton) + len(skeleton.limbs) + BODY_LIMBS, 3 * len(skeleton) + 2
        a, b, _, d = widths
        self.source_code = mlp(numbers, 2 * code, code)
        self.source_net = BodyNet(3 + maps, widths, code)
        self.target_code = mlp(2 * numbers + 2 * d, 3 * code, code)
        self.target_net = BodyNet(maps, widths, code)
        self.key, self.query = nn.Conv2d(b, features, 1), nn.Conv2d(b, features, 1)
        self.none = nn.Conv2d(b, 1, 1)
        self.masks = nn.Conv2d(b, 36, 1)  # how a coarse place becomes four finer ones
        self.fix = nn.Sequential(
            nn.Conv2d(2 * a + 3 + 3 + 2, a, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(a, a, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(a, 3, 3, padding=1),
        )

    def body_of(self, source: Float[Tensor, "B 3 H W"], pose: Pose) -> Body:
        """The source's body: depends on nothing but the source."""
        small = F.avg_pool2d(source, MAP)
        return call(
            self.source_net, joined(small, pose_maps(pose).to(small)), self.source_code(pose_numbers(pose).to(small))
        )

    def forward(self, source: Float[Tensor, "B 3 H W"], body: Body, source_pose: Pose, target_pose: Pose) -> Geometry:
        numbers = torch.cat(
            [pose_numbers(source_pose).to(body.code), pose_numbers(target_pose).to(body.code), body.code], 1
        )
        target = self.target_net(pose_maps(target_pose).to(source), self.target_code(numbers))
        with without_autocast(source):  # places stay float32
            return Geometry(body, target, self.match(at_least_float32(source), body, target))

    def match(self, source: Tensor, body: Body, target: Body) -> Match:
        b, _, h, w = target.coarse.shape
        ours, theirs = at_least_float32(target.coarse), at_least_float32(body.coarse)
        key, query, none = self.key(theirs).flatten(2), cells(self.query(ours)), self.none(ours).flatten(2)
        known = (F.avg_pool2d(body.person, 2).flatten(2) + 1e-3).log()
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            scores = query @ key
            scores.div_(math.sqrt(key.shape[1])).add_(known)  # in place: a new one takes longer to be had
            highest, best = scores.max(2)
            coarse = expected_place(scores, best, (h, w))  # (B, 2, h, w) in cells
        else:
            scores = query.new_zeros(b, h * w, 0)
            coarse, highest = matched(query, key, known, (h, w))
        sure = highest - none[:, 0]
        place = finer(coarse, self.masks(ours))  # in pixels at 1/2
        again = sample(torch.cat([at_least_float32(body.fine), F.avg_pool2d(source, MAP), body.surface], 1), place)
        fine, surface = again.split([body.fine.shape[1] + 3, SURFACE], 1)
        seen = torch.cat([fine, surface - target.surface, at_least_float32(target.fine)], 1)
        extra = torch.stack([sure.view(b, h, w) / 8, none[:, 0].view(b, h, w) / 8], 1)
        moved = self.fix(channels_last(torch.cat([seen, up(extra)], 1)))
        place = place + 4 * torch.tanh(moved[:, :2] / 4)
        return Match(place * MAP + (MAP - 1) / 2, moved[:, 2:] + up(extra[:, :1]), scores, none.mT)


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, outputs)
    )


def matched(
    query: Float[Tensor, "B T C"], key: Float[Tensor, "B C S"], known: Float[Tensor, "B 1 S"], size: tuple[int, int]
) -> tuple[Float[Tensor, "B 2 h w"], Float[Tensor, "B T"]]:
    """The `expected_place` and the highest score of each target cell, for a few of its rows at a time. No gradients.

    size: (h, w) of the cells of either picture.
    """
    (b, _, channels), (h, w), places = query.shape, size, key.shape[2]
    query = torch.cat([query / math.sqrt(channels), torch.ones_like(query[..., :1])], 2)
    key = torch.cat([key, known], 1)
    rows = max(1, AT_A_TIME // (b * places * w))
    space = query.new_empty(b, rows * w, places)
    coarse, highest = query.new_empty(b, 2, h, w), query.new_empty(b, h * w)
    for first in range(0, h, rows):
        here = slice(first * w, min(first + rows, h) * w)
        scores = space[:, : here.stop - here.start]
        torch.bmm(query[:, here], key, out=scores)
        highest[:, here], best = largest(scores)
        coarse[:, :, first : first + rows] = expected_place(scores, best, size)
    return coarse, highest


def largest(scores: Float[Tensor, "B T S"]) -> tuple[Float[Tensor, "B T"], Int64[Tensor, "B T"]]:
    """The largest of each row, and the first place where it is: `max` alone, which looks at one number after the other,
    takes longer than the products."""
    if scores.shape[2] % RUN:
        highest, best = scores.max(2)
        return highest, best
    runs = scores.unflatten(2, (-1, RUN))
    highest, run = runs.amax(3).max(2)
    within = runs.take_along_dim(run[..., None, None], 2)[:, :, 0].argmax(2)
    return highest, run * RUN + within


def expected_place(
    scores: Float[Tensor, "B T S"], best: Int64[Tensor, "B T"], size: tuple[int, int]
) -> Float[Tensor, "B 2 t w"]:
    """The mean place (x, y) in cells, over a window around each row's best cell. size: (h, w) of the source's cells;
    the rows are those of a map as wide."""
    h, w = size
    y, x = best // w, best % w
    steps = torch.arange(-REACH, REACH + 1, device=scores.device)
    rows, columns = (y[..., None] + steps), (x[..., None] + steps)
    inside = ((rows >= 0) & (rows < h))[..., :, None] & ((columns >= 0) & (columns < w))[..., None, :]
    near = (best[..., None] + (w * steps[:, None] + steps).flatten()).clamp(0, h * w - 1)
    share = scores.gather(2, near).masked_fill(~inside.flatten(2), -torch.inf).softmax(2)
    ways = torch.stack([steps.repeat(len(steps)), steps.repeat_interleave(len(steps))], 1).to(share)
    place = torch.stack([x, y], 2) + share @ ways
    in_map: Tensor = place.mT.unflatten(2, (-1, w))
    return in_map


def finer(place: Float[Tensor, "B 2 h w"], masks: Float[Tensor, "B 36 h w"]) -> Float[Tensor, "B 2 2*h 2*w"]:
    """Places in cells as places in half cells, each a convex mean of the nine cells around (moved along with the
    pixel)."""
    b, _, h, w = place.shape
    y, x = torch.meshgrid(*(torch.arange(n, device=place.device, dtype=place.dtype) for n in (h, w)), indexing="ij")
    flow = place - torch.stack([x, y])
    around = F.unfold(F.pad(flow, (1, 1, 1, 1), mode="replicate"), 3).view(b, 2, 9, 1, h, w)
    weights = masks.view(b, 1, 9, 4, h, w).softmax(2)
    flow = 2 * F.pixel_shuffle((around * weights).sum(2).flatten(1, 2), 2)
    y, x = torch.meshgrid(*(torch.arange(2 * n, device=place.device, dtype=place.dtype) for n in (h, w)), indexing="ij")
    return flow + torch.stack([x, y])


def sample(values: Float[Tensor, "B C H W"], place: Float[Tensor, "B 2 h w"]) -> Float[Tensor, "B C h w"]:
    """Values at places (x, y) in their own pixels, linear in between; beyond the border the border's pixels repeat."""
    size = place.new_tensor([values.shape[-1], values.shape[-2]])
    grid = (2 * place.permute(0, 2, 3, 1) + 1) / size - 1
    return F.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=False)


def large(maps: Float[Tensor, "B C h w"], size: tuple[int, int]) -> Float[Tensor, "B C H W"]:
    """Maps at another size, linear in between."""
    return F.interpolate(maps, size, mode="bilinear", align_corners=False)


def inside(place: Float[Tensor, "B 2 h w"], size: tuple[int, int]) -> Bool[Tensor, "B 1 h w"]:
    """Whether places (x, y) lie in a picture of this size."""
    ends = place.new_tensor([size[1] - 1, size[0] - 1]).view(1, 2, 1, 1)
    return ((place >= 0) & (place <= ends)).all(1, True)


def enlarged(
    place: Float[Tensor, "B 2 h w"], size: tuple[int, int], pixels: tuple[int, int]
) -> Float[Tensor, "B 2 H W"]:
    """Places (x, y) in pixels of a picture of size `pixels`, on a grid of another size; in pixels of a picture of
    `size`."""
    h, w = place.shape[-2:]
    y, x = torch.meshgrid(*(torch.arange(n, device=place.device, dtype=place.dtype) for n in (h, w)), indexing="ij")
    # flow in shares of the picture is what is smooth
    own = torch.stack([(x + 0.5) / w, (y + 0.5) / h])
    scale = place.new_tensor([pixels[1], pixels[0]]).view(2, 1, 1)
    flow = F.interpolate((place + 0.5) / scale - own, size, mode="bilinear", align_corners=False)
    y, x = torch.meshgrid(*(torch.arange(n, device=place.device, dtype=place.dtype) for n in size), indexing="ij")
    own = torch.stack([(x + 0.5) / size[1], (y + 0.5) / size[0]])
    return (flow + own) * place.new_tensor([size[1], size[0]]).view(2, 1, 1) - 0.5
