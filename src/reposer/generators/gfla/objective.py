"""How GFLA is trained: the flow alone, then all networks (spec of the losses: arXiv:2003.00696, section 3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor, nn

from reposer.core import BadInput, Batch
from reposer.losses.adversarial import GAN, GAN_TERMS
from reposer.losses.flow import affine_regularity, distance_from_truth, sampling_correctness
from reposer.losses.perceptual import content_and_style
from reposer.nn.features import FeatureNetwork, feature_network
from reposer.nn.layout import at_least_float32
from reposer.training import Objective, Turn, frozen

from .discriminator import ResDiscriminator
from .network import GFLAGenerator
from .view_network import GFLAViewsGenerator
from .without_flow import GFLAWithoutFlowGenerator

FlowingGenerator = GFLAGenerator | GFLAViewsGenerator
"""Generators that use a flow: of a person in another pose, of an object from another side."""
PairGenerator = FlowingGenerator | GFLAWithoutFlowGenerator
"""These, and the ablations without a flow."""
FeatureName = Literal["vgg19", "vgg19-normalized", "people-encoder"]


@dataclass(frozen=True)
class GFLAFlowConfig:
    """Stage one: the flow network alone learns where each place of the target is in the source."""

    features: FeatureName = "people-encoder"
    """The frozen network in whose features source and target are compared."""
    weights: str | None = None
    """File of that network's weights; default: its usual place."""
    correctness: float = 20.0
    """Weight of the sampling correctness."""
    regularity: float = 0.01
    """Weight of the affine regularity."""
    true_flow: float = 0.0
    """Weight of the distance from the true flow, which is not of the paper and needs pairs that have one."""

    def build(self, generator: FlowingGenerator) -> "GFLAFlowObjective":
        return GFLAFlowObjective(self, generator)

    def tiny(self) -> "GFLAFlowConfig":
        return replace(self, features="people-encoder", weights=None)


@dataclass(frozen=True)
class GFLALossesConfig:
    """Stage two: all networks end to end. The defaults are the published weights."""

    features: FeatureName = "people-encoder"
    """The frozen network of the content, style and correctness terms."""
    weights: str | None = None
    """File of that network's weights; default: its usual place."""
    l1: float = 5.0
    """Weight of the mean absolute difference of the pictures."""
    correctness: float = 5.0
    """Weight of the sampling correctness."""
    regularity: float = 0.0025
    """Weight of the affine regularity."""
    true_flow: float = 0.0
    """Weight of the distance from the true flow, which is not of the paper and needs pairs that have one."""
    adversarial: float = 2.0
    """Weight of the generator's adversarial term."""
    gan: GAN = "least-squares"
    """The form of the adversarial terms: least squares (released), the logarithms of the paper's formula
    ("cross-entropy"), or the hinge loss, which the released code offers too."""
    content: float = 0.5
    """Weight of the differences of features."""
    style: float = 500.0
    """Weight of the differences of Gram matrices."""
    discriminator_width: int = 32
    """Channels of the discriminator's first block; at most four times as many in the last."""
    discriminator_layers: int = 4
    """Halvings of the discriminator: 4 at 256x256, 3 at 128x64."""

    def build(self, generator: PairGenerator) -> "GFLAObjective":
        return GFLAObjective(self, generator)

    def tiny(self) -> "GFLALossesConfig":
        return replace(self, features="people-encoder", weights=None, discriminator_width=4, discriminator_layers=2)


class GFLAFlowObjective(Objective):
    """One player: the flow network."""

    def __init__(self, config: GFLAFlowConfig, generator: FlowingGenerator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.networks = nn.ModuleDict({"generator": generator})
        self.features = feature_network(config.features, weights=config.weights)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"flow": self.generator.flow_net}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        conditions: tuple[Any, Any] = batch.source_pose, batch.target_pose  # of the generator's own kind
        flows, _ = self.generator.flow(batch.source, *conditions)
        layers = correspondence_layers(self.features, flows)
        source, target = self.features.of_constants(batch.source, batch.target, layers=tuple(layers.values()))
        terms = flow_terms(self.config, flows, batch, source, target, layers, self.generator.kernel_sizes)
        yield Turn(("flow",), terms)


class GFLAObjective(Objective):
    """Two players: the discriminator, which sees pictures only, and the generator end to end."""

    def __init__(self, config: GFLALossesConfig, generator: PairGenerator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.discriminator = ResDiscriminator(config.discriminator_width, layers=config.discriminator_layers)
        self.networks = nn.ModuleDict({"generator": generator, "discriminator": self.discriminator})
        self.features = feature_network(config.features, weights=config.weights)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"discriminator": self.discriminator, "generator": self.generator}

    def steps(self, batch: Batch) -> Iterator[Turn]:
        output = self.generator(batch.source, batch.source_pose, batch.target_pose)
        generated, loss = output.picture, GAN_TERMS[self.config.gan]
        real = loss.real(at_least_float32(self.discriminator(batch.target)))
        fake = loss.fake(at_least_float32(self.discriminator(generated.detach())))
        yield Turn(("discriminator",), {"real": 0.5 * real, "fake": 0.5 * fake})

        # One pass over each picture serves content, style and correctness; only the generated one needs gradients.
        layers = correspondence_layers(self.features, output.flows)
        compared = tuple(dict.fromkeys(self.features.content_layers + self.features.style_layers))
        (source,) = self.features.of_constants(batch.source, layers=tuple(layers.values()))
        (target,) = self.features.of_constants(
            batch.target, layers=tuple(dict.fromkeys(compared + tuple(layers.values())))
        )
        content, style = content_and_style(self.features(generated, compared), target, self.features)
        weights = self.config
        of_flow: dict[str, Tensor] = {}
        if output.flows:
            kernel_sizes = self.generator.kernel_sizes
            of_flow = flow_terms(weights, output.flows, batch, source, target, layers, kernel_sizes)
        with frozen(self.discriminator):
            yield Turn(
                ("generator",),
                {
                    "l1": weights.l1 * (generated - batch.target).abs().mean(),
                    "adversarial": weights.adversarial * loss.passed(at_least_float32(self.discriminator(generated))),
                    "content": weights.content * content,
                    "style": weights.style * style,
                    **of_flow,
                },
            )


def correspondence_layers(features: FeatureNetwork, flows: Mapping[int, Tensor]) -> dict[int, str]:
    """The feature layer whose map is as large as the flow of each level."""
    return {level: features.correspondence_layer(level) for level in flows}


def flow_terms(
    weights: GFLAFlowConfig | GFLALossesConfig,
    flows: Mapping[int, Tensor],
    batch: Batch,
    source: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    layers: Mapping[int, str],
    kernel_sizes: Mapping[int, int],
) -> dict[str, Tensor]:
    """Weighted sampling correctness, affine regularity and distance from the truth, each summed over the levels.
    source, target: features of the batch's pictures."""
    correctness = [sampling_correctness(source[layers[n]], target[layers[n]], flow) for n, flow in flows.items()]
    regularity = [affine_regularity(flow, kernel_sizes[n]) for n, flow in flows.items()]
    nothing = correctness[0].new_zeros(())
    terms = {
        "correctness": weights.correctness * sum(correctness, nothing),
        "regularity": weights.regularity * sum(regularity, nothing),
    }
    if weights.true_flow:
        if (truth := batch.truth) is None:
            raise BadInput(
                "The true flow is to be learned (true_flow), and these pairs have none; see TruePairsConfig."
            )
        distances = [distance_from_truth(flow, truth.place, truth.visible) for flow in flows.values()]
        terms["true_flow"] = weights.true_flow * sum(distances, nothing)
    return terms
