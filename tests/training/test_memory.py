"""What a run will need, from the sizes of its tensors."""

from dataclasses import replace

import pytest

from reposer.cli.trainable import trainable
from reposer.core import BadInput
from reposer.generators import RECIPES
from reposer.nn.features import shapes_alone
from reposer.training import memory
from reposer.training.dry_run import try_out
from reposer.training.memory import RunMemory
from tests.conformance.alike import one_of_each, tiny


def step(need):
    return need.parts["a step"]


STILL = {name: build for name, build in trainable().items() if "clip" not in type(build().data).__name__.lower()}


@pytest.mark.slow
@one_of_each(STILL)
def test_the_steps_of_every_recipe_can_be_counted(name):
    need = RunMemory(tiny(trainable()[name]())).need()
    assert need.parts["networks and optimisers"] > 0 and step(need) > 0


@pytest.mark.nightly  # thousands of operators
@pytest.mark.parametrize("name", sorted(trainable().keys() - STILL.keys()))
def test_the_steps_of_clips_can_be_counted(name):
    assert step(RunMemory(tiny(trainable()[name]())).need()) > 0


@pytest.fixture(scope="module")
def run():
    return replace(RECIPES["gfla-fashion-2020-baseline"]().tiny(), batch_size=8, workers=3)


@pytest.fixture(scope="module")
def counted(run):
    return RunMemory(run)


@pytest.fixture(scope="module")
def needs(counted):
    return {parts: counted.need(parts, 0) for parts in (1, 2, 8)}


@pytest.mark.slow
def test_more_pictures_need_more_in_proportion_and_parts_need_less(run, needs):
    few, many = (step(RunMemory(replace(run, batch_size=b)).need(workers=0)) for b in (4, 12))
    assert step(needs[1]) - few == pytest.approx((many - few) / 2, rel=0.02)
    assert needs[1].memory > needs[2].memory > needs[8].memory
    assert needs[1].parts["networks and optimisers"] == needs[8].parts["networks and optimisers"]


@pytest.mark.slow
def test_the_disk_is_what_a_dry_run_says(run, needs, tmp_path):
    assert needs[1].disk == pytest.approx(try_out(replace(run, batch_size=2, workers=0), tmp_path).disk, rel=0.02)


def test_under_a_ceiling_a_run_has_the_fewest_parts_and_the_most_workers_that_fit(run, counted, needs):
    def within(most):
        return counted.within(memory.MARGIN * most)

    kept, need = within(needs[1].memory + 3 * memory.WORKER + 1)
    assert (kept, need.changed) == (run, ()) and need.memory == pytest.approx(needs[1].memory + 3 * memory.WORKER)
    kept, need = within(needs[1].memory + 1.5 * memory.WORKER)
    assert kept == replace(run, workers=1) and need.changed == ("--workers 1 instead of 3",)
    kept, need = within(needs[2].memory + 1)
    assert kept == replace(run, accumulation=2, workers=0) and need.memory == pytest.approx(needs[2].memory)
    assert kept.batch_size == run.batch_size


def test_a_choice_for_a_ceiling_leaves_a_margin_and_counts_each_division_once(run, monkeypatch):
    counted = []

    def count(recipe, stage, number, dataset):
        counted.append((recipe.accumulation, number))
        return 0.0, 1e9 / recipe.accumulation, 0.0

    monkeypatch.setattr(memory, "_of_stage", count)
    chosen, need = RunMemory(run).within(1.05e9)
    assert chosen.accumulation == 3 and need.memory <= 1.05e9 / memory.MARGIN  # two parts would need 1,025 MB
    assert len(counted) == len(set(counted))


def test_networks_of_losses_are_counted_without_their_files(tmp_path, monkeypatch):
    for place in ("REPOSER_WEIGHTS_DIR", "TORCH_HOME"):
        monkeypatch.setenv(place, str(tmp_path))
    own = tiny(trainable()["patn-mini"]())
    (stage,) = own.stages
    vgg = replace(own, stages=(replace(stage, objective=replace(stage.objective, features="vgg19", layers=())),))
    with pytest.raises(BadInput, match="There is no vgg19"):
        RunMemory(vgg).need()
    with shapes_alone():
        more = RunMemory(vgg).need().parts["networks and optimisers"]
    assert more - RunMemory(own).need().parts["networks and optimisers"] == pytest.approx(4 * 20.02e6 - 1.9e6, rel=0.01)


def test_what_fits_in_no_way_is_refused_with_what_would(counted, needs):
    with pytest.raises(BadInput, match=r"--accumulation 8 --workers 0.*Give at least --max-memory \d+M") as refused:
        counted.within(memory.MARGIN * needs[8].memory - 2)
    wanted = float(str(refused.value).split("--max-memory ")[-1].split("M,")[0])
    assert counted.within(1e6 * wanted)[0].accumulation == 8


@pytest.mark.slow
def test_what_is_chosen_needs_what_it_is_said_to_need_with_rendered_people_too():
    run = RunMemory(replace(RECIPES["trueflow-mini"](), workers=4))
    whole, alone = run.need(workers=4).memory, run.need(workers=0).memory
    for most in (1.2 * whole, (whole + alone) / 2 * memory.MARGIN):
        recipe, need = run.within(most)
        assert need.memory == run.need(recipe.accumulation, recipe.workers).memory <= most / memory.MARGIN
    assert recipe.workers < 4
