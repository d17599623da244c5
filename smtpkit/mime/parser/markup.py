"""What an HTML body says, and what it would fetch, without showing it.

It is read in time that grows with its length alone, whatever it is. That of ``html.parser`` grew with the square of it
before Python 3.13.6: then 100 kB of ``<a`` took two minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["remote_references", "text_of_html"]

# Nothing is tried twice: what has no end reaches to the end of all.
_ATTRIBUTES = r"""((?:[^"'>]++|"[^"]*+"?|'[^']*+'?)*+)>?"""
_TOKENS = Pattern(
    r"(?is)<!--.*?(?:-->|\Z)"
    rf"|<(?P<raw>style|script|title|textarea|xmp)(?=[\s/>]){_ATTRIBUTES}(.*?)(?:</(?P=raw)(?=[\s/>])[^>]*+>?|\Z)"
    rf"|<(/?[a-z][^\s/>]*+){_ATTRIBUTES}"
    r"|<[!?/][^>]*+>?"
    r"|([^<]++|<)"
)
_ATTRIBUTE = Pattern(r"""([^\s"'>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s>]*+)))?""")
_REMOTE = Pattern(r"(?i)(?:https?:)?//[^\s'\"()<>,;]+")
_IN_STYLE = Pattern(r"(?i)(?:url\(\s*+['\"]?+|@import\s++['\"])\s*+((?:https?:)?//[^\s'\"()<>,;]+)")
_FETCHED = ("src", "srcset", "background", "poster", "data", "lowsrc", "dynsrc", "xlink:href")
_BY_HREF = ("link", "image", "use", "base")
_UNSEEN = ("head", "template")
_BLOCKS = ("p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote", "pre", "hr")
_BLANK_LINES = Pattern(r"\n(?:[ \t]*\n){2,}")
_SPACES = Pattern(r"[ \t\r\n\f]+")


_Groups: TypeAlias = "list[tuple[str, ...]]"


class _Token(NamedTuple):
    tag: str
    """In lower case, with a slash before that of an end; empty for text."""
    attributes: str
    text: str
    """What is read; in an element that has no others in it, what is between its tags."""


def remote_references(html: str) -> tuple[str, ...]:
    """The URLs that a mail program would fetch to show ``html``: images, styles, fonts, frames, but no links."""
    found: dict[str, None] = {}
    for tag, attributes, text in _tokens(html):
        for name, value in _named(attributes):
            if name in _FETCHED or (name == "href" and tag in _BY_HREF):
                found.update(dict.fromkeys(_REMOTE.findall(value)))
            elif name == "style":
                found.update(dict.fromkeys(_IN_STYLE.findall(value)))
        if tag == "style":
            found.update(dict.fromkeys(_IN_STYLE.findall(text)))
    return tuple(found)


def text_of_html(html: str) -> str:
    """What there is to read in ``html``, one line for each block."""
    from html import unescape

    pieces: list[str] = []
    unseen = ""
    for tag, _, text in _tokens(html):
        if unseen:
            # A head may have no end.
            unseen = "" if tag in (f"/{unseen}", "body") else unseen
        elif tag in _UNSEEN:
            unseen = tag
        elif tag.removeprefix("/") in _BLOCKS:
            pieces.append("\n")
        elif not tag:
            pieces.append(_SPACES.sub(" ", unescape(text)))
    lines = [line.strip() for line in "".join(pieces).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def _tokens(html: str) -> Iterator[_Token]:
    for raw, attributes_of_raw, inside, tag, attributes, text in cast("_Groups", _TOKENS.findall(html)):
        yield _Token((raw or tag).lower(), attributes_of_raw or attributes, inside or text)


def _named(attributes: str) -> Iterator[tuple[str, str]]:
    from html import unescape

    for name, double, single, bare in cast("_Groups", _ATTRIBUTE.findall(attributes)):
        yield name.lower(), unescape(double or single or bare)
