"""The order of one send: limit, mail, transport, receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.errors import (
    AuthenticationFailed,
    DeliveryError,
    DeliveryUncertain,
    InvalidMessage,
    SmtpkitError,
    TransportFailed,
)
from smtpkit.mail import Mail
from smtpkit.message import Message
from smtpkit.receipt import Outcome, Receipt

if TYPE_CHECKING:
    from smtpkit.address import Address
    from smtpkit.envelope import Envelope
    from smtpkit.limits.daily import DailyLimit
    from smtpkit.limits.store import Reservation
    from smtpkit.providers.provider import Provider
    from smtpkit.receipt import Status
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.base import Transport

__all__ = ["Delivery", "OnPartial"]

OnPartial: TypeAlias = Literal["return", "raise"]
"""What ``send`` does when some recipients accepted and others did not."""


class Delivery:
    """What a mailer does with each message, whatever the runtime."""

    def __init__(
        self,
        transport: Transport,
        *,
        default_from: Address | None,
        limits: tuple[DailyLimit, ...],
        on_partial: OnPartial,
        provider: Provider | None,
    ) -> None:
        self.transport = transport
        self._default_from = default_from
        self._limits = limits
        self._on_partial: OnPartial = on_partial
        self._provider = provider

    async def send(self, message: Message, envelope: Envelope | None, runtime: Runtime) -> Receipt:
        """`deliver`, and raise the receipt's error where the caller wants it raised."""
        receipt = await self.deliver(message, envelope, runtime)
        if receipt.error is not None and (self._on_partial == "raise" or not receipt.accepted):
            raise receipt.error
        return receipt

    async def deliver(self, message: Message, envelope: Envelope | None, runtime: Runtime) -> Receipt:
        """Send ``message`` and say what became of it; never raises for a mail that did not go out."""
        try:
            mail = self._mail(message, envelope)
        except SmtpkitError as error:
            return Receipt(message, {}, error)
        reserved: list[tuple[DailyLimit, Reservation]] = []
        # Interrupted, the mail may have been accepted: what is reserved then stays reserved.
        receipt = await self._reserve(mail, reserved, runtime) or await self._transmit(mail, runtime)
        for limit, reservation in reserved:
            await limit.settle(reservation, receipt, runtime)
        self._explain(receipt)
        return receipt

    def _mail(self, message: Message, envelope: Envelope | None) -> Mail:
        if not isinstance(message, Message):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidMessage(f"a Message is needed, not {type(message).__name__}")
        if self._default_from is not None and "from_" not in message.fields:
            message = message.from_(self._default_from)
        return Mail(message, envelope)

    async def _reserve(
        self, mail: Mail, reserved: list[tuple[DailyLimit, Reservation]], runtime: Runtime
    ) -> Receipt | None:
        """Count ``mail`` in every limit; the receipt of a mail that does not fit."""
        account: str = getattr(self.transport, "account", "this transport")
        for limit in self._limits:
            try:
                reserved.append((limit, await limit.reserve(account, mail, runtime)))
            except SmtpkitError as error:
                return Receipt.of(mail, Outcome("not_sent"), error)
        return None

    async def _transmit(self, mail: Mail, runtime: Runtime) -> Receipt:
        try:
            return await self.transport.send(mail, runtime)
        except SmtpkitError as error:
            status: Status = "uncertain" if isinstance(error, DeliveryUncertain) else "not_sent"
            return error.receipt or Receipt.of(mail, Outcome(status, error.reply), error)
        except Exception as cause:
            failure = TransportFailed(
                f"{self.transport!r} raised {type(cause).__name__}: {cause}",
                hint="Whether the mail was sent is not known. A transport reports failures in its receipt.",
            )
            failure.__cause__ = cause
            return Receipt.of(mail, Outcome("uncertain"), failure)

    def _explain(self, receipt: Receipt) -> None:
        error = receipt.error
        if isinstance(error, AuthenticationFailed) and error.hint is None and self._provider is not None:
            error.hint = self._provider.password_hint
        if isinstance(error, DeliveryError) and error.hint is None and error.temporary and error.safe_to_retry:
            error.hint = "This may pass: the same mail can be sent again later."
