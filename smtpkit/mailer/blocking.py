"""`Mailer`: sending from programs without an event loop."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from smtpkit.mailer.arguments import checked_counts, refuse_one
from smtpkit.mailer.base import MailerBase
from smtpkit.mailer.closing import Closing
from smtpkit.mailer.draft import BaseDraft

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator
    from typing import Any, Self, TypeVar

    from smtpkit.address import Address
    from smtpkit.delivery import AnyMessage, Delivery
    from smtpkit.diagnose.report import Report
    from smtpkit.dispatch import Dispatch, End
    from smtpkit.dns import Resolver
    from smtpkit.envelope import Envelope
    from smtpkit.events import Tell
    from smtpkit.limits.status import LimitStatus
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime

    T = TypeVar("T")

__all__ = ["Batch", "Draft", "Mailer"]


class Mailer(Closing, MailerBase):
    """Sends mail. One mailer may be shared by threads, and used after a fork.

    ::

        with Mailer.for_provider("gmail", "me@gmail.com", app_password) as mailer:
            mailer.compose().to("ann@example.com").subject("Hello").text("Hi Ann").send()

    Closing it, or leaving ``with``, closes its idle connections; using it again opens new ones.
    """

    def compose(self) -> Draft:
        """A new message that `Draft.send` sends with this mailer."""
        return Draft(self)

    def send(self, message: AnyMessage, *, envelope: Envelope | None = None) -> Receipt:
        """Send ``message`` to its recipients, or to those of ``envelope``.

        The standard library's ``EmailMessage`` goes out as it generates it, with a Date and a
        Message-ID if it has none; a `RawMessage` goes out octet by octet.

        Raises:
            UsageError: the message cannot be sent as it is.
            DeliveryError: nobody accepted it; with ``on_partial="raise"`` also if somebody did not.
        """
        return _run(self._delivery.send(message, envelope, _runtime(self._tell)))

    def send_many(self, messages: Iterable[AnyMessage], *, connections: int = 1, in_flight: int = 1) -> Batch:
        """Send ``messages``, and iterate over one receipt for each, in their order.

        A message that fails does not stop the others: its receipt has the error. Messages are
        taken from the iterable as receipts are asked for, and as there is room for them under way.
        A mail that is tried again (`Retry`) holds up the receipts after it.

        ::

            for receipt in mailer.send_many(messages, in_flight=16):
                if not receipt.ok:
                    print(receipt.error)

        Args:
            messages: a list, a generator or any other iterable.
            connections: the most connections to send on at a time.
            in_flight: the most mails on one connection whose replies are to come. More than one
                need a server with PIPELINING, and more than two one with CHUNKING. They are fewer where a
                server might lose its patience if it refused them all: of mails to one recipient, 9.

        Raises:
            InvalidMessage: ``messages`` is one message.
            InvalidConfiguration: ``connections`` or ``in_flight`` is below 1.
        """
        refuse_one(messages, "__iter__", "__getitem__")
        return Batch(self._delivery, iter(messages), *checked_counts(connections, in_flight), self._tell)

    def check(
        self,
        *,
        sender: str | Address | None = None,
        recipient: str | Address | None = None,
        dkim_selector: str | None = None,
        timeout: float = 30,
        resolver: Resolver | None = None,
    ) -> Report:
        """Look at all that a mail meets, and send nothing: the server, the log-in, the limits, the domain in DNS.

        It connects and logs in, asks for MAIL and RCPT and takes them back (RSET), reads what is left of the limits,
        and looks for MX, SPF, DKIM and DMARC of the sender's domain. `Report` says what is wrong and what to do;
        ``print`` shows it as a page. Each failed log-in counts towards a lock-out, as in `send`.

        Args:
            sender: the From; ``default_from`` or the user name if not given.
            recipient: for RCPT; ``sender`` if not given.
            dkim_selector: the ``s=`` of DKIM-Signature in a mail that has arrived, to look for its key.
            timeout: seconds for all of it, but for a function or client that is asked for the password or token.
            resolver: asks DNS; dnspython (``pip install "smtpkit[dns]"``) if not given.

        Raises:
            InvalidAddress: ``sender`` or ``recipient`` is not one mailbox.
            InvalidConfiguration: ``timeout`` is no number of seconds, up to a day.
        """
        from smtpkit.diagnose.examination import Examination

        examination = Examination(sender, recipient, dkim_selector, timeout, resolver)
        return _run(examination.of(self._delivery, _runtime(None)))

    def limits(self) -> tuple[LimitStatus, ...]:
        """How much of each limit is used up and left, for the account of this mailer."""
        return _run(self._delivery.limits(_runtime(self._tell)))

    def close(self) -> None:
        """Close the idle connections."""
        _run(self.transport.close(_runtime(self._tell)))


class Draft(BaseDraft):
    """A message that its mailer sends: ``mailer.compose().to(...).text(...).send()``."""

    __slots__ = ()
    _mailer: Mailer

    def send(self, *, envelope: Envelope | None = None) -> Receipt:
        """Send it. Raises as `Mailer.send`."""
        return self._mailer.send(self.as_message(), envelope=envelope)


class Batch(Closing):
    """The receipts of `Mailer.send_many`: an iterator and a context manager.

    Leaving it early takes no further message, waits for what is under way, and closes the
    generator that the messages came from. ``remaining`` has the receipts of mails that went out
    and were not asked for.
    """

    def __init__(
        self,
        delivery: Delivery,
        messages: Iterator[AnyMessage],
        connections: int = 1,
        in_flight: int = 1,
        tell: Tell | None = None,
    ) -> None:
        self._delivery = delivery
        self._messages: Iterator[AnyMessage] | None = messages
        self._counts = (connections, in_flight)
        self._tell = tell
        self._dispatch: Dispatch | None = None
        self.remaining: list[Receipt] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Receipt:
        if self._messages is None:
            raise StopIteration
        if self._dispatch is None:
            self._dispatch = _dispatch(self._delivery, self._messages, self._counts, self._tell)
        receipt = _run(self._dispatch.next())
        if receipt is None:
            raise StopIteration
        return receipt

    def close(self) -> None:
        """Take no further message, wait for what is under way, and close the generator: its ``finally`` runs now."""
        messages: Any = self._messages
        self._messages = None
        try:
            if self._dispatch is not None:
                _run(self._dispatch.drain(self.remaining))
        finally:
            # One that runs, in another thread or since it closes this batch itself, cannot be closed.
            if not getattr(messages, "gi_running", False) and isinstance(messages, Generator):
                messages.close()


def _dispatch(
    delivery: Delivery, messages: Iterator[AnyMessage], counts: tuple[int, int], tell: Tell | None
) -> Dispatch:
    from smtpkit.dispatch import END, Dispatch

    async def pull() -> AnyMessage | End:
        return next(messages, END)

    return Dispatch(delivery, pull, _runtime(tell), *counts)


def _runtime(tell: Tell | None) -> Runtime:
    # Here, and not at import: sockets and TLS are loaded when something is sent.
    from smtpkit.runtime.blocking import BlockingRuntime

    return BlockingRuntime(tell)


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    from smtpkit.runtime.blocking import run

    return run(coroutine)
