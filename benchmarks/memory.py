"""Memory and time of a training step of every full-size recipe at batch 1: what fits where."""

import dataclasses
import multiprocessing
import tempfile
import time
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from reposer.core.memory import own_peak
from reposer.generators import RECIPES
from reposer.nn import features
from reposer.synthetic.people import SyntheticPeople
from reposer.training.loop import take_step

from .measure import Table

FULL = (
    "pg2-market-2017",
    "pg2-fashion-2017",
    "patn-market-2019-paper",
    "patn-fashion-2019-paper",
    "gfla-market-2020",
    "gfla-fashion-2020",
    "rate-net-fashion-2020",
    "drn-fashion-2020",
)
CHECKPOINTED = ("pg2-fashion-2017",)


def run(device: torch.device) -> list[Table]:
    rows: list[tuple[str | float, ...]] = []
    context = multiprocessing.get_context("spawn")  # a fresh process each: its peak of memory is its own
    cases = [(name, False) for name in FULL] + [(name, True) for name in CHECKPOINTED]
    for name, checkpointing in cases:
        with context.Pool(1) as pool:
            for stage, parameters, memory, seconds in pool.apply(measured, (name, checkpointing, str(device))):
                title = f"{name}, {stage}" + (", checkpointing" if checkpointing else "")
                rows.append((title, parameters / 1e6, memory, seconds))
    columns = ("recipe, stage", "generator (M parameters)", "peak memory (GB)", "seconds a step")
    note = (
        "batch 1, fp32, networks of the losses with random weights of the true size; on the CPU the peak of the whole "
        "process, on a GPU of torch's allocator"
    )
    return [Table("training step of the full-size recipes", columns, rows, note)]


def measured(name: str, checkpointing: bool, device: str) -> list[tuple[str, int, float, float]]:
    """(stage, parameters of the generator, peak in GB, seconds of the second step) of each stage."""
    recipe = RECIPES[name]()
    if checkpointing:
        recipe = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, checkpointing=True))
    found = []
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(features, "find_weights", _random_weights(folder)):
        generator = recipe.build()
        people = SyntheticPeople(generator.framing.person_size, "train", 2, 0, generator.framing)
        batch = people.collate([people[0]], torch.zeros(1, dtype=torch.int64)).to(device)
        for stage in recipe.stages:
            objective = stage.objective.build(generator).to(device).train()
            optimisers = {n: stage.optimisers[n].build(player) for n, player in objective.players.items()}
            for step in range(2):
                start = time.perf_counter()
                precision = recipe.precision if device != "cpu" else "fp32"
                take_step(objective, optimisers, stage, [(batch, 1.0)], 1.0, precision, step)
                if device != "cpu":
                    torch.cuda.synchronize()
                seconds = time.perf_counter() - start
            peak = _peak(device)
            found.append((stage.name, sum(p.numel() for p in generator.parameters()), peak, seconds))
    return found


def _peak(device: str) -> float:
    if device == "cpu":
        return own_peak() / 1e9
    return torch.cuda.max_memory_allocated() / 1e9


def _random_weights(folder: str):  # type: ignore[no-untyped-def]
    """Stands in for the user's files of VGG: random tensors of their names and shapes, written where they are asked
    for."""

    def find(filename: str, *, path: Path | None = None, source: str) -> Path:
        kind = {"vgg19": features.VGG19, "vgg16_bn": features.VGG16BN}[filename.split("-")[0]]
        place = Path(folder) / filename
        if not place.exists():
            network = kind()
            for module in network.modules():
                if isinstance(module, nn.Conv2d):  # features neither fade nor grow from layer to layer
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            torch.save(network.state_dict(), place)
        return place

    return find
