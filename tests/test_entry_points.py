"""Other packages add to the registries through entry points, and CONTRIBUTING names every group that is read."""

import re
import sys
from pathlib import Path

from reposer.core import Registry

ROOT = Path(__file__).parents[1]
BASKET: Registry[str] = Registry("fruit")
SHELF: Registry[str] = Registry("fruit", "reposer.test_fruits")


def test_a_package_that_names_an_entry_point_is_asked_on_the_first_look(tmp_path, monkeypatch):
    about = tmp_path / "orchard-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: orchard\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[reposer.test_fruits]\norchard = orchard\n")
    module = "from tests.test_entry_points import SHELF\nSHELF.add('plum', 'blue')\n"
    (tmp_path / "orchard.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    assert "orchard" not in sys.modules
    SHELF.add("apple", "red")
    assert "orchard" not in sys.modules
    assert dict(SHELF) == {"apple": "red", "plum": "blue"}


def test_contributing_names_every_group_that_is_read_and_no_other():
    read = set()
    for path in (ROOT / "src").rglob("*.py"):
        read |= set(re.findall(r'Registry\(\s*"[^"]+", "(reposer\.\w+)"', path.read_text()))
    named = re.findall(r"^\| `(reposer\.\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert len(named) == len(set(named)) and set(named) == read


def test_a_package_fills_a_registry_on_the_first_look_and_a_module_that_bears_the_entry_s_name_alone(
    tmp_path, monkeypatch
):
    for name, entry in {"sour_cherry": "sour-cherry", "stones": "peach", "inner/melon": "melon"}.items():
        path = tmp_path / "orchard_of_modules" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(f"from tests.test_entry_points import BASKET\nBASKET.add('{entry}', '{name}')\n")
    (tmp_path / "orchard_of_modules" / "__main__.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    BASKET.fill_from("orchard_of_modules")
    BASKET.add("fig", "green")
    assert "sour-cherry" in BASKET and BASKET["sour-cherry"] == "sour_cherry"
    assert "orchard_of_modules.stones" not in sys.modules
    assert list(BASKET) == ["melon", "peach", "fig", "sour-cherry"]
