"""Over all registries of the package: a new one is tested without editing a test."""

import importlib
import json
import pkgutil
import subprocess
import sys

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


FRESH = """
import gc, importlib, json, os, pkgutil
gc.disable()  # nothing here is garbage
import reposer
from reposer.core import Registry

modules = [m for m in pkgutil.walk_packages(reposer.__path__, "reposer.") if not m.name.endswith("__main__")]

def entries():
    return {f"{r.noun} {name}" for r in gc.get_objects() if isinstance(r, Registry) for name in r}

for module in modules:
    if module.ispkg:
        importlib.import_module(module.name)
entries()  # the first look imports what a registry is filled from
before = entries()
for module in modules:
    importlib.import_module(module.name)
print(json.dumps([sorted(before), sorted(entries() - before)]), flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_whoever_imports_a_package_finds_all_that_its_files_register():
    """In a process of its own: in this one, other tests have imported the files already."""
    said = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True).stdout
    found, missed = json.loads(said.splitlines()[-1])
    assert "released network gfla-fashion-2020" in found and "feature network efficientnet-lite0" in found
    assert missed == []
