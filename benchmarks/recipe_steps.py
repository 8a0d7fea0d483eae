"""Processor time of a training step of each small recipe, stage by stage, on one thread: what a training picture costs.

Processor time, because other programs on the machine do not count in it; they still slow it down where they share
caches and cores, so compare two versions side by side.
"""

import time

import torch

from reposer.generators import RECIPES
from reposer.recipes import TruePairsConfig
from reposer.synthetic.people import SyntheticPeople
from reposer.training.loop import set_up, take_step

from .measure import Table

BATCH, REPEATS = 8, 2
TIMED = ("pg2-mini", "patn-mini", "gfla-mini", "rate-net-mini", "drn-mini", "trueflow-mini")


def run(device: torch.device) -> list[Table]:
    torch.set_num_threads(1)
    rows: list[tuple[str | float, ...]] = []
    for name in TIMED:
        for stage, seconds in measured(name, device):
            rows.append((f"{name}, {stage}", seconds, 1000 * seconds / BATCH))
    columns = ("recipe, stage", "processor s a step", "processor ms a picture")
    note = f"128x88 people in batches of {BATCH}, one thread, best of {REPEATS} after one; data already in memory."
    return [Table("A training step of the small recipes", columns, rows, note)]


def measured(name: str, device: torch.device) -> list[tuple[str, float]]:
    """(stage, processor seconds of its quickest step)."""
    recipe = RECIPES[name]()
    torch.manual_seed(recipe.seed)
    generator = recipe.build()
    if isinstance(recipe.data, TruePairsConfig):
        people = recipe.data.open(generator.framing)
    else:
        people = SyntheticPeople((128, 88), "train", BATCH, 0, generator.framing)
    batch = people.collate([people.sample(i, i) for i in range(BATCH)], torch.arange(BATCH)).to(device)
    found = []
    for stage in recipe.stages:
        objective, optimisers = set_up(stage, generator, recipe.seed, device)
        times = []
        for step in range(1 + REPEATS):
            start = time.process_time()
            take_step(objective, optimisers, stage, [(batch, 1.0)], 1.0, recipe.precision, step)
            times.append(time.process_time() - start)
        found.append((stage.name, min(times[1:])))
    return found
