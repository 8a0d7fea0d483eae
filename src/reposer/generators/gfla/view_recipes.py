"""Recipes of objects from other sides: the published network, our form of it, and one for two CPU cores."""

from dataclasses import dataclass, replace

from reposer.core.view import EVERY_THIRD
from reposer.generators.view_generator import ViewRecipe
from reposer.recipes import ViewDataConfig
from reposer.training import RECIPES

from .objective import GFLAFlowConfig, GFLALossesConfig
from .recipes import MINI_FLOW, MINI_FLOW_PLAYERS, MINI_LOSSES, MINI_PLAYERS, GFLAStage, two_stages
from .view_network import GFLAViewsConfig


@dataclass(frozen=True)
class GFLAViewsRecipe(ViewRecipe):
    """A run of GFLA that learns to turn objects."""

    model: GFLAViewsConfig
    """The network to train."""
    stages: tuple[GFLAStage, ...]
    """The stages: the flow alone, then all networks."""


@RECIPES.register("gfla-views-2020")
def gfla_views_2020() -> GFLAViewsRecipe:
    """The published network for ShapeNet's cars or chairs at 256x256, as released: one-hot views, 14,341,323
    parameters.

    VGG-19 features, batch 8, the paper's weights of the losses. The authors give no number of steps; the two here are
    ours. Not trained here: the sets take 14 and 150 GB and a GPU. The paper shows pictures only.
    """
    return GFLAViewsRecipe(
        name="gfla-views-2020",
        model=GFLAViewsConfig.shapenet_2020(),
        data=ViewDataConfig(root="data/shapenet/data_car.hdf5"),
        stages=two_stages(GFLAFlowConfig("vgg19"), GFLALossesConfig("vgg19"), 400_000, 600_000),
        ema=0.0,
        save_every=1000,
    )


@RECIPES.register("gfla-views")
def gfla_views() -> GFLAViewsRecipe:
    """Our form at 256x256: a view reaches every block, any azimuth can be asked for, and the source's colour is seen.

    VGG-19 features, averaged weights. Not trained here: it needs ShapeNet's views and a GPU.
    """
    return GFLAViewsRecipe(
        name="gfla-views",
        model=GFLAViewsConfig.shapenet(),
        data=ViewDataConfig(root="data/shapenet/data_car.hdf5"),
        stages=two_stages(GFLAFlowConfig("vgg19"), GFLALossesConfig("vgg19"), 200_000, 400_000),
        precision="bf16",
        save_every=1000,
    )


@RECIPES.register("gfla-views-mini")
def gfla_views_mini() -> GFLAViewsRecipe:
    """A small form of ours at 128x128 for two CPU cores, with the shipped people-encoder as its feature network.

    Every third azimuth of the training objects is kept for testing (the split held-out). docs/training.md has the
    command, the cost and the result.
    """
    return GFLAViewsRecipe(
        name="gfla-views-mini",
        model=GFLAViewsConfig.mini(),
        data=ViewDataConfig(hold_out=EVERY_THIRD),
        stages=(
            GFLAStage("flow", objective=MINI_FLOW, steps=200, optimisers=MINI_FLOW_PLAYERS),
            GFLAStage(
                "everything",
                objective=replace(MINI_LOSSES, l1=20.0),
                steps=1000,
                optimisers=MINI_PLAYERS,
                schedule="linear-to-zero",
            ),
        ),
        ema=0.99,
        save_every=100,
        picture_every=200,
        log_every=25,
    )
