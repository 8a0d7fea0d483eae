"""Advice to install something is advice that works."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import reposer.core.extras
from reposer.core.extras import install, requirements

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - {"dev"}))
def test_the_advice_names_what_pyproject_names(extra):
    if not requirements(extra):
        pytest.skip("Reposer is not installed here")
    assert [_plain(found) for found in requirements(extra)] == [_plain(wanted) for wanted in EXTRAS[extra]]
    assert all(name in install(extra) for name in requirements(extra))


def test_no_message_advises_a_distribution_that_no_index_has():
    for path in (*ROOT.glob("src/**/*.py"), *ROOT.glob("docs/*.md"), ROOT / "README.md"):
        assert not re.search(r"pip install '?\"?reposer(?!-[0-9])", path.read_text(encoding="utf-8")), path


def test_a_folder_that_was_never_installed_advises_the_clone(monkeypatch):
    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(reposer.core.extras, "requires", nothing)
    assert install("views") == "pip install -e '.[views]' in a clone of Reposer"


def _plain(requirement):
    name, *bounds = re.split(r"(?=[<>=!~])", requirement.replace(" ", ""), maxsplit=1)
    return name, sorted("".join(bounds).split(","))
