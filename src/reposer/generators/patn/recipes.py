"""PATN's recipes: for DeepFashion and Market-1501 the released form and the paper's, and one that trains on a laptop.

The authors' public code and their paper's text do not train alike. The recipes named by the year alone are what was
released with the weights; `-paper` is the text.
"""

from dataclasses import dataclass, replace

from reposer.recipes import DataConfig, PairRecipe
from reposer.training import RECIPES, Adam, Stage

from .network import PATNConfig
from .objective import PATNLossesConfig

PLAYERS = {name: Adam(2e-4, betas=(0.5, 0.999)) for name in ("generator", "appearance", "shape")}
RELEASED_PICTURES = (
    700 * 4_000
)  # rounds of the released commands, and the pictures that the code takes in each
RELEASED_HOLD = 500 / 700  # the rate falls over the last 200 rounds
PAPER_STEPS, PAPER_HOLD = 90_000, 60_000 / 90_000
CROSS_ENTROPY = PATNLossesConfig(layers=("relu1_2",))


@dataclass(frozen=True)
class PATNStage(Stage):
    """PATN has one stage."""

    objective: PATNLossesConfig
    """The game."""


@dataclass(frozen=True)
class PATNRecipe(PairRecipe):
    """A PATN run."""

    model: PATNConfig
    """The generator."""
    stages: tuple[PATNStage, ...]
    """One stage."""


@RECIPES.register("patn-fashion-2019")
def patn_fashion_2019() -> PATNRecipe:
    """The released form for DeepFashion at 256x176: 41,358,019 parameters (paper: 41.36 M), 124 GMACs.

    Trained as the authors' published command does: least squares, no image pool, the weights 1, 1 and 5, batch 7, and
    700 rounds of 4,000 pictures, which are 400,000 steps; the rate, 2e-4, falls over the last 200 rounds. The paper's
    text gives other values: patn-fashion-2019-paper.
    From our notes: the network, both discriminators (3.93 M and 3.98 M, no head), relu1_2 of VGG-19. Inferred: the
    dropout of the discriminators (0.5). Ours: the rate falls with every step, there after every round.
    Not trained here. What runs of the released network gave, recalled (pictures padded to 256x256): SSIM 0.773, IS 3.209,
    PCKh 0.96; a re-test by another author: SSIM 0.7726, IS 3.216; later papers, in their protocols: FID 20.75, LPIPS
    0.2533-0.2562.
    """
    losses = PATNLossesConfig(layers=("relu1_2",), gan="least-squares", pool=0)
    return _fashion("patn-fashion-2019", losses, RELEASED_PICTURES // 7, RELEASED_HOLD)


@RECIPES.register("patn-fashion-2019-paper")
def patn_fashion_2019_paper() -> PATNRecipe:
    """The network of patn-fashion-2019, trained as the paper's text says, not as it was released.

    Cross-entropy, a pool of 50 pictures for each discriminator, 90,000 steps of 7 pairs, the rate constant for 60,000
    and then falling (recalled; a later paper that follows it repeats the numbers). The weights of the losses are the
    same. Not trained here; it is not known whether the paper's tables come from it.
    """
    return _fashion("patn-fashion-2019-paper", CROSS_ENTROPY, PAPER_STEPS, PAPER_HOLD)


@RECIPES.register("patn-market-2019")
def patn_market_2019() -> PATNRecipe:
    """The released form for Market-1501 at 128x64, with batch norm: 41,365,763 parameters (paper: 41.36 M).

    No convolution but the last has a bias, and the norms' weights begin as N(1, 0.02); with biases everywhere it would
    be 41,378,115. Trained as the authors' published command does: cross-entropy, a pool of 50, the weights 10, 10 and
    5, batch 32, and 700 rounds of 4,000 pictures, which are 87,500 steps; the rate, 2e-4, falls over the last 200
    rounds. Inferred: the discriminators' norms, too, are batch norms, and so they have no biases either.
    Not trained here. From the paper (recalled): SSIM 0.311, IS 3.323, mask-SSIM 0.811, mask-IS 3.773, PCKh 0.94;
    who runs the released network gets SSIM 0.2815.
    """
    return _market("patn-market-2019", RELEASED_PICTURES // 32, RELEASED_HOLD)


@RECIPES.register("patn-market-2019-paper")
def patn_market_2019_paper() -> PATNRecipe:
    """The network of patn-market-2019 for the paper's 90,000 steps, the last 30,000 of them with a falling rate.

    Released form and paper agree in the rest. The paper speaks neither of biases nor of first weights; its 41.36 M
    parameters are the released network's.
    """
    return _market("patn-market-2019-paper", PAPER_STEPS, PAPER_HOLD)


@RECIPES.register("patn-mini")
def patn_mini() -> PATNRecipe:
    """A small PATN at 128x96 for two CPU cores, with the shipped people-encoder as its feature network.

    1,135,731 parameters; 1.4 GMACs to draw a picture, 5.3 to train on one. A step of eight pictures takes 1.5 s of one
    core's time, all steps half an hour of it. The weights of the losses and the rates are ours, and the adversarial
    terms RATE-Net's least squares on a score of each place; no dropout in so small a network. Not yet trained to its
    end; docs/leaderboard.md says what it reached in the leaderboard's form.
    """
    losses = PATNLossesConfig(
        "people-encoder",
        l1=10.0,
        perceptual=1.0,
        adversarial=0.3,
        gan="least-squares",
        head="patch",
        discriminator_width=8,
        discriminator_blocks=1,
    )
    fast = Adam(1e-3, betas=(0.5, 0.99))
    slow = Adam(2e-4, betas=(0.5, 0.99))
    stage = PATNStage(
        "everything",
        objective=losses,
        steps=1200,
        optimisers={"generator": fast, "appearance": slow, "shape": slow},
        schedule="linear-to-zero",
    )
    return PATNRecipe(
        name="patn-mini",
        model=PATNConfig.mini(),
        stages=(stage,),
        ema=0.995,
        save_every=100,
        picture_every=250,
        log_every=25,
    )


def _fashion(name: str, losses: PATNLossesConfig, steps: int, hold: float) -> PATNRecipe:
    return PATNRecipe(
        name=name,
        model=PATNConfig.fashion(),
        data=DataConfig(root="data/fashion"),
        stages=(_stage(losses, steps, hold),),
        batch_size=7,
        ema=0.0,
        save_every=1000,
    )


def _market(name: str, steps: int, hold: float) -> PATNRecipe:
    losses = replace(CROSS_ENTROPY, l1=10.0, perceptual=10.0)
    return PATNRecipe(
        name=name,
        model=PATNConfig.market(),
        data=DataConfig(root="data/market"),
        stages=(_stage(losses, steps, hold),),
        batch_size=32,
        ema=0.0,
        save_every=1000,
    )


def _stage(losses: PATNLossesConfig, steps: int, hold: float) -> PATNStage:
    return PATNStage(
        "everything",
        objective=losses,
        steps=steps,
        optimisers=PLAYERS,
        schedule="linear-to-zero",
        hold=hold,
    )
