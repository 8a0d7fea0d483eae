"""`reposer train RECIPE`, or `reposer train --from RUN`: train a recipe, or resume a run that was stopped or killed."""

import dataclasses
import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from reposer.core import BadInput, Generator, quoted
from reposer.core.memory import Need
from reposer.core.outputs import check_output_folder
from reposer.core.terminal import Terminal
from reposer.evaluation.sheets import pair_sheet, write_sheet
from reposer.generators import model_file, shipped_models
from reposer.generators.hub import on_hub
from reposer.nn.features import shapes_alone
from reposer.probes import PROBE_RECIPES
from reposer.recipes import ClipDataConfig
from reposer.scoring.validation import validation
from reposer.training import Recipe, Stage, Start, train
from reposer.training.dry_run import try_out
from reposer.training.loop import TrainingStopped
from reposer.training.memory import RunMemory
from reposer.training.receipts import read_receipt, with_values
from reposer.training.recipe import SEEDS
from reposer.training.trackers import TrackerName

from .needed import begins, if_it_can_be_told, is_wanted, only_estimates, refuse_elsewhere
from .option_values import MOST_WORKERS, above, size, within
from .options import join_lines_of_fields
from .runs import in_words
from .trainable import trainable

NUM_PICTURES = 8


@dataclass(frozen=True)
class RunOptions:
    """Options of the run itself; every value of the recipe is an option too."""

    data: str | None = None
    """Folder of the data set (see `reposer data check`); none = the recipe's own."""
    out: Path | None = None
    """The run folder; none = runs/RECIPE."""
    init: str | None = None
    """Begin the first stage with all weights of a `.safetensors`, a run's folder or a shipped model, of the same
    network."""
    seeds: tuple[int, ...] = ()
    """Train once with each of these seeds, one after the other, in OUT/seed-0, OUT/seed-1, ...; none = one run."""
    dry_run: bool = False
    """Write nothing: check data and weights, take three steps of each stage, and say what the run would need."""
    tracker: TrackerName | None = None
    """Send the log's numbers to a tracker of experiments too, if it is installed: tensorboard writes to
    OUT/tensorboard, wandb and mlflow to where they are set up for."""
    validation_pairs: int = 16
    """At each save, score this many held-out pairs of the data set (split val, or else test) under the pixel protocol;
    the scores go into the log and `losses.png`. 0 = none; clips and probes have none."""
    max_minutes: float | None = None
    """Stop and save after this many minutes; the same command resumes."""
    extend: bool = False
    """Allow more steps for the last stage of the run in the folder than it was begun with."""
    threads: int | None = None
    """CPU threads; none = torch's choice."""
    max_memory: str | None = None
    """The most memory, for example 800M or 4G, over all processes: more --accumulation and fewer --workers are chosen
    so that it holds (a step still sees the whole batch), or nothing is begun. None = no limit."""

    def __post_init__(self) -> None:
        within("--threads", self.threads, 1, MOST_WORKERS)
        above("--max-minutes", self.max_minutes)
        within("--validation-pairs", self.validation_pairs, 0)
        size("--max-memory", self.max_memory)
        for seed in self.seeds:
            within("--seeds", seed, 0, SEEDS - 1)
        if len(set(self.seeds)) < len(self.seeds):
            raise BadInput("--seeds names a seed twice; each run needs a seed of its own.")


def run(arguments: Sequence[str]) -> int:
    recipe, rest = chosen(list(arguments))
    if recipe is None:
        Terminal().text(
            "usage: reposer train RECIPE [OPTIONS]\n       reposer train --from RUN [OPTIONS]    (the values of "
            f"another run's recipe.json)\n\nRecipes: {', '.join(trainable())}"
        )
        return 0
    options, recipe = parse(recipe, rest)
    out = options.out or Path("runs") / recipe.name
    check_output_folder(out)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    most = size("--max-memory", options.max_memory)
    seeds = [(dataclasses.replace(recipe, seed=seed), out / f"seed-{seed}") for seed in options.seeds]
    runs = seeds or [(recipe, out)]
    if not options.dry_run or is_wanted(most):
        runs = _with_their_needs(runs, most)
    if options.dry_run:
        return _dry_run(runs[0][0], out)
    for recipe, folder in runs:
        code = _train(recipe, folder, options)
        if code != 0:
            return code
    return 0


def chosen(arguments: list[str]) -> tuple[Recipe | None, list[str]]:
    """The recipe that the first words name, or the receipt after --from; and the other words. None: help is asked."""
    recipes = trainable()
    first, *rest = arguments or [""]
    if (first == "--from" and rest) or first.startswith("--from="):
        path, rest = (first.removeprefix("--from="), rest) if "=" in first else (rest[0], rest[1:])
        plain = read_receipt(Path(path))
        return with_values(recipes[plain["name"]](), plain, path), rest
    if not first.startswith("-") and first:
        recipe = recipes[first]()
        if rest and not rest[0].startswith("-"):
            raise BadInput(f"reposer train {first} takes its data set as an option: --data {quoted(rest[0])}.")
        return recipe, rest
    if set(arguments) & {"-h", "--help"}:
        return None, []
    raise BadInput(
        f"reposer train needs a recipe's name first, or --from and a run's recipe.json; recipes: {', '.join(recipes)}."
    )


def _train(recipe: Recipe, out: Path, options: RunOptions) -> int:
    console = Terminal(stderr=True)
    console.say(f"{recipe.name} into {out} · {recipe.steps:,} steps of {recipe.batch_size} pictures")
    is_probe = recipe.name in PROBE_RECIPES
    scored = 0 if is_probe else options.validation_pairs
    validate = validation(recipe, scored, console.say) if scored else None
    try:
        outcome = train(
            recipe,
            out,
            write_pictures=None if is_probe else picture_writer(recipe),
            validate=validate,
            tracker=options.tracker,
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


def _with_their_needs(runs: list[tuple[Recipe, Path]], most: float | None) -> list[tuple[Recipe, Path]]:
    """Says what runs of one recipe, one after the other in their folders, will need; the largest first. The runs, with
    other numbers if they must be for `most` bytes."""
    if torch.cuda.is_available():
        refuse_elsewhere(most, "a GPU: `reposer train RECIPE --dry-run` measures what it needs there")
        return runs
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        refuse_elsewhere(most, "several training processes")
        return runs
    if not is_wanted(most) and isinstance(runs[0][0].data, ClipDataConfig):
        return runs  # thousands of operators: some twenty seconds for one line
    if most is not None:
        runs = [(_as_begun(recipe, out), out) for recipe, out in runs]
    chosen: dict[int, tuple[Recipe, Need]] = {}  # by the number of parts, all that these recipes differ in but the seed
    with if_it_can_be_told(most), shapes_alone() if only_estimates() else nullcontext():
        for recipe, _ in runs:
            if recipe.accumulation not in chosen:
                memory = RunMemory(recipe)
                chosen[recipe.accumulation] = (recipe, memory.need()) if most is None else memory.within(most)
        for _, need in sorted(chosen.values(), key=lambda own: -own[1].memory):
            begins(need)
        found = [(recipe, out, chosen[recipe.accumulation][0]) for recipe, out in runs]
        return [
            (dataclasses.replace(recipe, accumulation=own.accumulation, workers=own.workers), out)
            for recipe, out, own in found
        ]
    return runs


def _as_begun(recipe: Recipe, out: Path) -> Recipe:
    """A run goes on with the parts that it has begun with."""
    if not (out / "recipe.json").is_file():
        return recipe
    return dataclasses.replace(recipe, accumulation=int(read_receipt(out).get("accumulation", recipe.accumulation)))


def _dry_run(recipe: Recipe, out: Path) -> int:
    """Exit code 1 if the disk has too little space."""
    trial = try_out(recipe, out)
    console = Terminal()
    console.say(f"{recipe.name}: {trial.items:,} items in the data set, all readable; {trial.device}")
    for stage in trial.stages:
        console.say(
            f"{stage.name}: {stage.steps:,} steps of {stage.seconds:.2f} s = {in_words(stage.steps * stage.seconds)}"
        )
    console.say(f"In all: {in_words(trial.seconds)}, without saving, pictures and scoring")
    console.say(f"Memory: {trial.memory / 1e9:.1f} GB at most so far, of {trial.available / 1e9:.1f} GB")
    console.say(f"Disk: {trial.disk / 1e9:.2f} GB at most, without the pictures; {trial.free / 1e9:.1f} GB are free")
    if trial.disk > trial.free:
        console.say("The disk has too little space for this run. Give another --out.")
        return 1
    return 0


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
    join_lines_of_fields(RunOptions)
    join_lines_of_fields(recipe)
    parsed: Any = tyro.cli(
        tyro.conf.AvoidSubcommands[command],  # type: ignore[misc, valid-type]
        args=arguments,
        prog=f"reposer train {recipe.name}",
        description=f"Train {recipe.name}, or go on with a run that was stopped or killed.",
    )
    recipe = _begun_with(parsed.run.init, parsed.recipe)
    parsed = dataclasses.replace(parsed, recipe=_with_shipped_starts(recipe))
    if parsed.run.data is None:
        return parsed.run, parsed.recipe
    if not hasattr(parsed.recipe.data, "root"):
        raise BadInput(f"{recipe.name} renders its own people; leave --data out.")
    data = dataclasses.replace(parsed.recipe.data, root=parsed.run.data)
    return parsed.run, dataclasses.replace(parsed.recipe, data=data)


def _begun_with(weights: str | None, recipe: Recipe) -> Recipe:
    """The recipe whose first stage starts from all tensors of a file."""
    if weights is None:
        return recipe
    first, *others = recipe.stages
    if first.start is not None:
        raise BadInput("--init and --stages.0.start both say what the first stage begins with; give one of them.")
    return dataclasses.replace(recipe, stages=(dataclasses.replace(first, start=Start(weights, ("",))), *others))


def _with_shipped_starts(recipe: Recipe) -> Recipe:
    """Lets a stage start from a shipped model by its name, a run's folder or one on the hub, as in other commands."""
    shipped = shipped_models() if any(stage.start is not None for stage in recipe.stages) else {}

    def found(stage: Stage) -> Stage:
        if stage.start is None:
            return stage
        name = stage.start.file
        if not (name in shipped or on_hub(name) or Path(name).is_dir()):
            return stage
        start = dataclasses.replace(stage.start, file=str(model_file(name)))
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
