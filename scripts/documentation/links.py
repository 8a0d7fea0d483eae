"""Checks of a built site: links lead somewhere, and nothing is loaded from another host."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"src", "srcset", "poster", "data"}
"""Attributes whose files a browser loads by itself; so is `href` of a <link>."""
LINKS_THAT_LOAD_NOTHING = {"canonical", "alternate", "next", "prev", "author", "license"}
STYLE = re.compile(r"(?:url\(\s*|@import\s+)['\"]?((?:https?:)?//[^)'\"\s;]+)")


@dataclass
class Page(HTMLParser):
    """The names that a page can be entered at, what it links to, and what it loads."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attributes if value}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and "href" in found and found.get("rel") not in LINKS_THAT_LOAD_NOTHING:
            self.loads.append(found["href"])
        for name in LOADED & found.keys():
            self.loads += [part.split()[0] for part in found[name].split(",")] if name == "srcset" else [found[name]]
        self.loads += STYLE.findall(found.get("style", ""))


def faults(site: Path) -> list[str]:
    """A sentence for each broken link and each file that would be loaded from another host."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site} has no pages."]
    for path, page in pages.items():
        name = path.relative_to(site)
        found += [f"{name} loads {url} from another host." for url in page.loads if _outside(url)]
        for url in [*page.links, *page.loads]:
            if not _outside(url) and (why := _broken(url, path, site, pages)) is not None:
                found.append(f"{name} links to {url}: {why}.")
    for path in sorted(site.rglob("*.css")):
        urls = STYLE.findall(path.read_text(errors="replace"))
        found += [f"{path.relative_to(site)} loads {url} from another host." for url in urls]
    return found


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text())
    return page


def _outside(url: str) -> bool:
    return url.startswith("//") or urlsplit(url).scheme in ("http", "https")


def _broken(url: str, page: Path, site: Path, pages: dict[Path, Page]) -> str | None:
    """Why a link inside the site leads nowhere; None if it leads somewhere."""
    parts = urlsplit(url)
    if parts.scheme:
        return None if parts.scheme in ("mailto", "data", "javascript") else f"the scheme {parts.scheme} is unknown"
    beside = site if parts.path.startswith("/") else page.parent
    target = (beside / unquote(parts.path).lstrip("/")).resolve() if parts.path not in ("", ".") else page
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return "there is no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"the page has no place called {anchor}"
    return None
