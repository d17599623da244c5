"""The text of a message that is the same in every run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidMessage

if TYPE_CHECKING:
    from smtpkit.delivery import AnyMessage
    from smtpkit.mail import Mail

__all__ = ["snapshot"]

_BOUNDARY = re.compile(r'boundary="([^"]+)"|boundary=([^\s;"]+)')
_FIELD = re.compile(r"^(Date|Message-ID): *(?:\n[ \t]+)?(.*(?:\n[ \t].*)*)$", re.MULTILINE | re.IGNORECASE)
_FIXED = {"date": "<date>", "message-id": "<message-id>"}


def snapshot(message: AnyMessage | Mail) -> str:
    r"""``message`` as it goes over the wire, for a snapshot test, with ``\n`` line ends.

    Its Date and Message-ID are ``<date>`` and ``<message-id>``, also where the id is named again, and the boundaries
    of its parts are numbered. All else is as it is: a change of a word, a header or a file shows.

    Raises:
        InvalidMessage: it is none.
    """
    text = _octets(message).decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    found = list(dict.fromkeys(one or other for one, other in _BOUNDARY.findall(text)))
    # The longest first: one may begin with another.
    for boundary in sorted(found, key=len, reverse=True):
        text = text.replace(boundary, f"boundary-{found.index(boundary) + 1}")
    head, gap, body = text.partition("\n\n")
    ids = [value for name, value in _FIELD.findall(head) if name.lower() == "message-id"]
    head = _FIELD.sub(lambda field: f"{field[1]}: {_FIXED[field[1].lower()]}", head)
    text = head + gap + body
    for each in ids:
        text = text.replace(each, _FIXED["message-id"])
    return text


def _octets(message: AnyMessage | Mail) -> bytes:
    from smtpkit.mail import Mail
    from smtpkit.message import Message
    from smtpkit.raw import RawMessage

    if isinstance(message, Message):
        # One without From is a template: a snapshot of that is wanted, too.
        return (message if "from_" in message.fields else message.from_("nobody@example.com")).as_bytes()
    if isinstance(message, (Mail, RawMessage)):
        return message.as_bytes()
    from email.message import Message as AnyEmail

    from smtpkit.mime.generate import generated

    if not isinstance(message, AnyEmail):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidMessage(
            f"a message or a Mail is needed, not {type(message).__name__}",
            hint="Such as message_snapshot(mailbox.outbox[0]).",
        )
    found: tuple[bytes, Any] = generated(message, None)
    return found[0]
