"""All attempts to send one mail, as the one receipt that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import RecipientsRefused
from smtpkit.interruption import note_outcomes
from smtpkit.receipt import Outcome, Receipt, refusal_of
from smtpkit.transports.attempt import with_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtpkit.errors import SmtpkitError
    from smtpkit.mail import Mail
    from smtpkit.receipt import Status

__all__ = ["Attempts"]

_UNTOLD = Outcome("uncertain")
"""Of a recipient whom a transport was to try and says nothing about."""

_GRAVEST_FIRST: tuple[Status, ...] = ("uncertain", "not_sent", "refused")


class Attempts:
    """What is known of each recipient, and by which attempt."""

    def __init__(self, receipt: Receipt) -> None:
        self._receipts = [receipt]
        self._outcomes = dict(receipt.outcomes)
        self._decided_by = dict.fromkeys(self._outcomes, 0)

    def add(self, mail: Mail, receipt: Receipt) -> Receipt:
        """Take in ``receipt``, which says what became of those of ``mail``; what it says of them."""
        outcomes = {each.addr_spec: receipt.outcomes.get(each.addr_spec, _UNTOLD) for each in mail.envelope.recipients}
        receipt = with_error(Receipt(receipt.message, outcomes, receipt.error, receipt.attempts, receipt.notes))
        self._receipts.append(receipt)
        for name, outcome in outcomes.items():
            # Who may have got it before may have it still, whatever the server says now.
            if self._outcomes[name].status != "uncertain" or outcome.status == "accepted":
                self._outcomes[name] = outcome
                self._decided_by[name] = len(self._receipts) - 1
        return receipt

    def confess(self, interruption: BaseException) -> None:
        """Say in notes what an ``interruption`` leaves without a receipt: who got the mail, or may have."""
        note_outcomes(interruption, self._receipts[0].message_id, self._outcomes)

    def receipt(self) -> Receipt:
        """The one receipt."""
        first, *more = self._receipts
        if not more:
            return first
        attempts = sum(each.attempts for each in self._receipts)
        notes = tuple(dict.fromkeys(note for each in self._receipts for note in each.notes))
        return with_error(Receipt(first.message, self._outcomes, self._error(), attempts, notes))

    def _error(self) -> SmtpkitError | None:
        """The error of the last attempt that decided the gravest outcomes; ``None`` if none says what these are."""
        gravest = _gravest(self._outcomes)
        if gravest is None:
            return None
        last = self._receipts[max(self._decided_by[each] for each in self._having(gravest))]
        if _gravest(last.outcomes) != gravest:
            # It is about others, who accepted in the end.
            return None
        return self._counted(last.error)

    def _having(self, *statuses: Status) -> list[str]:
        return [name for name, outcome in self._outcomes.items() if outcome.status in statuses]

    def _counted(self, error: SmtpkitError | None) -> SmtpkitError | None:
        """``error``; one that counts those who were refused in its attempt, as one that counts all."""
        counted = refusal_of(self._outcomes)
        if not isinstance(error, RecipientsRefused) or counted is None:
            return error
        counted.hint, counted.__cause__ = error.hint, error.__cause__
        return counted


def _gravest(outcomes: Mapping[str, Outcome]) -> Status | None:
    """The gravest status of those who did not accept; ``None`` if all did."""
    found = {outcome.status for outcome in outcomes.values()}
    return next((status for status in _GRAVEST_FIRST if status in found), None)
