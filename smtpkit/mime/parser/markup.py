"""What an HTML body says, and what it would fetch, without showing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["remote_references", "text_of_html"]

_REMOTE = Pattern(r"(?i)(?:https?:)?//[^\s'\"()<>,;]+")
_IN_STYLE = Pattern(r"(?i)(?:url\(\s*['\"]?|@import\s+['\"])\s*((?:https?:)?//[^\s'\"()<>,;]+)")
_FETCHED = ("src", "srcset", "background", "poster", "data", "lowsrc", "dynsrc", "xlink:href")
_BY_HREF = ("link", "image", "use", "base")
_UNSEEN = ("script", "style", "head", "title", "template")
_BLOCKS = ("p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote", "pre", "hr")
_BLANK_LINES = Pattern(r"\n(?:[ \t]*\n){2,}")
_SPACES = Pattern(r"[ \t\r\n\f]+")


def remote_references(html: str) -> tuple[str, ...]:
    """The URLs that a mail program would fetch to show ``html``: images, styles, fonts, frames, but no links."""
    found: dict[str, None] = {}
    for tag, attributes in _tags(html):
        for name, value in attributes:
            if name in _FETCHED or (name == "href" and tag in _BY_HREF):
                found.update(dict.fromkeys(_REMOTE.findall(value)))
            elif name == "style":
                found.update(dict.fromkeys(_IN_STYLE.findall(value)))
    for sheet in _SHEETS.findall(html):
        found.update(dict.fromkeys(_IN_STYLE.findall(sheet)))
    return tuple(found)


_SHEETS = Pattern(r"(?is)<style[^>]*>(.*?)(?:</style|\Z)")


def _tags(html: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    from html.parser import HTMLParser

    found: list[tuple[str, list[tuple[str, str]]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, [(name, value or "") for name, value in attrs]))

    _feed(Reader(), html)
    yield from found


def text_of_html(html: str) -> str:
    """What there is to read in ``html``, one line for each block."""
    from html.parser import HTMLParser

    pieces: list[str] = []
    unseen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in _UNSEEN:
                unseen.append(tag)
            elif tag in _BLOCKS:
                pieces.append("\n")

        def handle_endtag(self, tag: str) -> None:
            if tag in unseen:
                del unseen[unseen.index(tag) :]
            elif tag in _BLOCKS:
                pieces.append("\n")

        def handle_data(self, data: str) -> None:
            if not unseen:
                pieces.append(_SPACES.sub(" ", data))

    _feed(Reader(), html)
    lines = [line.strip() for line in "".join(pieces).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def _feed(reader: object, html: str) -> None:
    from html.parser import HTMLParser

    assert isinstance(reader, HTMLParser)
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:
        # What it takes for a broken declaration ends it, in older versions; what came before was read.
        return
