"""What a server for tests is, whether it is in memory or on a port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration
from smtpkit.testing.mailbox import Mailbox
from smtpkit.testing.script import Scripted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.testing.session import Accepted

__all__ = ["EXTENSIONS", "ScriptedHost"]

EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "REQUIRETLS")
"""What is offered. Without CHUNKING the content goes out when MAIL, RCPT and DATA were answered: so what is scripted
at these stages comes before it, and nothing is uncertain that need not be."""


class ScriptedHost(Scripted, Mailbox):
    """A server that takes all mail that it is not told to refuse."""

    name: str = "mail.test"
    implicit: bool = False
    recipients: int | None = None
    """No limit for one transaction, unless it is set."""

    def __init__(self, extensions: Iterable[str], credentials: tuple[str, str] | None, *, starttls: bool) -> None:
        super().__init__()
        if isinstance(extensions, str):
            raise InvalidConfiguration(
                f"extensions={extensions!r}", hint='They are several: ("PIPELINING", "CHUNKING").'
            )
        self.extensions: tuple[str, ...] = ("STARTTLS", *extensions) if starttls else tuple(extensions)
        self.credentials: tuple[str, str] | None = credentials
        self._count = 0

    @property
    def size(self) -> int | None:
        """The largest content, in octets."""
        return self.script.limits.size

    @property
    def messages(self) -> int | None:
        """The most of one connection."""
        return self.script.limits.per_connection

    @property
    def full(self) -> bool:
        """Whether no further mail is taken today."""
        most = self.script.limits.in_all
        return most is not None and self._count >= most

    def take(self, mail: Accepted) -> str | None:
        """Take responsibility; or the reply that refuses it, if it is one too many or cannot be kept."""
        refusal = self.script.limits.daily_reply if self.full else self._keep(mail)
        if refusal is None:
            self._count += 1
        return refusal

    def _keep(self, mail: Accepted) -> str | None:
        raise NotImplementedError
