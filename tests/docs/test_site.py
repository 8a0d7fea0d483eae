"""The site is built, its links lead somewhere, and it loads nothing from elsewhere."""

import re
from functools import cache

import pytest

from reposer.cli import COMMANDS
from reposer.evaluation import PROTOCOLS
from reposer.generators import GENERATORS, RECIPES
from reposer.leaderboard import mini
from reposer.metrics import METRICS
from reposer.synthetic.objects import KINDS
from scripts.documentation.__main__ import ROOT, built, gather
from scripts.documentation.generated import LEFT_OUT, MODULES
from scripts.documentation.generated import pages as all_pages
from scripts.documentation.links import faults

pytest.importorskip("zensical", reason="the site is built by zensical, of the extra dev")


pages = cache(all_pages)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documentation")
    gather(folder / "docs")
    assert built(folder / "docs", folder / "site")
    return folder / "site"


@pytest.mark.slow
def test_no_link_is_broken_and_nothing_is_loaded_from_elsewhere(site):
    assert faults(site) == []


@pytest.mark.slow
def test_it_has_a_page_for_every_document_and_an_entry_for_every_command_and_recipe(site):
    for path in (ROOT / "docs").rglob("*.md"):
        assert (site / path.relative_to(ROOT / "docs")).with_suffix(".html").is_file()
    commands, recipes = ((site / name).read_text() for name in ("commands.html", "recipes.html"))
    assert all(f'id="reposer-{name}"' in commands for name in COMMANDS)
    assert all(f'id="recipe-{name}"' in recipes for name in RECIPES)
    families = "".join(path.read_text() for path in (ROOT / "docs/families").glob("*.md"))
    assert all(f"<!-- config: {name} -->" in families for name in GENERATORS if name != "copy-source")


def test_each_part_of_the_package_has_a_page_of_python_or_a_reason_for_none():
    folder = ROOT / "src/reposer"
    parts = {
        path.stem for path in folder.iterdir() if not path.name.startswith(("_", ".")) and path.suffix in ("", ".py")
    }
    paged = {name.split(".")[1] for name in MODULES if "." in name}
    assert parts == paged | LEFT_OUT.keys() and not paged & LEFT_OUT.keys()
    assert all(len(why.split()) > 2 for why in LEFT_OUT.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_a_page_of_python_offers_something_and_says_what_the_module_is(name):
    page = pages()[f"api/{name}.md"]
    assert page.count("\n## ") >= 1, "no public name"
    assert len(page.partition("\n## ")[0].split()) > 4, "no docstring"


FAMILIES = sorted(path for path in (ROOT / "docs/families").glob("*.md") if path.stem != "index")


@pytest.mark.parametrize("path", FAMILIES, ids=lambda path: path.stem)
def test_the_page_of_a_family_has_its_paper_figure_differences_results_and_config(path):
    text = path.read_text()
    head, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    found = {section.partition("\n")[0].split(":")[0].replace("they", "it"): section for section in sections}
    assert {"The figure, in words", "Paper and code", "What it reached here", "Config", "Recipes"} <= found.keys()
    assert path.stem == "trueflow" or re.search(r"\w+ et al\. 20\d\d[ \w]*, arXiv:\d{4}\.\d{5}", head), "the paper"
    assert "```" in found["The figure, in words"] and "|---|" in found["Paper and code"]
    assert len(re.findall(r"\d\.\d{2,}", found["What it reached here"])) >= 3, "numbers"
    assert "<!-- config: " in text and "<!-- recipes: " in found["Recipes"]


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="nowhere.html">', "there is no such file"),
        ('<a href="index.html#nowhere">', "no place called nowhere"),
        ('<script src="//cdn.example/x.js">', "from another host"),
        ('<link rel="stylesheet" href="https://fonts.example/x.css">', "from another host"),
        ('<p style="background: url(https://cdn.example/x.png)">', "from another host"),
        ('<img srcset="https://cdn.example/x.png 2x">', "from another host"),
    ],
)
def test_a_broken_link_and_a_file_from_elsewhere_are_faults(html, fault, tmp_path):
    (tmp_path / "index.html").write_text(html)
    assert [fault in found for found in faults(tmp_path)] == [True]


def test_links_within_a_site_and_to_other_sites_are_no_faults(tmp_path):
    (tmp_path / "index.html").write_text('<h1 id="top"><a href="#top"><a href="sub/"><a href="https://example.org">')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/index.html").write_text(
        '<a href="../index.html#top"><link rel="canonical" href="https://example.org">'
    )
    assert faults(tmp_path) == []


def test_numbers_of_things_in_the_readme_are_those_of_the_registries():
    said = (ROOT / "README.md").read_text()
    assert f"{len(PROTOCOLS)} protocols" in said
    forms = [name for name in METRICS if name.startswith("ssim-") and "-masked-" not in name]
    assert len(forms) == 7 and "seven forms of SSIM" in said
    assert set(KINDS) == {"chairs", "cars"} and "Chairs and cars on a turntable" in said
    assert set(mini().systems) == {"PG2", "PATN", "RATE-Net", "DRN", "GFLA", "TrueFlow"}
    assert "scores them, GFLA and TrueFlow alike" in said
