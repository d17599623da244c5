"""The steps that a mail takes to a server, without a mail: up to RCPT, and back by RSET."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from smtpkit.diagnose.report import Step
from smtpkit.errors import RecipientsRefused, SenderRefused, SmtpkitError
from smtpkit.providers.explanation import explanation
from smtpkit.smtp import commands
from smtpkit.smtp.authentication import authenticate
from smtpkit.smtp.handshake import open_dialogue
from smtpkit.smtp.server import Server
from smtpkit.tls import Tls, verifies

if TYPE_CHECKING:
    from typing import Any

    from smtpkit.address import Address
    from smtpkit.diagnose.report import Status, StepName
    from smtpkit.providers.provider import Provider
    from smtpkit.runtime.base import Runtime, Stream
    from smtpkit.smtp.capabilities import Capabilities
    from smtpkit.smtp.dialogue import Dialogue

__all__ = ["Conversation"]

_WAY: tuple[StepName, ...] = ("resolve", "connect", "greeting", "tls", "ehlo")
_WAY_OF_TLS: tuple[StepName, ...] = ("resolve", "connect", "tls", "greeting", "ehlo")
"""The steps of a connection, in their order: with TLS from the first byte, and otherwise."""

_SOON = 21 * 86400.0
"""Seconds before its end from which a certificate is worth a warning: those of Let's Encrypt are renewed after two
thirds of their 90 days, so that one which has less left was not."""

_PARTING = 2.0
"""Seconds that QUIT and its reply may take."""

_NOT_REACHED = "not reached"


class Conversation:
    """One look at ``server``, which takes at the longest until ``deadline``."""

    def __init__(self, server: Server, provider: Provider | None, runtime: Runtime, deadline: float) -> None:
        self.steps: list[Step] = []
        self._server = server
        self._provider = provider
        self._runtime = runtime
        self._deadline = deadline

    async def hold(self, sender: Address | None, recipient: Address | None) -> None:
        """Go all the way. What goes wrong is told by the steps."""
        # Without a log-in first: what the server offers is to be told also if the log-in fails.
        fields: dict[str, Any] = {name: getattr(self._server, name) for name in Server.__match_args__}
        fields["credentials"] = None
        began = self._runtime.now()
        try:
            dialogue, capabilities = await open_dialogue(Server(**fields), self._runtime, self._deadline)
        except SmtpkitError as error:
            return self._broken(error)
        try:
            self._tell_connection(dialogue, capabilities, self._runtime.now() - began)
            if await self._log_in(dialogue, capabilities):
                await self._ask(dialogue, capabilities, sender, recipient)
            else:
                self._not_reached("sender", "recipient")
        finally:
            await self._part(dialogue)

    def _add(self, name: StepName, status: Status, text: str, hint: str | None = None) -> None:
        self.steps.append(Step(name, status, text, hint, self._server.address))

    def _fail(self, name: StepName, error: SmtpkitError) -> None:
        said = f"{error.message}: {error.reply}" if error.reply is not None else error.message
        self._add(name, "failed", said, explanation(error, self._provider))

    def _not_reached(self, *names: StepName) -> None:
        for name in names:
            self._add(name, "skipped", _NOT_REACHED)

    def _broken(self, error: SmtpkitError) -> None:
        """What failed, what had gone well before, and what could not be looked at."""
        way = _WAY_OF_TLS if self._server.security == "tls" else _WAY
        stage = "tls" if error.stage in ("starttls", "configure") else error.stage
        at = next((number for number, name in enumerate(way) if name == stage), 1)
        for name in way[:at]:
            # A file of CA certificates is read before all; and the first EHLO comes before STARTTLS.
            if error.stage == "configure" or (name == "tls" and way is _WAY):
                self._not_reached(name)
            else:
                self._add(name, "ok", _DONE[name])
        self._fail(way[at], error)
        self._not_reached(*way[at + 1 :], "login", "sender", "recipient")

    def _tell_connection(self, dialogue: Dialogue, capabilities: Capabilities, seconds: float) -> None:
        stream = dialogue.stream
        self._add("resolve", "ok", _DONE["resolve"])
        self._add("connect", "ok", f"connected to {stream.peer_address}, and ready after {seconds:.2f} s")
        self._add("greeting", "ok", _DONE["greeting"])
        self._tell_tls(stream)
        self._add("ehlo", "ok", _offers(capabilities))

    def _tell_tls(self, stream: Stream) -> None:
        server, certificate = self._server, stream.peer_certificate
        if server.security == "plaintext":
            if stream.peer_address.startswith("127.") or stream.peer_address == "::1":
                return self._add("tls", "ok", "there is none, and none is needed: the server is on this machine")
            return self._add("tls", "warning", "there is none: everything can be read on the way", _PLAINTEXT)
        if certificate is None:
            pinned = isinstance(server.tls, Tls) and server.tls.fingerprints
            if pinned or verifies(server.tls):
                return self._add("tls", "ok", f"{stream.tls_version}; the certificate is the pinned one")
            return self._add("tls", "warning", "nobody verifies whom TLS is spoken with", _UNVERIFIED)
        left = certificate.expires - self._runtime.timestamp()
        text = (
            f"{stream.tls_version}; certificate for {certificate.subject}, issued by {certificate.issuer}, "
            f"valid until {_date(certificate.expires)}"
        )
        if left < _SOON:
            return self._add("tls", "warning", f"{text}, which is in {int(left // 86400)} days", _ENDING)
        return self._add("tls", "ok", text)

    async def _log_in(self, dialogue: Dialogue, capabilities: Capabilities) -> bool:
        """Whether it makes sense to go on."""
        if self._server.credentials is None:
            self._add("login", "skipped", "no user name was given")
            return True
        try:
            await authenticate(dialogue, self._server, capabilities, self._runtime)
        except SmtpkitError as error:
            self._fail("login", error)
            return False
        self._add("login", "ok", f"logged in as {self._server.credentials.username}")
        return True

    async def _ask(
        self, dialogue: Dialogue, capabilities: Capabilities, sender: Address | None, recipient: Address | None
    ) -> None:
        """Whether the server would take a mail. The transaction is given up by RSET (RFC 5321 §4.1.1.5)."""
        if sender is None or recipient is None:
            self._not_asked('no address was given: sender="me@example.com"')
            return
        if (sender.needs_smtputf8 or recipient.needs_smtputf8) and "SMTPUTF8" not in capabilities:
            self._not_asked("the server takes no address that is not ASCII (SMTPUTF8)")
            return
        at: StepName = "sender"
        try:
            refusal = await self._ask_sender(dialogue, sender, recipient.needs_smtputf8)
            if refusal is None:
                at = "recipient"
                refusal = await self._ask_recipient(dialogue, recipient)
                await dialogue.send(commands.RSET, "rset")
                await dialogue.reply("rset")
        except SmtpkitError as error:
            refusal = error
        if refusal is not None:
            self._fail(at, refusal)
            self._not_reached(*(("recipient",) if at == "sender" else ()))

    def _not_asked(self, why: str) -> None:
        self._add("sender", "skipped", why)
        self._add("recipient", "skipped", why)

    async def _ask_sender(self, dialogue: Dialogue, sender: Address, utf8: bool) -> SmtpkitError | None:
        command = commands.mail(sender.mailbox, smtputf8=utf8 or sender.needs_smtputf8)
        await dialogue.send(command, "mail")
        reply = await dialogue.reply("mail")
        if not reply.positive:
            return SenderRefused(f"the sender {sender.addr_spec} was refused", reply=reply)
        self._add("sender", "ok", f"mail from {sender.addr_spec} is taken")
        return None

    async def _ask_recipient(self, dialogue: Dialogue, recipient: Address) -> SmtpkitError | None:
        await dialogue.send(commands.rcpt(recipient.mailbox, utf8=recipient.needs_smtputf8), "rcpt")
        reply = await dialogue.reply("rcpt")
        if not reply.positive:
            return RecipientsRefused(f"the recipient {recipient.addr_spec} was refused", stage="rcpt", reply=reply)
        self._add("recipient", "ok", f"mail to {recipient.addr_spec} is taken. Nothing was sent")
        return None

    async def _part(self, dialogue: Dialogue) -> None:
        try:
            if dialogue.in_step:
                dialogue.deadline = self._runtime.now() + _PARTING
                with suppress(SmtpkitError):
                    await dialogue.send(commands.QUIT, "quit")
                    await dialogue.reply("quit")
        finally:
            dialogue.close()


_DONE: dict[StepName, str] = {
    "resolve": "the name was found",
    "connect": "connected",
    "greeting": "the server takes mail",
    "tls": "the handshake went well",
}
_PLAINTEXT = "Use SmtpTlsTransport or SmtpSslTransport: plaintext is for a relay on your own machine."
_UNVERIFIED = "Leave tls= out, or give it a CA file or the fingerprint of the server's certificate: tls=Tls(...)."
_ENDING = "Whoever runs the server should have renewed it by now: tell them."


def _date(timestamp: float) -> str:
    # Not at import: few checks are made.
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d}"


def _offers(capabilities: Capabilities) -> str:
    """What matters of an EHLO reply."""
    size = capabilities.max_size
    offered = [
        f"mails up to {size / 1e6:.0f} MB" if size else "mails of any size",
        *(name for name in ("PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "DSN") if name in capabilities),
        *(f"at most {most} recipients" for most in (capabilities.limit("RCPTMAX"),) if most is not None),
        f"log-in by {', '.join(capabilities.mechanisms)}" if capabilities.mechanisms else "no log-in",
    ]
    return ", ".join(offered)
