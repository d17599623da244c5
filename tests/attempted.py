"""A transport whose attempts go as a script has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from smtpkit import DeliveryError, DeliveryUncertain, Outcome, Receipt, RecipientsRefused, Reply, SmtpkitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from both import Both
    from smtpkit import Mail, Message
    from smtpkit.runtime.base import Runtime

__all__ = ["Attempt", "Scripted", "reply", "sent", "statuses"]

Attempt: TypeAlias = "str | Mapping[str, str] | SmtpkitError | BaseException"
"""What comes of one: for everybody, or for each local part, a reply such as ``"451 4.7.1 later"``, ``"lost"`` or
``"doubt"``; or an error, after which nobody got it (or may have, with a `DeliveryUncertain`), or which is raised."""


class Scripted:
    """A transport whose attempts go as ``attempts`` have it, the last of them again and again."""

    def __init__(self, *attempts: Attempt, account: str = "me at h", total: float | None = None) -> None:
        self.account = account
        self.total = total
        self.mails: list[Mail] = []
        """What it was asked to send, and below when."""
        self.times: list[float] = []
        self.closed = 0
        self._attempts = attempts

    @property
    def asked(self) -> list[str]:
        """Whom it was asked to send to, each time."""
        return [" ".join(each.local_part for each in mail.envelope.recipients) for mail in self.mails]

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        attempt = self._attempts[min(len(self.mails), len(self._attempts) - 1)]
        self.mails.append(mail)
        self.times.append(runtime.now())
        if isinstance(attempt, SmtpkitError):
            uncertain = isinstance(attempt, DeliveryUncertain)
            return Receipt.of(mail, Outcome("uncertain" if uncertain else "not_sent", attempt.reply), attempt)
        if isinstance(attempt, BaseException):
            raise attempt
        return _receipt(mail, attempt)

    async def close(self, runtime: Runtime) -> None:
        self.closed += 1

    def __repr__(self) -> str:
        return f"<{self.account}>"


def reply(text: str) -> Reply:
    """``451 4.7.1 later`` as a reply."""
    code, _, said = text.partition(" ")
    return Reply(int(code), (said,))


def _receipt(mail: Mail, attempt: str | Mapping[str, str]) -> Receipt:
    outcomes = {
        each.addr_spec: _outcome(attempt if isinstance(attempt, str) else attempt[each.local_part])
        for each in mail.envelope.recipients
    }
    return Receipt(mail.message, outcomes, _error(outcomes))


def _outcome(text: str) -> Outcome:
    if text in ("lost", "doubt"):
        return Outcome("not_sent" if text == "lost" else "uncertain")
    said = reply(text)
    return Outcome("accepted" if said.positive else "refused", said)


def _error(outcomes: Mapping[str, Outcome]) -> DeliveryError | None:
    kinds = {outcome.status for outcome in outcomes.values()}
    if "uncertain" in kinds:
        return DeliveryUncertain("no final reply")
    if "not_sent" in kinds:
        return DeliveryError("lost", temporary=True)
    refused = [outcome.reply for outcome in outcomes.values() if outcome.status == "refused"]
    if not refused:
        return None
    temporary = all(each is not None and each.temporary for each in refused)
    return RecipientsRefused(f"{len(refused)} of {len(outcomes)}", reply=refused[0], temporary=temporary)


def statuses(receipt: Receipt) -> str:
    """Such as ``accepted refused``, in the order of the recipients."""
    return " ".join(outcome.status for outcome in receipt.outcomes.values())


def sent(both: Both, transport: Any, message: Message, **options: Any) -> Receipt:
    """What came of ``message`` by a mailer over ``transport``: the receipt, of a failure too."""
    try:
        return both.send(both.mailer(transport, **options), message)
    except SmtpkitError as error:
        return error.receipt or Receipt(message, {}, error)
