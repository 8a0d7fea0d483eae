"""TrueFlow: a generator that knows where every pixel comes from (our own; learned from true flow of synthetic people).

Two networks say where on the body every pixel of the source and of the target lies; matching them gives, for every
pixel of the target, where the source shows the same point, and whether it does. Pixels are copied by that flow at the
size of the output; only what no source shows is generated.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from reposer.core import SKELETONS, BadInput, Framing, Generator, Layer, Pose
from reposer.core.choices import OtherSide
from reposer.core.composition import Composition, SourcePerson
from reposer.core.generator import refuse_indivisible
from reposer.nn.call import call
from reposer.nn.filling import filled
from reposer.nn.layout import at_least_float32, joined, without_autocast
from reposer.nn.windows import widest

from ..registries import GENERATORS
from .composing import Shown, composed
from .copying import best_shown, connected, own_error
from .geometry import GROUPS, Block, Body, Geometry, GeometryNet, cells, enlarged, large, maps, normalised, sample, up
from .hands import hand_masks
from .heads import hair_masks
from .source import Source

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
    corrects: bool = False
    """Whether that network corrects the colours that it looks up in the source, which is learned in fewer steps than to
    generate colours anew, as the shipped network does."""
    looks_up: int = 8
    """Side in pixels of the places in the source among which it looks: 4 or 8."""

    def __post_init__(self) -> None:
        refuse_indivisible(self.framing.size, DIVISOR, "TrueFlow")
        SKELETONS[self.skeleton]  # refuses a name that is none
        if self.looks_up not in (4, 8):
            raise BadInput(f"TrueFlow's looks_up is 4 or 8 pixels, not {self.looks_up!r}.")
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


SEEN = 9
"""Channels that PaintNet sees at full size: copied 3, visible 1, person 1, background 3, hole 1."""
KEYS, VALUES = 24, 32
"""Numbers by which PaintNet looks up the source's person, and which it gets beside the colours."""
FULL = 0.97
"""Where colours end that are corrected: those of 1 could not be."""


class PaintNet(nn.Module):
    """What no source shows, and how it is blended with what is copied, at the picture's size."""

    def __init__(self, config: TrueFlowConfig) -> None:
        super().__init__()
        (fine, coarse, _, _), (w, middle, deep) = config.widths, config.paint
        self.corrects, self.side = config.corrects, config.looks_up // 4
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
        hidden, last = nn.Conv2d(12 + SEEN, 16, 3, padding=1), nn.Conv2d(16, 9, 3, padding=1)
        self.last = nn.Sequential(hidden, nn.SiLU(), last)
        if self.corrects:  # by little, to begin with
            with torch.no_grad():
                last.weight[:3] *= 0.1

    def attended(self, source: Tensor, geometry: Geometry) -> Float[Tensor, "B 35 h w"]:
        """What the source's person looks like where they are most like each cell of the target."""
        body, target = geometry.source, geometry.target
        h, w = target.coarse.shape[2:]
        side = self.side  # of what is looked up, in cells
        small, look = F.avg_pool2d(source, 4 * side), F.avg_pool2d(body.coarse, side)
        person = F.avg_pool2d(body.person, 2 * side)
        key = torch.cat([self.key(look), (person + 1e-3).log().to(body.coarse.dtype)], 1)
        query = self.query(target.coarse)
        scale = 1 / math.sqrt(query.shape[1])
        query = torch.cat([query, torch.full_like(query[:, :1], 1 / scale)], 1)
        value = torch.cat([small.to(look.dtype), self.value(look)], 1)
        # of one width and contiguous: without a matrix of all pairs, and four times as fast on a CPU
        query, key = (F.pad(a, (0, 0, 0, 0, 0, value.shape[1] - a.shape[1])) for a in (query, key))
        q, k, v = (cells(a)[:, None] for a in (query, key, value))
        return maps(F.scaled_dot_product_attention(q, k, v, scale=scale)[:, 0], (h, w))

    def forward(self, seen: Float[Tensor, "B 9 H W"], source: Tensor, geometry: Geometry) -> Float[Tensor, "B 9 H W"]:
        small, fine = folded(seen), geometry.target.fine
        of_seen, of_fine = self.stem.weight.split([4 * SEEN, fine.shape[1]], 1)
        weight = torch.cat([in_folded_order(of_seen, 1), of_fine], 1)
        x0 = F.conv2d(joined(small, fine), weight, self.stem.bias, padding=1)
        x1, looked_up = self.down1(x0), self.attended(source, geometry)
        x1 = self.level1(self.mix(joined(x1, looked_up, geometry.target.coarse)))
        x2 = self.level2(self.down2(x1))
        x1 = self.back1(x1 + up(self.up1(x2)))
        x0 = self.back0(x0 + up(self.up0(x1)))
        assert self.out.bias is not None
        out = F.conv2d(x0, in_folded_order(self.out.weight, 0), in_folded_order(self.out.bias, 0))
        out = call(self.last, unfolded(out, small))
        if not self.corrects:
            return out
        colours = large(at_least_float32(looked_up[:, :3]), (seen.shape[-2], seen.shape[-1]))
        return torch.cat([out[:, :3] + colours.clamp(-FULL, FULL).atanh(), at_least_float32(out[:, 3:])], 1)


def folded(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 4*C h w"]:
    """`F.pixel_unshuffle` by 2 whose channels are those of the top left pixel, then of the top right one, and so on:
    with the channels last in memory they are moved together, in a third of the time."""
    b, c, h, w = x.shape
    return (
        x.view(b, c, h // 2, 2, w // 2, 2)
        .permute(0, 2, 4, 3, 5, 1)
        .reshape(b, h // 2, w // 2, 4 * c)
        .permute(0, 3, 1, 2)
    )


def unfolded(*small: Float[Tensor, "B _ h w"]) -> Float[Tensor, "B C H W"]:
    """The inverse of `folded` of each, one after the other, with the channels last in memory."""
    pixels = [x.permute(0, 2, 3, 1).unflatten(3, (2, 2, -1)).permute(0, 1, 3, 2, 4, 5) for x in small]
    return torch.cat(pixels, 5).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def in_folded_order(weight: Tensor, axis: int) -> Tensor:
    """A weight of channels in the order of `F.pixel_shuffle` along this axis, in that of `folded`."""
    by_channel: Tensor = weight.unflatten(axis, (-1, 4))
    return by_channel.transpose(axis, axis + 1).flatten(axis, axis + 1)


def with_added(person: Float[Tensor, "B 1 h w"], added: Float[Tensor, "B K H W"]) -> Float[Tensor, "B 1 h w"]:
    """A person's mask with hands and hair that the network misses."""
    size = (person.shape[-2], person.shape[-1])
    return torch.maximum(person, F.adaptive_avg_pool2d(added.amax(1, True), size))


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


class AtRest(NamedTuple):
    """What is known of the sources before any target. person: theirs, as a composition says it."""

    sources: Sequence[Source]
    person: SourcePerson


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
        self.geometry, self.paint = (
            GeometryNet(self.skeleton, config.widths, config.code, config.features),
            PaintNet(config),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

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
        was = large(widest(geometry.source.person, 3))
        hole = ((was - 0.15) / 0.5).clamp(0, 1)
        background = filled(at_least_float32(source), 1 - hole)
        person = large(geometry.target.person)
        seen = torch.cat([copied, visible.sigmoid(), person, background, hole], 1)
        out = at_least_float32(self.paint(seen.to(source.dtype), source, geometry)).contiguous()
        painted, behind = torch.tanh(out[:, :3]), torch.tanh(out[:, 3:6])
        copy = own * torch.maximum(torch.sigmoid(out[:, 6:7] + visible), torch.sigmoid(2 * visible - 2))
        person = torch.sigmoid(out[:, 7:8] + 4 * (2 * person - 1))
        background = torch.lerp(background, behind, hole * torch.sigmoid(out[:, 8:9]))
        picture = torch.lerp(background, torch.lerp(painted, copied, copy), person)
        made = Repose(picture, copied, painted, copy, person, background, hole, place, geometry)
        return replace(made, others=geometries[1:], other_places=tuple(places[1:]), shares=shares)

    def at_rest(self, memory: tuple[tuple[Tensor, ...], tuple[Pose, ...], tuple[Body, ...]]) -> AtRest:
        with without_autocast(memory[0][0]):
            sources = [self._source(*seen) for seen in zip(*memory, strict=True)]
            hole = ((widest(sources[0].mask, 3) - 0.15) / 0.5).clamp(0, 1)
            persons = torch.stack([source.person for source in sources], 1)
            return AtRest(sources, SourcePerson(persons, large(hole, sources[0].size)))

    def _source(self, picture: Tensor, pose: Pose, body: Body) -> Source:
        error = own_error(self.geometry(picture, body, pose, pose))
        hands, person = hand_masks(picture, body.parts, pose), connected(body.person, pose)
        hair = hair_masks(picture, body.parts, person, pose)
        return Source(picture, pose, body, error, with_added(person, torch.cat([hands, hair], 1)), hands)

    def source_person(self, rest: AtRest) -> SourcePerson:
        return rest.person

    def composition(
        self,
        source: Tensor,
        source_pose: Pose,
        target_pose: Pose,
        output: Repose,
        rest: AtRest | None = None,
        *,
        other_side: OtherSide = "mirrored",
    ) -> Composition:
        """What the picture is made of; the places of what a source shows are corrected by the network's error where
        nothing moves."""
        sources, poses = apart(source, source_pose)
        geometries, places = (output.geometry, *output.others), (output.place, *output.other_places)
        copied = output.copy[:, None] if output.shares is None else output.copy[:, None] * output.shares
        with without_autocast(source):
            rest = rest or self.at_rest((sources, poses, tuple(g.source for g in geometries)))
            shown = [Shown(*a) for a in zip(rest.sources, geometries, places, strict=True)]
            background = output.background, output.hole
            made_of = shown, target_pose, copied, output.painted, output.person, background, rest.person
            return composed(*made_of, other_side=other_side)

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
        hole = ((widest(was, 6) - 0.15) / 0.5).clamp(0, 1)
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
