"""The recipes of the motion networks."""

from dataclasses import dataclass, field
from pathlib import Path

from reposer.core import BadInput, Framing
from reposer.training import PROBE_RECIPES, Adam, Recipe, Stage

from .human36m import Human36M
from .network import MotionConfig
from .objective import MotionObjectiveConfig
from .placing import PlacedBy
from .synthetic_tracks import SyntheticTracks
from .tracks import TrackPairs


@dataclass(frozen=True)
class MotionDataConfig:
    """Where the tracks come from. `frames` and `placed_by` are the model's."""

    root: str | None = None
    """A folder with Human3.6M's two files in VideoPose3D's form; none = tracks of synthetic people, generated on the
    fly."""
    split: str = "train"
    """Which split of it."""
    frames: int = MotionConfig.frames
    """Output frames of a window."""
    placed_by: PlacedBy = MotionConfig.placed_by
    """What coordinates are relative to."""
    num_motions: int = 400
    """Synthetic tracks only: number of motions, each of another person."""
    seed: int = 0
    """Synthetic tracks only: seed of the motions."""

    def open(self, framing: Framing, split: str | None = None) -> TrackPairs:
        split = split or self.split
        if self.root is not None:
            return Human36M(Path(self.root), split, self.frames, self.placed_by)
        return SyntheticTracks(
            framing.size, split, self.frames, self.placed_by, num_motions=self.num_motions, seed=self.seed
        )

    def tiny(self) -> "MotionDataConfig":
        """Two synthetic motions, whatever the data set."""
        return MotionDataConfig(frames=self.frames, placed_by=self.placed_by, num_motions=2)


@dataclass(frozen=True)
class MotionStage(Stage):
    """The only stage of the recipe."""

    objective: MotionObjectiveConfig
    """The loss and its weight."""


@dataclass(frozen=True)
class MotionRecipe(Recipe):
    """Trains a motion network."""

    model: MotionConfig
    """The network."""
    stages: tuple[MotionStage, ...]
    """The stages, in order; ours has one, which trains the whole network."""
    data: MotionDataConfig = field(default_factory=MotionDataConfig)
    """The tracks to train on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.data.frames, self.data.placed_by) != (self.model.frames, self.model.placed_by):
            raise BadInput(
                f"The model cleans windows of {self.model.frames} frames placed by the {self.model.placed_by}, the "
                f"data have {self.data.frames} frames by the {self.data.placed_by}. Set --model.frames and "
                f"--data.frames (and placed-by) alike."
            )

    def afterwards(self, out: Path) -> str:
        return f"Measure it on synthetic tracks: python -m reposer.probes.motion {out / 'generator.safetensors'}"


@PROBE_RECIPES.register("motion-2020")
def motion_2020() -> MotionRecipe:
    """GFLA's motion network as published, on Human3.6M: give `--data` a folder with VideoPose3D's two files.

    Human3.6M's licence is for research. How long it was trained is not known; not trained here.
    """
    stage = MotionStage("motion", objective=MotionObjectiveConfig(), steps=200_000, optimisers={"motion": Adam(1e-4)})
    return MotionRecipe(name="motion-2020", model=MotionConfig(), stages=(stage,), batch_size=32, ema=0.0)


@PROBE_RECIPES.register("motion-mini")
def motion_mini() -> MotionRecipe:
    """A motion network that corrects what goes in, on tracks of synthetic people: 4 minutes of one CPU core.

    On 100 held-out synthetic tracks, in pixels at 256x256: mean error 1.99 where the tracks as found have 3.02
    (docs/training.md, section "Motion").
    """
    model = MotionConfig(
        size=(256, 256), frames=48, width=128, hidden=64, placed_by="person", answer="corrections", gain=1.0
    )
    stage = MotionStage(
        "motion",
        objective=MotionObjectiveConfig(weight=1000.0),
        steps=800,
        optimisers={"motion": Adam(2e-3, betas=(0.9, 0.99))},
        schedule="linear-to-zero",
        warmup=50,
    )
    return MotionRecipe(
        name="motion-mini",
        model=model,
        stages=(stage,),
        data=MotionDataConfig(frames=model.frames, placed_by=model.placed_by),
        batch_size=32,
        ema=0.99,
    )
