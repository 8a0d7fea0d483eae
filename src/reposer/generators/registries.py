"""The registry of families, apart from the package's `__init__` so that a family's file can fill it."""

from typing import Any

from reposer.core import Registry

GENERATORS: Registry[Any] = Registry("generator family", "reposer.generators", package="reposer.generators")
