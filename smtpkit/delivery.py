"""The order of one send: limit, mail, transport, receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.attempts import Attempts
from smtpkit.envelope import Envelope
from smtpkit.errors import InvalidMessage, SmtpkitError
from smtpkit.interruption import note_outcomes
from smtpkit.mail import Mail
from smtpkit.message import Message
from smtpkit.raw import RawMessage
from smtpkit.receipt import Outcome, Receipt
from smtpkit.transports.attempt import transmit
from smtpkit.transports.base import substitute_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from email.message import Message as AnyEmail
    from typing import Any

    from smtpkit.address import Address
    from smtpkit.limits.limit import Limit
    from smtpkit.limits.status import LimitStatus
    from smtpkit.providers.provider import Provider
    from smtpkit.reservations import Reservations
    from smtpkit.retry import Retry
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.base import Transport

__all__ = ["AnyMessage", "Delivery", "OnPartial", "Ready"]

AnyMessage: TypeAlias = "Message | RawMessage | AnyEmail[Any, Any]"
"""What can be sent: a message, octets, or the standard library's ``EmailMessage``."""

OnPartial: TypeAlias = Literal["return", "raise", "abort"]
"""What ``send`` does when some recipients accepted and others did not: ``return`` the receipt, or ``raise`` its error.
``abort`` does not let it come to that: the content goes out only if every recipient was accepted."""


_NOTHING = Message()


class Ready:
    """A mail that is ready to go, and what is reserved for it."""

    __slots__ = ("begun", "mail", "reserved")

    def __init__(self, mail: Mail, begun: float) -> None:
        self.mail: Mail = mail
        self.begun: float = begun
        """When the message was given, in the time of `Runtime.now`; only if somebody listens."""
        self.reserved: Reservations | None = None

    async def settle_attempt(self, attempt: Receipt, runtime: Runtime) -> None:
        """Settle ``attempt`` in the limits where each has a time of its own."""
        if self.reserved is not None:
            await self.reserved.settle_attempt(attempt, runtime)

    async def settle(self, receipt: Receipt, runtime: Runtime) -> None:
        """Give back what it did not use of the limits, once."""
        if self.reserved is not None:
            await self.reserved.settle(receipt, runtime)


class Delivery:
    """What a mailer does with each message, whatever the runtime."""

    def __init__(
        self,
        transport: Transport,
        *,
        default_from: Address | None,
        limits: tuple[Limit, ...],
        retry: Retry | None,
        on_partial: OnPartial,
        provider: Provider | None,
        redirect_to: Address | None = None,
    ) -> None:
        self.transport = transport
        self._default_from = default_from
        # What was reserved first must still count when a wait for the others ends.
        self._limits = sorted(limits, key=lambda limit: limit.length, reverse=True)
        self._account: str = getattr(transport, "account", "this transport")
        for limit in limits:
            limit.register(self._account)
        self._retry = retry
        self._on_partial: OnPartial = on_partial
        self._provider = provider
        self._at: tuple[Provider | None, ...] = ()
        """Whose server it is, if somebody had to know."""
        self._redirect_to = redirect_to

    @property
    def current(self) -> Transport:
        """The transport, or what a test put in its place."""
        return substitute_of(self.transport) or self.transport

    @property
    def default_from(self) -> Address | None:
        """The From of a message that has none."""
        return self._default_from

    @property
    def provider(self) -> Provider | None:
        """Whose account it is, if that is known."""
        return self._provider

    async def send(self, message: AnyMessage, envelope: Envelope | None, runtime: Runtime) -> Receipt:
        """`deliver`, and raise the receipt's error where the caller wants it raised."""
        receipt = await self.deliver(message, envelope, runtime)
        if receipt.error is not None and (self._on_partial != "return" or not receipt.accepted):
            raise receipt.error
        return receipt

    async def deliver(self, message: AnyMessage, envelope: Envelope | None, runtime: Runtime) -> Receipt:
        """Send ``message`` and say what became of it; never raises for a mail that did not go out."""
        ready = await self.prepare(message, envelope, runtime)
        if isinstance(ready, Receipt):
            return ready
        receipt: Receipt | None = None
        try:
            receipt = await self.transmit(ready.mail, runtime)
            return await self.complete(ready, receipt, runtime)
        except BaseException as interruption:
            # The mail may have been accepted: what is reserved stays reserved.
            if receipt is not None:
                note_outcomes(interruption, receipt.message_id, receipt.outcomes)
            raise

    async def prepare(
        self,
        message: AnyMessage,
        envelope: Envelope | None,
        runtime: Runtime,
        before_waiting: Callable[[], Awaitable[None]] | None = None,
    ) -> Ready | Receipt:
        """``message`` as a mail that counts in every limit; or the receipt of one that cannot be sent.

        ``before_waiting`` is called where a limit is to be waited for.
        """
        begun = 0.0 if runtime.tell is None else runtime.now()
        sendable: Message | RawMessage = _NOTHING
        try:
            sendable = self._sendable(message)
            mail = self._mail(sendable, envelope, runtime)
        except SmtpkitError as error:
            receipt = _unsent(sendable, envelope, error)
            _tell(receipt, begun, runtime)
            return receipt
        ready = Ready(mail, begun)
        if not self._counts:
            return ready
        # Not at import: many have no limits.
        from smtpkit.reservations import Reservations

        ready.reserved = Reservations(
            self._limits, self._account, None if self._provider is None else self._provider.name
        )
        refused = await ready.reserved.make(mail, runtime, before_waiting)
        return ready if refused is None else await self.conclude(ready, refused, runtime)

    @property
    def _counts(self) -> bool:
        """Whether limits count. They are of real accounts: what a substitute takes does not use them up."""
        return bool(self._limits) and substitute_of(self.transport) is None

    def tries_again(self, ready: Ready, receipt: Receipt) -> bool:
        """Whether somebody is left for another attempt after ``receipt``, the first one."""
        return self._retry is not None and self._retry.attempts > 1 and bool(self._retry.left(ready.mail, receipt))

    async def complete(self, ready: Ready, receipt: Receipt, runtime: Runtime) -> Receipt:
        """Try again what may pass, where that is wanted, and `conclude`."""
        if self._retry is not None and self.tries_again(ready, receipt):
            receipt = await self._tried_again(self._retry, ready, receipt, runtime)
        return await self.conclude(ready, receipt, runtime)

    async def _tried_again(self, retry: Retry, ready: Ready, receipt: Receipt, runtime: Runtime) -> Receipt:
        """The receipt of all attempts, of which ``receipt`` was the first."""
        attempts, mail = Attempts(receipt), ready.mail
        for made in range(1, retry.attempts):
            left = retry.left(mail, receipt)
            pause = retry.pause(receipt, left, made) if left else None
            if pause is None or runtime.now() + pause >= mail.deadline:
                break
            if runtime.tell is not None and receipt.error is not None:
                # Not at import: few listen.
                from smtpkit.events import Retrying

                runtime.tell(Retrying(made + 1, pause, receipt.error))
            try:
                await ready.settle_attempt(receipt, runtime)
                if not getattr(self.current, "simulated", False):
                    await runtime.sleep(pause)
                mail = mail.only(left)
                if ready.reserved is not None and not await ready.reserved.repeat(mail, runtime):
                    break
                receipt = attempts.add(mail, await self.transmit(mail, runtime))
            except BaseException as interruption:
                attempts.confess(interruption)
                raise
        await ready.settle_attempt(receipt, runtime)
        return attempts.receipt()

    async def conclude(self, ready: Ready, receipt: Receipt, runtime: Runtime) -> Receipt:
        """Give back what a mail did not use of the limits, and explain what went wrong."""
        await ready.settle(receipt, runtime)
        if receipt.error is not None:
            self._explain(receipt.error)
        if runtime.tell is not None:
            _tell(receipt, ready.begun, runtime)
        return receipt

    async def limits(self, runtime: Runtime) -> tuple[LimitStatus, ...]:
        """How much of each limit is used up."""
        return tuple([await limit.status(self._account, runtime) for limit in self._limits])

    def _sendable(self, message: AnyMessage) -> Message | RawMessage:
        """``message`` in a form of ours: the one place that knows what else can be sent."""
        if isinstance(message, RawMessage):
            return message
        if isinstance(message, Message):
            if self._default_from is not None and "from_" not in message.fields:
                return message.from_(self._default_from)
            return message
        # Not at import: nobody has an e-mail object who has not loaded its module.
        from email.message import Message as AnyEmail

        if not isinstance(message, AnyEmail):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidMessage(
                f"a Message is needed, not {type(message).__name__}",
                hint="Build one with Message() or mailer.compose(); RawMessage(octets) sends a finished mail.",
            )
        from smtpkit.mime.generate import generated

        data, bcc = generated(message, self._default_from)
        return RawMessage(data, bcc=bcc)

    def _mail(self, message: Message | RawMessage, envelope: Envelope | None, runtime: Runtime) -> Mail:
        if envelope is not None and not isinstance(envelope, Envelope):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidMessage(f"envelope= needs an Envelope, not {type(envelope).__name__}")
        total: float | None = getattr(self.current, "total", None) if self._retry is not None else None
        deadline = float("inf") if total is None else runtime.now() + total
        mail = Mail(message, envelope, all_or_nothing=self._on_partial == "abort", deadline=deadline)
        if self._redirect_to is None:
            return mail
        # Not at import: few do.
        from smtpkit.redirection import redirected

        return redirected(mail, self._redirect_to)

    async def transmit(self, mail: Mail, runtime: Runtime) -> Receipt:
        """One attempt: whatever the transport does, there is a receipt."""
        return await transmit(self.current, mail, runtime)

    def _explain(self, error: SmtpkitError) -> None:
        # Not at import: most sends go well.
        from smtpkit.providers.explanation import explanation, provider_at

        if self._provider is None and not self._at:
            self._at = (provider_at(getattr(self.transport, "server", None)),)
        error.hint = explanation(error, self._provider or self._at[0])


def _unsent(message: Message | RawMessage, envelope: Envelope | None, error: SmtpkitError) -> Receipt:
    """The receipt of a message that makes no mail."""
    fields = message.fields
    recipients = fields.get("to", ()) + fields.get("cc", ()) + fields.get("bcc", ())
    if isinstance(envelope, Envelope):
        recipients = envelope.recipients
    return Receipt(message, {address.addr_spec: Outcome("not_sent") for address in recipients}, error)


def _tell(receipt: Receipt, begun: float, runtime: Runtime) -> None:
    if runtime.tell is not None:
        # Not at import: few listen.
        from smtpkit.events import events_of

        for event in events_of(receipt, runtime.now() - begun):
            runtime.tell(event)
