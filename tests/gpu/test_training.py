"""Tiny runs on the device: they finish in bfloat16, resume, and what they leave works on the CPU."""

import json
from dataclasses import replace

import pytest
import torch

from reposer.cli.train import picture_writer
from reposer.core import Batch
from reposer.generators import RECIPES, load
from reposer.nn.features import feature_network
from reposer.probes import PROBE_RECIPES
from reposer.probes.encoder import ship
from reposer.training import train
from reposer.training.loop import take_step
from tests.batches import batches
from tests.training.test_loop import double

everyone = pytest.mark.parametrize("name", list(RECIPES))


def losses(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    "name", ["gfla-mini", "gfla-animation-mini", "gfla-face-mini", "gfla-views-mini", "appearance-flow-mini"]
)
def test_a_run_in_bfloat16_is_stopped_at_every_step_resumes_and_finishes(name, device, tmp_path):
    recipe = replace(RECIPES[name]().tiny(), precision="bf16")
    write = picture_writer(recipe)
    for step in range(1, recipe.steps + 1):
        outcome = train(recipe, tmp_path, write_pictures=write, progress=False, max_minutes=0.0)
        assert (outcome.step, outcome.finished) == (step, step == recipe.steps)
        assert all(p.device.type == device.type for p in outcome.generator.parameters())
    lines = losses(tmp_path)
    assert [line["step"] for line in lines] == list(range(1, recipe.steps + 1))
    values = [v for line in lines for v in line.values() if isinstance(v, float)]
    assert torch.tensor(values).isfinite().all()
    sheets = [f"{step:08d}.png" for step in range(2, recipe.steps + 1, 2)]
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == sheets
    loaded = load(tmp_path / "generator.safetensors")
    for name, tensor in outcome.generator.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.cpu()), name
    people = recipe.data.open(loaded.framing)
    batch = Batch.stack([people[0]])
    assert loaded.generate(batch.source, batch.source_pose, batch.target_pose).isfinite().all()


def test_a_resumed_run_takes_up_exactly_what_was_saved(device, tmp_path):
    recipe = RECIPES["gfla-mini"]().tiny()
    train(recipe, tmp_path, progress=False, max_minutes=0.0)
    before = torch.load(tmp_path / "state.pt", weights_only=True)
    assert before["step"] == 1
    outcome = train(recipe, tmp_path, progress=False)
    after = torch.load(tmp_path / "state.pt", weights_only=True)
    assert outcome.finished and after["step"] == recipe.steps
    moved = 2 * recipe.steps * max(o.learning_rate for s in recipe.stages for o in s.optimisers.values())
    for name, tensor in before["networks"]["generator"].items():  # a step of Adam is about its learning rate
        assert (after["networks"]["generator"][name] - tensor).abs().max() <= moved, name


@everyone
def test_the_first_losses_are_those_of_the_cpu(name, device):
    recipe = RECIPES[name]().tiny()
    first = {}
    for place in ("cpu", device):
        generator = recipe.build().double()  # norms over two pixels would amplify rounding
        batch = next(batches(recipe.data.open(generator.framing), seed=0, batch_size=2, first_step=0, last_step=1))
        for stage in recipe.stages:
            torch.manual_seed(0)
            objective = stage.objective.build(generator).double().to(place).train()
            optimisers = {n: stage.optimisers[n].build(p) for n, p in objective.players.items()}
            parts = [(double(batch).to(place), 1.0)]
            terms = take_step(objective, optimisers, stage, parts, 0.0, "fp32", 0)  # nothing moves
            first[str(place), stage.name] = terms
    for stage in recipe.stages:
        assert first[str(device), stage.name] == pytest.approx(first["cpu", stage.name], rel=1e-6, abs=1e-9)


def test_the_people_encoder_is_trained_on_the_device_and_shipped_for_the_cpu(device, tmp_path):
    recipe = replace(PROBE_RECIPES["people-encoder"]().tiny(), precision="bf16")
    reader = train(recipe, tmp_path, progress=False).generator
    assert next(reader.parameters()).device.type == device.type
    people = recipe.data.open(reader.framing)
    ship(reader, people, tmp_path / "people-encoder.safetensors", {})
    network = feature_network("people-encoder", weights=tmp_path / "people-encoder.safetensors")
    for features in network(people.plain(0).picture, network.layers).values():
        assert features.isfinite().all()
