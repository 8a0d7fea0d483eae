"""The training loop: stages, batches, turns; backward, average, step, EMA; then log, picture and save when due."""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from reposer.core import BadInput, quoted
from reposer.core.configs import to_plain
from reposer.core.processes import processor_seconds
from reposer.nn.gathered_norm import GatheredBatchNorm
from reposer.nn.weights import read_about, read_safetensors, save_generator, usable

from .distributed import (
    average_gradients,
    largest_over_processes,
    mean_over_rows,
    refuse_other_steps,
    rows_of_process,
    sum_over_processes,
)
from .loader import batches_in_parts
from .loss_plot import write_loss_plot
from .objective import Objective
from .progress import RunLog
from .recipe import Recipe, Stage, Start
from .run_folder import RunFolder, Taken, machine
from .runs import log_lines
from .same_run import differences
from .signals import stop_on_signal
from .trackers import TrackerName, begin_tracker, refuse_missing

Picture = Callable[[nn.Module, Path], None]
Validate = Callable[[nn.Module], Mapping[str, float]]


class TrainingStopped(RuntimeError):
    """A term of the loss is no longer finite. The message names the step, the player and the term."""


@dataclass(frozen=True)
class Outcome:
    """How a call of `train` ended.

    step: number of steps taken, in this call and before.
    seconds: wall-clock time of all of them, including the setup of their losses, saving and pictures.
    processor_seconds: processor time of the same, of all processes and of their workers that load data.
    finished: whether all stages are done.
    signal: the number of the signal that asked for a stop, if one did.
    """

    step: int
    seconds: float
    processor_seconds: float
    finished: bool
    generator: nn.Module
    signal: int = 0


def train(
    recipe: Recipe,
    out: Path,
    *,
    write_pictures: Picture | None = None,
    validate: Validate | None = None,
    progress: bool = True,
    tracker: TrackerName | None = None,
    max_minutes: float | None = None,
    max_processor_minutes: float | None = None,
    until_step: int | None = None,
    extend: bool = False,
) -> Outcome:
    """Runs `recipe` in the folder `out`, or resumes the run there: the same command again continues it.

    The folder's run must have the same recipe, except for values that cannot change the numbers, and data with the same
    content.

    write_pictures: renders the sheet of fixed pairs with the averaged generator into the given file; one that cannot
        be rendered (BadInput: the pictures are not finite) is said, and the run goes on.
    validate: scores the averaged generator; called after each save, its numbers go into the log.
    tracker: a tracker of experiments that gets the log's numbers, too.
    max_minutes: stop and save after the step that passes this time of this call (the run can be resumed).
    max_processor_minutes: the same in processor time of all processes and of their workers, which other programs on
        the machine do not use up.
    until_step: stop and save after this many steps of the run (likewise).
    extend: the last stage may have more steps than when the run in the folder was started.
    """
    if max_minutes is not None and not (0 <= max_minutes < math.inf):
        raise BadInput(f"--max-minutes is {max_minutes}; a number of minutes from 0 on is expected.")
    root = getattr(recipe.data, "root", None)
    if root is not None and Path(root).resolve() == out.resolve():
        raise BadInput(f"{out} is the data set; a run needs a folder of its own. Give another one with --out.")
    if tracker is not None:
        refuse_missing(tracker)
    _refuse_precision(recipe)
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), log_with=tracker, project_dir=out)
    rows_of_process(recipe.batch_size, accelerator.process_index, accelerator.num_processes)
    folder = RunFolder(out)
    try:
        if accelerator.is_main_process:
            folder.claim()
        return _train(
            recipe,
            folder,
            accelerator,
            write_pictures,
            validate,
            progress=progress,
            tracker=tracker,
            max_minutes=max_minutes,
            max_processor_minutes=max_processor_minutes,
            until_step=until_step,
            extend=extend,
        )
    except BadInput:
        if accelerator.is_main_process:
            folder.forget_unless_saved()
        raise
    finally:
        folder.leave()


@dataclass
class RunState:
    """The progress of a run: everything in a saved state, and the networks and optimisers it belongs to.

    step: steps taken in all. number: of the current stage. before: what earlier calls took.
    """

    generator: nn.Module
    averaged: nn.Module
    step: int
    number: int
    before: Taken
    device: torch.device
    started: float = field(default_factory=time.monotonic)
    processor_at_start: float = field(default_factory=processor_seconds)
    objective: Objective = field(init=False)
    optimisers: dict[str, torch.optim.Optimizer] = field(init=False)

    @property
    def elapsed(self) -> float:
        """Seconds of this call."""
        return time.monotonic() - self.started

    @property
    def seconds(self) -> float:
        """Seconds of all calls."""
        return self.before.seconds + self.elapsed

    def processor_elapsed(self) -> float:
        """Processor time of this call in seconds, over all processes, which must ask together."""
        return sum_over_processes(processor_seconds() - self.processor_at_start, self.device)

    def outcome(self, *, finished: bool, signal: int) -> Outcome:
        processor = self.before.processor_seconds + self.processor_elapsed()
        return Outcome(self.step, self.seconds, processor, finished, self.averaged, signal)

    def save(self, folder: RunFolder, recipe: Recipe, processor_elapsed: float) -> None:
        """Saves the state, then the generator, which names its step."""
        folder.save_state(
            {
                "stage": self.number,
                "step": self.step,
                "seconds": self.seconds,
                "processor_seconds": self.before.processor_seconds + processor_elapsed,
                "networks": {name: net.state_dict() for name, net in self.objective.networks.items()},
                "optimisers": {name: rule.state_dict() for name, rule in self.optimisers.items()},
                "averaged": self.averaged.state_dict(),
                "objective": self.objective.state(),
                "about": self.objective.about(),
                "machine": machine(),
            }
        )
        self.keep_generator(folder, recipe)

    def keep_generator(self, folder: RunFolder, recipe: Recipe) -> None:
        made = {"recipe": recipe.name, "step": self.step, **self.objective.about()}
        save_generator(self.averaged, folder.generator_file, made)
        folder.keep_checkpoint(self.step, recipe.keep)


def _train(
    recipe: Recipe,
    folder: RunFolder,
    accelerator: Accelerator,
    write_pictures: Picture | None,
    validate: Validate | None,
    *,
    progress: bool,
    tracker: TrackerName | None,
    max_minutes: float | None,
    max_processor_minutes: float | None,
    until_step: int | None,
    extend: bool,
) -> Outcome:
    # --- The folder: an existing run, or a new one
    device, main = accelerator.device, accelerator.is_main_process
    # The first process refuses another run's folder, and makes a new one, before the others look.
    saved = folder.open(recipe, extend=extend) if main else None
    accelerator.wait_for_everyone()
    saved = saved if main else folder.state()
    first_stage, before = _place(saved, recipe, folder)
    step = before.step
    refuse_other_steps(step, folder.root, device)
    if until_step is not None and step >= until_step:
        raise BadInput(f"{folder.root} is at step {step} already; step {until_step} lies behind it.")

    # --- Networks and data, and every check that can fail before training
    generator = recipe.build()
    dataset = recipe.data.open(generator.framing)
    for stage in recipe.stages[0 if saved is None else first_stage + 1 :]:
        must_begin(stage, generator, recipe.accumulation)  # now, not after the stages before it
    if saved is None and main:
        recipe.refuse_unreadable(dataset)  # repaired data would be other data: refuse now, not after a night
    averaged = copy.deepcopy(generator).requires_grad_(False).eval().to(device)
    log = RunLog(
        recipe,
        folder,
        main=main,
        show=progress,
        tracker=accelerator if tracker is not None else None,
        step=step,
        last_step=min(recipe.steps, until_step or recipe.steps),
        minutes=max_minutes,
        processor_minutes=max_processor_minutes,
    )
    state = RunState(generator, averaged, step, first_stage, before, device)
    rows = rows_of_process(recipe.batch_size, accelerator.process_index, accelerator.num_processes)
    share = len(rows) / recipe.batch_size
    if tracker is not None:
        begin_tracker(accelerator, tracker, recipe, folder.root, step)
    if main:
        folder.drop_checkpoints(after=step)

    with log, stop_on_signal() as stop_asked:
        for state.number in range(first_stage, len(recipe.stages)):
            # --- A stage begins: from the saved state, from a file's weights, or from the last stage's result
            stage = recipe.stages[state.number]
            stage_start = sum(s.steps for s in recipe.stages[: state.number])
            stage_end = stage_start + stage.steps
            state.objective, state.optimisers = set_up(stage, generator, recipe.seed + state.number, device)
            if saved is not None and state.number == first_stage:
                _restore(saved, state.objective, state.optimisers, averaged, folder)
                log.warn_if_moved(saved["machine"])
                if main:  # a kill, or a user, may have left another one than the state's
                    state.keep_generator(folder, recipe)
            elif stage.start is not None:
                log.say(_begin_from(stage.start, generator))
                averaged.load_state_dict(generator.state_dict())
            if main:
                folder.write_receipt(recipe, state.objective.about())

            for parts in batches_in_parts(
                dataset,
                seed=recipe.seed,
                batch_size=recipe.batch_size,
                first_step=state.step,
                last_step=stage_end,
                process=accelerator.process_index,
                processes=accelerator.num_processes,
                workers=recipe.workers,
                parts=recipe.accumulation,
            ):
                # --- One step: turns, average, EMA
                try:
                    terms = take_step(
                        state.objective,
                        state.optimisers,
                        stage,
                        [(batch.to(device), part) for batch, part in parts],
                        stage.learning_rate_factor(state.step - stage_start),
                        recipe.precision,
                        state.step,
                        share=share,
                    )
                except TrainingStopped as error:
                    raise TrainingStopped(f"{error} {_left(folder)}") from None
                state.step += 1
                update_average(averaged, generator, recipe.ema, state.step)

                # --- Log, save, score, picture, stop when due
                log.step(stage.name, state.step, terms)
                processor = state.processor_elapsed()
                log.show_progress(stage.name, state.step, state.elapsed, processor)
                late = max_minutes is not None and state.elapsed > 60 * max_minutes
                late |= max_processor_minutes is not None and processor > 60 * max_processor_minutes
                came = largest_over_processes(stop_asked(), device)
                due = largest_over_processes(int(late or state.step == until_step), device)
                stopping = came > 0 or due > 0
                if main and (stopping or state.step == stage_end or state.step % recipe.save_every == 0):
                    state.save(folder, recipe, processor)
                    if validate is not None and came == 0:
                        log.validated(stage.name, state.step, validate(averaged))
                    write_loss_plot(list(log_lines(folder.log_file)), folder.loss_plot)
                if main and write_pictures and state.step % recipe.picture_every == 0:  # after the save: it may fail
                    try:
                        write_pictures(averaged, folder.pictures / f"{state.step:08d}.png")
                    except BadInput as error:
                        log.say_once(f"No sheet of pictures after step {state.step}: {error}", str(error))
                if stopping and state.step < recipe.steps:
                    log.say(f"Stopped after step {state.step}; the same command goes on from here.")
                    return state.outcome(finished=False, signal=came)
        came = stop_asked()
    accelerator.wait_for_everyone()
    return state.outcome(finished=True, signal=came)


def _place(saved: dict[str, Any] | None, recipe: Recipe, folder: RunFolder) -> tuple[int, Taken]:
    """(number of the stage, how far it is) of a saved state; zeros if there is none."""
    if saved is None:
        return 0, Taken(0, 0.0, 0.0)
    step, stage = saved["step"], saved["stage"]
    ends = [sum(s.steps for s in recipe.stages[:n]) for n in range(len(recipe.stages) + 1)]
    if not 0 <= stage < len(recipe.stages) or not ends[stage] <= step <= ends[stage + 1]:
        raise BadInput(
            f"{folder.state_file} says step {step} of stage {stage}, which this recipe does not have: it belongs to "
            f"another run. Put a good copy back, or remove it to begin the run again."
        )
    return stage, Taken(step, saved["seconds"], saved["processor_seconds"])


def _left(folder: RunFolder) -> str:
    """For the message after a non-finite term: what was saved, and what may help."""
    advice = "a smaller learning rate or precision fp32 usually helps; give such a run a new folder with --out"
    if not folder.state_file.exists():
        return f"Nothing was saved before; {advice}."
    return f"The state of step {folder.taken()[0]} is saved, and would come to the same again; {advice}."


def take_step(
    objective: Objective,
    optimisers: dict[str, torch.optim.Optimizer],
    stage: Stage,
    parts: Sequence[tuple[Any, float]],
    learning_rate_factor: float,
    precision: str,
    step: int,
    *,
    share: float = 1.0,
) -> dict[str, float]:
    """Runs all turns of one batch. Returns every term, averaged over the rows of all processes, by "player/term".

    parts: of the batch: (batch, its share of this process's rows). Every part takes a turn before the players step, and
    finds the networks' buffers (spectral norm's) as the first did, so the gradients are those of the whole batch.
    share: this process's rows over all rows of the batch.
    """
    device_type = next(objective.parameters()).device.type
    shown: dict[str, float] = {}
    turns_of_parts = [objective.steps(batch) for batch, _ in parts]
    while True:
        sums: Tensor | float = 0.0
        before = [(buffer, buffer.clone()) for buffer in objective.buffers()] if len(parts) > 1 else []
        for number, (turns, (_, part)) in enumerate(zip(turns_of_parts, parts, strict=True)):
            for buffer, kept in before if number else ():
                if not torch.equal(buffer, kept):  # gradients may need the constant ones as they are
                    buffer.copy_(kept)
            with torch.autocast(device_type, torch.bfloat16, enabled=precision == "bf16"):
                turn = next(turns, None)
            if turn is None:
                assert number == 0, "all parts have as many turns"
                return shown
            if number == 0:
                for player in turn.players:
                    optimisers[player].zero_grad(set_to_none=True)
            sums = sums + part * torch.stack([v.detach().float() for v in turn.terms.values()])
            total = turn.total()
            (total if len(parts) == 1 else part * total).backward()
        assert turn is not None and isinstance(sums, Tensor)
        players = "+".join(turn.players)
        for name, value in zip(turn.terms, mean_over_rows(sums, share).tolist(), strict=True):
            if not math.isfinite(value):
                raise TrainingStopped(f"At step {step} the term '{name}' of {players} is {value}.")
            shown[f"{players}/{name}"] = value
        average_gradients((p for player in turn.players for p in objective.players[player].parameters()), share)
        for player in turn.players:
            for group in optimisers[player].param_groups:
                group["lr"] = stage.optimisers[player].learning_rate * learning_rate_factor
            optimisers[player].step()


@torch.no_grad()
def update_average(averaged: nn.Module, trained: nn.Module, decay: float, step: int) -> None:
    """averaged <- decay * averaged + (1 - decay) * trained, in place; buffers are copied."""
    decay = min(decay, (1 + step) / (10 + step))
    targets = [p.detach() for p in averaged.parameters()]
    torch._foreach_lerp_(targets, [p.detach() for p in trained.parameters()], 1 - decay)
    for mine, theirs in zip(averaged.buffers(), trained.buffers(), strict=True):
        mine.copy_(theirs)


def set_up(
    stage: Stage, generator: nn.Module, seed: int, device: torch.device
) -> tuple[Objective, dict[str, torch.optim.Optimizer]]:
    """The objective of a stage, whose first weights are a function of the seed, and an optimiser for each player."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        objective: Objective = stage.objective.build(generator)
    objective.to(device).train()
    if set(stage.optimisers) != set(objective.players):
        raise BadInput(
            f"The stage '{stage.name}' has optimisers for {sorted(stage.optimisers)}, "
            f"its players are {sorted(objective.players)}."
        )
    return objective, {name: stage.optimisers[name].build(player) for name, player in objective.players.items()}


def must_begin(stage: Stage, generator: nn.Module, accumulation: int = 1) -> None:
    """BadInput if files that a later stage needs are missing or wrong, or if its batches cannot be divided."""
    if stage.start is not None:
        _taken(stage.start, generator)
    objective, _ = set_up(stage, copy.deepcopy(generator), 0, torch.device("cpu"))
    if accumulation > 1 and any(_mixes_rows(module) for module in objective.modules()):
        raise BadInput(
            f"The stage '{stage.name}' normalises over the pictures of a batch (batch norm), so parts of it would "
            "train another network. Leave --accumulation at 1, or give a smaller --batch-size."
        )


def _mixes_rows(module: nn.Module) -> bool:
    """Whether it normalises over the rows of a batch, as batch norm that trains does."""
    if isinstance(module, _BatchNorm):
        return module.training or module.running_mean is None
    return isinstance(module, GatheredBatchNorm)


def _refuse_precision(recipe: Recipe) -> None:
    """BadInput for bf16 on a GPU that only emulates it."""
    if recipe.precision == "bf16" and torch.cuda.is_available() and not torch.cuda.is_bf16_supported(False):
        raise BadInput(f"{torch.cuda.get_device_name()} has no bfloat16 arithmetic. Give --precision fp32.")


def _begin_from(start: Start, generator: nn.Module) -> str:
    """Takes the tensors that `start` names, strictly; returns a report of those that stay unchanged, and of what the
    network that they come from was otherwise."""
    (taken, header), own = _taken(start, generator), generator.state_dict()
    generator.load_state_dict(taken, strict=False)
    said = f"Took {len(taken)} tensors from {start.file}; {len(own) - len(taken)} keep their first values."
    config = read_about(header, Path(start.file)).get("config")
    if not isinstance(config, dict):
        return said
    found = differences(config, to_plain(getattr(generator, "config", None)))
    other = [f"{where} = {quoted(there)} (here {quoted(here)})" for where, there, here in found]
    return f"{said} They learned with {', '.join(other)}." if other else said


def _taken(start: Start, generator: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors that `start` names, if all of them exist and fit, and the file's header."""
    tensors, header = read_safetensors(Path(start.file))
    own = generator.state_dict()
    taken = {name: t for name, t in tensors.items() if name.startswith(start.prefixes)}
    misfits = sorted(n for n, t in taken.items() if n not in own or own[n].shape != t.shape)
    absent = sorted(n for n in own if n.startswith(start.prefixes) and n not in taken)
    if misfits or absent or not taken:
        raise BadInput(
            f"{start.file} does not fit the prefixes {start.prefixes}: {misfits[:5] or 'no tensor'} "
            f"do not match this generator, {absent[:5] or 'none'} are missing."
        )
    return usable(taken, {name: own[name] for name in taken}, start.file), header


def _restore(
    saved: dict[str, Any],
    objective: Objective,
    optimisers: dict[str, torch.optim.Optimizer],
    averaged: nn.Module,
    folder: RunFolder,
) -> None:
    if saved["about"] != objective.about():
        raise BadInput(
            f"The run in {folder.root} was trained with {quoted(saved['about'])}; here there is "
            f"{quoted(objective.about())}. Bring the old files back, or give a new folder with --out."
        )
    try:
        for name, network in objective.networks.items():
            network.load_state_dict(saved["networks"][name])
        for name, optimiser in optimisers.items():
            optimiser.load_state_dict(saved["optimisers"][name])
        averaged.load_state_dict(saved["averaged"])
        objective.load_state(saved["objective"])
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise BadInput(
            f"{folder.state_file} does not fit the recipe ({' '.join(str(error).split())[:200]}): it was damaged, or "
            f"written by another version of Reposer. Put a good copy back, or remove it to begin the run again."
        ) from error
