"""Builds the site into build/site, and fails on anything that is not as it should be: ``python scripts/site.py``.

The pages are those of docs/ and the README's neighbours; they are gathered in build/pages, since the site cannot link
to what is not in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

import links
import peers

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build" / "pages"
SITE = ROOT / "build" / "site"
BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Pages that stand beside the README, where people look for them."""
INSTEAD = {"README.md": "index.md"}
"""The page of the site that says the same."""

LINK = re.compile(r"(?<!!)\[([^\]\[]*(?:\[[^\]]*\])?[^\]\[]*)\]\(([^)\s:#]+)(#[^)\s]*)?\)")
QUIET = re.compile(r"\s*(Build started|No issues found|Build finished in .*)?\s*")
"""What is said when all is well. --strict counts what zensical finds, and not what mkdocstrings and griffe say."""


def main() -> int:
    for folder in (PAGES, SITE, ROOT / ".cache"):
        shutil.rmtree(folder, ignore_errors=True)
    gather()
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", configuration()],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    troubles = [line for line in done.stdout.splitlines() if not QUIET.fullmatch(line)]
    if not done.returncode:
        troubles += links.troubles(SITE)
    troubles += peers.troubles(PAGES)
    print(*troubles or ["The site is in build/site."], sep="\n")
    return done.returncode or int(bool(troubles))


def gather() -> None:
    """Copy all pages and pictures to where the site is built from."""
    shutil.copytree(ROOT / "docs", PAGES)
    for name in BESIDE:
        shutil.copy(ROOT / name, PAGES / name)
    for page in PAGES.rglob("*.md"):
        name = page.relative_to(PAGES).as_posix()
        place = name if name in BESIDE else f"docs/{name}"
        page.write_text(within(page.read_text("utf-8"), place), "utf-8")


def within(text: str, place: str) -> str:
    """``text`` of the page at ``place`` of the repository, with its links to files as the site has them."""

    def mended(found: re.Match[str]) -> str:
        shown, target, anchor = found[1], found[2], found[3] or ""
        path = normpath(f"{place}/../{target}")
        inside = INSTEAD.get(path, path if path in BESIDE else path.removeprefix("docs/"))
        if not (PAGES / inside).exists():
            # A source file is on no page. A page that is not there stays a link, which the check finds.
            return found[0] if target.endswith(".md") or not (ROOT / path).exists() else shown
        return f"[{shown}]({relpath(inside, str(Path(place.removeprefix('docs/')).parent))}{anchor})"

    return LINK.sub(mended, text)


def configuration() -> str:
    """The path of the configuration, with the pages in it that ``nav`` does not name."""
    text = (ROOT / "zensical.toml").read_text("utf-8")
    named = set(leaves(tomllib.loads(text)["project"]["nav"]))
    rest = sorted({page.relative_to(PAGES).as_posix() for page in PAGES.rglob("*.md")} - named)
    if not rest:
        return str(ROOT / "zensical.toml")
    print("Under More, since zensical.toml does not name them:", *rest)
    more = '  { "More" = [' + ", ".join(f'"{page}"' for page in rest) + "] },\n]\n\n[project.theme]"
    return write(text.replace("]\n\n[project.theme]", more, 1))


def write(text: str) -> str:
    """Keep a configuration beside the real one, since its paths are seen from there."""
    path = ROOT / ".zensical.toml"
    path.write_text(text, "utf-8")
    return str(path)


def leaves(nav: Any) -> list[str]:
    """The pages of ``nav``."""
    if isinstance(nav, str):
        return [nav]
    items: list[Any] = [*nav.values()] if hasattr(nav, "values") else nav
    return [page for item in items for page in leaves(item)]


if __name__ == "__main__":
    sys.exit(main())
