"""Recipes of RATE-Net and DRN: the authors' size, and small ones for a laptop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reposer.recipes import DataConfig, PairRecipe
from reposer.training import RECIPES, Adam, RAdam, Stage

from .network import DRNConfig
from .objective import DRNLossesConfig

# RATE-Net's code: the same optimiser for all four networks.
RULE = RAdam(1e-4, betas=(0.5, 0.999), weight_decay=1e-5)
PLAYERS: Mapping[str, Adam] = {name: RULE for name in ("pose", "detail", "appearance", "shape")}
PAIRS, BATCH, EPOCHS = 101_966, 8, 12  # of RATE-Net's code, on the pairs of PATN


@dataclass(frozen=True)
class DRNStage(Stage):
    """The only stage of RATE-Net and DRN."""

    objective: DRNLossesConfig
    """Losses and discriminators of this stage."""


@dataclass(frozen=True)
class DRNRecipe(PairRecipe):
    """A RATE-Net or DRN run."""

    model: DRNConfig
    """The network to train."""
    stages: tuple[DRNStage, ...]
    """The stages; there is one."""


@RECIPES.register("rate-net-fashion-2020")
def rate_net_fashion_2020() -> DRNRecipe:
    """RATE-Net for DeepFashion at 256x176, after its developers' public code: 182,930,758 parameters.

    The pose branch has 165.2 M of them. RAdam at 1e-4, batch 8, 12 epochs of 101,966 pairs; the rate is constant for
    one epoch, then falls. Ours: a second forward pass after the pose branch's step (the code reuses the one before it),
    moments per row (the code mixes the rows of a batch), a learning rate above 0 in the last epoch, a rate that falls
    at every step. The paper's text was not available; whether its numbers come from this state of the code is unknown.
    Not trained here: it needs DeepFashion, VGG-16 with batch norm and a GPU. Recalled from a list of results, with
    little trust: SSIM 0.774, IS 3.125 under the authors' protocol.
    """
    return _fashion("rate-net-fashion-2020", DRNConfig.rate_net(), DRNLossesConfig.rate_net())


@RECIPES.register("drn-fashion-2020")
def drn_fashion_2020() -> DRNRecipe:
    """DRN for DeepFashion at 256x176, rebuilt from a reader's notes on the paper: 192,436,297 parameters.

    Its code was never published. Reported: both branches, the style encoder's residual blocks, the face module, the
    mask, the Gram term, the order of the updates. Inferred: all of the face's geometry, the weights of the losses, the
    discriminators' head, and the schedule, which is RATE-Net's. `--model.downsamplings 2` makes it 57,678,409
    parameters.
    Not trained here: it needs DeepFashion, VGG-19 and a GPU. From the paper's abstract, over systems and protocols that
    could not be recovered: 12 to 14 % more top-10 retrieval recall, 5 % more joint localisation accuracy, near 40 %
    more face identity.
    """
    return _fashion("drn-fashion-2020", DRNConfig.drn(), DRNLossesConfig.drn())


def _fashion(name: str, model: DRNConfig, losses: DRNLossesConfig) -> DRNRecipe:
    stage = DRNStage(
        "everything",
        objective=losses,
        steps=EPOCHS * PAIRS // BATCH,
        optimisers=PLAYERS,
        schedule="linear-to-zero",
        hold=1 / EPOCHS,
    )
    return DRNRecipe(
        name=name,
        model=model,
        stages=(stage,),
        data=DataConfig(root="data/fashion"),
        batch_size=BATCH,
        ema=0.0,
        save_every=1000,
    )


# All layers of our small encoder have mean square 1 on people; the weights make each term about as large as the L1 term
# at the start, or smaller.
MINI_LOSSES = DRNLossesConfig(
    "people-encoder",
    l1=10.0,
    perceptual=1.0,
    layers=(1.0, 1.0, 1.0, 1.0, 1.0),
    style=20.0,
    adversarial=0.3,
    discriminator_steps=1,
    discriminator_width=16,
    discriminator_blocks=1,
)
MINI_RATE_LOSSES = replace(
    MINI_LOSSES, layers=(1.0, 1.0, 1.0), moments=(0.002, 0.002, 0.002), pixels=1.0, style=0.0, head="none"
)
FAST, SLOW = RAdam(3e-4, betas=(0.5, 0.99)), RAdam(2e-4, betas=(0.5, 0.99))
MINI_PLAYERS: Mapping[str, Adam] = {"pose": FAST, "detail": FAST, "appearance": SLOW, "shape": SLOW}


@RECIPES.register("rate-net-mini")
def rate_net_mini() -> DRNRecipe:
    """A small RATE-Net at 128x96 for two CPU cores, with the shipped people-encoder as its feature network.

    1,619,510 parameters; a step of 8 pairs takes 3.2 s on one core (measured), 1,500 steps an hour and twenty minutes.
    After RATE-Net's code, except for one step of the discriminators instead of three, no dropout, and weights for our
    encoder. Not fully trained yet; docs/leaderboard.md has its result in the leaderboard's form.
    """
    return _mini("rate-net-mini", DRNConfig.rate_net_mini(), MINI_RATE_LOSSES)


@RECIPES.register("drn-mini")
def drn_mini() -> DRNRecipe:
    """A small DRN at 128x96 for two CPU cores, with the shipped people-encoder as its feature network.

    2,094,233 parameters; a step of 8 pairs takes 3.5 s on one core (measured), 1,500 steps an hour and a half. Like
    drn-fashion-2020, after a reader's notes on the paper, except for one step of the discriminators instead of three,
    no dropout, and weights for our encoder. Not fully trained yet; docs/leaderboard.md has its result in the
    leaderboard's form.
    """
    return _mini("drn-mini", DRNConfig.drn_mini(), MINI_LOSSES)


@RECIPES.register("drn-landmarks-mini")
def drn_landmarks_mini() -> DRNRecipe:
    """drn-mini with faces conditioned on the target's 68 landmarks instead of five joints.

    2,143,625 parameters. Poses are of the skeleton person88: OpenPose's 18 joints, the landmarks, and two corners of
    the face's box where a detector gives it (docs/data.md); synthetic people come with landmarks. The same for
    DeepFashion, with pose files that have landmarks: `reposer train drn-fashion-2020 --model.maps.skeleton person88
    --model.face-input landmarks --data.skeleton person88`. Not fully trained yet.
    """
    return _mini("drn-landmarks-mini", DRNConfig.drn_landmarks_mini(), MINI_LOSSES, "person88")


def _mini(name: str, model: DRNConfig, losses: DRNLossesConfig, skeleton: str = "openpose18") -> DRNRecipe:
    stage = DRNStage("everything", objective=losses, steps=1500, optimisers=MINI_PLAYERS, schedule="linear-to-zero")
    return DRNRecipe(
        name=name,
        model=model,
        data=DataConfig(skeleton=skeleton),
        stages=(stage,),
        ema=0.995,
        save_every=100,
        picture_every=250,
        log_every=25,
    )
