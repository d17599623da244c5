"""What is said and not written yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtpkit.errors import Stage
    from smtpkit.smtp.transaction import Transaction

__all__ = ["Outgoing"]


class Outgoing:
    """Octets that are to be written together, and what their writing means."""

    __slots__ = ("_octets", "_stage", "closing", "replies", "size", "transactions")

    def __init__(self) -> None:
        self.closing: list[Transaction] = []
        """Whose final octet is among them."""
        self._octets: list[bytes] = []
        self._stage: Stage = "mail"
        self.size: int = 0
        """How many octets they are, and below how many replies they get."""
        self.replies: int = 0
        self.transactions: int = 0
        """How many transactions begin with them."""

    def __bool__(self) -> bool:
        return bool(self._octets)

    def hold(self, octets: bytes, stage: Stage, replies: int) -> None:
        """Add ``octets``, which are answered by that many ``replies``."""
        if not self._octets:
            self._stage = stage
        self._octets.append(octets)
        self.size += len(octets)
        self.replies += replies

    def taken(self) -> tuple[bytes, Stage, int]:
        """All of them, the stage of the first and how many replies they get. Their writing starts now."""
        taken = b"".join(self._octets), self._stage, self.replies
        self._octets.clear()
        self.size = self.replies = self.transactions = 0
        for transaction in self.closing:
            transaction.final_started = True
        self.closing.clear()
        return taken
