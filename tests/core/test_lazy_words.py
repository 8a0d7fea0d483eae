"""`core`, `data` and `training` import each word when it is asked for; type checkers read the stub."""

import ast
from pathlib import Path

import pytest

import reposer.core
import reposer.data
import reposer.training


@pytest.mark.parametrize("package", [reposer.core, reposer.data, reposer.training])
def test_the_stub_names_what_a_package_gives(package):
    stub = Path(package.__file__).with_suffix(".pyi")
    named = {
        (alias.asname, node.module)
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert named == set(package._HOMES.items())
    things = [name for name in package.__all__ if not name.isupper()]
    assert all(getattr(package, name).__name__ == name for name in things)
