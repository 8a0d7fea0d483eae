"""TrueFlow: a generator that knows where every pixel comes from (our own; learned from true flow of synthetic people).

Two networks say where on the body every pixel of the source and of the target lies; matching them gives, for every
pixel of the
target, where the source shows the same point, and whether it does. Pixels are copied by that flow at the size of the
output; only
what no source shows is generated.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from reposer.core import SKELETONS, BadInput, Framing, Generator, Layer, Pose
from reposer.core.composition import Composition
from reposer.core.generator import refuse_indivisible
from reposer.core.truth import PARTS
from reposer.nn.call import call
from reposer.nn.filling import filled
from reposer.nn.layout import at_least_float32
from reposer.nn.maps import heatmaps, limb_maps, limb_mask

from ..registries import GENERATORS

SURFACE = 3
"""Numbers that say where on the body a pixel lies."""
GROUPS = 8
"""Of channels that are normalised together."""
MAP = 2
"""Maps of bodies are at 1/2 of the picture, matching is at 1/4."""
REACH = 2
"""The place of a match is the mean over a window of matched cells this far around the best."""


DIVISOR = 16
"""The sides of pictures divide by it: matching is at 1/4, and its networks halve that twice."""


@GENERATORS.register("trueflow")
@dataclass(frozen=True)
class TrueFlowConfig:
    """Two networks that find the body in both pictures, their matching, and a network that generates what is hidden."""

    family: ClassVar[str] = "trueflow"

    framing: Framing = Framing((256, 192), fit="pad", aspect=0.75)
    """Size of the pictures, and how a photo becomes one."""
    skeleton: str = "openpose18"
    """Name of the poses' skeleton."""
    widths: tuple[int, int, int, int] = (24, 56, 128, 192)
    """Channels of the body networks at 1/2, 1/4, 1/8 and 1/16 of the picture; they divide by 8."""
    code: int = 128
    """Numbers by which both poses steer the body networks."""
    features: int = 32
    """Numbers by which places on the body are matched."""
    paint: tuple[int, int, int] = (32, 64, 128)
    """Channels of the network that generates hidden pixels, at 1/2, 1/4 and 1/8 of the picture; they divide by 8."""

    def __post_init__(self) -> None:
        refuse_indivisible(self.framing.size, DIVISOR, "TrueFlow")
        SKELETONS[self.skeleton]  # refuses a name that is none
        if any(w < GROUPS or w % GROUPS for w in (*self.widths, *self.paint)) or min(self.code, self.features) < 2:
            raise BadInput(
                f"TrueFlow's widths are positive multiples of {GROUPS}, its code and features at least 2; this came: "
                f"{self}."
            )

    def tiny(self) -> "TrueFlowConfig":
        """The same form at the size of a test."""
        return replace(
            self, framing=self.framing.tiny(), widths=(8, 8, 8, 16), code=8, features=4, paint=(8, 8, 16)
        )  # fmt: skip

    def build(self) -> "TrueFlow":
        return TrueFlow(self)


# ------------------------------------------------------------------------------------------- parts


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
            y = y * (1 + scale) + shift
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
        q, k, v = self.qkv(self.norm(x)).view(b, 3, 4, c // 4, h * w).transpose(-1, -2).unbind(1)
        y = F.scaled_dot_product_attention(q, k, v)
        return x + call(self.out, y.transpose(-1, -2).reshape(b, c, h, w))


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

    @property
    def person(self) -> Float[Tensor, "B 1 h w"]:
        """The probability that a pixel shows the person."""
        return 1 - at_least_float32(self.parts).softmax(1)[:, :1]


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
    line, way = limb_maps(small, 2.5)
    return torch.cat([heatmaps(small, 1.5), line, way[:, :BODY_LIMBS]], 1)


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
    cells: logits of every target cell (row) over all source cells (at 1/4). none: of none of them.
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

    def __init__(self, config: TrueFlowConfig) -> None:
        super().__init__()
        skeleton, widths, code, features = (SKELETONS[config.skeleton], config.widths, config.code, config.features)
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
            self.source_net,
            torch.cat([small, pose_maps(pose).to(small)], 1),
            self.source_code(pose_numbers(pose).to(small)),
        )

    def forward(self, source: Float[Tensor, "B 3 H W"], body: Body, source_pose: Pose, target_pose: Pose) -> Geometry:
        numbers = torch.cat(
            [pose_numbers(source_pose).to(body.code), pose_numbers(target_pose).to(body.code), body.code], 1
        )
        target = self.target_net(pose_maps(target_pose).to(source), self.target_code(numbers))
        with torch.autocast(source.device.type, enabled=False):  # places stay float32
            return Geometry(body, target, self.match(at_least_float32(source), body, target))

    def match(self, source: Tensor, body: Body, target: Body) -> Match:
        b, _, h, w = target.coarse.shape
        ours, theirs = at_least_float32(target.coarse), at_least_float32(body.coarse)
        key, query = self.key(theirs).flatten(2), self.query(ours).flatten(2)
        person = F.avg_pool2d(body.person, 2).flatten(2)
        scores = query.mT @ key
        scores.div_(math.sqrt(key.shape[1])).add_((person + 1e-3).log())  # in place: a new one takes longer to be had
        none = self.none(ours).flatten(2)
        coarse = expected_place(scores, (h, w))  # (B, 2, h, w) in cells
        sure = scores.amax(2) - none[:, 0]
        place = finer(coarse, self.masks(ours))  # in pixels at 1/2
        again = sample(torch.cat([at_least_float32(body.fine), F.avg_pool2d(source, MAP), body.surface], 1), place)
        fine, surface = again.split([body.fine.shape[1] + 3, SURFACE], 1)
        seen = torch.cat([fine, surface - target.surface, at_least_float32(target.fine)], 1)
        extra = torch.stack([sure.view(b, h, w) / 8, none[:, 0].view(b, h, w) / 8], 1)
        moved = self.fix(torch.cat([seen, up(extra)], 1))
        place = place + 4 * torch.tanh(moved[:, :2] / 4)
        return Match(place * MAP + (MAP - 1) / 2, moved[:, 2:] + up(extra[:, :1]), scores, none.mT)


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, outputs)
    )


def expected_place(scores: Float[Tensor, "B T S"], size: tuple[int, int]) -> Float[Tensor, "B 2 h w"]:
    """The mean place (x, y) in cells, over a window around each row's best cell."""
    h, w = size
    best = scores.detach().argmax(2)
    y, x = best // w, best % w
    steps = torch.arange(-REACH, REACH + 1, device=scores.device)
    rows, columns = (y[..., None] + steps), (x[..., None] + steps)
    inside = ((rows >= 0) & (rows < h))[..., :, None] & ((columns >= 0) & (columns < w))[..., None, :]
    cells = rows.clamp(0, h - 1)[..., :, None] * w + columns.clamp(0, w - 1)[..., None, :]
    near = scores.gather(2, cells.flatten(2)).masked_fill(~inside.flatten(2), -torch.inf).softmax(2)
    across = (near * columns[..., None, :].expand(cells.shape).flatten(2)).sum(2)
    down = (near * rows[..., :, None].expand(cells.shape).flatten(2)).sum(2)
    return torch.stack([across, down], 1).view(-1, 2, h, w)


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


SEEN = 9
"""Channels that PaintNet sees at full size: copied 3, visible 1, person 1, background 3, hole 1."""
KEYS, VALUES = 24, 32
"""Numbers by which PaintNet looks up the source's person, and which it gets beside the colours."""


class PaintNet(nn.Module):
    """What no source shows, and how it is blended with what is copied, at the picture's size."""

    def __init__(self, config: TrueFlowConfig) -> None:
        super().__init__()
        (fine, coarse, _, _), (w, middle, deep) = config.widths, config.paint
        self.value, self.key = nn.Conv2d(coarse, VALUES, 1), nn.Conv2d(coarse, KEYS, 1)
        self.query = nn.Conv2d(coarse, KEYS, 1)
        self.stem = nn.Conv2d(4 * SEEN + fine, w, 3, padding=1)
        self.down1 = nn.Conv2d(w, middle, 3, stride=2, padding=1)
        self.mix, self.level1 = nn.Conv2d(middle + 3 + VALUES + coarse, middle, 1), Block(middle)
        self.down2, self.level2 = nn.Conv2d(middle, deep, 3, stride=2, padding=1), Block(deep)
        self.up1, self.back1 = nn.Conv2d(deep, middle, 1), Block(middle)
        self.up0 = nn.Conv2d(middle, w, 1)
        self.back0 = nn.Sequential(normalised(w), nn.SiLU(), nn.Conv2d(w, w, 3, padding=1), nn.SiLU())
        self.out = nn.Conv2d(w, 4 * 12, 1)
        self.last = nn.Sequential(nn.Conv2d(12 + SEEN, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 9, 3, padding=1))

    def attended(self, source: Tensor, geometry: Geometry) -> Float[Tensor, "B 35 h w"]:
        """What the source's person looks like where they are most like each cell of the target."""
        body, target = geometry.source, geometry.target
        b, _, h, w = target.coarse.shape
        small, look = F.avg_pool2d(source, 8), F.avg_pool2d(body.coarse, 2)
        person = F.avg_pool2d(body.person, 4)
        key = torch.cat([self.key(look), (person + 1e-3).log().to(body.coarse.dtype)], 1)
        query = self.query(target.coarse)
        scale = 1 / math.sqrt(query.shape[1])
        query = torch.cat([query, torch.full_like(query[:, :1], 1 / scale)], 1)
        value = torch.cat([small.to(look.dtype), self.value(look)], 1)
        q, k, v = (a.flatten(2).mT[:, None] for a in (query, key, value))
        return F.scaled_dot_product_attention(q, k, v, scale=scale)[:, 0].mT.reshape(b, -1, h, w)

    def forward(self, seen: Float[Tensor, "B 9 H W"], source: Tensor, geometry: Geometry) -> Float[Tensor, "B 9 H W"]:
        x0 = self.stem(torch.cat([F.pixel_unshuffle(seen, 2), geometry.target.fine], 1))
        x1 = self.down1(x0)
        x1 = self.level1(self.mix(torch.cat([x1, self.attended(source, geometry), geometry.target.coarse], 1)))
        x2 = self.level2(self.down2(x1))
        x1 = self.back1(x1 + up(self.up1(x2)))
        x0 = self.back0(x0 + up(self.up0(x1)))
        return call(self.last, torch.cat([F.pixel_shuffle(self.out(x0), 2), seen], 1))


@dataclass(frozen=True)
class Repose:
    """A generated picture and what it is made of, at the picture's size.

    copied: the sources at their places. painted: the person as generated. copy: how much of the person's pixel is
    copied.
    person: coverage. background: the first source's own, filled behind the person. place: in the first source.
    others: geometry of each further source; their places and the shares of all sources, if there are several.
    """

    picture: Float[Tensor, "B 3 H W"]
    copied: Float[Tensor, "B 3 H W"]
    painted: Float[Tensor, "B 3 H W"]
    copy: Float[Tensor, "B 1 H W"]
    person: Float[Tensor, "B 1 H W"]
    background: Float[Tensor, "B 3 H W"]
    hole: Float[Tensor, "B 1 H W"]
    place: Float[Tensor, "B 2 H W"]
    geometry: Geometry
    others: tuple[Geometry, ...] = ()
    other_places: tuple[Tensor, ...] = ()
    shares: Float[Tensor, "B S 1 H W"] | None = None


MOVED = (0.003, 0.008)
"""Of the picture's height: a joint that moves less is still, one that moves more has moved."""
NEAR = 9
"""Side of the square around a pixel, at 1/2 of the picture, in which nothing may have moved."""
FAR_OFF = 8.0
"""Pixels: a larger error at rest is a mistaken match, not an offset."""

_HEAD, _TRUNK = ("nose", "neck", "eye", "ear"), ("neck", "shoulder", "hip")
JOINTS_OF = {
    "hair": _HEAD, "face": _HEAD, "neck": ("neck", "nose", "shoulder"), "torso": _TRUNK, "hips": ("hip",),
    "skirt": ("hip", "knee"), "upper_arm": ("shoulder", "elbow"), "lower_arm": ("elbow", "wrist"), "hand": ("elbow", "wrist"),
    "upper_leg": ("hip", "knee"), "lower_leg": ("knee", "ankle"), "shoe": ("knee", "ankle"), "outer": _TRUNK,
}  # fmt: skip
"""The joints that a part of the body moves with, of its own side."""


def parts_moved(source_pose: Pose, target_pose: Pose) -> Float[Tensor, "B P"]:
    """How surely each of PARTS has moved, by the joints it moves with: 0 to 1. A joint that only one of both poses
    shows, or a part without any joint, counts as moved; the background never does."""
    both, neither = source_pose.visible & target_pose.visible, ~(source_pose.visible | target_pose.visible)
    way = (target_pose.xy - source_pose.xy).norm(dim=-1) / source_pose.size[0]
    joint = torch.where(both, ((way - MOVED[0]) / (MOVED[1] - MOVED[0])).clamp(0, 1), 1.0).masked_fill(neither, 0)
    columns = [torch.zeros_like(joint[:, 0])]
    for part in PARTS[1:]:
        side, _, name = part.partition("_") if part.startswith(("left_", "right_")) else ("", "", part)
        own = [
            k
            for k, other in enumerate(source_pose.skeleton.joints)
            if other.split("_")[-1] in JOINTS_OF[name] and (not side or other.startswith(side))
        ]
        unknown = neither[:, own].all(1)
        columns.append(torch.where(unknown, 1.0, joint[:, own].amax(1)))
    return torch.stack(columns, 1)


def still_share(geometry: Geometry, source_pose: Pose, target_pose: Pose) -> Float[Tensor, "B 1 h w"]:
    """How surely nothing has moved near a pixel, in the source or in the target: there its own pixel is the answer."""
    moved = parts_moved(source_pose, target_pose)[..., None, None]
    shares = [
        (at_least_float32(body.parts).softmax(1) * moved).sum(1, True) for body in (geometry.source, geometry.target)
    ]
    near = F.max_pool2d(torch.maximum(*shares), NEAR, 1, NEAR // 2)
    return 1 - F.avg_pool2d((3 * near - 0.3).clamp(0, 1), 5, 1, 2, count_include_pad=False)


def connected(person: Float[Tensor, "B 1 h w"], pose: Pose) -> Float[Tensor, "B 1 h w"]:
    """The person's mask without what is not connected to the limbs: each pixel's value is at most the least on the
    best way there. The network's mask has specks in the background, in a grid of its coarsest cells."""
    limbs = limb_mask(pose.resize((person.shape[-2], person.shape[-1])), person.shape[-2] / 64)
    reached = torch.minimum(person, limbs)
    for _ in range(max(person.shape[-2:])):
        further = torch.minimum(person, F.max_pool2d(reached, 3, 1, 1))
        if torch.equal(further, reached):
            break
        reached = further
    return reached


def own_error(resting: Geometry) -> Float[Tensor, "B 2 h w"]:
    """How far off the geometry puts each pixel of its source when nothing moves: an answer that is known. In pixels of
    the picture, smooth, from where the match is sure."""
    place = resting.match.place
    y, x = torch.meshgrid(*(torch.arange(n, device=place.device) for n in place.shape[-2:]), indexing="ij")
    error = place - (torch.stack([x, y]).to(place) * MAP + (MAP - 1) / 2)
    sure = resting.match.visible.sigmoid() * resting.target.person * resting.source.person
    sure = (sure * (error.norm(dim=1, keepdim=True) < FAR_OFF)).clamp(min=1e-4)

    def around(values: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(values, (4, 4, 4, 4), mode="replicate"), 9, 1)

    return around(error * sure) / around(sure)


def corrected(place: Float[Tensor, "B 2 H W"], error: Float[Tensor, "B 2 h w"]) -> Float[Tensor, "B 2 H W"]:
    """The places that, when nothing moves, the geometry would have put at `place`: `place - error(there)`."""
    there = place
    for _ in range(3):
        there = place - sample(error, (there - (MAP - 1) / 2) / MAP)
    return there


PREFERRED = 1.5
"""How much surer another source has to be than the first that it shows a pixel, as a logit."""


def shrunk(person: Float[Tensor, "B 1 h w"], by: int) -> Float[Tensor, "B 1 h w"]:
    """A person's mask without its outermost cells."""
    return -F.max_pool2d(-person, 2 * by + 1, 1, by)


RIM = 1
"""Width of a person's rim, in cells of a body."""


def rims_inside(
    target: Float[Tensor, "B 1 h w"], source: Float[Tensor, "B 1 h w"], place: Float[Tensor, "B 2 H W"]
) -> Float[Tensor, "B 1 H W"]:
    """How much a pixel of the target's inside shows the rim of the source's person: its shading and a mixture with the
    background, which would be a crack there. target, source: their persons."""

    size = (place.shape[-2], place.shape[-1])
    inside, outer = (
        F.interpolate(a, size, mode="bilinear", align_corners=False) for a in (shrunk(target, 3), shrunk(source, RIM))
    )
    return inside * (2 - 2 * sample(outer, place)).clamp(0, 1)


LIMBS = 50
"""What is this share of the picture's height away from the joints' lines is a limb's own."""
TEAR = (4.0, 8.0)
"""Pixels by which the places of neighbours are apart: what no body is stretched by, and what is surely a jump."""


def torn(place: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B 1 H W"]:
    """How surely the places jump beside a pixel, from one part of the source to another: what lies between them there
    would be copied as a thread."""
    down = (place[:, :, 1:] - place[:, :, :-1]).norm(dim=1, keepdim=True)
    across = (place[..., 1:] - place[..., :-1]).norm(dim=1, keepdim=True)
    apart = F.pad(torch.maximum(F.pad(down, (0, 0, 1, 0)), F.pad(across, (1, 0))), (0, 1, 0, 1))
    apart = F.max_pool2d(apart, 2, 1)  # of both sides
    return ((apart - TEAR[0]) / (TEAR[1] - TEAR[0])).clamp(0, 1)


ARMS = [PARTS.index(f"{side}_{part}") for side in ("right", "left") for part in ("lower_arm", "hand")]
"""Parts that hang in front of the rest of the body."""


def arms_elsewhere(
    target: Float[Tensor, "B P h w"], source: Float[Tensor, "B P h w"], place: Float[Tensor, "B 2 H W"]
) -> Float[Tensor, "B 1 H W"]:
    """How much a pixel of the target that is no forearm or hand shows one of the source, in front of what belongs
    there. target, source: scores of their parts."""
    size = (place.shape[-2], place.shape[-1])
    wanted, shown = (at_least_float32(a).softmax(1)[:, ARMS].sum(1, True) for a in (target, source))
    wanted, shown = (
        F.interpolate(a, size, mode="bilinear", align_corners=False) for a in (F.max_pool2d(wanted, 5, 1, 2), shown)
    )
    return (5 * sample(shown, place) - 0.75).clamp(0, 1) * (1.5 - 4 * wanted).clamp(0, 1)


def arms_left_behind(geometry: Geometry, target_pose: Pose, size: tuple[int, int]) -> Float[Tensor, "B 1 H W"]:
    """How surely a pixel at the edge of the target's person, and on none of its limbs, only shows where a forearm or hand of
    the source hung. size: (H, W)."""
    target, source = geometry.target, geometry.source
    here = torch.stack(
        torch.meshgrid(*(torch.arange(n, device=target.parts.device) for n in size), indexing="ij")[::-1]
    )
    there = arms_elsewhere(
        target.parts, source.parts, here[None].expand(len(target.parts), -1, -1, -1).to(geometry.match.place)
    )
    limbs = limb_mask(target_pose.resize((size[0] // MAP, size[1] // MAP)), size[0] / MAP / LIMBS)
    own = torch.maximum(shrunk(target.person, 2), limbs)
    return there * (1 - F.interpolate(own, size, mode="bilinear", align_corners=False))


def apart(source: Float[Tensor, "B *S 3 H W"], pose: Pose) -> tuple[tuple[Tensor, ...], tuple[Pose, ...]]:
    """Each source and its pose; one photo of each person may come without an axis for sources."""
    if source.dim() == 4:
        return (source,), (pose,)
    score = pose.score
    poses = [
        replace(pose, xy=pose.xy[:, s], visible=pose.visible[:, s], score=None if score is None else score[:, s])
        for s in range(source.shape[1])
    ]
    return source.unbind(1), tuple(poses)


def best_shown(
    visible: Float[Tensor, "B S 1 H W"], own: Float[Tensor, "B S 1 H W"], present: Bool[Tensor, "B S"]
) -> Float[Tensor, "B S 1 H W"]:
    """The share of each source in what is copied: nearly all of the one that most surely shows the pixel.

    visible: logits that it does. own: how surely that is its person. The first source is preferred, by PREFERRED.
    """
    sure = F.logsigmoid(visible) + (own + 1e-3).log()
    first = torch.zeros_like(sure)
    first[:, 0] = PREFERRED
    return (4 * (sure + first)).masked_fill(~present[..., None, None, None], -torch.inf).softmax(1)


class TrueFlow(Generator):
    """Geometry, copy, background, paint."""

    divisor = DIVISOR
    places = ("geometry.",)
    several_sources = True
    composes = True

    config: TrueFlowConfig

    def __init__(self, config: TrueFlowConfig) -> None:
        super().__init__()
        self.config, self.framing, self.skeleton = config, config.framing, SKELETONS[config.skeleton]
        self.geometry, self.paint = GeometryNet(config), PaintNet(config)

    def forward(self, source: Float[Tensor, "B *S 3 H W"], source_pose: Pose, target_pose: Pose) -> Repose:
        """source: one photo of a person, or S of them, whose poses have the same axes. The first has the background; of
        the others, one whose pose shows no joint is absent."""
        return self.frame(self.begin(source, source_pose), target_pose)[0]

    def begin(
        self, source: Tensor, source_pose: Pose, previous: Any = None
    ) -> tuple[tuple[Tensor, ...], tuple[Pose, ...], tuple[Body, ...]]:
        """The sources' bodies are found once."""
        sources, poses = apart(source, source_pose)
        return sources, poses, tuple(self.geometry.body_of(a, pose) for a, pose in zip(sources, poses, strict=True))

    def frame(
        self,
        memory: tuple[tuple[Tensor, ...], tuple[Pose, ...], tuple[Body, ...]],
        target_pose: Pose,
        seeds: Tensor | None = None,
    ) -> tuple[Repose, Any]:
        sources, poses, bodies = memory
        geometries = [
            self.geometry(a, body, pose, target_pose) for a, pose, body in zip(sources, poses, bodies, strict=True)
        ]
        present = [pose.visible.any(-1) for pose in poses]
        others = tuple(zip(sources[1:], geometries[1:], present[1:], strict=True))
        return self.compose(sources[0], geometries[0], others), memory

    def compose(
        self,
        source: Float[Tensor, "B 3 H W"],
        geometry: Geometry,
        others: Sequence[tuple[Float[Tensor, "B 3 H W"], Geometry, Bool[Tensor, "B"]]] = (),
    ) -> Repose:
        """The picture of what is copied and what is generated, before the source's background.

        others: further sources, with their geometry and in which rows they are present.
        """
        sources, geometries = (source, *(o[0] for o in others)), (geometry, *(o[1] for o in others))
        size = (source.shape[-2], source.shape[-1])

        def large(a: Tensor) -> Tensor:
            return F.interpolate(a, size, mode="bilinear", align_corners=False)

        # the flow learns from its truth, not from colours
        places = [enlarged(g.match.place, size, size) for g in geometries]
        all_copied = [sample(at_least_float32(a), place.detach()) for a, place in zip(sources, places, strict=True)]
        # what the source surely shows is copied, whatever the network would rather generate: patterns and faces stay
        # sharp; its background never is
        all_own = [
            (4 * sample(large(g.source.person), place.detach()) - 2.6).clamp(0, 1)
            for g, place in zip(geometries, places, strict=True)
        ]
        all_visible = [large(g.match.visible) for g in geometries]
        copied, own, visible, shares = all_copied[0], all_own[0], all_visible[0], None
        if others:
            present = torch.stack([torch.ones_like(others[0][2]), *(o[2] for o in others)], 1)
            shares = best_shown(torch.stack(all_visible, 1), torch.stack(all_own, 1), present)
            copied, own, visible = ((shares * torch.stack(a, 1)).sum(1) for a in (all_copied, all_own, all_visible))
        place = places[0]
        was = large(F.max_pool2d(geometry.source.person, 7, 1, 3))
        hole = ((was - 0.15) / 0.5).clamp(0, 1)
        background = filled(at_least_float32(source), 1 - hole)
        person = large(geometry.target.person)
        seen = torch.cat([copied, visible.sigmoid(), person, background, hole], 1)
        out = at_least_float32(self.paint(seen.to(source.dtype), source, geometry))
        painted, behind = torch.tanh(out[:, :3]), torch.tanh(out[:, 3:6])
        copy = own * torch.maximum(torch.sigmoid(out[:, 6:7] + visible), torch.sigmoid(2 * visible - 2))
        person = torch.sigmoid(out[:, 7:8] + 4 * (2 * person - 1))
        background = torch.lerp(background, behind, hole * torch.sigmoid(out[:, 8:9]))
        picture = torch.lerp(background, torch.lerp(painted, copied, copy), person)
        made = Repose(picture, copied, painted, copy, person, background, hole, place, geometry)
        return replace(made, others=geometries[1:], other_places=tuple(places[1:]), shares=shares)

    def at_rest(
        self, memory: tuple[tuple[Tensor, ...], tuple[Pose, ...], tuple[Body, ...]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Of each source: the network's error where nothing moves, and its person."""
        errors = [own_error(self.geometry(a, body, pose, pose)) for a, pose, body in zip(*memory, strict=True)]
        return errors, [connected(body.person, pose) for _, pose, body in zip(*memory, strict=True)]

    def composition(
        self, source: Tensor, source_pose: Pose, target_pose: Pose, output: Repose, rest: Any = None
    ) -> Composition:
        """What the picture is made of; its places are corrected by the network's error where nothing moves."""
        size = (source.shape[-2], source.shape[-1])
        sources, poses = apart(source, source_pose)
        geometries, found = (output.geometry, *output.others), (output.place, *output.other_places)
        errors, masks = rest or self.at_rest((sources, poses, tuple(g.source for g in geometries)))
        places = [corrected(place, error) for place, error in zip(found, errors, strict=True)]
        hole = ((F.max_pool2d(masks[0], 7, 1, 3) - 0.15) / 0.5).clamp(0, 1)
        still = still_share(output.geometry, poses[0], target_pose)

        def large(a: Tensor) -> Tensor:
            return F.interpolate(a, size, mode="bilinear", align_corners=False)

        copied = output.copy[:, None]
        if output.shares is not None:
            copied = copied * output.shares
        wrong = [
            torch.maximum(
                torch.maximum(rims_inside(output.geometry.target.person, mask, place), torn(place)),
                arms_elsewhere(output.geometry.target.parts, geometry.source.parts, place),
            )
            for geometry, mask, place in zip(geometries, masks, places, strict=True)
        ]
        return Composition(
            place=torch.stack(places, 1),
            copied=copied * (1 - torch.stack(wrong, 1) * (1 - large(still)[:, None])),
            invented=output.painted,
            person=output.person * (1 - arms_left_behind(output.geometry, target_pose, size)),
            background=output.background,
            hole=large(hole),
            still=large(still),
            source_person=torch.stack([large(mask) for mask in masks], 1),
        )

    @torch.no_grad()
    def cut_out(
        self, photo: Float[Tensor, "1 3 H W"], pose: Pose, result: Float[Tensor, "1 3 H W"], result_pose: Pose
    ) -> Composition:
        """The person of a result that another generator made of a photo, before the photo's own background, which is
        filled where its person stood. Source 0 is the photo, source 1 the result."""
        size = (photo.shape[-2], photo.shape[-1])
        was, now = (
            F.interpolate(connected(self.geometry.body_of(a, p).person, p), size, mode="bilinear", align_corners=False)
            for a, p in ((photo, pose), (result, result_pose))
        )
        hole = ((F.max_pool2d(was, 13, 1, 6) - 0.15) / 0.5).clamp(0, 1)
        y, x = torch.meshgrid(*(torch.arange(n).to(photo) for n in size), indexing="ij")
        own, nothing = torch.stack([x, y])[None], torch.zeros_like(was)
        return Composition(
            place=torch.stack([own, own], 1),
            copied=torch.stack([nothing, nothing + 1], 1),
            invented=result,
            person=now,
            background=filled(photo, 1 - hole),
            hole=hole,
            still=nothing,
            source_person=torch.stack([was, now], 1),
        )

    def layers(self, output: Repose) -> Mapping[str, Layer]:
        """What is copied and from where, what is generated, and where the person is."""
        h, w = output.place.shape[-2:]
        y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        own = torch.stack([x, y]).to(output.place)
        share = output.copy * output.person
        return {
            "flow": Layer("flow", output.place - own),
            "copied": Layer("picture", (output.copied * (share > 0.5)).clamp(-1, 1)),
            "copied share": Layer("weight", share),
            "invented": Layer("picture", output.painted * (output.person > 0.5)),
            "person": Layer("weight", output.person),
            "background": Layer("picture", output.background.clamp(-1, 1)),
        }
