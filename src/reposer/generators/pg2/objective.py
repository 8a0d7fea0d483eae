"""How PG2 is trained: the coarse network alone, then the refining one against a discriminator (Ma et al. 2017, 3.1-3.2).

Where paper and code disagree both can be chosen; the defaults are the code's for Market-1501.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput, Batch, Pose
from reposer.core.rng import mix
from reposer.losses.adversarial import bce_fake, bce_real
from reposer.nn.maps import pose_mask
from reposer.training import Objective, Turn, frozen

from .discriminator import DCGANDiscriminator
from .network import PG2Generator

MIRROR = 0xF11B  # the address of a row's coin


@dataclass(frozen=True)
class PG2CoarseConfig:
    """Stage one: the coarse picture alone, by its masked L1. Paper and code agree."""

    mask_weight: float = 1.0
    """Of the difference within the target's pose mask, on top of the whole picture's; 0 = plain L1, an ablation."""
    mask_radius: float = 4.0
    """Of the discs that the mask is stamped with, in pixels; published: 4 at both resolutions."""
    flip: bool = False
    """Mirror every other pair at random, with its poses. Published: mirrored pairs beside the others, on disk."""

    def build(self, generator: PG2Generator) -> "PG2CoarseObjective":
        return PG2CoarseObjective(self, generator)

    def tiny(self) -> "PG2CoarseConfig":
        return self


@dataclass(frozen=True)
class PG2LossesConfig:
    """Stage two: the refining network (or, where the model has none, the coarse one) against a discriminator."""

    discriminator_sees: Literal["triplet", "pair"] = "triplet"
    """What the discriminator sees. "triplet" (the code): single pictures, and the source counts as generated, too, so
    that copying it is found out. "pair" (the paper): each picture with the source beside it."""
    fooled: Literal["drawn", "drawn-and-source"] = "drawn"
    """Over which logits the generator's adversarial term is the mean; the code's fashion form takes the source's in,
    which halves the gradient. Only "drawn" where pairs are judged."""
    together: bool = True
    """True (published): the discriminator's batch norms see all groups of pictures at once. False: one by one."""
    coarse_beside: bool = True
    """Whether the coarse pictures are in that batch too, though nothing is asked of them; published: Market only.
    Counts where single pictures are judged together."""
    l1: float = 10.0
    """Weight of the masked L1. The code: 10 (Market), 50 (fashion); the paper leaves it to its supplement."""
    mask_weight: float = 1.0
    """Of the difference within the target's pose mask, on top of the whole picture's."""
    mask_radius: float = 4.0
    """Of the discs that the mask is stamped with, in pixels."""
    flip: bool = False
    """Mirror every other pair at random, with its poses."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer; eight times as many at most."""
    discriminator_layers: int = 4
    """Halvings of the discriminator: 4 at 128x64, 5 at 256x256."""

    def __post_init__(self) -> None:
        if self.discriminator_sees == "pair" and self.fooled != "drawn":
            raise BadInput(
                "A discriminator of pairs judges no source by itself: it goes with fooled='drawn'."
            )

    def build(self, generator: PG2Generator) -> "PG2Objective":
        return PG2Objective(self, generator)

    def tiny(self) -> "PG2LossesConfig":
        return replace(self, discriminator_width=4, discriminator_layers=2)


class PG2CoarseObjective(Objective):
    """One player: the coarse network."""

    def __init__(self, config: PG2CoarseConfig, generator: PG2Generator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.networks = nn.ModuleDict({"generator": generator})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"coarse": self.generator.coarse_net}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        batch = mirrored(batch) if self.config.flip else batch
        assert isinstance(batch.target_pose, Pose)
        coarse = self.generator.coarse(batch.source, batch.target_pose)
        mask = pose_mask(batch.target_pose, self.config.mask_radius).to(coarse.dtype)
        yield Turn(("coarse",), masked_l1(coarse, batch.target, mask, mask_weight=self.config.mask_weight))


class PG2Objective(Objective):
    """Two players: the network that draws last, and then the discriminator, as in the code.

    The coarse network is frozen behind a refining one. Both turns use one batch and one drawing; the code draws each
    player's turn from a batch of its own.
    """

    def __init__(self, config: PG2LossesConfig, generator: PG2Generator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.discriminator = DCGANDiscriminator(
            3 if config.discriminator_sees == "triplet" else 6,
            generator.framing.size,
            width=config.discriminator_width,
            layers=config.discriminator_layers,
            padding=generator.config.padding,
        )
        self.networks = nn.ModuleDict({"generator": generator, "discriminator": self.discriminator})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        last = self.generator.refine_net
        drawing = {"coarse": self.generator.coarse_net} if last is None else {"refine": last}
        return {**drawing, "discriminator": self.discriminator}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        batch = mirrored(batch) if self.config.flip else batch
        assert isinstance(batch.target_pose, Pose)
        one_stage = self.generator.refine_net is None
        with torch.set_grad_enabled(one_stage):
            coarse = self.generator.coarse(batch.source, batch.target_pose)
        drawn = self.generator.refined(batch.source, coarse).picture
        mask = pose_mask(batch.target_pose, self.config.mask_radius).to(drawn.dtype)
        beside = None if one_stage or not self.config.coarse_beside else coarse
        with frozen(self.discriminator):
            logits = self.judged(batch, drawn, beside)
            difference = masked_l1(
                drawn, batch.target, mask, weight=self.config.l1, mask_weight=self.config.mask_weight
            )
            terms = {"adversarial": adversarial_term(logits, self.config.fooled), **difference}
            yield Turn(("coarse" if one_stage else "refine",), terms)
        logits = self.judged(batch, drawn.detach(), beside)
        yield Turn(("discriminator",), discriminator_terms(logits, self.config.discriminator_sees))

    def judged(self, batch: Batch, drawn: Tensor, coarse: Tensor | None) -> dict[str, Float[Tensor, "B 1"]]:
        """The discriminator's logits, at least float32, of what it is shown, by name.

        Inferred for pairs: real and generated ones in one pass, as the code has it for single pictures.
        """
        if self.config.discriminator_sees == "pair":
            shown = {
                name: torch.cat([batch.source, p], 1)
                for name, p in (("target", batch.target), ("drawn", drawn))
            }
        else:
            shown = {"target": batch.target, "source": batch.source, "drawn": drawn}
            if coarse is not None and self.config.together:
                shown["coarse"] = coarse
        if self.config.together:
            logits = self.discriminator(torch.cat(list(shown.values()))).chunk(len(shown))
        else:
            logits = tuple(self.discriminator(pictures) for pictures in shown.values())
        return {
            name: rows.to(torch.promote_types(rows.dtype, torch.float32))
            for name, rows in zip(shown, logits, strict=True)
        }


def adversarial_term(
    logits: Mapping[str, Float[Tensor, "B 1"]], fooled: Literal["drawn", "drawn-and-source"]
) -> Float[Tensor, ""]:
    """What the generator descends: its pictures should pass as real."""
    if fooled == "drawn":
        return bce_real(logits["drawn"])
    return bce_real(torch.cat([logits["drawn"], logits["source"]]))


def discriminator_terms(
    logits: Mapping[str, Float[Tensor, "B 1"]], judge: Literal["triplet", "pair"]
) -> dict[str, Float[Tensor, ""]]:
    """Triplets (the code): 1/2 for the real, 1/4 each for source and drawn. Pairs (the paper): the plain sum."""
    if judge == "pair":
        return {"real": bce_real(logits["target"]), "drawn": bce_fake(logits["drawn"])}
    return {
        "real": 0.5 * bce_real(logits["target"]),
        "source": 0.25 * bce_fake(logits["source"]),
        "drawn": 0.25 * bce_fake(logits["drawn"]),
    }


def masked_l1(
    drawn: Float[Tensor, "B 3 H W"],
    target: Float[Tensor, "B 3 H W"],
    mask: Float[Tensor, "B 1 H W"],
    *,
    weight: float = 1.0,
    mask_weight: float = 1.0,
) -> dict[str, Float[Tensor, ""]]:
    """mean |drawn - target| (1 + mask), the paper's Eq. 1, in its two parts, each times `weight`.

    Both are means over all pixels and channels, however small the mask is. A `mask_weight` of 0 leaves plain L1.
    """
    difference = (drawn - target).abs()
    terms = {"l1": weight * difference.mean()}
    if mask_weight > 0:
        terms["masked_l1"] = weight * mask_weight * (difference * mask).mean()
    return terms


def mirrored(batch: Batch) -> Batch:
    """The batch, a row turned round with both of its poses by the coin of its seed; without seeds none is."""
    if batch.seeds is None:
        return batch
    turned = torch.tensor([mix(int(s), MIRROR) % 2 == 1 for s in batch.seeds], device=batch.source.device)

    def picture(p: Tensor) -> Tensor:
        return torch.where(turned[:, None, None, None], p.flip(-1), p)

    def pose(p: Pose) -> Pose:
        other, rows = p.flip(), turned.to(p.xy.device)
        return replace(
            p,
            xy=torch.where(rows[:, None, None], other.xy, p.xy),
            visible=torch.where(rows[:, None], other.visible, p.visible),
            score=None,
        )

    assert isinstance(batch.source_pose, Pose) and isinstance(batch.target_pose, Pose)
    return replace(
        batch,
        source=picture(batch.source),
        target=picture(batch.target),
        source_pose=pose(batch.source_pose),
        target_pose=pose(batch.target_pose),
    )
