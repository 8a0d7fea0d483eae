"""The one loop: stages, batches, turns; backward, average, step, EMA; then log, picture, save when due."""

import copy
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from reposer.core import BadInput
from reposer.nn.weights import read_safetensors, save_generator

from .distributed import any_process, average_gradients, mean_over_processes
from .loader import batches
from .objective import Objective
from .progress import RunLog
from .recipe import Recipe, Stage, Start
from .run_folder import RunFolder, machine

Picture = Callable[[nn.Module, Path], None]


class TrainingStopped(RuntimeError):
    """A term of the loss is no longer a finite number. Names the step, the player and the term."""


@dataclass(frozen=True)
class Outcome:
    """How a call of `train` ended.

    step: how many steps are taken, in this call and before.
    seconds: wall-clock time of all of them, with the setting up of their losses, saving and pictures.
    finished: whether all stages are done.
    """

    step: int
    seconds: float
    finished: bool
    generator: nn.Module


def train(
    recipe: Recipe,
    out: Path,
    *,
    draw_pictures: Picture | None = None,
    progress: bool = True,
    tensorboard: bool = False,
    max_minutes: float | None = None,
    until_step: int | None = None,
) -> Outcome:
    """Run `recipe` in the folder `out`, or go on with what is there. The same command again resumes.

    draw_pictures: draws the sheet of fixed pairs with the averaged generator into the given file.
    max_minutes: stop and save after the step that passes this time of this call (the run can be resumed).
    until_step: stop and save after so many steps of the run (likewise).
    """
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    if recipe.batch_size % accelerator.num_processes:
        raise BadInput(
            f"A batch of {recipe.batch_size} does not divide over {accelerator.num_processes} processes."
        )
    folder = RunFolder(out)
    try:
        if accelerator.is_main_process:
            folder.claim()
        return _train(
            recipe,
            folder,
            accelerator,
            draw_pictures,
            progress=progress,
            tensorboard=tensorboard,
            max_minutes=max_minutes,
            until_step=until_step,
        )
    except BadInput:
        if accelerator.is_main_process:
            folder.forget_unless_saved()
        raise
    finally:
        folder.leave()


def _train(
    recipe: Recipe,
    folder: RunFolder,
    accelerator: Accelerator,
    draw_pictures: Picture | None,
    *,
    progress: bool,
    tensorboard: bool,
    max_minutes: float | None,
    until_step: int | None,
) -> Outcome:
    device = accelerator.device
    if accelerator.is_main_process:
        folder.open(recipe)  # refuses another run's folder, and makes a new one
    accelerator.wait_for_everyone()
    saved = folder.open(recipe) if folder.state_file.exists() else None
    step, first_stage, before = (
        (0, 0, 0.0) if saved is None else (saved["step"], saved["stage"], saved["seconds"])
    )
    if until_step is not None and step >= until_step:
        raise BadInput(f"{folder.root} is at step {step} already; step {until_step} lies behind it.")

    generator = recipe.build()
    dataset = recipe.data.open(generator.framing)
    averaged = copy.deepcopy(generator).requires_grad_(False).eval().to(device)
    main = accelerator.is_main_process
    last_step = min(recipe.steps, until_step or recipe.steps)
    log = RunLog(
        recipe,
        folder,
        main=main,
        show=progress,
        tensorboard=tensorboard,
        step=step,
        last_step=last_step,
        minutes=max_minutes,
    )
    started = time.monotonic()

    with log, _stop_on_signal() as stop_asked:
        for number, stage in enumerate(recipe.stages):
            stage_start = sum(s.steps for s in recipe.stages[:number])
            if number < first_stage:
                continue
            objective, optimisers = _set_up(stage, generator, recipe.seed + number, device)
            if saved is not None and number == first_stage:
                _restore(saved, objective, optimisers, averaged)
                log.warn_if_moved(saved["machine"])
            elif stage.start is not None:
                log.say(_begin_from(stage.start, generator))
                averaged.load_state_dict(generator.state_dict())
            if main:
                folder.write_receipt(recipe, objective.about())
            stage_end = stage_start + stage.steps

            def save(
                stage_number: int, at: int, game: Objective, steppers: dict[str, torch.optim.Optimizer]
            ) -> None:
                if main:
                    seconds = before + time.monotonic() - started
                    folder.save_state(_state(stage_number, at, seconds, game, steppers, averaged))
                    header = {"recipe": recipe.name, "step": at, **game.about()}
                    save_generator(averaged, folder.generator_file, header)

            for batch in batches(
                dataset,
                seed=recipe.seed,
                batch_size=recipe.batch_size,
                first_step=step,
                last_step=stage_end,
                process=accelerator.process_index,
                processes=accelerator.num_processes,
                workers=recipe.workers,
            ):
                factor = stage.learning_rate_factor(step - stage_start)
                terms = take_step(
                    objective, optimisers, stage, batch.to(device), factor, recipe.precision, step
                )
                step += 1
                update_average(averaged, generator, recipe.ema, step)
                log.step(stage.name, step, terms)
                if main and draw_pictures and step % recipe.picture_every == 0:
                    draw_pictures(averaged, folder.pictures / f"{step:08d}.png")
                seconds = time.monotonic() - started
                due = step == until_step or (max_minutes is not None and seconds > 60 * max_minutes)
                stopping = any_process(stop_asked() or due, device)
                if stopping or step == stage_end or step % recipe.save_every == 0:
                    save(number, step, objective, optimisers)
                if stopping and step < recipe.steps:
                    log.say(f"Stopped after step {step}; the same command goes on from here.")
                    return Outcome(step, before + seconds, False, averaged)
    accelerator.wait_for_everyone()
    return Outcome(step, before + time.monotonic() - started, True, averaged)


def take_step(
    objective: Objective,
    optimisers: dict[str, torch.optim.Optimizer],
    stage: Stage,
    batch: Any,
    learning_rate_factor: float,
    precision: str,
    step: int,
) -> dict[str, float]:
    """All turns of one batch. Returns every term, averaged over processes, by "player/term"."""
    device_type = next(objective.parameters()).device.type
    shown: dict[str, float] = {}
    turns = objective.steps(batch)
    while True:
        with torch.autocast(device_type, torch.bfloat16, enabled=precision == "bf16"):
            turn = next(turns, None)
        if turn is None:
            return shown
        players = "+".join(turn.players)
        values = mean_over_processes(torch.stack([v.detach().float() for v in turn.terms.values()]))
        for name, value in zip(turn.terms, values.tolist(), strict=True):
            if not torch.isfinite(torch.tensor(value)):
                raise TrainingStopped(
                    f"At step {step} the term '{name}' of {players} is {value}. The last saved state is from before; "
                    f"a smaller learning rate or precision fp32 usually helps."
                )
            shown[f"{players}/{name}"] = value
        for player in turn.players:
            optimisers[player].zero_grad(set_to_none=True)
        turn.total().backward()
        average_gradients(p for player in turn.players for p in objective.players[player].parameters())
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


def _set_up(
    stage: Stage, generator: nn.Module, seed: int, device: torch.device
) -> tuple[Objective, dict[str, torch.optim.Optimizer]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        objective: Objective = stage.objective.build(generator)
    objective.to(device).train()
    if set(stage.optimisers) != set(objective.players):
        raise BadInput(
            f"The stage '{stage.name}' has optimisers for {sorted(stage.optimisers)}, "
            f"its players are {sorted(objective.players)}."
        )
    return objective, {
        name: stage.optimisers[name].build(player) for name, player in objective.players.items()
    }


def _begin_from(start: Start, generator: nn.Module) -> str:
    """Take the tensors that `start` names, strictly; say what stays as it was."""
    tensors, _ = read_safetensors(Path(start.file))
    own = generator.state_dict()
    taken = {name: t for name, t in tensors.items() if name.startswith(start.prefixes)}
    misfits = sorted(n for n, t in taken.items() if n not in own or own[n].shape != t.shape)
    absent = sorted(n for n in own if n.startswith(start.prefixes) and n not in taken)
    if misfits or absent or not taken:
        raise BadInput(
            f"{start.file} does not fit the prefixes {start.prefixes}: {misfits[:5] or 'no tensor'} "
            f"do not match this generator, {absent[:5] or 'none'} are missing."
        )
    generator.load_state_dict(taken, strict=False)
    return f"Took {len(taken)} tensors from {start.file}; {len(own) - len(taken)} keep their first values."


def _state(
    stage: int,
    step: int,
    seconds: float,
    objective: Objective,
    optimisers: dict[str, torch.optim.Optimizer],
    averaged: nn.Module,
) -> dict[str, Any]:
    return {
        "stage": stage,
        "step": step,
        "seconds": seconds,
        "networks": {name: net.state_dict() for name, net in objective.networks.items()},
        "optimisers": {name: optimiser.state_dict() for name, optimiser in optimisers.items()},
        "averaged": averaged.state_dict(),
        "objective": objective.state(),
        "machine": machine(),
    }


def _restore(
    saved: dict[str, Any],
    objective: Objective,
    optimisers: dict[str, torch.optim.Optimizer],
    averaged: nn.Module,
) -> None:
    for name, network in objective.networks.items():
        network.load_state_dict(saved["networks"][name])
    for name, optimiser in optimisers.items():
        optimiser.load_state_dict(saved["optimisers"][name])
    averaged.load_state_dict(saved["averaged"])
    objective.load_state(saved["objective"])


@contextmanager
def _stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask for a stop after the running step, so that nothing is lost. A second one stops at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    try:
        before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: the program around us handles signals
        before = {}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
