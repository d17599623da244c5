"""Reads the HTML of a site: links that lead nowhere, and what would be loaded from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["troubles"]

LOADS = {"audio", "embed", "iframe", "img", "input", "object", "script", "source", "track", "video"}
FROM_ELSEWHERE = re.compile(r"""(?:url\(|@import)\s*['"]?(?:https?:)?//[^)'"]+""")


class Page(HTMLParser):
    """What a page links to and loads, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors = {"", "__top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        if tag in LOADS and "src" in given:
            self.loads.append(given["src"])
        elif tag == "object" and "data" in given:
            self.loads.append(given["data"])
        elif tag == "link" and given.get("rel") not in ("canonical", "next", "prev", "edit"):
            self.loads.append(given.get("href", ""))
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])


def troubles(site: Path) -> list[str]:
    """A line for each link within ``site`` that leads nowhere, and for each resource that is not in it."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    found: list[str] = []
    for path, page in pages.items():
        shown = path.relative_to(site)
        found += [f"{shown}: loads {each} from elsewhere" for each in page.loads if elsewhere(each)]
        inside = [each for each in page.links + page.loads if not elsewhere(each) and not each.startswith("data:")]
        found += [f"{shown}: {each} leads nowhere" for each in inside if not leads(each, path, site, pages)]
    for path in sorted(site.rglob("*.css")):
        for each in FROM_ELSEWHERE.findall(path.read_text("utf-8")):
            found.append(f"{path.relative_to(site)}: loads {each} from elsewhere")
    return found


def elsewhere(link: str) -> bool:
    """Whether it is not in this site."""
    parts = urlsplit(link)
    return parts.scheme != "data" and bool(parts.scheme or parts.netloc)


def leads(link: str, path: Path, site: Path, pages: dict[Path, Page]) -> bool:
    """Whether there is a file, and in it the place."""
    parts = urlsplit(link)
    named = unquote(parts.path)
    # The page for what is not found is shown anywhere, so that its links begin at the root.
    target = site / named.lstrip("/") if named.startswith("/") else path.parent / named if named else path
    target = target.resolve()
    if target.is_dir():
        target /= "index.html"
    if target not in pages:
        return target.is_file()
    return unquote(parts.fragment) in pages[target].anchors
