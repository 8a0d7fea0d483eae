"""GFLA's recipes: the two published networks, our forms of them, and one that trains on a laptop."""

from dataclasses import dataclass, replace

from reposer.core import BadInput
from reposer.recipes import DataConfig, PairRecipe, TruePairsConfig
from reposer.training import RECIPES, Adam, Stage

from .network import GFLAConfig
from .objective import GFLAFlowConfig, GFLALossesConfig
from .without_flow import GFLAWithoutFlowConfig

# Released learning rates: 1e-4 for the generator, a tenth of it for the discriminator; first beta 0.
FLOW_PLAYERS = {"flow": Adam(1e-4)}
PLAYERS = {"generator": Adam(1e-4), "discriminator": Adam(1e-5)}


@dataclass(frozen=True)
class GFLAStage(Stage):
    """A stage of GFLA: the flow alone, or all networks."""

    objective: GFLAFlowConfig | GFLALossesConfig
    """Losses and discriminator of this stage."""


@dataclass(frozen=True)
class GFLARecipe(PairRecipe):
    """A GFLA run."""

    model: GFLAConfig
    """The network to train."""
    stages: tuple[GFLAStage, ...]
    """The stages: the flow alone, then all networks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(stage.objective.true_flow for stage in self.stages) and isinstance(self.data, DataConfig):
            raise BadInput(
                f"The true flow is to be learned (true_flow), and the pairs of {self.name} have none: take "
                f"gfla-mini-true-flow."
            )


@dataclass(frozen=True)
class GFLAWithoutFlowRecipe(PairRecipe):
    """A run of an ablation that has no flow."""

    model: GFLAWithoutFlowConfig
    """The network to train."""
    stages: tuple[GFLAStage, ...]
    """The stages; there is one, of all networks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(stage.objective.true_flow for stage in self.stages):
            raise BadInput(f"{self.name} has no flow, so that it cannot learn the true one (true_flow).")


def two_stages(
    flow: GFLAFlowConfig, everything: GFLALossesConfig, flow_steps: int, steps: int
) -> tuple[GFLAStage, ...]:
    return (
        GFLAStage("flow", objective=flow, steps=flow_steps, optimisers=FLOW_PLAYERS),
        GFLAStage("everything", objective=everything, steps=steps, optimisers=PLAYERS),
    )


@RECIPES.register("gfla-fashion-2020")
def gfla_fashion_2020() -> GFLARecipe:
    """The published network for DeepFashion at 256x256, as released: blind to the source's colour, attention / k^2.

    14,047,395 parameters. VGG-19 features, batch 8, the paper's weights of the losses. The authors give no number of
    steps ("until it converges"; a user of their code reports 500,000 + 100,000 as too few), so the two here are ours.
    The released code trains with least squares; the paper's formula has logarithms (`--stages.1.objective.gan
    cross-entropy`), and the code offers the hinge loss too (`--stages.1.objective.gan hinge`).
    Not trained here. From the paper (recalled): FID 10.573, LPIPS 0.2341 under the authors' own protocol; its ablations
    are gfla-fashion-2020-bilinear, -global-attention and -baseline.
    """
    return GFLARecipe(
        name="gfla-fashion-2020",
        model=GFLAConfig.fashion_2020(),
        data=DataConfig(root="data/fashion"),
        stages=two_stages(GFLAFlowConfig("vgg19"), GFLALossesConfig("vgg19"), 400_000, 600_000),
        ema=0.0,
        save_every=1000,
    )


@RECIPES.register("gfla-fashion-2020-bilinear")
def gfla_fashion_2020_bilinear() -> GFLARecipe:
    """Bi-Sample of the paper's ablation: gfla-fashion-2020 that samples bilinearly where the flow points to.

    12,633,729 parameters. Trained as gfla-fashion-2020 is. Not trained here. From the paper (recalled): FID 12.143,
    LPIPS 0.2406, where the whole system has 10.573 and 0.2341.
    """
    whole = gfla_fashion_2020()
    return GFLARecipe(
        name="gfla-fashion-2020-bilinear",
        model=GFLAConfig.bilinear_2020(),
        data=whole.data,
        stages=whole.stages,
        ema=0.0,
        save_every=1000,
    )


@RECIPES.register("gfla-fashion-2020-global-attention")
def gfla_fashion_2020_global_attention() -> GFLAWithoutFlowRecipe:
    """Global-Attn of the paper's ablation: attention to every place of the source at both levels, and no flow.

    6,124,719 parameters. How features are compared and blended is inferred (`GlobalAttention`); the losses are those of
    gfla-fashion-2020 except for the two of the flow, in one stage of as many steps as its second. Not trained here.
    From the paper (recalled): FID 18.616, LPIPS 0.2575.
    """
    return _without_flow("gfla-fashion-2020-global-attention", GFLAWithoutFlowConfig.global_attention_2020())


@RECIPES.register("gfla-fashion-2020-baseline")
def gfla_fashion_2020_baseline() -> GFLAWithoutFlowRecipe:
    """Baseline of the paper's ablation: an auto-encoder of source picture and both poses, without attention or flow.

    4,612,305 parameters. Losses and steps are those of gfla-fashion-2020-global-attention; that it uses the target
    network's blocks is inferred. Not trained here. From the paper (recalled): FID 16.008, LPIPS 0.2473.
    """
    return _without_flow("gfla-fashion-2020-baseline", GFLAWithoutFlowConfig.baseline_2020())


def _without_flow(name: str, model: GFLAWithoutFlowConfig) -> GFLAWithoutFlowRecipe:
    whole = gfla_fashion_2020()
    return GFLAWithoutFlowRecipe(
        name=name, model=model, data=whole.data, stages=whole.stages[1:], ema=0.0, save_every=1000
    )


@RECIPES.register("gfla-market-2020")
def gfla_market_2020() -> GFLARecipe:
    """The published network for Market-1501 at 128x64, as released: one level of attention, 12,926,471 parameters.

    VGG-19 features, batch 8, small random affine moves of the pictures. Number of steps ours; not trained here.
    From the paper (recalled): FID 19.751, LPIPS 0.2817 under the authors' own protocol.
    """
    return GFLARecipe(
        name="gfla-market-2020",
        model=GFLAConfig.market_2020(),
        data=DataConfig(root="data/market", augment=True),
        stages=two_stages(GFLAFlowConfig("vgg19"), GFLALossesConfig("vgg19", discriminator_layers=3), 400_000, 600_000),
        ema=0.0,
        save_every=1000,
    )


@RECIPES.register("gfla-fashion")
def gfla_fashion() -> GFLARecipe:
    """Our form for DeepFashion at 256x256: sees the source's colour, attention that sums to one, averaged weights.

    VGG-19 features. The same size as the published network. Not trained here: it needs DeepFashion and a GPU.
    """
    return GFLARecipe(
        name="gfla-fashion",
        model=GFLAConfig.fashion(),
        data=DataConfig(root="data/fashion"),
        stages=two_stages(GFLAFlowConfig("vgg19"), GFLALossesConfig("vgg19"), 200_000, 400_000),
        precision="bf16",
        save_every=1000,
    )


@RECIPES.register("gfla-market")
def gfla_market() -> GFLARecipe:
    """Our form for Market-1501 at 128x64: sees the source's colour, attention that sums to one, averaged weights.

    VGG-19 features. Not trained here: it needs Market-1501 and a GPU.
    """
    return GFLARecipe(
        name="gfla-market",
        model=GFLAConfig.market(),
        data=DataConfig(root="data/market", augment=True),
        stages=two_stages(GFLAFlowConfig("vgg19"), GFLALossesConfig("vgg19", discriminator_layers=3), 200_000, 400_000),
        precision="bf16",
        save_every=1000,
    )


# The mini recipe uses our small encoder as feature network, whose layers all have mean square 1. Each term's weight
# makes it about as large as the L1 term at the start.
MINI_FLOW = GFLAFlowConfig("people-encoder", correctness=5.0, regularity=0.01)
MINI_LOSSES = GFLALossesConfig(
    "people-encoder",
    l1=10.0,
    correctness=3.0,
    regularity=0.0025,
    adversarial=0.3,
    content=1.0,
    style=20.0,
    discriminator_width=16,
    discriminator_layers=3,
)
MINI_FLOW_PLAYERS = {"flow": Adam(1e-3, betas=(0.5, 0.99))}
MINI_PLAYERS = {"generator": Adam(1e-3, betas=(0.5, 0.99)), "discriminator": Adam(2e-4, betas=(0.5, 0.99))}


@RECIPES.register("gfla-mini")
def gfla_mini() -> GFLARecipe:
    """A small GFLA at 128x96 for two CPU cores, with the shipped people-encoder as its feature network.

    Trains within 20 minutes on a few clips of real people: docs/training.md has the command and the result.
    """
    return GFLARecipe(
        name="gfla-mini",
        model=GFLAConfig.mini(),
        stages=_mini_stages(MINI_LOSSES, 250, 1250),
        ema=0.995,
        save_every=100,
        picture_every=250,
        log_every=25,
    )


@RECIPES.register("gfla-mini-true-flow")
def gfla_mini_true_flow() -> GFLARecipe:
    """gfla-mini on synthetic people whose true flow is known, and learned from besides.

    With `--stages.0.objective.true-flow 0 --stages.1.objective.true-flow 0` it is gfla-mini on the same pairs;
    docs/families/gfla.md compares them.
    """
    mini = gfla_mini()
    flow, everything = _mini_stages(replace(MINI_LOSSES, true_flow=0.05), 250, 1250)
    return GFLARecipe(
        name="gfla-mini-true-flow",
        model=mini.model,
        data=TruePairsConfig(num_people=300, photographs=False),
        stages=(replace(flow, objective=replace(MINI_FLOW, true_flow=0.1)), everything),
        ema=mini.ema,
        save_every=mini.save_every,
        picture_every=mini.picture_every,
        log_every=mini.log_every,
    )


@RECIPES.register("gfla-synthetic")
def gfla_synthetic() -> GFLARecipe:
    """The shipped weights: gfla-mini with attention at half size too, on synthetic people.

    About 40 minutes on two CPU cores; docs/training.md has the command and the result.
    """
    return GFLARecipe(
        name="gfla-synthetic",
        model=GFLAConfig.synthetic(),
        stages=_mini_stages(replace(MINI_LOSSES, style=100.0), 300, 2000),
        ema=0.995,
        save_every=100,
        picture_every=200,
        log_every=25,
    )


def _mini_stages(losses: GFLALossesConfig, flow_steps: int, steps: int) -> tuple[GFLAStage, ...]:
    return (
        GFLAStage("flow", objective=MINI_FLOW, steps=flow_steps, optimisers=MINI_FLOW_PLAYERS),
        GFLAStage("everything", objective=losses, steps=steps, optimisers=MINI_PLAYERS, schedule="linear-to-zero"),
    )
