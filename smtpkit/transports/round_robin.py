"""Several transports, each in its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.transports.composition import Composition

if TYPE_CHECKING:
    from smtpkit.transports.base import Transport

__all__ = ["RoundRobinTransport"]


class RoundRobinTransport(Composition):
    """Sends each mail by the next transport, and so shares them out; another takes over where one fails.

    When it goes on to another is as in `FailoverTransport`.

    ::

        transport = RoundRobinTransport(SmtpTlsTransport("a.example.com"), SmtpTlsTransport("b.example.com"))

    Args:
        transports: at least one. They may be compositions, too.
        rest: seconds for which one that failed is left alone, as in `FailoverTransport`.

    Raises:
        InvalidConfiguration: there is no transport, or an argument cannot be used.
    """

    def __init__(self, *transports: Transport, rest: float = 60) -> None:
        super().__init__(transports, rest)
        self._next = 0

    def _first(self) -> int:
        first, self._next = self._next, (self._next + 1) % len(self.transports)
        return first
