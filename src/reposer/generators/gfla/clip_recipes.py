"""Recipes of moving people and moving faces: the published networks, our forms of them, and ones for two CPU cores."""

from dataclasses import dataclass, field, replace

from reposer.recipes import ClipDataConfig
from reposer.training import RECIPES, Adam, Recipe, Stage

from .clip_network import GFLAAnimationConfig, GFLAFaceConfig
from .clip_objective import GFLAClipFlowConfig, GFLAClipLossesConfig

# Released learning rates: 1e-4 for the generator, a tenth of it for the discriminators; first beta 0.
PLAYERS = {"generator": Adam(1e-4), "discriminator": Adam(1e-5), "temporal": Adam(1e-5)}
FACE_LOSSES = GFLAClipLossesConfig("vgg19", previous="generated", temporal="differences")
PUBLISHED_PEOPLE = ClipDataConfig(augment=True, skeleton="h36m17", source_skeleton="coco17")
PUBLISHED_FACES = ClipDataConfig(root="data/face-forensics", kind="faces", edges=True)


@dataclass(frozen=True)
class GFLAClipStage(Stage):
    """A stage of clips: the flow alone (ours), or all networks."""

    objective: GFLAClipFlowConfig | GFLAClipLossesConfig
    """Losses of this stage."""


@dataclass(frozen=True)
class GFLAAnimationRecipe(Recipe):
    """A run that learns to move people."""

    model: GFLAAnimationConfig
    """The network to train."""
    stages: tuple[GFLAClipStage, ...]
    """The stages, in order."""
    data: ClipDataConfig = field(default_factory=ClipDataConfig)
    """Where the clips come from."""
    batch_size: int = 2
    """Clips per step, over all processes."""


@dataclass(frozen=True)
class GFLAFaceRecipe(Recipe):
    """A run that learns to move faces."""

    model: GFLAFaceConfig
    """The network to train."""
    stages: tuple[GFLAClipStage, ...]
    """The stages, in order."""
    data: ClipDataConfig = field(default_factory=lambda: ClipDataConfig(kind="faces"))
    """Where the clips come from."""
    batch_size: int = 2
    """Clips per step, over all processes."""


def everything(losses: GFLAClipLossesConfig, steps: int) -> tuple[GFLAClipStage, ...]:
    return (GFLAClipStage("everything", objective=losses, steps=steps, optimisers=PLAYERS),)


@RECIPES.register("gfla-dance-fashion-2020")
def gfla_dance_fashion_2020() -> GFLAAnimationRecipe:
    """The published network for FashionVideo at 256x256, as released: 23,510,195 parameters.

    VGG-19 features, two clips of 30 frames a step, five updates of six frames each. The authors give no number of
    steps; the one here is ours. Not trained here: it needs FashionVideo and a GPU. The paper shows pictures only.
    """
    return GFLAAnimationRecipe(
        name="gfla-dance-fashion-2020",
        model=GFLAAnimationConfig.dance_2020(),
        data=replace(PUBLISHED_PEOPLE, root="data/fashion-video"),
        stages=everything(GFLAClipLossesConfig("vgg19"), 100_000),
        ema=0.0,
    )


@RECIPES.register("gfla-dance-iper-2020")
def gfla_dance_iper_2020() -> GFLAAnimationRecipe:
    """The published network for iPER at 256x256: as for FashionVideo, with the flow's terms inside the foreground only.

    Correctness weighs 2 instead of 5. Number of steps ours; not trained here: it needs iPER and a GPU.
    """
    losses = GFLAClipLossesConfig("vgg19", correctness=2.0, foreground=True)
    return GFLAAnimationRecipe(
        name="gfla-dance-iper-2020",
        model=GFLAAnimationConfig.dance_2020(),
        data=replace(PUBLISHED_PEOPLE, root="data/iper"),
        stages=everything(losses, 100_000),
        ema=0.0,
    )


@RECIPES.register("gfla-animation")
def gfla_animation() -> GFLAAnimationRecipe:
    """Our form of person animation at 256x256: sees colour, blends in shares that add up to one, one skeleton.

    VGG-19 features. Not trained here: it needs clips of many people and a GPU.
    """
    return GFLAAnimationRecipe(
        name="gfla-animation",
        model=GFLAAnimationConfig(),
        data=ClipDataConfig(root="data/clips", skeleton="openpose18", source_skeleton="openpose18"),
        stages=everything(GFLAClipLossesConfig("vgg19"), 60_000),
        precision="bf16",
    )


@RECIPES.register("gfla-face-2020")
def gfla_face_2020() -> GFLAFaceRecipe:
    """The published network for FaceForensics at 256x256, as released: 16,906,667 parameters.

    VGG-19 features, two clips of 30 frames a step, five updates of six frames each; the temporal discriminator sees
    differences of frames. Number of steps ours; not trained here: it needs FaceForensics and a GPU. The paper shows
    pictures only.
    """
    return GFLAFaceRecipe(
        name="gfla-face-2020",
        model=GFLAFaceConfig.face_2020(),
        data=PUBLISHED_FACES,
        stages=everything(FACE_LOSSES, 100_000),
        ema=0.0,
    )


@RECIPES.register("gfla-face")
def gfla_face() -> GFLAFaceRecipe:
    """Our form of face animation at 256x256: sees colour, blends in shares that add up to one.

    VGG-19 features. Not trained here: it needs clips of many faces and a GPU.
    """
    return GFLAFaceRecipe(
        name="gfla-face",
        model=GFLAFaceConfig(),
        data=PUBLISHED_FACES,
        stages=everything(FACE_LOSSES, 60_000),
        precision="bf16",
    )


# The mini recipes use our small encoder as feature network, whose layers all have mean square 1; its terms are weighted
# as in gfla-mini.
MINI_FLOW = GFLAClipFlowConfig("people-encoder", correctness=5.0, regularity=0.01)
MINI_LOSSES = GFLAClipLossesConfig(
    "people-encoder",
    l1=10.0,
    correctness=3.0,
    regularity=0.0025,
    adversarial=0.3,
    content=1.0,
    style=20.0,
    discriminator_width=8,
    discriminator_layers=3,
)
MINI_FLOW_PLAYERS = {"flow": Adam(1e-3, betas=(0.5, 0.99))}
MINI_DISCRIMINATORS = {"discriminator": Adam(2e-4, betas=(0.5, 0.99)), "temporal": Adam(2e-4, betas=(0.5, 0.99))}


def mini_stages(
    losses: GFLAClipLossesConfig, flow_steps: int, steps: int, learning_rate: float = 1e-3
) -> tuple[GFLAClipStage, ...]:
    players = {"generator": Adam(learning_rate, betas=(0.5, 0.99))} | MINI_DISCRIMINATORS
    return (
        GFLAClipStage("flow", objective=MINI_FLOW, steps=flow_steps, optimisers=MINI_FLOW_PLAYERS),
        GFLAClipStage("everything", objective=losses, steps=steps, optimisers=players, schedule="linear-to-zero"),
    )


@RECIPES.register("gfla-animation-mini")
def gfla_animation_mini() -> GFLAAnimationRecipe:
    """A small person animation at 128x96 for two CPU cores, with the shipped people-encoder as its feature network.

    docs/training.md has the command, the clip it was trained on and what it reached.
    """
    return GFLAAnimationRecipe(
        name="gfla-animation-mini",
        model=GFLAAnimationConfig.mini(),
        data=ClipDataConfig(frames=6, skeleton="openpose18", source_skeleton="openpose18"),
        stages=mini_stages(MINI_LOSSES, 60, 400),
        ema=0.99,
        save_every=50,
        picture_every=100,
        log_every=25,
    )


@RECIPES.register("gfla-face-mini")
def gfla_face_mini() -> GFLAFaceRecipe:
    """A small face animation at 96x96 for two CPU cores, on the faces of synthetic people.

    Updates of three frames, two per clip, the second continuing from the first: more updates in the same time than with
    six frames. docs/training.md has the command and the result.
    """
    losses = replace(MINI_LOSSES, chunk=3, previous="generated", temporal="differences")
    return GFLAFaceRecipe(
        name="gfla-face-mini",
        model=GFLAFaceConfig.mini(),
        data=ClipDataConfig(frames=6, kind="faces", num_clips=40),
        stages=mini_stages(losses, 30, 700, learning_rate=2e-3),
        ema=0.99,
        save_every=50,
        picture_every=100,
        log_every=25,
    )
