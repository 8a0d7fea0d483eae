"""`reposer recipes` for people, at any width, and for programs."""

import json

import pytest

from reposer.cli import main
from reposer.generators import RECIPES
from reposer.probes import PROBE_RECIPES


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_word_is_broken_or_lost(width, capsys, monkeypatch):
    assert main(["recipes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["recipes"]) == 0
    said = capsys.readouterr().out
    words = [word for recipe in told for word in (recipe["name"], *recipe["about"].split())]
    shown = iter(said.split())
    assert all(word in shown for word in words)
    assert max(map(len, said.splitlines())) <= width


def test_json_names_every_recipe_in_plain_values(capsys):
    assert main(["recipes", "--json"]) == 0
    told = {recipe.pop("name"): recipe for recipe in json.loads(capsys.readouterr().out)}
    assert set(told) == set(RECIPES) | set(PROBE_RECIPES)
    assert told["gfla-mini"]["size"] == [128, 96] and told["gfla-mini"]["features"] == ["people-encoder"]
    for recipe in told.values():
        assert recipe["steps"] > 0 and recipe["batch_size"] > 0 and recipe["about"].endswith(".")


@pytest.mark.parametrize("command", [["models"], ["data", "list"]])
def test_lists_at_eighty_columns_lose_nothing(command, capsys, monkeypatch):
    def words():
        assert main(command) == 0
        return capsys.readouterr().out.split()

    monkeypatch.setenv("COLUMNS", "400")
    wide = sorted(words())
    monkeypatch.setenv("COLUMNS", "80")
    assert sorted(words()) == wide
