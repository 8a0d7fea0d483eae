"""What a photo's own size is composed of: copies, in the order in which they lie on each other, and what is invented
where none lies. Rules that need no training."""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.choices import OtherSide
from reposer.core.composition import Composition, SourcePerson
from reposer.nn.filling import filled
from reposer.nn.layout import at_least_float32
from reposer.nn.windows import widest

from .arms import moved_arms
from .copying import (
    Whole,
    arms_elsewhere,
    arms_left_behind,
    corrected,
    hands_left_behind,
    in_own_colours,
    rims_inside,
    still_share,
    torn,
)
from .geometry import Geometry, large, sample
from .hair import Hair, hair_coloured, unseen
from .hands import moved_hands
from .heads import BackOfHead, back_of_head, moved_head
from .other_side import other_sides
from .source import Source


class Shown(NamedTuple):
    """A source and a target.

    geometry: of both. place: where the source shows each pixel of the target.
    """

    source: Source
    geometry: Geometry
    place: Float[Tensor, "B 2 H W"]


class Copies(NamedTuple):
    """What is copied so far. person: the target's mask. shares, places, sources: of each copy."""

    person: Float[Tensor, "B 1 H W"]
    shares: Float[Tensor, "B N 1 H W"]
    places: Sequence[Float[Tensor, "B 2 H W"]]
    sources: Sequence[int]

    @property
    def missing(self) -> Float[Tensor, "B 1 H W"]:
        return 1 - self.shares.sum(1)

    def of_others(self, source: int) -> Float[Tensor, "B 1 H W"]:
        """The share of what is copied from other sources."""
        others = [k for k, s in enumerate(self.sources) if s != source]
        return self.shares[:, others].sum(1)

    def below(self, place: Float[Tensor, "B 2 H W"], shown: Float[Tensor, "B 1 H W"], source: int) -> "Copies":
        """With a further copy where nothing is copied yet."""
        shares = torch.cat([self.shares, (self.missing * shown)[:, None]], 1)
        return Copies(self.person, shares, (*self.places, place), (*self.sources, source))


def composed(
    sources: Sequence[Shown],
    target_pose: Pose,
    copied: Float[Tensor, "B S 1 H W"],
    painted: Float[Tensor, "B 3 H W"],
    person: Float[Tensor, "B 1 H W"],
    background: tuple[Float[Tensor, "B 3 H W"], Float[Tensor, "B 1 H W"]],
    source_person: SourcePerson,
    *,
    other_side: OtherSide,
) -> Composition:
    """copied, painted, person: what the generator copies of each source, generates, and takes for the person.
    background: the first source's, and where that was filled. other_side: "plain" = nothing is copied from there."""
    size, target = (person.shape[-2], person.shape[-1]), sources[0].geometry.target
    parts = target.parts
    still = large(still_share(sources[0].geometry, sources[0].source.pose, target_pose), size)
    own_person = person
    copies, hidden_by_arms = _flows(sources, target_pose, copied, person, 1 - still[:, None])
    wholes = [
        (
            *moved_arms(a.source.arms, target_pose, parts),
            *moved_hands(a.source.hands, a.source.pose, target_pose, parts),
            moved_head(a.source.head, target_pose, parts),
        )
        for a in sources
    ]
    copies, before = _with_wholes(copies, wholes)
    arms = [len(sources) + s * len(own) + k for s, own in enumerate(wholes) for k in range(len(own) - 1)]
    heads = [back_of_head(a.source.faces, target_pose, parts) for a in sources]
    copies, painted = _without_faces(copies, painted, heads)
    whole, bare = len(copies.sources), copies.missing
    hairs = [unseen(head.hair, copies.of_others(s)) for s, head in enumerate(heads)]
    copies = copies._replace(person=reduce(torch.maximum, (hair.falls for hair in hairs), copies.person))
    if other_side == "mirrored":
        copies = _with_hair(copies, hairs)
        for s, (a, head, hair) in enumerate(zip(sources, heads, hairs, strict=True)):
            elsewhere = 1 - torch.maximum(head.head, hair.covers)
            for side in other_sides(a.source.sides, target, a.geometry.match.place, copies.missing * own_person):
                copies = copies.below(side.place, side.shown * elsewhere, s)
    seen = [
        share * (5 * sample(sources[s].source.person, place) - 4).clamp(0, 1)
        for share, place, s in zip(copies.shares.unbind(1), copies.places, copies.sources, strict=True)
    ]
    looks = [
        sample(at_least_float32(sources[s].source.picture), place)
        for s, place in zip(copies.sources, copies.places, strict=True)
    ]

    def mixed(chosen: Sequence[int]) -> tuple[Tensor, Tensor]:
        """What these copies look like together, and their share."""
        share = torch.stack([seen[k] for k in chosen]).sum(0)
        return torch.stack([seen[k] * looks[k] for k in chosen]).sum(0) / share.clamp(min=1e-3), share

    everything = mixed(range(len(copies.sources)))
    invented = in_own_colours(painted, parts, *everything)
    # the network has seen an arm, and generates it again
    invented = _like_what_is_near(invented, *everything, hidden_by_arms)
    invented = _like_what_is_near(invented, *mixed([k for k in range(len(copies.sources)) if k not in arms]), before)
    missed = (source_person.hole - background[1]).clamp(min=0)  # hands and hair that the network missed
    return Composition(
        place=torch.stack([*copies.places], 1),
        copied=copies.shares,
        invented=hair_coloured(invented, hairs, bare),
        person=copies.person,
        background=torch.lerp(background[0], filled(background[0], 1 - missed), missed),
        hole=source_person.hole,
        still=still,
        source_person=source_person.source_person,
        wholes=tuple(copies.sources[len(sources) : whole]),
        mirrored=tuple(copies.sources[whole:]),
    )


NEAR = 16
"""Pixels within which what is copied says what is behind an arm."""


def _like_what_is_near(
    painted: Float[Tensor, "B 3 H W"],
    look: Float[Tensor, "B 3 H W"],
    share: Float[Tensor, "B 1 H W"],
    where: Float[Tensor, "B 1 H W"],
) -> Float[Tensor, "B 3 H W"]:
    """With the colours of what is copied (look, as far as share) around it, if anything is."""
    if not bool(where.any()):
        return painted
    return torch.lerp(painted, filled(look, share), where * widest(share, NEAR).clamp(0, 1))


def _flows(
    sources: Sequence[Shown],
    target_pose: Pose,
    copied: Float[Tensor, "B S 1 H W"],
    person: Float[Tensor, "B 1 H W"],
    moved: Float[Tensor, "B 1 1 H W"],
) -> tuple[Copies, Float[Tensor, "B 1 H W"]]:
    """What each source shows at its places, and where that would be an arm of a source before something else."""
    places = [corrected(a.place, a.source.error) for a in sources]
    arms, wrong = [], []
    for a, place in zip(sources, places, strict=True):
        source, target = a.source, a.geometry.target
        left_behind = hands_left_behind(target, source.hands_in_front, target_pose, place)
        arms.append(torch.maximum(arms_elsewhere(target, source.shown_arms, place), left_behind))
        wrong.append(torch.maximum(rims_inside(target.person, source.inside, place), torn(place)))
    not_these = torch.maximum(torch.stack(arms, 1), torch.stack(wrong, 1))
    hidden_by_arms = (copied * torch.stack(arms, 1) * moved).sum(1)
    first = sources[0]
    person = person * (1 - arms_left_behind(first.geometry.target, first.source.shown_arms, target_pose))
    return Copies(person, copied * (1 - not_these * moved), places, range(len(sources))), hidden_by_arms


def _with_wholes(copies: Copies, wholes: Sequence[Sequence[Whole]]) -> tuple[Copies, Float[Tensor, "B 1 H W"]]:
    """With arms, hands and heads on top; and where what the network takes for one of them is none, before other
    parts of the body. wholes: of each source; each is copied from the first one that shows it."""
    person, shares, places, sources = copies
    shown = beyond = before = torch.zeros_like(person)
    missing = [torch.ones_like(person[..., :1, :1]) for _ in wholes[0]]
    on_top = []
    for s, own in enumerate(wholes):
        for k, whole in enumerate(own):
            share = whole.shown * missing[k]
            beyond = torch.maximum(beyond, whole.beyond * missing[k])
            before = torch.maximum(before, whole.before * missing[k])
            shown = torch.maximum(shown, share)
            missing[k] = missing[k] * (share.amax((2, 3), True) < 0.5)
            on_top.append(share[:, None])
            places, sources = [*places, whole.place], [*sources, s]
    before = before * (1 - shown)
    shares = shares * (1 - before[:, None])
    for share in on_top:
        shares = torch.cat([shares * (1 - share), share], 1)
    return Copies(torch.maximum(person * (1 - beyond), shown), shares, places, sources), before


def _without_faces(
    copies: Copies, painted: Float[Tensor, "B 3 H W"], heads: Sequence[BackOfHead]
) -> tuple[Copies, Float[Tensor, "B 3 H W"]]:
    """Without the shares of a face on the back of a head, and what is generated with a nape in so far as nothing is
    copied there. heads: of each source."""
    shares = copies.shares * (1 - torch.stack([heads[s].head for s in copies.sources], 1))
    copies = copies._replace(shares=shares)
    for head in reversed(heads):  # the first source's colour lies on top
        painted = torch.lerp(painted, head.colour.expand_as(painted), head.nape * copies.missing)
    return copies, painted


def _with_hair(copies: Copies, hairs: Sequence[Hair]) -> Copies:
    """With each source's hair, as seen from behind, where nothing is copied."""
    for s, hair in enumerate(hairs):
        copies = copies.below(hair.cap, hair.cap_shown, s).below(hair.locks, hair.locks_shown, s)
    return copies
