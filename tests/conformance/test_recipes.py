"""Over the registry of recipes, each at its tiny size: a new recipe is tested without editing a test."""

import copy
import dataclasses
import itertools
import json

import pytest
import torch

from reposer.cli.train import parse
from reposer.core import Batch
from reposer.core.configs import to_plain
from reposer.generators import RECIPES, load
from reposer.probes import PROBE_RECIPES
from reposer.training import train
from tests.batches import batches
from tests.conformance.alike import AS_FACES, OF_CLIPS, one_of_each, tiny
from tests.rendered import opened_once
from tests.training.test_resume import assert_same, final_state

EVERY_RECIPE = {**RECIPES, **PROBE_RECIPES}
everyone = pytest.mark.parametrize("name", list(EVERY_RECIPE))
one_of_each_machinery = one_of_each(EVERY_RECIPE, but=AS_FACES)
KINDS_OF_DATA = {type(build().data) for build in EVERY_RECIPE.values()}


@pytest.fixture(autouse=True)
def rendered_once(monkeypatch):
    for kind in KINDS_OF_DATA:
        opened_once(kind, monkeypatch)


@pytest.mark.slow
@one_of_each_machinery
def test_a_resumed_run_equals_an_unbroken_one_and_leaves_the_averaged_generator(name, tmp_path):
    resumed_equals_unbroken(tiny(EVERY_RECIPE[name]()), tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", OF_CLIPS)
def test_a_resumed_run_with_two_updates_a_step_equals_an_unbroken_one(name, tmp_path):
    resumed_equals_unbroken(tiny(RECIPES[name](), updates=2), tmp_path)


def resumed_equals_unbroken(recipe, tmp_path):
    unbroken = train(recipe, tmp_path / "unbroken", progress=False)
    assert unbroken.finished
    for end in itertools.accumulate(stage.steps for stage in recipe.stages):
        if end > 1:  # within each stage; what is between two of them is broken in test_resume.py
            assert not train(recipe, tmp_path / "broken", progress=False, until_step=end - 1).finished
    assert train(recipe, tmp_path / "broken", progress=False).finished
    assert_same(final_state(tmp_path / "unbroken"), final_state(tmp_path / "broken"))
    if recipe.name in RECIPES:
        loaded = load(str(tmp_path / "unbroken" / "generator.safetensors"))
        batch = Batch.stack([recipe.data.open(loaded.framing)[0]])
        arguments = (batch.source, batch.source_pose, batch.target_pose)
        assert torch.equal(loaded.generate(*arguments), unbroken.generator.generate(*arguments))


def first_batch(recipe, generator):
    """The two rows that a run begins with."""
    dataset = recipe.data.open(generator.framing)
    return next(batches(dataset, seed=recipe.seed, batch_size=2, first_step=0, last_step=1))


@pytest.mark.slow
@one_of_each_machinery
def test_every_parameter_gets_a_gradient_in_some_stage_and_each_players_turn_leaves_the_other_networks_alone(name):
    recipe = EVERY_RECIPE[name]().tiny()
    generator = recipe.build()
    with torch.no_grad():  # flow heads start near zero, where two clamped neighbours may coincide
        for parameter in generator.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    batch = first_batch(recipe, generator)
    touched = set()
    for stage in recipe.stages:
        objective = stage.objective.build(generator).train()
        players = dict(objective.players)
        for turn in objective.steps(batch):
            objective.zero_grad(set_to_none=True)
            generator.zero_grad(set_to_none=True)
            turn.total().backward()
            touched |= {n for n, p in generator.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
            for other in players.keys() - set(turn.players):
                mine = {id(p) for player in turn.players for p in players[player].parameters()}
                strangers = [p for p in players[other].parameters() if id(p) not in mine]
                assert all(p.grad is None for p in strangers), f"{turn.players} reached {other}"
    untouched = {n for n, _ in generator.named_parameters()} - touched
    kept = getattr(recipe, "kept", ())
    if kept:
        trained = {id(p) for player in objective.players.values() for p in player.parameters()}
        assert not [n for n, p in generator.named_parameters() if n.startswith(kept) and id(p) in trained]
    unread = (*getattr(generator, "unread", ()), *kept)
    # A bias before an instance norm is subtracted again: its gradient is rounding noise, which may be exactly zero.
    assert {n for n in untouched if not n.endswith("bias") and not n.startswith(unread)} == set()


@everyone
def test_players_are_disjoint_and_each_has_an_optimiser(name):
    recipe = EVERY_RECIPE[name]().tiny()
    for stage in recipe.stages:
        objective = stage.objective.build(copy.deepcopy(recipe.build()))
        owned = [id(p) for player in objective.players.values() for p in player.parameters()]
        assert len(owned) == len(set(owned))
        assert set(stage.optimisers) == set(objective.players)


@everyone
def test_every_value_of_a_recipe_is_a_flag_and_a_receipt_can_be_written(name):
    recipe = EVERY_RECIPE[name]()
    data = ("--data", "somewhere") if name in RECIPES else ()
    _, changed = parse(recipe, ["--batch-size", "16", "--stages.0.steps", "7", "--seed", "5", *data])
    assert not data or changed.data.root == "somewhere"
    assert (changed.batch_size, changed.stages[0].steps, changed.seed) == (16, 7, 5)
    assert dataclasses.replace(changed, model=recipe.model).stages[1:] == recipe.stages[1:]
    assert json.loads(json.dumps(to_plain(changed)))["batch_size"] == 16
    assert parse(recipe, [])[1] == recipe
