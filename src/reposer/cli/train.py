"""`reposer train RECIPE`: train a recipe, or resume a run that was stopped or killed."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from reposer.core import BadInput, Generator
from reposer.core.outputs import check_output_folder
from reposer.core.terminal import Terminal
from reposer.evaluation.sheets import pair_sheet, write_sheet
from reposer.generators import shipped_models
from reposer.probes import PROBE_RECIPES
from reposer.training import Recipe, Stage, train
from reposer.training.loop import TrainingStopped

from .option_values import MOST_WORKERS, above, within
from .trainable import trainable

NUM_PICTURES = 8


@dataclass(frozen=True)
class RunOptions:
    """Options of the run itself; every value of the recipe is an option too."""

    data: str | None = None
    """Folder of the data set (see `reposer data check`); none = the recipe's own."""
    out: Path | None = None
    """The run folder; none = runs/RECIPE."""
    tensorboard: bool = False
    """Write TensorBoard events too (needs the extra `track`)."""
    max_minutes: float | None = None
    """Stop and save after this many minutes; the same command resumes."""
    extend: bool = False
    """Allow more steps for the last stage of the run in the folder than it was begun with."""
    threads: int | None = None
    """CPU threads; none = torch's choice."""

    def __post_init__(self) -> None:
        within("--threads", self.threads, 1, MOST_WORKERS)
        above("--max-minutes", self.max_minutes)


def run(arguments: Sequence[str]) -> int:
    recipes = trainable()
    name = next((a for a in arguments if not a.startswith("-")), None)
    if name is None or arguments[0] != name:
        if set(arguments) & {"-h", "--help"}:
            Terminal().text(f"usage: reposer train RECIPE [OPTIONS]\n\nRecipes: {', '.join(recipes)}")
            return 0
        raise BadInput(f"reposer train needs a recipe's name first: {', '.join(recipes)}.")
    recipe = recipes[name]()
    options, recipe = parse(recipe, list(arguments[1:]))
    out = options.out or Path("runs") / recipe.name
    check_output_folder(out)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    console = Terminal(stderr=True)
    console.say(f"{recipe.name} into {out} · {recipe.steps:,} steps of {recipe.batch_size} pictures")
    try:
        outcome = train(
            recipe,
            out,
            write_pictures=None if name in PROBE_RECIPES else picture_writer(recipe),
            tensorboard=options.tensorboard,
            max_minutes=options.max_minutes,
            extend=options.extend,
        )
    except TrainingStopped as error:
        console.say(f"reposer: {error}")
        return 1
    if outcome.finished:
        console.say(f"Done. The network: {out / 'generator.safetensors'} · pictures: {out / 'pictures'}")
        console.say(recipe.afterwards(out))
    return 128 + outcome.signal if outcome.signal else 0  # 130 or 143, so that `train && evaluate` stops, too


def parse(recipe: Recipe, arguments: list[str]) -> tuple[RunOptions, Recipe]:
    """The run's options, and the recipe with the command line's changes."""
    flat = tyro.conf.arg(name="")
    command = dataclasses.make_dataclass(
        "Train",
        [
            ("run", Annotated[RunOptions, flat], dataclasses.field(default_factory=RunOptions)),
            ("recipe", Annotated[type(recipe), flat], dataclasses.field(default_factory=lambda: recipe)),
        ],
        frozen=True,
    )
    parsed: Any = tyro.cli(
        tyro.conf.AvoidSubcommands[command],  # type: ignore[misc, valid-type]
        args=arguments,
        prog=f"reposer train {recipe.name}",
        description=f"Train {recipe.name}, or go on with a run that was stopped or killed.",
    )
    parsed = dataclasses.replace(parsed, recipe=_with_shipped_starts(parsed.recipe))
    if parsed.run.data is None:
        return parsed.run, parsed.recipe
    if not hasattr(parsed.recipe.data, "root"):
        raise BadInput(f"{recipe.name} renders its own people; leave --data out.")
    data = dataclasses.replace(parsed.recipe.data, root=parsed.run.data)
    return parsed.run, dataclasses.replace(parsed.recipe, data=data)


def _with_shipped_starts(recipe: Recipe) -> Recipe:
    """Lets a stage start from a shipped model by its name, as in other commands."""
    shipped = shipped_models() if any(stage.start is not None for stage in recipe.stages) else {}

    def found(stage: Stage) -> Stage:
        if stage.start is None or Path(stage.start.file).is_file() or stage.start.file not in shipped:
            return stage
        start = dataclasses.replace(stage.start, file=str(shipped[stage.start.file]))
        return dataclasses.replace(stage, start=start)

    return dataclasses.replace(recipe, stages=tuple(found(stage) for stage in recipe.stages))


def picture_writer(recipe: Recipe) -> Any:
    """A function that writes a sheet of the same pairs each time, evenly spread over the data set."""
    samples: list[Any] = []

    def write(generator: Generator, path: Path) -> None:
        if not samples:
            dataset = recipe.data.open(generator.framing)
            places = range(0, len(dataset), max(1, len(dataset) // NUM_PICTURES))
            samples.extend(dataset[i] for i in list(places)[:NUM_PICTURES])
        write_sheet(path, pair_sheet(generator, samples))

    return write
