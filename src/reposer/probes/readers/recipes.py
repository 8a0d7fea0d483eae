"""The runs that make the two networks."""

from dataclasses import dataclass, field
from pathlib import Path

from reposer.estimators.people_networks import BodyConfig, FaceConfig
from reposer.synthetic.people import ATTRIBUTES
from reposer.training import PROBE_RECIPES, Adam, Recipe, Stage

from .body_views import BodyCrowd
from .face_views import FaceCrowd
from .objective import BodyObjectiveConfig, FaceObjectiveConfig

READER = {"reader": Adam(2e-3, betas=(0.9, 0.99), weight_decay=1e-2)}
SEED = 91  # of the weights


@dataclass(frozen=True)
class BodyStage(Stage):
    """The only stage."""

    objective: BodyObjectiveConfig
    """Its game."""


@dataclass(frozen=True)
class BodyRecipe(Recipe):
    """A run that trains the network of whole people."""

    model: BodyConfig
    """The network."""
    stages: tuple[BodyStage, ...]
    """One."""
    data: BodyCrowd = field(default_factory=BodyCrowd)
    """The people."""

    def afterwards(self, out: Path) -> str:
        return f"Measure it and write the form that ships: python -m reposer.probes.readers body --out {out.parent}"


@dataclass(frozen=True)
class FaceStage(Stage):
    """The only stage."""

    objective: FaceObjectiveConfig
    """Its game."""


@dataclass(frozen=True)
class FaceRecipe(Recipe):
    """A run that trains the network of heads."""

    model: FaceConfig
    """The network."""
    stages: tuple[FaceStage, ...]
    """One."""
    data: FaceCrowd = field(default_factory=FaceCrowd)
    """The people."""

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
