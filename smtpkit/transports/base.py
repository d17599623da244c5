"""What a transport is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from smtpkit.mail import Mail
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime

__all__ = ["Carrier", "Transport", "checked", "end_substitution", "substitute", "substitute_of"]

_substitutes: list[Transport] = []
"""Those that tests put in the place of all transports of this process, the last of them in force."""


class Transport(Protocol):
    """Sends mail; the same object serves `Mailer` and `AsyncMailer`.

    All waiting goes through the ``runtime`` that it is given: that of `Mailer` never
    suspends. A transport that logs in somewhere may have an attribute ``account: str``, by
    which limits are counted; one that has a limit of its own for the time of a whole send an
    attribute ``total: float | None``, seconds, in which retries must fit. It ends by `Mail.deadline`.
    One with ``simulated = True`` sends nothing, and nobody waits before it is tried again.
    """

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        """Send one mail and say what became of each recipient, good or bad."""
        ...

    async def close(self, runtime: Runtime) -> None:
        """Let go of what is held open. It may be used again afterwards."""
        ...


class Carrier(Protocol):
    """What carries the mails of a batch, in order: `SmtpTransport.carrier` has several in flight."""

    @property
    def room(self) -> bool:
        """Whether another mail can begin now, without waiting for one that is under way."""
        ...

    async def put(self, mail: Mail) -> None:
        """Begin to send ``mail``. What goes wrong is told by its receipt."""
        ...

    async def flush(self) -> None:
        """Write what is held back to go out together."""
        ...

    async def ready(self) -> bool:
        """Whether something came for the oldest mail. It does not wait."""
        ...

    async def take(self) -> Receipt:
        """The receipt of the oldest mail, when it is there."""
        ...

    def confess(self, interruption: BaseException) -> None:
        """Say on ``interruption``, which is passing through, what is known of mails whose receipts are not taken."""
        ...

    def release(self) -> None:
        """Let go of what is held open for this batch."""
        ...


def checked(transport: Transport, *more: object) -> Transport:
    """``transport``, if it can be one; ``more`` is what was given behind it, such as the port of a host.

    Raises:
        InvalidConfiguration: it has no method ``send``, or is a mailer, whose ``send`` is another; there is ``more``.
    """
    if not callable(getattr(transport, "send", None)) or hasattr(transport, "compose"):
        raise InvalidConfiguration(
            f"a {type(transport).__name__} is not a transport",
            hint='Give one such as SmtpTlsTransport("smtp.example.com", 587), or use Mailer.from_url or '
            "Mailer.for_provider.",
        )
    if more:
        hint = "Such as default_from=... for the sender. Host and log-in are the transport's."
        raise InvalidConfiguration("behind the transport every argument needs its name", hint=hint)
    return transport


def substitute_of(transport: Transport) -> Transport | None:
    """What takes the mail of ``transport`` meanwhile, as it takes that of all others; mostly ``None``."""
    return _substitutes[-1] if _substitutes and _substitutes[-1] is not transport else None


def substitute(transport: Transport) -> None:
    """From now on ``transport`` gets all mail of this process, from all threads and tasks, until `end_substitution`."""
    _substitutes.append(transport)


def end_substitution(transport: Transport) -> None:
    """Mail goes its own way again, or to the substitute before. May be called again."""
    if transport in _substitutes:
        _substitutes.remove(transport)
