"""`python -m scripts.documentation [DOCS SITE]`: build the site; exit code 1 if a link is broken or a page loads
something from elsewhere."""

import shutil
import subprocess
import sys
from pathlib import Path

from . import generated
from .links import faults

ROOT = Path(__file__).parents[2]
BESIDE = ("SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
"""Files of the repository's root that are pages, too."""


def main(docs: Path = ROOT / "build/docs", site: Path = ROOT / "build/site") -> int:
    """Gathers the pages in `docs`, builds `site`, and prints what is wrong with it."""
    gather(docs)
    if not built(docs, site):
        return 1
    found = faults(site)
    for fault in found:
        print(fault, file=sys.stderr)
    if not found:
        print(f"The site: {site / 'index.html'}")
    return 1 if found else 0


def gather(docs: Path) -> None:
    """Puts all pages into the folder `docs`, which is made anew."""
    shutil.rmtree(docs, ignore_errors=True)
    shutil.copytree(ROOT / "docs", docs)
    for name in BESIDE:
        text = (ROOT / name).read_text()
        (docs / name).write_text(text.replace("](docs/", "]("))
    for path in docs.rglob("*.md"):
        text = path.read_text()
        up = "../" * (len(path.relative_to(docs).parts) - 1)
        for name in BESIDE:
            text = text.replace(f"]({up}../{name})", f"]({up}{name})")
        path.write_text(generated.filled(text))
    for name, text in generated.pages().items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def built(docs: Path, site: Path) -> bool:
    """Whether zensical, which prints what is wrong, could make the site. Its settings are zensical.toml's, with these
    two folders."""
    shutil.rmtree(site, ignore_errors=True)
    settings = (ROOT / "zensical.toml").read_text()
    for name, folder in (("docs", docs), ("site", site)):
        before = f'{name}_dir = "build/{name}"'
        assert before in settings, before
        settings = settings.replace(before, f'{name}_dir = "{folder.name}"')
    here = docs.parent / f".zensical-{docs.name}.toml"  # folders are relative to the settings' own
    assert site.parent == docs.parent, "both folders lie side by side"
    here.write_text(settings)
    try:
        command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", str(here)]
        return subprocess.run(command, cwd=docs.parent).returncode == 0
    finally:
        here.unlink()


if __name__ == "__main__":
    sys.exit(main(*(Path(argument).resolve() for argument in sys.argv[1:3])))
