"""What a server was asked in vain on one connection, and how much of that it still bears (docs/servers.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtpkit.reply import Reply

__all__ = ["Patience", "most_replies"]

_FEW = 3
"""Refused transactions in a row after which a connection gets one at a time: many servers slow down then."""

_MANY = 8
"""Refused transactions after which a connection is left."""

_ERRORS = 20
"""Negative replies in a row at which a Postfix closes. What it said last may be lost then, and over TLS often is."""

_RESETS = 10
"""Refused transactions that an Exim bears on a connection, each with its RSET: at one more it closes likewise."""


class Patience:
    """A server that loses it closes the connection, and what becomes of all that is in flight is uncertain."""

    def __init__(self) -> None:
        self._errors = 0
        """Negative replies since the last mail that was accepted."""
        self._refused = 0
        """Refused transactions since then, and below in all."""
        self._refusals = 0
        self._earned = 0
        """Negative replies that did not come to the mails accepted in a row, and below how many mails these are."""
        self._accepted = 0

    @property
    def used_up(self) -> bool:
        """Whether the connection is better left."""
        return self._refusals >= _MANY

    def bears(self, transactions: int, replies: int) -> bool:
        """Whether so many may be in flight, which get so many negative replies if all are refused.

        The server must bear that, unless it has accepted as many in a row before: a run of good addresses may be
        trusted to go on.
        """
        return (
            self._refused < _FEW
            and self._errors + replies < _ERRORS + self._earned
            and self._refusals + transactions <= _RESETS + self._accepted
        )

    def hear(self, reply: Reply, *, accepted: bool) -> None:
        """Take note of a reply, which may say that a mail was ``accepted``."""
        self._errors = 0 if accepted else self._errors + (reply.code >= 400)

    def end(self, recipients: int, *, accepted: bool) -> None:
        """Take note of how a transaction with so many ``recipients`` ended."""
        if accepted:
            self._refused = 0
            self._earned += most_replies(recipients)
            self._accepted += 1
        else:
            self._refused += 1
            self._refusals += 1
            self._earned = self._accepted = 0


def most_replies(recipients: int) -> int:
    """How many negative replies a transaction gets at most: the content is refused, too."""
    return recipients + 1
