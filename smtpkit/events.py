"""What happens while mail is sent, for metrics and traces: ``Mailer(..., on_event=...)`` is called with each of these.

::

    def on_event(event: events.Event) -> None:
        match event:
            case events.Sent():
                sent.inc(len(event.recipients))
            case events.Refused() | events.Uncertain() | events.NotSent():
                print(event.receipt.error)

Events are values; times are in seconds; none has a password, a token or anything else that is secret. Each mail ends
with one event for each outcome that its recipients have: `Sent`, `Refused`, `NotSent`, `Uncertain`. A connection is
told of to the mailer that opened it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.value import value

if TYPE_CHECKING:
    from smtpkit.errors import SmtpkitError
    from smtpkit.receipt import Receipt, Status
    from smtpkit.reply import Reply

__all__ = [
    "Authenticated",
    "Closed",
    "Connected",
    "Event",
    "NotSent",
    "OnEvent",
    "PassedOver",
    "Refused",
    "Retrying",
    "Sent",
    "Tell",
    "Throttled",
    "Uncertain",
    "events_of",
]


@value
class Connected:
    """A connection stands: it has greeted us and, where there is to be TLS, shaken hands."""

    host: str
    """Of the server, as it was configured."""
    port: int
    """Of the server."""
    security: Literal["starttls", "tls", "plaintext"]
    """How TLS began; ``"plaintext"`` is none."""
    tls_version: str | None
    """Such as ``"TLSv1.3"``; ``None`` without TLS."""
    seconds: float
    """From the look-up of the name."""


@value
class Authenticated:
    """The server took the log-in (RFC 4954)."""

    host: str
    """Of the server."""
    mechanism: str
    """Such as ``"PLAIN"``."""
    username: str
    """Who is logged in."""
    seconds: float
    """Of the log-in alone."""


@value
class Sent:
    """A mail was accepted for these recipients."""

    receipt: Receipt
    """Of the whole mail."""
    recipients: tuple[str, ...]
    """Those who have this outcome."""
    seconds: float
    """Since the mailer was given the message; waiting and further attempts included."""


@value
class Refused:
    """A mail was refused for these recipients; ``receipt.outcomes`` has the reply for each."""

    receipt: Receipt
    """Of the whole mail."""
    recipients: tuple[str, ...]
    """Those who have this outcome."""
    seconds: float
    """Since the mailer was given the message; waiting and further attempts included."""


@value
class NotSent:
    """A mail certainly did not reach these recipients, and nobody refused it; ``receipt.error`` says why.

    A message that cannot be sent at all, as it has no recipients, has none here either.
    """

    receipt: Receipt
    """Of the whole mail."""
    recipients: tuple[str, ...]
    """Those who have this outcome."""
    seconds: float
    """Since the mailer was given the message; waiting and further attempts included."""


@value
class Uncertain:
    """A mail may have reached these recipients: it was handed over, and no final reply came."""

    receipt: Receipt
    """Of the whole mail."""
    recipients: tuple[str, ...]
    """Those who have this outcome."""
    seconds: float
    """Since the mailer was given the message; waiting and further attempts included."""


@value
class Retrying:
    """A mail is about to be sent again to those whom it certainly did not reach."""

    attempt: int
    """The number of the attempt that comes: at least 2."""
    wait: float
    """Seconds until then."""
    error: SmtpkitError
    """How the attempt before it ended; ``error.receipt`` has the mail."""


@value
class PassedOver:
    """One of several transports failed (`FailoverTransport`, `RoundRobinTransport`), and the mail goes to another.

    The last of them that fails is told of, too, although there is no other.
    """

    transport: str
    """Its ``repr``."""
    error: SmtpkitError
    """Why; ``error.receipt`` has the mail."""
    rest: float
    """Seconds for which it is left alone now; 0 after a refusal of recipients, which says nothing of the next mail."""


@value
class Throttled:
    """The server wants less of us: it ended a connection with 421, or said so; or a further connection of several
    could not be opened, and those that are open go on; or a limit of our own holds us up."""

    host: str
    """Of the server."""
    reply: Reply | None
    """What the server said; ``None`` if it said nothing, as where a connection is refused, and for our own limits."""
    wait: float | None = None
    """Seconds: what the server asks for in words (`Reply.retry_after`), or how long no further connection is tried, or
    the wait for a limit. ``None`` if that is not known."""


@value
class Closed:
    """A connection has ended, after `Connected`. One that a fork or the end of its event loop takes is not told of."""

    host: str
    """Of the server."""
    seconds: float
    """Since `Connected`."""
    mails: int
    """How many transactions came to their end on it."""
    reason: str
    """For people."""


Event: TypeAlias = (
    Connected | Authenticated | Sent | Refused | NotSent | Uncertain | Retrying | PassedOver | Throttled | Closed
)  # fmt: skip

OnEvent: TypeAlias = Callable[[Event], object]
"""What a mailer is given: a plain function. It is called where things happen, in the thread or the event loop that
sends, and holds that up: so it has to be quick. What it returns is ignored; what it raises is logged, and no more."""

Tell: TypeAlias = Callable[[Event], None]
"""What a runtime has for those who have something to tell. It never raises."""

_OF_STATUS: dict[Status, type[Sent | Refused | NotSent | Uncertain]] = {
    "accepted": Sent,
    "refused": Refused,
    "not_sent": NotSent,
    "uncertain": Uncertain,
}


def events_of(receipt: Receipt, seconds: float) -> list[Sent | Refused | NotSent | Uncertain]:
    """The events with which a mail ends; at least one."""
    by_status: dict[Status, list[str]] = {}
    for address, outcome in receipt.outcomes.items():
        by_status.setdefault(outcome.status, []).append(address)
    if not by_status:
        return [NotSent(receipt, (), seconds)]
    return [
        kind(receipt, tuple(by_status[status]), seconds) for status, kind in _OF_STATUS.items() if status in by_status
    ]
