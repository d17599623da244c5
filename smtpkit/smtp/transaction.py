"""One mail over one connection: its flights, and what became of each recipient (RFC 5321 §3.3)."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from smtpkit.errors import (
    ConnectionLost,
    ContentRefused,
    DeliveryError,
    DeliveryUncertain,
    ProtocolError,
    RecipientsRefused,
    SenderRefused,
    ServiceUnavailable,
    SmtpkitError,
    TimedOut,
)
from smtpkit.receipt import Outcome, Receipt
from smtpkit.smtp import commands
from smtpkit.smtp.admission import NO_SMTPUTF8
from smtpkit.smtp.parameters import mail_command, rcpt_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtpkit.address import Address
    from smtpkit.errors import Stage
    from smtpkit.mail import Mail
    from smtpkit.receipt import Status
    from smtpkit.reply import Reply
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.admission import Admission
    from smtpkit.smtp.capabilities import Capabilities
    from smtpkit.smtp.dialogue import Dialogue
    from smtpkit.smtp.policy import Flight, Step
    from smtpkit.smtp.timeouts import Timeouts

__all__ = ["Transaction"]

_log = logging.getLogger("smtpkit")

_QUEUE_ID = re.compile(r"(?:queued as |\bid=)<?([A-Za-z0-9._@-]{4,})", re.IGNORECASE)
"""As Postfix, Sendmail and Exim write it."""

_STAGES: dict[Step, Stage] = {"MAIL": "mail", "RCPT": "rcpt", "DATA": "data", "CONTENT": "content"}


class Transaction:
    """What is known of one mail while it is sent.

    A recipient without an outcome is still undecided. How it ends for those is told by one
    fact: whether the write that carries the final octet was started.
    """

    def __init__(self, mail: Mail, capabilities: Capabilities, admission: Admission, timeouts: Timeouts) -> None:
        self._mail = mail
        self._capabilities = capabilities
        self._timeouts = timeouts
        self._outcomes: dict[str, Outcome] = {}
        self._error: SmtpkitError | None = None
        self._final_started = False
        self.mail_accepted: bool = False
        """Whether the server holds a reverse-path that RSET must clear."""
        self._notes = admission.notes
        if admission.error is not None:
            self._fail(admission.error)
        for address in admission.refused:
            self._outcomes[address.addr_spec] = Outcome("refused")
        self._asked = [a for a in mail.envelope.recipients if a.addr_spec not in self._outcomes]

    @property
    def recipients(self) -> int:
        """How many recipients the server is to be asked for."""
        return len(self._asked)

    # -- the conversation ----------------------------------------------------------

    async def run(self, dialogue: Dialogue, runtime: Runtime, flights: tuple[Flight, ...]) -> Receipt:
        """Fly the ``flights`` as far as they lead. Afterwards `Dialogue.in_step` tells whether it went in order."""
        asked = iter(self._asked)
        try:
            for flight in flights:
                if not self._undecided:
                    break
                if flight == ("CONTENT",):
                    await self._send_content(dialogue, runtime)
                else:
                    await self._fly(dialogue, flight, asked)
        except SmtpkitError as error:
            # After a file that broke off only closing tells the server that the mail is not complete.
            dialogue.close()
            self._fail(error)
        except BaseException as interruption:
            dialogue.close()
            if self._in_doubt:
                doubt = f"{self._mail.message_id} was handed over, and its reply not read: it may have been accepted"
                interruption.add_note(f"smtpkit: {doubt}")
                _log.warning("interrupted: %s", doubt)
            raise
        return self.receipt()

    @property
    def _undecided(self) -> bool:
        return len(self._outcomes) < len(self._mail.envelope.recipients)

    @property
    def _in_doubt(self) -> bool:
        return self._final_started and self._undecided

    async def _fly(self, dialogue: Dialogue, flight: Flight, asked: Iterator[Address]) -> None:
        """Write the commands of one flight, and read all their replies."""
        steps: list[tuple[Step, Address | None]] = [(step, next(asked) if step == "RCPT" else None) for step in flight]
        lines = [self._command(step, address) for step, address in steps]
        await dialogue.send(b"".join(lines), _STAGES[flight[0]], len(lines))
        for step, address in steps:
            stage = _STAGES[step]
            reply = await dialogue.reply(stage)
            if reply.code < 400 and not (reply.code == 354 if step == "DATA" else reply.positive):
                raise ProtocolError(f"this is no answer to {step}", stage=stage, reply=reply)
            self._judge(step, address, reply)

    def _judge(self, step: Step, address: Address | None, reply: Reply) -> None:
        if step == "MAIL" and reply.positive:
            self.mail_accepted = True
        if reply.code < 400:
            return
        if step == "MAIL":
            self._refuse_all(self._mail_refused(reply))
        elif address is not None:
            self._outcomes.setdefault(address.addr_spec, Outcome("refused", reply))
        else:
            self._refuse_all(ContentRefused("the server refused to take the content", stage="data", reply=reply))

    def _mail_refused(self, reply: Reply) -> DeliveryError:
        if reply.code == 530:
            hint = "Give the transport username= and password=. Without TLS, use SmtpTlsTransport or SmtpSslTransport."
            return SenderRefused("the server wants a log-in, or TLS, first", reply=reply, hint=hint)
        if reply.code == 552 or reply.enhanced_code in ("5.3.4", "5.2.3"):
            return ContentRefused(f"the mail of {self._mail.size} octets is too large", stage="mail", reply=reply)
        sender = self._mail.envelope.reverse_path
        return SenderRefused(f"the server refused the sender {sender.addr_spec if sender else '<>'}", reply=reply)

    def _command(self, step: str, address: Address | None) -> bytes:
        if address is not None:
            return rcpt_command(self._mail, address, self._capabilities)
        return commands.DATA if step == "DATA" else mail_command(self._mail, self._capabilities)

    async def _send_content(self, dialogue: Dialogue, runtime: Runtime) -> None:
        try:
            reply = await self._content_reply(dialogue, runtime)
        except ServiceUnavailable as error:
            if not self._final_started:
                raise
            # The server had all of it, and did not accept it.
            return self._refuse_all(error)
        if reply.positive:
            return self._accept(reply)
        if reply.code < 400:
            raise ProtocolError("this is no answer to the content", stage="content", reply=reply)
        return self._refuse_all(ContentRefused("the server refused the content", reply=reply))

    async def _content_reply(self, dialogue: Dialogue, runtime: Runtime) -> Reply:
        """Write the content. A refusal may come before all of it is written; anything else may not."""
        pieces = commands.stuffed(self._mail.chunks())
        piece = await self._next(pieces, runtime)
        while piece is not None:
            following = await self._next(pieces, runtime)
            if await dialogue.spoken():
                return await self._early_reply(dialogue)
            self._final_started = following is None
            try:
                await dialogue.send_content(piece, last=following is None)
            except (ConnectionLost, TimedOut) as error:
                if error.reply is None:
                    raise
                return error.reply
            piece = following
        return await dialogue.reply("content", self._timeouts.final_reply)

    async def _next(self, pieces: Iterator[bytes], runtime: Runtime) -> bytes | None:
        if self._mail.reads_files:
            return await runtime.call(next, pieces, None)
        return next(pieces, None)

    async def _early_reply(self, dialogue: Dialogue) -> Reply:
        """The server spoke before the content was complete: it gave up, or it is out of step."""
        dialogue.owed += 1
        reply = await dialogue.reply("content")
        dialogue.close()
        if reply.code < 400:
            raise ProtocolError("the server sent a reply before the content was complete", stage="content", reply=reply)
        return reply

    # -- the result ----------------------------------------------------------------

    def _accept(self, reply: Reply) -> None:
        found = _QUEUE_ID.search(reply.text)
        outcome = Outcome("accepted", reply, found[1] if found else None)
        for address in self._asked:
            self._outcomes.setdefault(address.addr_spec, outcome)

    def _refuse_all(self, error: DeliveryError) -> None:
        """Nobody who is still undecided gets it, for the reason of ``error``."""
        self._error = self._error or error
        for address in self._mail.envelope.recipients:
            self._outcomes.setdefault(address.addr_spec, Outcome("refused", error.reply))

    def _fail(self, error: SmtpkitError) -> None:
        """The conversation ended. What is undecided is uncertain if the final octet was under way, else not sent."""
        status: Status = "not_sent"
        if self._in_doubt:
            status = "uncertain"
            doubt = DeliveryUncertain(
                f"the mail was handed over completely, and no final reply came ({error.message})",
                reply=error.reply,
                hint="It may have been accepted. Look at the server or ask the recipient before you send it again.",
            )
            doubt.__cause__ = error
            error = doubt
        self._error = self._error or error
        for address in self._mail.envelope.recipients:
            self._outcomes.setdefault(address.addr_spec, Outcome(status, error.reply))

    def receipt(self) -> Receipt:
        """What is known now."""
        outcomes = {a.addr_spec: self._outcomes[a.addr_spec] for a in self._mail.envelope.recipients}
        return Receipt(self._mail.message, outcomes, self._error or _refusals(outcomes), notes=self._notes)


def _refusals(outcomes: dict[str, Outcome]) -> RecipientsRefused | None:
    refused = {address: outcome for address, outcome in outcomes.items() if outcome.status == "refused"}
    if not refused:
        return None
    replies = [outcome.reply for outcome in refused.values()]
    error = RecipientsRefused(
        f"{len(refused)} of {len(outcomes)} recipients were refused: {', '.join(refused)}"
        if len(outcomes) > 1
        else f"the recipient {next(iter(refused))} was refused",
        reply=replies[0],
        temporary=all(reply is not None and reply.temporary for reply in replies),
    )
    if replies[0] is None:
        error.hint = NO_SMTPUTF8
    return error
