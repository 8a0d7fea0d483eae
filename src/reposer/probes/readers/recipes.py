"""The recipes of the two networks."""

from dataclasses import dataclass, field
from pathlib import Path

from reposer.estimators.people_networks import BodyConfig, FaceConfig
from reposer.synthetic.people import ATTRIBUTES
from reposer.training import PROBE_RECIPES, Adam, Recipe, Stage

from .body_views import BodyPeople
from .face_views import FacePeople
from .objective import BodyObjectiveConfig, FaceObjectiveConfig

READER = {"reader": Adam(2e-3, betas=(0.9, 0.99), weight_decay=1e-2)}
SEED = 91  # of the weights


@dataclass(frozen=True)
class BodyStage(Stage):
    """The only stage of the recipe."""

    objective: BodyObjectiveConfig
    """The losses, which have no options."""


@dataclass(frozen=True)
class BodyRecipe(Recipe):
    """Trains the network of whole people."""

    model: BodyConfig
    """The network."""
    stages: tuple[BodyStage, ...]
    """The stages, in order; ours has one, which trains the whole network."""
    data: BodyPeople = field(default_factory=BodyPeople)
    """The synthetic people to train on."""

    def afterwards(self, out: Path) -> str:
        return f"Measure it and write the form that ships: python -m reposer.probes.readers body --out {out.parent}"


@dataclass(frozen=True)
class FaceStage(Stage):
    """The only stage of the recipe."""

    objective: FaceObjectiveConfig
    """The losses, which have no options."""


@dataclass(frozen=True)
class FaceRecipe(Recipe):
    """Trains the network of heads."""

    model: FaceConfig
    """The network."""
    stages: tuple[FaceStage, ...]
    """The stages, in order; ours has one, which trains the whole network."""
    data: FacePeople = field(default_factory=FacePeople)
    """The synthetic people to train on."""

    def afterwards(self, out: Path) -> str:
        return f"Measure it and write the form that ships: python -m reposer.probes.readers face --out {out.parent}"


@PROBE_RECIPES.register("people-body")
def people_body() -> BodyRecipe:
    """Joints, person, attributes and identity of whole synthetic people, at 128x96. One item is five pictures."""
    stage = BodyStage(
        "reader", objective=BodyObjectiveConfig(), steps=1400, optimisers=READER, schedule="linear-to-zero", warmup=50
    )
    return BodyRecipe(
        name="people-body",
        model=BodyConfig(words=tuple(len(words) for words in ATTRIBUTES.values())),
        stages=(stage,),
        batch_size=8,
        seed=SEED,
        precision="bf16",
        ema=0.995,
    )


@PROBE_RECIPES.register("people-face")
def people_face() -> FaceRecipe:
    """Faces of synthetic people, on 48x48 crops around their heads. One item is four heads."""
    stage = FaceStage(
        "reader", objective=FaceObjectiveConfig(), steps=1400, optimisers=READER, schedule="linear-to-zero", warmup=50
    )
    return FaceRecipe(
        name="people-face", model=FaceConfig(), stages=(stage,), batch_size=12, seed=SEED, precision="bf16", ema=0.995
    )
