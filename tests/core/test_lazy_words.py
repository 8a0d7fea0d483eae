"""`reposer.core` imports each word when it is asked for; type checkers read the stub."""

import ast
from pathlib import Path

import reposer.core


def test_the_stub_of_core_names_what_core_gives():
    stub = Path(reposer.core.__file__).with_suffix(".pyi")
    named = {
        (alias.asname, node.module)
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert named == set(reposer.core._HOMES.items())
    assert all(getattr(reposer.core, name).__name__ == name for name in named_classes())


def named_classes():
    return [name for name in reposer.core.__all__ if name != "SKELETONS"]
