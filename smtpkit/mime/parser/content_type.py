"""The Content-Type of a part, as it was written (RFC 2045 §5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.content_types import checked_content_type
from smtpkit.errors import InvalidMessage
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from email.message import EmailMessage

__all__ = ["content_type_of", "unfolded"]

_PARAMETERS = Pattern(r';[ \t]*[^\s=;"]+[ \t]*=[ \t]*(?:"(?:[^"\\]|\\.)*"|[^\s;"]*)')


def unfolded(value: str) -> str:
    """The value of a header field as one line."""
    value = value.encode(errors="surrogateescape").decode(errors="replace")
    return value.replace("\r\n", "").replace("\n", "").strip(" \t")


def content_type_of(part: EmailMessage) -> str:
    """The content type with its parameters, but for a ``name`` that says what the file is called anyway.

    What no mail of ours can carry is left out.
    """
    raw = next((unfolded(str(value)) for name, value in part.raw_items() if name.lower() == "content-type"), "")
    kept: list[str] = []
    for parameter in _PARAMETERS.findall(raw):
        if _names_the_file(parameter.lstrip("; \t"), part.get_filename() or ""):
            raw = raw.replace(parameter, "", 1)
        else:
            kept.append(parameter.lstrip("; \t"))
    if _fits(raw):
        return raw
    # A comment may follow it.
    plain = part.get_content_type().partition(" ")[0]
    if not _fits(plain):
        return "application/octet-stream"
    return "; ".join([plain, *(each for each in kept if _fits(f"{plain}; {each}"))])


def _names_the_file(parameter: str, filename: str) -> bool:
    from smtpkit.mime.structure import ascii_name

    name, value = (each.strip() for each in parameter.split("=", 1))
    if name.lower().partition("*")[0] != "name":
        return False
    return "*" in name or "=?" in value or value.strip('"') in (filename, ascii_name(filename))


def _fits(content_type: str) -> bool:
    try:
        checked_content_type(content_type)
    except InvalidMessage:
        return False
    return True
