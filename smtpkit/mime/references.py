"""From the HTML to the files that it shows: ``cid:`` URLs (RFC 2392)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.mime.characters import shown
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from smtpkit.fields import Fields

__all__ = ["problems"]

# After a quote, "=" of an attribute, or "(" of url(...): elsewhere it is text, such as "placid: ...".
_CID = Pattern(r"""(?i)["'=(]\s{0,9}cid:([^\s"'<>()]+)""")


def problems(fields: Fields) -> tuple[str, ...]:
    """A sentence for each file that the HTML does not show, and for each that it shows and is not there."""
    html = fields.get("html")
    embedded = [each.content_id for each in fields.get("attachments", ()) if each.content_id is not None]
    if html is None:
        return tuple(f"{shown(cid)} is embedded, and there is no HTML to show it" for cid in embedded)
    used = _used(html)
    others = {
        cid for each in fields.get("alternatives", ()) if isinstance(each.content, str) for cid in _used(each.content)
    }
    unused = [cid for cid in embedded if cid not in used and cid not in others]
    return (
        *(
            f"the HTML shows cid:{cid}, and no file is embedded with cid={shown(cid)}"
            for cid in used
            if cid not in embedded
        ),
        *(f"{shown(cid)} is embedded, and the HTML does not show cid:{cid}" for cid in unused),
    )


def _used(html: str) -> list[str]:
    """The content ids in ``html``, each once, without the escapes of HTML and of URLs."""
    from html import unescape
    from urllib.parse import unquote

    return list(dict.fromkeys(unquote(unescape(found)) for found in _CID.findall(html)))
