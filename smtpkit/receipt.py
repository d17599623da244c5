"""What happened to a mail, recipient by recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.errors import RecipientsRefused
from smtpkit.interruption import named
from smtpkit.value import put, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtpkit.errors import SmtpkitError
    from smtpkit.mail import Mail
    from smtpkit.message import Message
    from smtpkit.raw import RawMessage
    from smtpkit.reply import Reply

__all__ = ["Outcome", "Receipt", "Status", "refusal_of"]

Status: TypeAlias = Literal["accepted", "refused", "not_sent", "uncertain"]
"""What is known of one recipient.

``accepted``: the server took responsibility (RFC 5321 §6.1). ``refused``: the server said no.
``not_sent``: the server never had the complete content. ``uncertain``: it may have had it, and
no reply came.
"""


@value
class Outcome:
    """What happened to the mail for one recipient."""

    status: Status
    """``"accepted"``, ``"refused"``, ``"not_sent"`` or ``"uncertain"``."""
    reply: Reply | None = None
    """The server's reply that decided it, where there was one."""
    queue_id: str | None = None
    """The server's name for the accepted mail, where its reply tells one."""


@value
class Receipt:
    """The one result of a send, good or bad.

    ``outcomes`` has the addr-spec of every recipient. ``error`` is ``None`` if every one of
    them accepted; else it is what ``send`` raises when nobody accepted, or when somebody did
    not and ``on_partial="raise"``.
    """

    message: Message | RawMessage
    """What was sent, with its Date and Message-ID."""
    outcomes: Mapping[str, Outcome]
    """What happened for each recipient, by addr-spec."""
    error: SmtpkitError | None
    """``None`` if every recipient accepted."""
    attempts: int
    """How often it was tried (`Retry`)."""
    notes: tuple[str, ...]
    """Things worth knowing that are no errors."""

    def __init__(
        self,
        message: Message | RawMessage,
        outcomes: Mapping[str, Outcome],
        error: SmtpkitError | None = None,
        attempts: int = 1,
        notes: tuple[str, ...] = (),
    ) -> None:
        put(self, "message", message)
        put(self, "outcomes", outcomes)
        put(self, "error", error)
        put(self, "attempts", attempts)
        put(self, "notes", notes)
        if error is not None:
            error.receipt = self

    @classmethod
    def of(cls, mail: Mail, outcome: Outcome, error: SmtpkitError | None = None) -> Receipt:
        """The receipt in which every recipient of ``mail`` has the same outcome."""
        return cls(mail.message, {address.addr_spec: outcome for address in mail.envelope.recipients}, error)

    @property
    def ok(self) -> bool:
        """Whether every recipient accepted."""
        return self.error is None and all(outcome.status == "accepted" for outcome in self.outcomes.values())

    @property
    def message_id(self) -> str:
        """The Message-ID of the mail, in angle brackets; empty for a `RawMessage` that has none."""
        return self.message.fields.get("message_id", "")

    @property
    def accepted(self) -> dict[str, Outcome]:
        """Those for whom the server took responsibility."""
        return self._having("accepted")

    @property
    def refused(self) -> dict[str, Outcome]:
        """Those whom the server refused, each with its reply."""
        return self._having("refused")

    @property
    def not_sent(self) -> dict[str, Outcome]:
        """Those whom the mail certainly did not reach, for another reason than a refusal."""
        return self._having("not_sent")

    @property
    def uncertain(self) -> dict[str, Outcome]:
        """Those whom the mail may have reached."""
        return self._having("uncertain")

    def _having(self, status: Status) -> dict[str, Outcome]:
        return {address: outcome for address, outcome in self.outcomes.items() if outcome.status == status}

    def raise_for_error(self) -> None:
        """Raise `error`, if there is one."""
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        return f"<Receipt {self.message_id or 'without Message-ID'}: {self._summary()}>"

    def __str__(self) -> str:
        width = max(map(len, self.outcomes), default=0)
        lines = [f"{named(self.message_id)}: {self._summary()}"]
        for address, outcome in self.outcomes.items():
            line = f"  {outcome.status.replace('_', ' '):9} {address:{width}}  {outcome.reply or ''}"
            lines.append(line.rstrip())
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _summary(self) -> str:
        counts: dict[str, int] = {}
        for outcome in self.outcomes.values():
            counts[outcome.status] = counts.get(outcome.status, 0) + 1
        return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items())


def refusal_of(outcomes: Mapping[str, Outcome]) -> RecipientsRefused | None:
    """The error that says who was refused; ``None`` if nobody was."""
    refused = [address for address, outcome in outcomes.items() if outcome.status == "refused"]
    if not refused:
        return None
    replies = [outcomes[address].reply for address in refused]
    return RecipientsRefused(
        f"{len(refused)} of {len(outcomes)} recipients were refused: {', '.join(refused)}"
        if len(outcomes) > 1
        else f"the recipient {refused[0]} was refused",
        reply=replies[0],
        temporary=all(reply is not None and reply.temporary for reply in replies),
    )
