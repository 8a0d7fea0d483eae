"""PATN's recipes: the published networks for DeepFashion and Market-1501, and one that trains on a laptop."""

from dataclasses import dataclass

from reposer.training import RECIPES, Adam, DataConfig, Recipe, Stage

from .network import PATNConfig
from .objective import PATNLossesConfig

PLAYERS = {name: Adam(2e-4, betas=(0.5, 0.999)) for name in ("generator", "appearance", "shape")}


@dataclass(frozen=True)
class PATNStage(Stage):
    """PATN has one stage."""

    objective: PATNLossesConfig
    """The game."""


@dataclass(frozen=True)
class PATNRecipe(Recipe):
    """A PATN run."""

    model: PATNConfig
    """The generator."""
    stages: tuple[PATNStage, ...]
    """One stage."""


@RECIPES.register("patn-fashion")
def patn_fashion() -> PATNRecipe:
    """The published network for DeepFashion at 256x176: 41,358,019 parameters (paper: 41.36 M), 124 GMACs.

    From our spec: the network, both discriminators (3.93 M and 3.98 M, no head), the pool, the weights 1, 1 and 5.
    Recalled from the paper, not checked again: cross-entropy, relu1_2 of VGG-19, Adam at 2e-4 with betas 0.5 and
    0.999, batch 7, 90,000 steps. There the rate falls from step 60,000 on, here over the second half. Inferred: the
    dropout of the discriminators (0.5).
    Not trained here. From the paper (recalled; pictures padded to 256x256): SSIM 0.773, IS 3.209, PCKh 0.96; a
    re-test by another author: SSIM 0.7726, IS 3.216; later papers, in their protocols: FID 20.75, LPIPS 0.2533-0.2562.
    """
    return PATNRecipe(
        name="patn-fashion",
        model=PATNConfig.fashion(),
        data=DataConfig(root="data/fashion"),
        stages=(_stage(PATNLossesConfig(layers=("relu1_2",)), 90_000),),
        batch_size=7,
        ema=0.0,
        save_every=1000,
    )


@RECIPES.register("patn-market")
def patn_market() -> PATNRecipe:
    """The published network for Market-1501 at 128x64, with batch norm.

    41,378,115 parameters: the norms have weights of their own. Recalled from the paper and its code, not checked
    again: batch norm, batch 32, 90,000 steps, the weights 10, 10 and 5; the rest is as in patn-fashion. Inferred: the discriminators' norms, too, are batch norms.
    Not trained here. From the paper (recalled): SSIM 0.311, IS 3.323, mask-SSIM 0.811, mask-IS 3.773, PCKh 0.94;
    who runs the released network gets SSIM 0.2815.
    """
    return PATNRecipe(
        name="patn-market",
        model=PATNConfig.market(),
        data=DataConfig(root="data/market"),
        stages=(_stage(PATNLossesConfig(layers=("relu1_2",), l1=10.0, perceptual=10.0), 90_000),),
        batch_size=32,
        ema=0.0,
        save_every=1000,
    )


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
        game="least-squares",
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


def _stage(losses: PATNLossesConfig, steps: int) -> PATNStage:
    return PATNStage(
        "everything", objective=losses, steps=steps, optimisers=PLAYERS, schedule="linear-to-zero"
    )
