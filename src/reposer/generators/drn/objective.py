"""Training of RATE-Net and DRN: the pose branch on its coarse picture, both on the final one, then the
discriminators."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.core import BadInput, Batch, Pose
from reposer.core.rng import derived_seeds, numpy_stream
from reposer.losses.adversarial import GAN, GAN_TERMS
from reposer.losses.moments import gaussian_distance
from reposer.losses.perceptual import content, gram
from reposer.losses.pool import ImagePool
from reposer.nn.features import Features, feature_network
from reposer.nn.layout import at_least_float32
from reposer.nn.pair_discriminator import Head, PairDiscriminator
from reposer.nn.pose_transfer import PoseTransfer
from reposer.training import Objective, Turn, frozen

from .face import cut_out
from .network import DRNGenerator, DRNOutput

FeatureName = Literal["vgg16-bn", "vgg19", "vgg19-normalized", "people-encoder"]
FLIP = 0xF11B  # address of the mirroring's random numbers within a row's seed

UpdateMode = Literal["alternate", "joint", "detail"]
Guidance = Literal["full", "ft_only", "none"]


@dataclass(frozen=True)
class DRNLossesConfig:
    """RATE-Net's and DRN's only stage. The defaults are DRN's; `rate_net` has those of RATE-Net's code."""

    features: FeatureName = "people-encoder"
    """The frozen network of the perceptual and style terms. Which one DRN used is not reported (inferred: VGG-19)."""
    weights: str | None = None
    """File of that network's weights; default: its usual place."""
    l1: float = 10.0
    """Weight of the mean absolute difference of the pictures. For DRN inferred from RATE-Net's code, like `perceptual`
    and `adversarial`."""
    perceptual: float = 5.0
    """Weight of the perceptual term: the sum of `layers`, `moments` and `pixels`."""
    layers: tuple[float, ...] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
    """Weights of the mean absolute differences in the network's deepest content layers, from shallow to deep (for DRN
    inferred)."""
    moments: tuple[float, ...] = ()
    """Weights of the squared 2-Wasserstein distances in the same layers; empty = no such term. RATE-Net's code mixes
    the rows of a batch here; ours treats each row by itself."""
    pixels: float = 0.0
    """Weight of the mean absolute difference of the pictures within the perceptual term."""
    style: float = 250.0
    """Weight of the differences of Gram matrices (reported for DRN; the weight is inferred)."""
    adversarial: float = 5.0
    """Weight of the mean of both discriminators' terms in the generator's loss; each discriminator's own loss has half
    of it."""
    face: float = 0.0
    """Weight of the L1 and perceptual terms on the face alone, before it is blended in (inferred; 0 as published)."""
    gan: GAN = "least-squares"
    """The form of the adversarial terms: "least-squares", as in RATE-Net's code; "cross-entropy", the logarithms of
    the formula that notes on DRN give; or "hinge", which is of neither."""
    update_mode: UpdateMode = "alternate"
    """"alternate" (published): the pose branch steps on its coarse picture, then both branches step on the final one,
    which is generated again. "joint" (inferred): one forward pass, one step on both sums. "detail": the detail branch
    alone, for a pose branch that is trained already."""
    guidance: Guidance = "full"
    """Which gradients of the final picture's loss reach the pose branch: all (published), those through its features
    F_t, or none."""
    discriminator_steps: int = 3
    """Steps of the discriminators after each step of the generator."""
    head: Head = "patch"
    """A discriminator's outputs that are compared with 1 and 0: a score per place (inferred), or all channels of its
    last layer (RATE-Net's code)."""
    discriminator_scales: int = 1
    """Number of scales, each half the size of the one before, at which a discriminator sees the pictures, with its own
    weights per scale."""
    discriminator_width: int = 64
    """Channels of the discriminators' first layer; the last has four times as many."""
    discriminator_blocks: int = 3
    """Residual blocks of each discriminator."""
    discriminator_dropout: float = 0.5
    """Dropout rate in those blocks."""
    pool: int = 50
    """Generated pairs that each discriminator's pool keeps; 0 = none."""
    flip: float = 0.5
    """Probability that source and target are mirrored together."""

    def __post_init__(self) -> None:
        if self.discriminator_steps < 1 or self.discriminator_scales < 1 or self.pool < 0:
            raise BadInput(f"DRN's discriminators take a turn at least, at one size at least; this came: {self}.")
        if not 0 <= self.flip <= 1 or not 0 <= self.discriminator_dropout < 1:
            raise BadInput(f"DRN's flip is in [0, 1] and its discriminators' dropout in [0, 1); this came: {self}.")
        if self.moments and len(self.moments) != len(self.layers):
            raise BadInput(
                f"DRN weighs moments in the same layers as features: {len(self.layers)} and {len(self.moments)} came."
            )

    @classmethod
    def drn(cls) -> "DRNLossesConfig":
        """DRN's, on VGG-19."""
        return cls(features="vgg19-normalized")

    @classmethod
    def rate_net(cls) -> "DRNLossesConfig":
        """RATE-Net's code: VGG-16 with batch norm before its last three poolings, no Gram term, discriminators without
        a head."""
        return cls(
            features="vgg16-bn", layers=(5.0, 15.0, 2.0), moments=(3.0, 0.7, 0.01), pixels=1.0, style=0.0, head="none"
        )

    def build(self, generator: DRNGenerator) -> "DRNObjective":
        return DRNObjective(self, generator)

    def tiny(self) -> "DRNLossesConfig":
        return replace(
            self,
            features="people-encoder",
            weights=None,
            discriminator_width=4,
            discriminator_blocks=1,
            pool=min(self.pool, 3),
        )


class DRNObjective(Objective):
    """Four players: the pose branch, the detail branch, and the discriminators of appearance and of shape.

    The appearance discriminator sees a picture beside the source, the shape discriminator a picture beside the target's
    pose maps.
    """

    def __init__(self, config: DRNLossesConfig, generator: DRNGenerator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        if config.face and not generator.config.face:
            raise BadInput("There is no face module for a face term; set it to 0.")
        joints = len(generator.config.body)
        self.discriminators = nn.ModuleDict(
            {
                "appearance": DiscriminatorsBySize(config, 3 + 3),
                "shape": DiscriminatorsBySize(config, 3 + joints, pose_maps=joints),
            }
        )
        self.discriminators.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.networks = nn.ModuleDict({"generator": generator, **self.discriminators})
        self.pools = {name: ImagePool(config.pool) for name in self.discriminators}
        self.features = feature_network(config.features, weights=config.weights)
        known = self.features.content_layers
        if not 0 < len(config.layers) <= len(known):
            raise BadInput(f"{config.features} has {len(known)} content layers; {len(config.layers)} weights came.")
        self.compared = known[-len(config.layers) :]

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {
            "pose": self.generator.pose_branch,
            "detail": self.generator.detail_branch,
            **dict(self.discriminators.items()),
        }

    def steps(self, batch: Batch) -> Iterator[Turn]:
        config, generator = self.config, self.generator
        row_seeds = torch.zeros(len(batch), dtype=torch.int64) if batch.seeds is None else batch.seeds
        seeds = (derived_seeds(row_seeds, use) for use in count())  # fresh noise for every use
        batch = flipped(batch, row_seeds, config.flip)
        source, target = batch.source, batch.target
        source_pose, target_pose = batch.source_pose, batch.target_pose
        assert isinstance(source_pose, Pose) and isinstance(target_pose, Pose)
        layers = self.compared + (self.features.style_layers if config.style else ())
        (wanted,) = self.features.of_constants(target, layers=layers)

        def coarse(noise: Int64[Tensor, "B"]) -> PoseTransfer:
            return generator.coarse(source, source_pose, target_pose, noise)

        if config.update_mode == "alternate":
            first = coarse(next(seeds))
            yield Turn(("pose",), self._coarse_terms(first.picture, target, wanted))
        with torch.set_grad_enabled(torch.is_grad_enabled() and config.update_mode != "detail"):
            transfer = coarse(next(seeds))  # generated again: the pose branch has stepped
        features, picture = self._guided(transfer)
        output = generator.replenish(features, picture, generator.styles(source, source_pose), target_pose)
        beside = {"appearance": source, "shape": generator.pose_maps(target_pose, target)}
        with frozen(self.discriminators):
            terms = self._whole_terms(output, target, wanted)
            terms["adversarial"] = config.adversarial * self._passed(output.picture, beside, seeds)
            if config.update_mode == "joint":
                own = self._coarse_terms(transfer.picture, target, wanted)
                terms |= {f"coarse {name}": term for name, term in own.items()}
            reached = config.update_mode == "joint" or (config.update_mode == "alternate" and config.guidance != "none")
            yield Turn(("pose", "detail") if reached else ("detail",), terms)

        for _ in range(config.discriminator_steps):
            yield Turn(
                tuple(self.discriminators), self._discriminator_terms(output.picture.detach(), target, beside, seeds)
            )

    def _guided(self, transfer: PoseTransfer) -> tuple[Tensor, Tensor]:
        """F_t and I_c, detached from the pose branch where `guidance` asks for it."""
        features, picture = transfer.features, transfer.picture
        guidance = self.config.guidance
        return (
            features.detach() if guidance == "none" else features,
            picture if guidance == "full" else picture.detach(),
        )

    def _coarse_terms(self, coarse: Tensor, target: Tensor, wanted: Features) -> dict[str, Tensor]:
        """L_1 of the paper."""
        found = self.features(coarse, self.compared)
        return {
            "l1": self.config.l1 * _difference(coarse, target),
            "perceptual": self.config.perceptual * self._perceptual(coarse, target, found, wanted),
        }

    def _whole_terms(self, output: DRNOutput, target: Tensor, wanted: Features) -> dict[str, Tensor]:
        """L_2 of the paper, without its adversarial term."""
        config, generated = self.config, output.picture
        found = self.features(generated, tuple(wanted))
        terms = {
            "l1": config.l1 * _difference(generated, target),
            "perceptual": config.perceptual * self._perceptual(generated, target, found, wanted),
        }
        if config.style:
            grams = [
                _difference(gram(at_least_float32(found[n])), gram(at_least_float32(wanted[n])))
                for n in self.features.style_layers
            ]
            terms["style"] = config.style * torch.stack(grams).sum()
        if config.face:
            terms["face"] = config.face * self._face(output, target)
        return terms

    def _perceptual(self, generated: Tensor, target: Tensor, found: Features, wanted: Features) -> Tensor:
        config = self.config
        parts = [w * content(found, wanted, (n,)) for w, n in zip(config.layers, self.compared, strict=True)]
        if config.moments:
            parts += [
                w * gaussian_distance(found[n], wanted[n]) for w, n in zip(config.moments, self.compared, strict=True)
            ]
        if config.pixels:
            parts.append(config.pixels * _difference(generated, target))
        return torch.stack(parts).sum()

    def _face(self, output: DRNOutput, target: Tensor) -> Tensor:
        """L1 and perceptual term of the face pictures; a row without a face counts as 0."""
        assert output.face is not None and output.faces is not None
        seen = output.faces.valid[:, None, None, None]
        face = torch.where(seen, output.face, 0.0)
        wanted = torch.where(seen, cut_out(target, output.faces, face.shape[-1]), 0.0)
        (features,) = self.features.of_constants(wanted, layers=self.compared)
        found = self.features(face, self.compared)
        return _difference(face, wanted) + self._perceptual(face, wanted, found, features)

    def _passed(self, generated: Tensor, beside: Mapping[str, Tensor], seeds: Iterator[Tensor]) -> Tensor:
        """The generator's adversarial loss, averaged over the discriminators."""
        loss = GAN_TERMS[self.config.gan].passed
        scores = [
            discriminator(torch.cat([generated, beside[name]], 1), next(seeds))
            for name, discriminator in self.discriminators.items()
        ]
        return torch.stack([torch.stack([loss(s) for s in of_one]).mean() for of_one in scores]).mean()

    def _discriminator_terms(
        self, generated: Tensor, target: Tensor, beside: Mapping[str, Tensor], seeds: Iterator[Tensor]
    ) -> dict[str, Tensor]:
        real_loss, fake_loss, _ = GAN_TERMS[self.config.gan]
        weight = self.config.adversarial / 2
        terms = {}
        for name, discriminator in self.discriminators.items():
            real = torch.cat([target, beside[name]], 1)
            fake = self.pools[name].exchange(torch.cat([generated, beside[name]], 1), next(seeds))
            for kind, loss, pairs in (("real", real_loss, real), ("fake", fake_loss, fake)):
                scores = discriminator(pairs, next(seeds))
                terms[f"{name} {kind}"] = weight * torch.stack([loss(s) for s in scores]).mean()
        return terms


class DiscriminatorsBySize(nn.ModuleList):
    """PATN's discriminator, once for each size."""

    def __init__(self, config: DRNLossesConfig, channels: int, *, pose_maps: int = 0) -> None:
        super().__init__(
            PairDiscriminator(
                channels,
                config.discriminator_width,
                blocks=config.discriminator_blocks,
                dropout=config.discriminator_dropout,
                head=config.head,
                pose_maps=pose_maps,
            )
            for _ in range(config.discriminator_scales)
        )

    def forward(
        self, pairs: Float[Tensor, "B C H W"], seeds: Int64[Tensor, "B"]
    ) -> tuple[Float[Tensor, "B _ _ _"], ...]:
        """The scores at each size, at least float32, in which the losses are computed."""
        scores = []
        for n, discriminator in enumerate(self):
            scores.append(at_least_float32(discriminator(pairs, derived_seeds(seeds, n))))
            if n + 1 < len(self):
                pairs = nn.functional.avg_pool2d(pairs, 3, 2, 1, count_include_pad=False)
        return tuple(scores)


def flipped(batch: Batch, seeds: Int64[Tensor, "B"], probability: float) -> Batch:
    """The batch with some rows mirrored, both pictures and both poses of a row together, by the row's seed."""
    if probability == 0:
        return batch
    dice = [numpy_stream(seed, FLIP).random() < probability for seed in seeds.tolist()]
    return batch.mirrored(torch.tensor(dice))


def _difference(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()
