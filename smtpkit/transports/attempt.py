"""One attempt: a mail is handed to a transport, and whatever that does, there is a receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import DeliveryError, DeliveryUncertain, SmtpkitError, TransportFailed
from smtpkit.receipt import Outcome, Receipt, refusal_of

if TYPE_CHECKING:
    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.base import Transport

__all__ = ["transmit", "with_error"]


async def transmit(transport: Transport, mail: Mail, runtime: Runtime) -> Receipt:
    """Hand ``mail`` to ``transport``; never raises for a mail that did not go out."""
    try:
        receipt = await transport.send(mail, runtime)
        if isinstance(receipt, Receipt):  # pyright: ignore[reportUnnecessaryIsInstance]
            return with_error(receipt)
        failure = TransportFailed(f"{transport!r} returned {type(receipt).__name__}, not a Receipt")
    except SmtpkitError as error:
        return _raised(mail, error)
    except Exception as cause:
        failure = TransportFailed(f"{transport!r} raised {type(cause).__name__}: {cause}")
        failure.__cause__ = cause
    failure.hint = "Whether the mail was sent is not known. A transport reports failures in its receipt."
    return Receipt.of(mail, Outcome("uncertain"), failure)


def _raised(mail: Mail, error: SmtpkitError) -> Receipt:
    """The receipt of a mail whose transport raised ``error`` instead of returning one."""
    known = error.receipt
    if known is not None and set(known.outcomes) == {address.addr_spec for address in mail.envelope.recipients}:
        return known
    # A receipt for other recipients comes from another mail that the transport made of this one.
    doubtful = isinstance(error, (DeliveryUncertain, TransportFailed)) or (
        known is not None and bool(known.accepted or known.uncertain)
    )
    return Receipt.of(mail, Outcome("uncertain" if doubtful else "not_sent", error.reply), error)


def with_error(receipt: Receipt) -> Receipt:
    """``receipt``, with the error that it lacks if a transport of one's own left it out."""
    failed = [outcome for outcome in receipt.outcomes.values() if outcome.status != "accepted"]
    if receipt.error is not None or not failed:
        return receipt
    error: SmtpkitError | None = None if receipt.uncertain else refusal_of(receipt.outcomes)
    if error is None:
        kind = DeliveryUncertain if receipt.uncertain else DeliveryError
        reply = next((outcome.reply for outcome in failed if outcome.reply is not None), None)
        error = kind(f"{len(failed)} of {len(receipt.outcomes)} recipients did not accept the mail", reply=reply)
    return Receipt(receipt.message, receipt.outcomes, error, receipt.attempts, receipt.notes)
