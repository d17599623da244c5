"""How long to wait for what (RFC 5321 §4.5.3.2)."""

from __future__ import annotations

from smtpkit.errors import InvalidConfiguration
from smtpkit.value import LONGEST_WAIT, put, value

__all__ = ["Timeouts"]


@value
class Timeouts:
    """Longest waits, in seconds. None of them is infinite.

    The defaults follow RFC 5321 §4.5.3.2 where a shorter wait would leave it open whether a
    mail was accepted.

    Raises:
        InvalidConfiguration: one of them is not a positive number, or more than a day.
    """

    connect: float
    """For the name to be resolved and one of its addresses to answer, TLS handshakes included."""
    greeting: float
    """For the server's first line."""
    reply: float
    """For the reply to a command, from the moment it was sent; a dripping server cannot extend it."""
    progress: float
    """Within which some of what we send must be taken."""
    final_reply: float
    """For the reply to the content. Giving up earlier makes the outcome uncertain (RFC 5321 §4.5.3.2.6)."""
    acquire: float
    """For a free connection, where all of the transport's connections are busy; and for the time to come at which a
    server wants a new one, where it said so (`Reply.retry_after`)."""
    idle: float
    """How long a connection that nobody uses is trusted; then a new one is opened."""
    lifetime: float | None
    """How long a connection is used at all, if given."""
    total: float | None
    """For the whole send, waits and attempts of a `Retry` included, if given.

    With several mails in flight on a connection, it ends for those behind too where the time of one ends: replies come
    in order. Those that were handed over are *uncertain*; the others go over a new one, each within its own time."""

    def __init__(
        self,
        *,
        connect: float = 10,
        greeting: float = 60,
        reply: float = 60,
        progress: float = 60,
        final_reply: float = 600,
        acquire: float = 60,
        idle: float = 300,
        lifetime: float | None = None,
        total: float | None = None,
    ) -> None:
        for name, seconds in (
            ("connect", connect),
            ("greeting", greeting),
            ("reply", reply),
            ("progress", progress),
            ("final_reply", final_reply),
            ("acquire", acquire),
            ("idle", idle),
            ("lifetime", lifetime),
            ("total", total),
        ):
            if seconds is None and name in ("lifetime", "total"):
                pass
            elif not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_WAIT:  # pyright: ignore[reportUnnecessaryIsInstance]
                needed = f"a number of seconds above 0 is needed, at most {LONGEST_WAIT} (a day)"
                raise InvalidConfiguration(f"Timeouts({name}={seconds!r}): {needed}")
            put(self, name, seconds)

    def __reduce__(self) -> tuple[object, ...]:
        return _timeouts, tuple(getattr(self, name) for name in self.__match_args__)


def _timeouts(*seconds: float | None) -> Timeouts:
    return Timeouts(**dict(zip(Timeouts.__match_args__, seconds, strict=True)))  # type: ignore[arg-type]
