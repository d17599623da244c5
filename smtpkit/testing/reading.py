"""A mail as its recipient reads it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from email.message import EmailMessage

    from smtpkit.mail import Mail

__all__ = ["Reading", "ReceivedFile"]


class ReceivedFile(NamedTuple):
    """An attachment, or a file that the HTML shows."""

    filename: str
    """Empty if it has none."""
    content_type: str
    data: bytes


class Reading:
    """What the standard library reads from the octets of ``mail``, decoded."""

    def __init__(self, mail: Mail) -> None:
        self.mail = mail

    @cached_property
    def email(self) -> EmailMessage:
        """All of it."""
        from email import message_from_bytes, policy

        return message_from_bytes(self.mail.as_bytes(), policy=policy.default)

    @property
    def recipients(self) -> list[str]:
        """The addr-specs of the envelope."""
        return [address.addr_spec for address in self.mail.envelope.recipients]

    @property
    def sender(self) -> str:
        """From, as it stands there."""
        return self.header("From")

    @property
    def subject(self) -> str:
        """Empty if there is none."""
        return self.header("Subject")

    def header(self, name: str) -> str:
        """The first field of that name, unfolded and decoded; empty if there is none."""
        return str(self.email.get(name, ""))

    @cached_property
    def text(self) -> str | None:
        """The plain text, with ``\\n`` line ends."""
        return self._body("plain")

    @cached_property
    def html(self) -> str | None:
        """The HTML, with ``\\n`` line ends."""
        return self._body("html")

    def _body(self, kind: str) -> str | None:
        part: Any = self.email.get_body(preferencelist=(kind,))
        return None if part is None else str(part.get_content()).replace("\r\n", "\n")

    @cached_property
    def files(self) -> tuple[ReceivedFile, ...]:
        """Attachments and embedded files, in their order."""
        return tuple(
            ReceivedFile(part.get_filename() or "", part.get_content_type(), _data(part))
            for part in self.email.walk()
            if part.get_filename() or part.get_content_disposition() == "attachment"
        )


def _data(part: Any) -> bytes:
    data: bytes | None = part.get_payload(decode=True)
    # An enclosed mail is a message, and not octets.
    return b"".join(each.as_bytes() for each in part.get_payload()) if data is None else data
