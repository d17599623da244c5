"""The HTML of a mail in a frame that runs no script and loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.pattern import Pattern
from smtpkit.preview.template import Html, fill

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from smtpkit.mime.parser.reading import Part, Reading

__all__ = ["data_url", "framed"]

_CID = Pattern(r"(?i)\bcid:([^\s\"'()<>]+)")
_IMAGE = Pattern(r"image/[a-z0-9.+-]+\Z")
_INLINED = 50_000_000
"""Octets of images in one page: a small mail can name a large image very often."""
# A policy does not keep <link rel=preconnect> from opening a connection, nor a frame that it blocks: Chromium connects
# before it asks; and for a <use> that it blocks the page goes on loading for ever. <meta> would tell where the page is,
# and <base> move its links. No mail program shows any of these.
_CUT_OFF = Pattern(r"(?i)<(/?)(link|meta|base|iframe|frame|frameset|fencedframe|object|embed|applet|use)(?=[\s/>])")


def framed(reading: Reading) -> str:
    """The document for the frame: the HTML body, its inline images in it.

    It is shown with ``sandbox`` and a Content-Security-Policy of its own, which let nothing run or load.
    """
    body = reading.html
    assert body is not None
    images = {part.content_id: part for part in reading.files if part.content_id and _IMAGE.match(part.content_type)}
    html = _with_images(_CUT_OFF.sub(r"<\1x-\2", body.text), images)
    # As text: where it stands, in an attribute, it is escaped.
    return str(fill("frame", html=Html(html.replace("\0", "\ufffd"))))


def data_url(data: bytes, content_type: str) -> str:
    """``data`` as a URL that holds it (RFC 2397)."""
    from binascii import b2a_base64

    return f"data:{content_type};base64,{b2a_base64(data, newline=False).decode()}"


def _with_images(html: str, images: Mapping[str, Part]) -> str:
    """``html`` with each ``cid:`` URL replaced, as long as there is room."""
    from html import unescape
    from urllib.parse import unquote

    room = _INLINED

    def inlined(found: re.Match[str]) -> str:
        nonlocal room
        part = images.get(unquote(unescape(found[1])))
        if part is None or len(part.data) > room:
            return found[0]
        room -= len(part.data)
        return data_url(part.data, part.content_type)

    return _CID.sub(inlined, html)
