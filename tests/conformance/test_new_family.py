"""A family is one new file: `new_family.py` beside this one, of which nothing else in the repository knows."""

import importlib
import json
import sys
from dataclasses import replace

import pytest
import torch

from reposer.cli import main
from reposer.cli.train import parse
from reposer.core import BadInput, View
from reposer.generators import GENERATORS, RECIPES, load
from reposer.recipes import DataConfig
from reposer.training import train
from tests.arguments import inputs
from tests.conformance import test_generators, test_recipes


@pytest.fixture(autouse=True)
def registered():
    """The file is imported, as the folder's scan would, and forgotten afterwards."""
    yield importlib.import_module("tests.conformance.new_family")
    del (sys.modules["tests.conformance.new_family"], GENERATORS._entries["conv"], RECIPES._entries["conv-mini"])


def asked(module, name, tmp_path, of):
    """Runs a conformance test, which is over a registry, with one name of it."""
    test = getattr(module, name)
    test(of, **({"tmp_path": tmp_path} if "tmp_path" in test.__code__.co_varnames else {}))


@pytest.mark.parametrize("name", [n for n in vars(test_generators) if n.startswith("test_")])
def test_it_is_a_generator_as_all_others_are(name, tmp_path):
    asked(test_generators, name, tmp_path, "conv")


@pytest.mark.parametrize("name", [n for n in vars(test_recipes) if n.startswith("test_")])
def test_its_recipe_is_one_as_all_others_are(name, tmp_path, monkeypatch):
    monkeypatch.setitem(test_recipes.EVERY_RECIPE, "conv-mini", RECIPES["conv-mini"])
    asked(test_recipes, name, tmp_path, "conv-mini")


def test_it_trains_and_exports_a_header_that_loads(tmp_path):
    recipe = replace(RECIPES["conv-mini"](), batch_size=1, data=DataConfig(num_pairs=2))
    outcome = train(recipe, tmp_path / "run", progress=False)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert outcome.finished and lines[-1]["step"] == 10
    loaded = load(tmp_path / "run" / "generator.safetensors")
    assert type(loaded).__name__ == "Conv" and loaded.config == recipe.model
    arguments = inputs(loaded)
    assert torch.equal(loaded.generate(*arguments), outcome.generator.generate(*arguments))


def test_its_recipe_is_listed_and_its_values_are_flags(capsys):
    assert main(["recipes"]) == 0 and "conv-mini" in capsys.readouterr().out
    changed = parse(RECIPES["conv-mini"](), ["--model.framing.size", "32", "16", "--stages.0.steps", "3"])[1]
    assert changed.model.framing.size == (32, 16) and changed.stages[0].steps == 3


def test_it_refuses_wrong_input_without_a_line_of_its_own():
    generator = GENERATORS["conv"]().tiny().build()
    source, own, target = inputs(generator)
    with pytest.raises(BadInput, match=r"Conv needs poses of the skeleton openpose18 .* \(128, 64\)"):
        generator.generate(torch.zeros(3, 3, 128, 64), own, target)
    with pytest.raises(BadInput, match="Conv needs a Pose, not a View"):
        generator.explain(source, own, View(torch.zeros(3), torch.zeros(3)))


def test_modes_are_as_they_were_after_a_picture():
    generator = GENERATORS["conv"]().tiny().build()
    generator.conv.eval()
    generator.generate(*inputs(generator))
    assert generator.training and not generator.conv.training
