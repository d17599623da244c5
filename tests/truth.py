"""A small SMTP server that is right, knows what it took responsibility for, and fails where it is told to.

It is a peer of the simulated runtime, and has no I/O. Addresses tell it what to refuse: ``mail-550-x@a.test`` as a
sender, ``rcpt-450-x@b.test`` as a recipient; ``data-451-x@b.test`` among the accepted recipients refuses DATA or the
first BDAT, and ``content-554-x@b.test`` the content. What goes wrong is told by `Fault`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from flaws import ENDINGS, Fault
from session import Accepted, Session

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHUNKING", "ENDINGS", "PIPELINING", "Accepted", "Fault", "Session", "Truth"]

PIPELINING = ("PIPELINING",)
CHUNKING = ("PIPELINING", "CHUNKING")


class Truth:
    """The server, over all its connections."""

    def __init__(
        self,
        extensions: tuple[str, ...] = CHUNKING,
        *,
        faults: Mapping[int, Fault] | None = None,
        recipients: int | None = None,
        messages: int | None = None,
        patience: str = "",
        seconds: float = 0.0,
        drip: float = 0.0,
    ) -> None:
        self.name = "truth.test"
        self.extensions = extensions
        """What EHLO offers; ``SIZE`` is kept to. With ``STARTTLS``, ``AUTH PLAIN`` is offered after it and wanted;
        in plaintext it is offered where it is one of these."""
        self.recipients = recipients
        """The most of one transaction: further ones get 452 4.5.3."""
        self.messages = messages
        """The most of one connection: further MAILs get 421."""
        self.patience = patience
        """Whose: ``"exim"`` or ``"postfix"``, as docs/servers.md has it."""
        self.seconds = seconds
        """Virtual seconds from command to reply."""
        self.drip = drip
        """Seconds from octet to octet of a reply that drips."""
        self.accepted: Counter[Accepted] = Counter()
        self.sessions: list[Session] = []
        self.problems: list[str] = []
        """What a client must not do."""
        self.faults: Mapping[int, Fault] = faults or {}
        """What goes wrong, by the number of the connection."""

    def dial(self, host: str, port: int) -> Session:
        """A further connection."""
        fault = self.faults.get(len(self.sessions))
        self.sessions.append(Session(self, fault))
        if fault is not None and fault.where == "connect":
            raise TimeoutError("timed out") if fault.what == "stall" else ConnectionRefusedError(111, "refused")
        return self.sessions[-1]

    @property
    def size(self) -> int | None:
        """The largest content."""
        found = [each.partition(" ")[2] for each in self.extensions if each.startswith("SIZE ")]
        return int(found[0]) if found else None
