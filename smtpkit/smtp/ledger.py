"""What is known of each recipient of one mail while it is sent, over all its transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.interruption import note_outcomes
from smtpkit.receipt import Outcome, Receipt, refusal_of
from smtpkit.smtp.admission import NO_SMTPUTF8

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.address import Address
    from smtpkit.errors import RecipientsRefused, SmtpkitError
    from smtpkit.mail import Mail

__all__ = ["Ledger"]


class Ledger:
    """A recipient without an outcome is still undecided, and may be asked for in a further transaction."""

    __slots__ = ("_error", "_outcomes", "deadline", "left", "mail", "notes", "under_way")

    def __init__(self, mail: Mail, deadline: float = float("inf")) -> None:
        self.mail: Mail = mail
        self.deadline: float = deadline
        """When the whole send must be over, in the time of `Runtime.now`."""
        self.left: dict[str, Address] = {address.addr_spec: address for address in mail.envelope.recipients}
        """Who is undecided, by addr-spec."""
        self.under_way: bool = False
        """Whether a transaction has it now."""
        self.notes: tuple[str, ...] = ()
        self._outcomes: dict[str, Outcome] = {}
        self._error: SmtpkitError | None = None

    @property
    def settled(self) -> bool:
        """Whether every recipient has an outcome, and nothing of it is under way."""
        return not self.left and not self.under_way

    def decide(self, recipients: Iterable[Address], outcome: Outcome, error: SmtpkitError | None = None) -> None:
        """Those of ``recipients`` who are undecided have this outcome; ``error`` says why it is no good one."""
        for address in recipients:
            if address.addr_spec in self.left:
                # In this order, so that an interruption finds everyone at least in one of them.
                self._outcomes[address.addr_spec] = outcome
                self.left.pop(address.addr_spec, None)
                self._error = self._error or error

    def doubt(self, recipients: Iterable[Address], error: SmtpkitError) -> None:
        """What was decided for ``recipients`` was contradicted by the server."""
        for address in recipients:
            self._outcomes[address.addr_spec] = Outcome("uncertain", error.reply)
        self._error = error

    def give_up(self, error: SmtpkitError) -> None:
        """Nothing more is tried: who is undecided has not got it."""
        if self.left:
            self.decide(tuple(self.left.values()), Outcome("not_sent", error.reply), error)

    def abort(self) -> None:
        """All or nothing: if somebody was refused, nobody gets it who is undecided."""
        if self.mail.all_or_nothing and any(each.status == "refused" for each in self._outcomes.values()):
            self.decide(tuple(self.left.values()), Outcome("not_sent"))

    def note(self, notes: tuple[str, ...]) -> None:
        """Things worth knowing that are no errors, each once."""
        if notes:
            self.notes = tuple(dict.fromkeys((*self.notes, *notes)))

    def confess(self, interruption: BaseException) -> None:
        """Say on ``interruption`` who has accepted it already."""
        note_outcomes(interruption, self.mail.message_id, self._outcomes)

    def receipt(self) -> Receipt:
        """What became of each recipient, in the order of the envelope."""
        outcomes = {a.addr_spec: self._outcomes[a.addr_spec] for a in self.mail.envelope.recipients}
        return Receipt(self.mail.message, outcomes, self._error or _refusals(outcomes), notes=self.notes)


def _refusals(outcomes: dict[str, Outcome]) -> RecipientsRefused | None:
    error = refusal_of(outcomes)
    if error is not None and error.reply is None:
        error.hint = NO_SMTPUTF8
    return error
