"""The recipes of `reposer train` and `reposer recipes`."""

from collections.abc import Callable

from reposer.core import Registry
from reposer.generators import RECIPES
from reposer.probes import PROBE_RECIPES
from reposer.training import Recipe


def trainable() -> Registry[Callable[[], Recipe]]:
    """The recipes of generators, then those of probes."""
    both: Registry[Callable[[], Recipe]] = Registry("recipe")
    for registry in (RECIPES, PROBE_RECIPES):
        for name, build in registry.items():
            both.add(name, build)
    return both
