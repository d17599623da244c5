"""`Mailer`: sending from programs without an event loop."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from smtpkit.mailer.base import MailerBase, refuse_one
from smtpkit.mailer.closing import Closing
from smtpkit.mailer.draft import BaseDraft

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator
    from typing import Any, Self, TypeVar

    from smtpkit.delivery import AnyMessage, Delivery
    from smtpkit.envelope import Envelope
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
        return _run(self._delivery.send(message, envelope, _runtime()))

    def send_many(self, messages: Iterable[AnyMessage]) -> Batch:
        """Send ``messages``, and iterate over one receipt for each, in their order.

        A message that fails does not stop the others: its receipt has the error. Messages are
        taken from the iterable as receipts are asked for.

        ::

            for receipt in mailer.send_many(messages):
                if not receipt.ok:
                    print(receipt.error)
        """
        refuse_one(messages, "__iter__", "__getitem__")
        return Batch(self._delivery, iter(messages))

    def close(self) -> None:
        """Close the idle connections."""
        _run(self.transport.close(_runtime()))


class Draft(BaseDraft):
    """A message that its mailer sends: ``mailer.compose().to(...).text(...).send()``."""

    __slots__ = ()
    _mailer: Mailer

    def send(self, *, envelope: Envelope | None = None) -> Receipt:
        """Send it. Raises as `Mailer.send`."""
        return self._mailer.send(self.as_message(), envelope=envelope)


class Batch(Closing):
    """The receipts of `Mailer.send_many`: an iterator and a context manager.

    Leaving it early takes no further message, and closes the generator that they came from.
    ``remaining`` is for receipts of mails that went out and were not asked for. It is always
    empty while one mail is sent at a time.
    """

    def __init__(self, delivery: Delivery, messages: Iterator[AnyMessage]) -> None:
        self._delivery = delivery
        self._messages: Iterator[AnyMessage] | None = messages
        self.remaining: list[Receipt] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Receipt:
        if self._messages is None:
            raise StopIteration
        return _run(self._delivery.deliver(next(self._messages), None, _runtime()))

    def close(self) -> None:
        """Take no further message, and close their generator: its ``finally`` runs now."""
        messages: Any = self._messages
        self._messages = None
        # One that runs, in another thread or since it closes this batch itself, cannot be closed.
        if not getattr(messages, "gi_running", False) and isinstance(messages, Generator):
            messages.close()


def _runtime() -> Runtime:
    # Here, and not at import: sockets and TLS are loaded when something is sent.
    from smtpkit.runtime.blocking import BlockingRuntime

    return BlockingRuntime()


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    from smtpkit.runtime.blocking import run

    return run(coroutine)
