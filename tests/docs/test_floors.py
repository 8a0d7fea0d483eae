"""CONTRIBUTING's floors are those of the import contract."""

import re
import tomllib

from .documents import ROOT


def test_contributing_shows_the_floors_that_the_contract_holds():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    held = {
        number: {name.strip().removeprefix("reposer.") for name in layer.split("|")}
        for number, layer in enumerate(reversed(layers))
    }
    shown = {}
    for line in re.findall(r"^ ?\d+  .*$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE):
        number, names = re.fullmatch(r" ?(\d+)  ((?:\w+(?:/|\.py) +)+).*", line).groups()
        shown.setdefault(int(number), set()).update(re.findall(r"\w+(?=/|\.py)", names))
    assert shown == held


def test_every_module_and_folder_of_the_package_has_a_floor():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = {name.strip().removeprefix("reposer.") for layer in layers for name in layer.split("|")}
    package = ROOT / "src" / "reposer"
    there = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert there - {"__init__", "__main__"} == named
