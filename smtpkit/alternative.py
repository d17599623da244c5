"""Other forms of the text of a message: AMP, an invitation (RFC 2046 §5.1.4, RFC 6047)."""

from __future__ import annotations

from smtpkit.attachment import Attachment
from smtpkit.body import Body
from smtpkit.content_types import checked_content_type
from smtpkit.errors import InvalidMessage
from smtpkit.mime.characters import require_text, shown
from smtpkit.pattern import Pattern
from smtpkit.value import put, value

__all__ = ["Alternative", "calendar_alternative", "invitation", "other_alternative"]

_CHARSET = Pattern(r'(?i);\s*charset="?([^";\s]+)')
_OWN_METHOD = {"text/plain": "Use text().", "text/html": "Use html().", "text/calendar": "Use calendar()."}

_METHODS = ("PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER")
_FOLDED = Pattern(r"\r\n[ \t]")
_CALENDAR_METHOD = Pattern(r"(?im)^METHOD(?:;[^:\r\n]*)?:[ \t]*([^\r\n]*?)[ \t]*\r?$")


@value
class Alternative:
    """The content of a message in another form. Text travels as UTF-8, and its content type says so.

    Raises:
        InvalidMessage: no content type, a content that is neither str nor bytes, or text whose content type names
            another charset.
    """

    content: str | bytes
    content_type: str
    """With its charset, if the content is text."""

    def __init__(self, content: str | bytes, content_type: str) -> None:
        charset = _CHARSET.search(checked_content_type(content_type))
        if isinstance(content, str):
            if charset and charset[1].lower() not in ("utf-8", "utf8"):
                raise InvalidMessage(
                    f"text travels as UTF-8, not as {charset[1]}", hint="Give the encoded bytes, or charset=utf-8."
                )
            if not charset:
                content_type += "; charset=utf-8"
        put(self, "content", content if isinstance(content, bytes) else Body.of("the alternative", content))
        put(self, "content_type", content_type)


def other_alternative(content: str | bytes, content_type: str) -> Alternative:
    """An alternative beside those that have a method of their own.

    Raises:
        InvalidMessage: it is one of those, or no `Alternative`.
    """
    kind = checked_content_type(content_type).partition(";")[0].strip().lower()
    if kind in _OWN_METHOD:
        raise InvalidMessage(f"{kind} cannot be given as an alternative", hint=_OWN_METHOD[kind])
    return Alternative(content, content_type)


def calendar_alternative(ics: str, method: str) -> Alternative:
    """An iCalendar object as the part that makes clients show buttons (RFC 6047 §2.4).

    Raises:
        InvalidMessage: no iCalendar object, or not with this METHOD.
    """
    require_text("the method", method, InvalidMessage)
    method = method.upper()
    if method not in _METHODS:
        raise InvalidMessage(f"not a method of iTIP: {shown(method)}", hint=f"Use one of {', '.join(_METHODS)}.")
    text = Body.of("the calendar", ics).replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    lines = text.replace("\n", "\r\n") + "\r\n"
    if not lines[:17].upper().startswith("BEGIN:VCALENDAR\r\n"):
        raise InvalidMessage(f"not a calendar: {shown(ics)}", hint="It begins with BEGIN:VCALENDAR (RFC 5545).")
    found = sorted({each.upper() for each in _CALENDAR_METHOD.findall(_FOLDED.sub("", lines))})
    if found != [method]:
        raise InvalidMessage(
            f"the calendar has the METHOD {' and '.join(found)[:60] or '(none)'}, not {method}",
            hint=f'Put the line "METHOD:{method}" after BEGIN:VCALENDAR, or give method= the one that is there.',
        )
    return Alternative(lines, f"text/calendar; charset=utf-8; method={method}")


def invitation(calendar: Alternative) -> Attachment:
    """The calendar once more, as Google and others send it.

    Gmail and Outlook show the alternative; Apple Mail, webmail and phones that do not know iMIP offer the
    file. It is no text/calendar part, or some would show the invitation twice.
    """
    content = calendar.content
    data = content.encode() if isinstance(content, str) else content
    return Attachment(data, "invite.ics", "application/ics")
