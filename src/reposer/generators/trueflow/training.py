"""How TrueFlow learns: from true flow, visibility and parts of synthetic people, and from their pictures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput, Batch, Framing, Pose
from reposer.core.truth import Truth
from reposer.losses.perceptual import unit_distance
from reposer.nn.features import FeatureNetwork, feature_network
from reposer.nn.layout import at_least_float32
from reposer.recipes import DataConfig, PairRecipe, TruePairsConfig
from reposer.training import RECIPES, Adam, Objective, Stage, Turn

from .geometry import Body, Match
from .model import Repose, TrueFlow, TrueFlowConfig

# ------------------------------------------------------------------------------------------- losses


def weighted_mean(values: Float[Tensor, "B *H"], weights: Tensor) -> Float[Tensor, ""]:
    """The mean over rows of each row's weighted mean, 0 for a row without weight: so that processes can be averaged."""
    weights = weights.to(values).flatten(1)
    return ((values.flatten(1) * weights).sum(1) / weights.sum(1).clamp(min=1)).mean()


def match_loss(match: Match, truth: Truth) -> Float[Tensor, ""]:
    """Negative log-likelihood of the true cell of the source, or of "none", over the target's person."""
    h, w = truth.visible.shape[1:]
    h, w = h // 2, w // 2
    person = truth.target_parts[:, ::2, ::2].flatten(1) > 0
    shown = truth.visible[:, ::2, ::2].flatten(1)
    place = truth.place[:, :, ::2, ::2].flatten(2)  # full pixels; a cell is 4 of them
    x, y = (place[:, 0] + 0.5) / 4 - 0.5, (place[:, 1] + 0.5) / 4 - 0.5
    left, top = x.floor(), y.floor()
    a, c = x - left, y - top
    cells = [torch.full_like(top, h * w)]  # "none", then the four cells around the place
    weights = []
    for dy, wy in ((0, 1 - c), (1, c)):
        for dx, wx in ((0, 1 - a), (1, a)):
            cells.append((top + dy).clamp(0, h - 1) * w + (left + dx).clamp(0, w - 1))
            weights.append(wy * wx)
    # all in one look-up, before the logarithm: each of several would have a gradient of all scores' size
    log = match.scores.gather(2, torch.stack(cells, 2).long()) - match.scores.logsumexp(2, keepdim=True)
    none, likely = log[..., 0], (log[..., 1:] * torch.stack(weights, 2)).sum(2)
    value = -torch.where(shown, likely, 0.7 * none)
    return weighted_mean(value, person)


def geometry_terms(repose: Repose, truth: Truth) -> dict[str, Tensor]:
    """Weighted losses of where every pixel is and comes from."""
    g = repose.geometry
    terms = {}
    for name, body, parts, surface in (
        ("source", g.source, truth.source_parts, truth.source_surface),
        ("target", g.target, truth.target_parts, truth.target_surface),
    ):
        edge = (
            F.max_pool2d((parts > 0)[:, None].float(), 3, 1, 1) - -F.max_pool2d(-(parts > 0)[:, None].float(), 3, 1, 1)
        )[:, 0]
        weight = 1 + 2 * edge + 2.0 * (parts > 0)
        loss = F.cross_entropy(body.parts, parts, reduction="none")
        terms[f"parts_{name}"] = 0.5 * weighted_mean(loss, weight)
        terms[f"surface_{name}"] = weighted_mean((body.surface - surface).abs().sum(1), parts > 0)
    terms["match"] = 0.25 * match_loss(g.match, truth)
    error = (g.match.place - truth.place).square().sum(1).add(0.01).sqrt()
    error = 12 * (1 + error / 12).log()  # far-off places are the matching's business
    terms["place"] = 0.12 * weighted_mean(error, truth.visible)
    seen = F.binary_cross_entropy_with_logits(
        g.match.visible[:, 0], truth.visible.to(g.match.visible), reduction="none"
    )
    terms["visible"] = 0.3 * weighted_mean(seen, truth.target_parts > 0)
    return terms


def picture_terms(repose: Repose, batch: Batch, features: FeatureNetwork | None) -> dict[str, Tensor]:
    """Weighted losses of the picture and of what it is made from."""
    truth = batch.truth
    assert truth is not None
    cover = truth.target_coverage
    share = cover.mean((1, 2, 3), keepdim=True).clamp(min=0.02)
    hole = repose.hole.detach()
    person = repose.person.clamp(1e-4, 1 - 1e-4)
    terms = {
        "picture": (repose.picture - batch.target).abs().mean(),
        "person": 0.5 * ((repose.picture - batch.target).abs() * cover / share).mean(),
        "painted": 0.4 * ((repose.painted - batch.target).abs() * cover / share).mean(),
        "background": ((repose.background - truth.background).abs() * hole).mean((1, 2, 3)).div(
            hole.mean((1, 2, 3)).clamp(min=1e-3)
        ).mean(),
        "coverage": 0.5 * F.binary_cross_entropy(person, cover.clamp(0, 1).to(person)),
    }  # fmt: skip
    if features is not None:
        layers = features.content_layers
        true = features.of_constants(batch.target, layers=layers)[0]
        terms["features"] = 0.35 * unit_distance(features(repose.picture, layers), true)
        alone = torch.lerp(batch.target, repose.painted, cover)  # what is generated, on the true background
        terms["features_painted"] = 0.2 * unit_distance(features(alone, layers), true)
    return terms


@dataclass(frozen=True)
class TrueFlowLossesConfig:
    """Geometry by its truth, the picture by its target."""

    features: str = "people-encoder"
    """Frozen network in whose features pictures are compared: people-encoder (shipped) or efficientnet-lite0; none =
    no such term."""
    feature_weights: str | None = None
    """Its file; none = where it usually lies."""

    def build(self, generator: TrueFlow) -> "TrueFlowObjective":
        return TrueFlowObjective(self, generator)

    def tiny(self) -> "TrueFlowLossesConfig":
        return replace(self, features="people-encoder", feature_weights=None)


class TrueFlowObjective(Objective):
    """One player; all terms at once."""

    def __init__(self, config: TrueFlowLossesConfig, generator: TrueFlow) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.networks = nn.ModuleDict({"generator": generator})
        if config.features != "none":
            path = None if config.feature_weights is None else Path(config.feature_weights)
            self.features = feature_network(config.features, weights=path)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"generator": self.generator}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        if batch.truth is None:
            raise BadInput(
                "TrueFlow learns from pairs whose true flow is known, and these have none: take synthetic people "
                "(a recipe's own data), or `reposer personalize` for photos."
            )
        repose = self.generator(batch.source, batch.source_pose, batch.target_pose)
        yield Turn(
            ("generator",),
            geometry_terms(repose, batch.truth) | picture_terms(repose, batch, getattr(self, "features", None)),
        )


# ------------------------------------------------------------------------------------------- one real person


@dataclass(frozen=True)
class PersonalLossesConfig(TrueFlowLossesConfig):
    """Pictures of one real person, of whom no truth is known: the networks that say where the pose puts the person, and
    that generate what is hidden, learn from them; finding the body in a photo and matching stay as they are.

    The body that the network finds in the target picture itself stands for its truth.
    """

    def build(self, generator: TrueFlow) -> "PersonalObjective":
        return PersonalObjective(self, generator)


class PersonalObjective(TrueFlowObjective):
    """Two players, which step together: where the pose puts the person, and what is generated."""

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"target": self.generator.geometry.target_net, "paint": self.generator.paint}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        network = self.generator
        assert isinstance(batch.source_pose, Pose) and isinstance(batch.target_pose, Pose), "TrueFlow's condition"
        with torch.no_grad():
            source = network.geometry.body_of(batch.source, batch.source_pose)
            found = network.geometry.body_of(batch.target, batch.target_pose)
        geometry = network.geometry(batch.source, source, batch.source_pose, batch.target_pose)
        repose = network.compose(batch.source, geometry)
        yield Turn(("target", "paint"), personal_terms(repose, found, batch.target, getattr(self, "features", None)))


def personal_terms(
    repose: Repose, found: Body, target: Float[Tensor, "B 3 H W"], features: FeatureNetwork | None
) -> dict[str, Tensor]:
    """Weighted losses. found: the body in the target picture, as the network sees it there."""
    body, size = repose.geometry.target, (target.shape[-2], target.shape[-1])
    there = found.person
    cover = F.interpolate(there, size, mode="bilinear", align_corners=False)
    share = cover.mean((1, 2, 3), keepdim=True).clamp(min=0.02)
    unlike = -(at_least_float32(found.parts).softmax(1) * at_least_float32(body.parts).log_softmax(1)).sum(1)
    terms = {
        "parts": 0.5 * weighted_mean(unlike, 1 + 2 * there[:, 0]),
        "surface": weighted_mean((body.surface - found.surface).abs().sum(1), there[:, 0]),
        "picture": (repose.picture - target).abs().mean(),
        "person": 0.5 * ((repose.picture - target).abs() * cover / share).mean(),
        "painted": 0.4 * ((repose.painted - target).abs() * cover / share).mean(),
        "coverage": 0.5 * F.binary_cross_entropy(repose.person.clamp(1e-4, 1 - 1e-4), cover.clamp(0, 1)),
    }
    if features is not None:
        layers = features.content_layers
        true = features.of_constants(F.avg_pool2d(target, 2), layers=layers)[0]  # at 1/2: a quarter of the time
        terms["features"] = 0.35 * unit_distance(features(F.avg_pool2d(repose.picture, 2), layers), true)
        alone = torch.lerp(target, repose.painted, cover)
        terms["features_painted"] = 0.2 * unit_distance(features(F.avg_pool2d(alone, 2), layers), true)
    return terms


# ------------------------------------------------------------------------------------------- recipes


@dataclass(frozen=True)
class TrueFlowStage(Stage):
    """The only kind of stage."""

    objective: TrueFlowLossesConfig
    """Weights and networks of its losses."""


@dataclass(frozen=True)
class TrueFlowRecipe(PairRecipe):
    """A run of TrueFlow."""

    model: TrueFlowConfig
    """The generator."""
    stages: tuple[TrueFlowStage, ...]
    """The stages, in order; ours have one, which trains all parts."""
    data: TruePairsConfig = field(default_factory=TruePairsConfig)
    """The true pairs."""


def _recipe(
    name: str, config: TrueFlowConfig, steps: int, batch: int, rate: float, data: TruePairsConfig, **more: Any
) -> TrueFlowRecipe:
    stage = TrueFlowStage(
        "all",
        objective=more.pop("losses", TrueFlowLossesConfig()),
        steps=steps,
        optimisers={"generator": Adam(rate, betas=(0.9, 0.99))},
        schedule="linear-to-zero",
        hold=0.3,
        warmup=min(300, steps // 10),
    )
    return TrueFlowRecipe(name=name, model=config, stages=(stage,), data=data, batch_size=batch, **more)


@RECIPES.register("trueflow-mini")
def trueflow_mini() -> TrueFlowRecipe:
    """A small TrueFlow at 128x96, for about 20 minutes on two cores; its pairs are rendered on the spot."""
    model = TrueFlowConfig(
        Framing((128, 96), fit="pad", aspect=0.75),
        widths=(16, 32, 64, 96),
        code=64,
        paint=(16, 32, 64),
        corrects=True,
        looks_up=4,
    )
    return _recipe(
        "trueflow-mini",
        model,
        1500,
        8,
        2e-3,
        TruePairsConfig(num_people=300),
        ema=0.99,
        log_every=25,
        save_every=100,
        picture_every=250,
    )


@RECIPES.register("trueflow")
def trueflow() -> TrueFlowRecipe:
    """The shipped network at 256x192: docs/trueflow.md says what it was trained on and what it reached.

    Render the pairs first: `reposer data views FOLDER --people 6000`, then `--data.root FOLDER`.
    """
    return _recipe(
        "trueflow",
        TrueFlowConfig(),
        100_000,
        8,
        3e-4,
        TruePairsConfig(num_people=6000),
        losses=TrueFlowLossesConfig("efficientnet-lite0"),
    )


@RECIPES.register("trueflow-512")
def trueflow_512() -> TrueFlowRecipe:
    """The same at 512x384 for a GPU: wider, in bf16. It was not trained here."""
    model = TrueFlowConfig(Framing((512, 384), fit="pad", aspect=0.75), widths=(32, 80, 160, 256), paint=(40, 96, 160))
    return _recipe(
        "trueflow-512",
        model,
        100_000,
        32,
        5e-4,
        TruePairsConfig(num_people=20_000),
        losses=TrueFlowLossesConfig("efficientnet-lite0"),
        precision="bf16",
        workers=8,
    )


@dataclass(frozen=True)
class PersonalStage(Stage):
    """The only kind of stage."""

    objective: PersonalLossesConfig
    """Weights and networks of its losses."""


@dataclass(frozen=True)
class PersonalRecipe(PairRecipe):
    """A run that fits TrueFlow to one person."""

    kept: ClassVar[tuple[str, ...]] = tuple(
        f"geometry.{part}."
        for part in ("source_code", "source_net", "target_code", "key", "query", "none", "masks", "fix")
    )
    """Beginnings of the names of parameters that no stage changes."""

    model: TrueFlowConfig
    """The generator, of the same config as the weights that it starts from."""
    stages: tuple[PersonalStage, ...]
    """The stages, in order; ours has one, from trained weights."""
    data: DataConfig = field(default_factory=lambda: DataConfig(together=True))
    """Photos of the person, in the form of a folder of your own (docs/data.md)."""


@RECIPES.register("trueflow-personal")
def trueflow_personal() -> PersonalRecipe:
    """One person's own pictures, from the shipped weights: what `reposer personalize` runs for ten minutes.

    Give `--data FOLDER --stages.0.start trueflow`. docs/trueflow.md says what it reached.
    """
    adam = Adam(2e-4, betas=(0.9, 0.99))
    stage = PersonalStage(
        "person", objective=PersonalLossesConfig(), steps=2000, optimisers={"target": adam, "paint": adam}, warmup=20
    )
    return PersonalRecipe(
        name="trueflow-personal",
        model=TrueFlowConfig(),
        stages=(stage,),
        batch_size=4,
        ema=0.98,
        log_every=10,
        save_every=20,
        picture_every=100,
    )
