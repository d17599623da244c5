"""A first choice, and others for when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.transports.composition import Composition

if TYPE_CHECKING:
    from smtpkit.transports.base import Transport

__all__ = ["FailoverTransport"]


class FailoverTransport(Composition):
    """Sends by the first transport; by the next if that one fails, and so on.

    It goes on only where nobody can get a second copy: nobody accepted the mail, and for nobody it is *uncertain*.
    And only after a failure that another server may not have: no connection, TLS, the log-in, a 421 or another 4yz
    reply, a time-out. A mail, sender or recipient that was refused for good, and one that requires TLS on its whole
    way (`Message.require_tls`) and cannot have it, are not offered to another.

    ::

        transport = FailoverTransport(SmtpTlsTransport("a.example.com"), SmtpTlsTransport("b.example.com"))

    Args:
        transports: the first choice first. They may be compositions, too.
        rest: seconds for which one that failed is left alone, unless all the others fail, too. If its server says
            how long to wait (`Reply.retry_after`), it is at least that, and others are tried again before it. One
            that left a mail *uncertain* rests, too. A refusal of recipients is no such failure.

    Raises:
        InvalidConfiguration: there is no transport, or an argument cannot be used.
    """

    def __init__(self, *transports: Transport, rest: float = 60) -> None:
        super().__init__(transports, rest)

    def _first(self) -> int:
        return 0
