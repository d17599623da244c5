"""One attempt: a mail is handed to a transport, and whatever that does, there is a receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import DeliveryError, DeliveryUncertain, SmtpkitError, TransportFailed
from smtpkit.interruption import note_outcomes
from smtpkit.receipt import Outcome, Receipt, refusal_of

if TYPE_CHECKING:
    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.base import Transport

__all__ = ["transmit", "with_error"]

_UNKNOWN_HINT = "Whether the mail was sent is not known. A transport reports failures in its receipt."


async def transmit(transport: Transport, mail: Mail, runtime: Runtime) -> Receipt:
    """Hand ``mail`` to ``transport``; never raises for a mail that did not go out."""
    receipt: Receipt | None = None
    try:
        receipt = await transport.send(mail, runtime)
        if isinstance(receipt, Receipt):  # pyright: ignore[reportUnnecessaryIsInstance]
            return with_error(_completed(receipt, mail, transport))
        failure = TransportFailed(f"{transport!r} returned {type(receipt).__name__}, not a Receipt")
    except SmtpkitError as error:
        return _raised(mail, error)
    except Exception as cause:
        failure = TransportFailed(f"{transport!r} raised {type(cause).__name__}: {cause}")
        failure.__cause__ = cause
    except BaseException as interruption:
        if receipt is not None:
            note_outcomes(interruption, receipt.message_id, receipt.outcomes)
        raise
    failure.hint = _UNKNOWN_HINT
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


def _completed(receipt: Receipt, mail: Mail, transport: Transport) -> Receipt:
    """``receipt`` for the recipients of ``mail``: of those whom it leaves out nothing is known."""
    recipients, outcomes = mail.envelope.recipients, receipt.outcomes
    if len(outcomes) == len(recipients) and all(address.addr_spec in outcomes for address in recipients):
        return receipt
    found = {address.addr_spec: outcomes.get(address.addr_spec, Outcome("uncertain")) for address in recipients}
    error = receipt.error
    if missing := [name for name in found if name not in outcomes]:
        error = TransportFailed(f"{transport!r} gave a receipt without {', '.join(missing)}", hint=_UNKNOWN_HINT)
        error.__cause__ = receipt.error
    others = [f"the transport's receipt had {name}, too: {outcomes[name].status}" for name in outcomes.keys() - found]
    return Receipt(receipt.message, found, error, receipt.attempts, (*receipt.notes, *sorted(others)))


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
