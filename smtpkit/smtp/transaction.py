"""One transaction: its flights, and what the replies mean for each recipient (RFC 5321 §3.3). No I/O here."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from smtpkit.errors import ContentRefused, DeliveryError, DeliveryUncertain, ProtocolError, SenderRefused
from smtpkit.receipt import Outcome
from smtpkit.smtp import commands
from smtpkit.smtp.parameters import mail_command, rcpt_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smtpkit.address import Address
    from smtpkit.errors import ServiceUnavailable, SmtpkitError, Stage
    from smtpkit.mail import Mail
    from smtpkit.reply import Reply
    from smtpkit.smtp.capabilities import Capabilities
    from smtpkit.smtp.ledger import Ledger
    from smtpkit.smtp.policy import Flight, Step

__all__ = ["STAGES", "Transaction"]

_QUEUE_ID = re.compile(r"(?:queued as |\bid=)<?([A-Za-z0-9._@-]{4,})", re.IGNORECASE)
"""As Postfix, Sendmail and Exim write it."""

STAGES: dict[Step, Stage] = {
    "RSET": "rset",
    "MAIL": "mail",
    "RCPT": "rcpt",
    "DATA": "data",
    "CONTENT": "content",
    "DOT": "content",
    "CHUNK": "content",
    "BDAT": "content",
}


_FIXED: dict[Step, bytes] = {"RSET": commands.RSET, "DATA": commands.DATA, "DOT": commands.LONE_DOT}


class Transaction:
    """What is known of one mail on one connection, for the recipients who are ``asked`` for.

    How it ends for those who are undecided when the conversation breaks is told by one fact: whether the write
    that carries the final octet was started.
    """

    __slots__ = (
        "_accepted",
        "_answered",
        "_capabilities",
        "_error",
        "_flights",
        "_too_many",
        "_unasked",
        "asked",
        "due",
        "final_started",
        "ledger",
        "mail",
        "sender_accepted",
        "succeeded",
        "taking_content",
    )

    def __init__(
        self, ledger: Ledger, asked: tuple[Address, ...], capabilities: Capabilities, flights: tuple[Flight, ...]
    ) -> None:
        self.ledger: Ledger = ledger
        self.mail: Mail = ledger.mail
        self.asked: tuple[Address, ...] = asked
        self.final_started: bool = False
        """Whether the write that carries the final octet was started."""
        self.sender_accepted: bool | None = None
        """What the server said to MAIL."""
        self.taking_content: bool = False
        """Whether the server said 354, and so waits for the dot."""
        self.succeeded: bool = False
        """Whether the server took the content for somebody, which ends its transaction."""
        self.due: int = 0
        """Replies that are to come."""
        self._capabilities = capabilities
        self._flights = deque(flights)
        self._unasked = iter(asked)
        self._answered = 0
        self._accepted: list[Address] = []
        self._too_many: list[Address] = []
        self._error: DeliveryError | None = None

    # -- what is said --------------------------------------------------------------

    def next_flight(self) -> Flight | None:
        """The flight that is to follow when all replies to the last one are in; ``None`` at the end.

        Raises:
            ProtocolError: the server wants the content of a mail whose sender it refused.
        """
        if self.wanted:
            return self._flights.popleft() if self._flights else None
        self._flights.clear()
        self.ledger.abort()
        if not self.taking_content:
            return None
        self.taking_content = False
        if not self.sender_accepted:
            raise ProtocolError("the server takes content after it refused MAIL", stage="data")
        return ("DOT",)

    @property
    def all_said(self) -> bool:
        """Whether no flight is to follow."""
        return not self._flights

    @property
    def wanted(self) -> bool:
        """Whether the content can still go out."""
        if self._error is not None or (self.mail.all_or_nothing and self._answered > len(self._accepted)):
            return False
        return bool(self._accepted) or self._answered < len(self.asked)

    def command(self, step: Step) -> tuple[Address | None, bytes]:
        """The command of a step without content, and the recipient whom it names."""
        if step == "RCPT":
            address = next(self._unasked)
            return address, rcpt_command(self.mail, address, self._capabilities)
        if step == "MAIL":
            return None, mail_command(self.mail, self._capabilities)
        return None, _FIXED[step]

    @property
    def unclean(self) -> bool:
        """Whether the server may hold its sender still, which a RSET must clear before the next MAIL."""
        return self.sender_accepted is not False and not self.succeeded

    # -- what the server says ------------------------------------------------------

    def judge(self, step: Step, address: Address | None, reply: Reply) -> None:
        """Take in the reply to one step.

        Raises:
            ProtocolError: it is no answer to that.
        """
        if 300 <= reply.code < 400 if step != "DATA" else reply.code < 400 and reply.code != 354:
            raise ProtocolError(f"this is no answer to {step}", stage=STAGES[step], reply=reply)
        if address is not None:
            self._judge_recipient(address, reply)
        elif step == "MAIL":
            self.sender_accepted = reply.code < 300
            if not self.sender_accepted:
                self._refuse(self.asked, self._sender_refused(reply))
        elif step == "DATA":
            self.taking_content = reply.code == 354
            if not self.taking_content:
                self._refuse_content("the server refused to take the content", "data", reply)
        elif step != "RSET":
            self._judge_content(step, reply)

    def _judge_recipient(self, address: Address, reply: Reply) -> None:
        self._answered += 1
        if reply.code < 300:
            self._accepted.append(address)
        elif self._accepted and _too_many(reply) and not self.mail.all_or_nothing:
            self._too_many.append(address)
        else:
            self.ledger.decide((address,), Outcome("refused", reply))

    def _judge_content(self, step: Step, reply: Reply) -> None:
        if step != "CHUNK":
            self.taking_content = False
        if reply.code >= 400:
            self._refuse_content("the server refused the content", "content", reply)
        elif step in ("CONTENT", "BDAT"):
            self._accept(reply)

    def _accept(self, reply: Reply) -> None:
        if self._error is not None:
            if not self.sender_accepted and self._accepted:
                # It had a sender still, and the mail went out under that one.
                doubt = DeliveryUncertain("the server accepted the mail after it had refused its sender", reply=reply)
                self.ledger.doubt(self._accepted, doubt)
            raise ProtocolError("the server accepted what it had refused before", stage="content", reply=reply)
        # The answer to a lone dot is positive, and nobody gets anything (RFC 2920 §3.1).
        self.succeeded = bool(self._accepted)
        found = _QUEUE_ID.search(" ".join(reply.lines))
        self.ledger.decide(self._accepted, Outcome("accepted", reply, found[1] if found else None))

    def _refuse_content(self, what: str, stage: Stage, reply: Reply) -> None:
        # What follows a refused MAIL, or no recipient, is refused for that.
        if self._accepted and self._error is None:
            self._refuse(self._accepted, ContentRefused(what, stage=stage, reply=reply))

    def _refuse(self, recipients: Iterable[Address], error: DeliveryError) -> None:
        self._error = error
        self.ledger.decide(recipients, Outcome("refused", error.reply), error)

    def _sender_refused(self, reply: Reply) -> DeliveryError:
        if reply.code == 530:
            hint = "Give the transport username= and password=. Without TLS, use SmtpTlsTransport or SmtpSslTransport."
            return SenderRefused("the server wants a log-in, or TLS, first", reply=reply, hint=hint)
        if reply.code == 552 or reply.enhanced_code in ("5.3.4", "5.2.3"):
            return ContentRefused(f"the mail of {self.mail.size} octets is too large", stage="mail", reply=reply)
        sender = self.mail.envelope.reverse_path
        return SenderRefused(f"the server refused the sender {sender.addr_spec if sender else '<>'}", reply=reply)

    # -- how it ends when the conversation breaks ----------------------------------

    @property
    def in_doubt(self) -> bool:
        """Whether somebody may have got it, and no reply says so."""
        return self.final_started and any(True for _ in self.undecided)

    @property
    def undecided(self) -> Iterator[Address]:
        """Those who were asked for and of whom nothing is known."""
        return (each for each in self.asked if each.addr_spec in self.ledger.left and each not in self._too_many)

    def closed(self, step: Step, error: ServiceUnavailable) -> None:
        """The server takes its leave with 421 instead of an answer to ``step``."""
        if step in ("CONTENT", "BDAT") and self.final_started:
            # It had all of it, and did not accept it.
            self._refuse(tuple(self.undecided), error)

    def lost(self, error: SmtpkitError) -> None:
        """Nothing more is heard. What is undecided is uncertain if the final octet was under way."""
        if not self.in_doubt:
            return
        doubt = DeliveryUncertain(
            f"the mail was handed over completely, and no final reply came ({error.message})",
            reply=error.reply,
            hint="It may have been accepted. Look at the server or ask the recipient before you send it again.",
        )
        doubt.__cause__ = error
        self.ledger.decide(tuple(self.undecided), Outcome("uncertain", error.reply), doubt)


def _too_many(reply: Reply) -> bool:
    """Whether the server takes no more recipients in this transaction (RFC 5321 §4.5.3.1.10)."""
    return reply.enhanced_code in _TOO_MANY.get(reply.code, ())


_TOO_MANY: dict[int, tuple[str | None, ...]] = {452: (None, "4.5.3"), 552: (None, "5.5.3")}
