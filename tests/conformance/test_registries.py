"""Over all registries of the package: a new one is tested without editing a test."""

import importlib
import pkgutil

import pytest

import reposer
from reposer.core import BadInput, Registry


def every_registry():
    found = {}
    for module in pkgutil.walk_packages(reposer.__path__, "reposer."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Registry):
                found[id(value)] = value
    return {f"{registry.noun} {n}": registry for n, registry in enumerate(found.values())}


REGISTRIES = every_registry()
everyone = pytest.mark.parametrize("name", REGISTRIES)


def test_there_are_registries():
    assert len(REGISTRIES) > 10


@everyone
def test_a_registry_holds_something_under_words_of_one_line(name):
    registry = REGISTRIES[name]
    assert len(registry) > 0
    for key in registry:
        assert key == key.strip() and key.isprintable() and key


@everyone
def test_an_unknown_name_is_answered_with_the_names_that_there_are(name):
    registry = REGISTRIES[name]
    first = next(iter(registry))
    with pytest.raises(BadInput) as refusal:
        registry[first + "x"]
    assert first in str(refusal.value) and registry.noun in str(refusal.value)


@everyone
def test_a_name_is_given_once(name):
    registry = REGISTRIES[name]
    first = next(iter(registry))
    with pytest.raises(AssertionError, match="registered twice"):
        registry.add(first, registry[first])
